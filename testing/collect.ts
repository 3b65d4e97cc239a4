import { appTokenChecks } from './app-token-checks'
import { faultChecks } from './fault-checks'
import { idTokenChecks } from './id-token-checks'
import { type Check, type DialectKit, settle } from './kit'
import { firstLogin, loginChecks } from './login-checks'
import { NotTried } from './not-tried'
import { optionChecks } from './option-checks'
import { refreshChecks } from './refresh-checks'
import { refusalChecks } from './refusal-checks'
import { stateChecks } from './state-checks'

/**
 * Returns every check of the kit for one strategy. Run them one after the other. The first check that needs a login tries
 * one. If that fails, the check says why, and the later checks reject with {@link NotTried}.
 *
 * @throws TypeError if the kit lacks its strategy or emulator, or has an unknown member
 *
 * @example
 * ```ts
 * for (const { group, name, run } of collectDialectChecks(kit)) {
 *   await run().then(() => console.log(group, name, 'ok'))
 * }
 * ```
 */
export function collectDialectChecks(kit: DialectKit): Check[] {
  const settled = settle(kit)
  const needy = [
    ...loginChecks(settled),
    ...stateChecks(settled),
    ...refusalChecks(settled),
    ...idTokenChecks(settled),
    ...appTokenChecks(settled),
    ...faultChecks(settled),
    ...refreshChecks(settled),
  ]
  return [...optionChecks(settled), ...afterLogin(needy, () => firstLogin(settled))]
}

function afterLogin(checks: Check[], logIn: () => Promise<void>): Check[] {
  let outcome: Promise<{ reason: unknown } | undefined> | undefined
  let teller: Check['run'] | undefined
  const gated = async (run: Check['run']): Promise<void> => {
    outcome ??= logIn().then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    )
    const failure = await outcome
    if (!failure) return run()
    teller ??= run
    // A test that is tried again says the reason again.
    if (teller !== run) throw new NotTried()
    throw failure.reason
  }
  return checks.map(({ run, ...check }) => ({
    ...check,
    run: () => (NEED_NO_LOGIN.has(check.name) ? run() : gated(run)),
  }))
}

const NEED_NO_LOGIN: ReadonlySet<string> = new Set(['a callback-shaped request never starts a redirect'])
