import { randomBytes } from 'node:crypto'
import type { Check, Outcome, Settled } from './kit'
import { demand } from './say'
import { inWorld, outcomes, type World } from './world'

/** The provider's refusals, in its own words, and the codes that they lead to. */
export function refusalChecks(kit: Settled): Check[] {
  const group = 'refusals'
  const { denied, wrongSecret, usedCode, forgedCode } = kit.codes
  const check = (
    name: string,
    own: Outcome | readonly Outcome[] | false | undefined,
    usual: Outcome,
    body: (world: World, codes: readonly Outcome[]) => Promise<void>,
    options: Record<string, unknown> = {},
  ): Check[] => {
    if (own === false) return []
    const codes = outcomes(own, [usual])
    return [
      {
        group,
        name: `${name} → ${codes.join(' or ')}`,
        run: () => inWorld(kit, 'oauthRouter', (world) => body(world, codes), options),
      },
    ]
  }
  return [
    ...check('the user says no', denied, 'access_denied', userSaysNo),
    ...(kit.clientSecret === 'none'
      ? []
      : check('a wrong client secret', wrongSecret, 'client_rejected', wrongClientSecret, { clientSecret: WRONG })),
    ...check('a code that was used before', usedCode, 'grant_rejected', usedBefore),
    ...check('a code that the provider never gave', forgedCode, 'grant_rejected', neverGiven),
  ]
}

const WRONG = 'not the secret of this app'

async function userSaysNo(world: World, codes: readonly Outcome[]): Promise<void> {
  const request = await world.begin()
  const callback = await world.deny(request)
  world.demandFailure(await world.get(callback), codes, 'Where the user says no')
}

async function wrongClientSecret(world: World, codes: readonly Outcome[]): Promise<void> {
  const begun = await world.start()
  const turn = begun.location === undefined ? begun : await world.get(await world.approve(new URL(begun.location)))
  demand(
    !turn.login,
    'With a wrong client secret, somebody is logged in: the secret is not sent, or the emulator does not look at it.',
  )
  const error = world.demandFailure(turn, codes, 'With a wrong client secret')
  demand(
    !JSON.stringify(error).includes(WRONG),
    'The client secret stands in the error. Hand only the provider’s own words on as `providerMessage`.',
  )
}

async function usedBefore(world: World, codes: readonly Outcome[]): Promise<void> {
  const { callback } = await world.login()
  const used = new URL(callback).searchParams.get(world.kit.credential) ?? ''
  await withCredential(world, used, codes, 'With a code that was used before')
}

async function neverGiven(world: World, codes: readonly Outcome[]): Promise<void> {
  await withCredential(world, randomBytes(24).toString('hex'), codes, 'With a code that the provider never gave')
}

async function withCredential(world: World, value: string, codes: readonly Outcome[], when: string): Promise<void> {
  const fresh = world.elsewhere()
  const address = new URL(await fresh.approve(await fresh.begin()))
  address.searchParams.set(world.kit.credential, value)
  fresh.demandFailure(await fresh.get(address.href), codes, when)
}
