import { type BuiltInProviders, PROVIDER_NAMES } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks } from 'passport-dialects/testing'
import { BUILT_IN } from '../../lib/registry'
import { isForgeryOfEachKind, isOfEachKind, isOfEachKindAtRefresh } from '../support/kinds'
import { usually } from '../support/whole'
import { KITS, type ProviderKit, SECOND_KITS } from './kits'

/**
 * Providers whose answers come by a way of their own: JSONP, a posted callback with keys, an application token, signed
 * answers, hosts by request. They meet faults of each kind here. faults/matrix.test.ts has each fault at a call of each kind.
 * `npm run test:whole` has each fault at every provider.
 */
const MEET_FAULTS: readonly string[] = ['qq', 'apple', 'wecom', 'alipay', 'shopify']

/** Its id_token is signed by the client secret; those of the others are read by keys, in one way. */
const MEETS_FORGERIES = 'line'

/** The kit for every nth provider: one file of them all would keep one core busy while the other has nothing to do. */
export function describeProviders(first: number, step: number): void {
  for (const [at, name] of PROVIDER_NAMES.entries()) {
    if (at % step !== first) continue
    describeProvider(name, KITS[name])
    const second: ProviderKit<typeof name> | undefined = SECOND_KITS[name]
    if (second) describe('its second login', () => describeProvider(name, second))
  }
}

function describeProvider<Name extends keyof BuiltInProviders>(
  name: Name,
  { emulation, ...kit }: ProviderKit<Name>,
): void {
  const strategy = BUILT_IN[name]
  if (!strategy) throw new Error(`${name} has no strategy.`)
  const checks = collectDialectChecks({ strategy, emulator: () => startEmulator(name, emulation), ...kit })
  describe(name, () => {
    for (const { group, name: check, run } of usually(checks, (one) => isUsual(name, one))) {
      test(`${group}: ${check}`, run)
    }
  })
}

function isUsual(provider: string, { group, name }: { group: string; name: string }): boolean {
  if (group === 'faults') return MEET_FAULTS.includes(provider) && isOfEachKind(name)
  if (name.includes(' at refresh is an error ')) return MEET_FAULTS.includes(provider) && isOfEachKindAtRefresh(name)
  if (group === 'state' && name.includes('bare Passport')) return MEET_FAULTS.includes(provider)
  return group !== 'id_token' || provider === MEETS_FORGERIES || isForgeryOfEachKind(name)
}
