import { type BuiltInProviders, PROVIDER_NAMES } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks } from 'passport-dialects/testing'
import { BUILT_IN } from '../../lib/registry'
import { IS_WHOLE } from '../support/whole'
import { KITS, type ProviderKit, SECOND_KITS } from './kits'

/**
 * Providers whose answers come by a way of their own: JSONP, a posted callback with keys, an application token, signed
 * answers, hosts by request. The faults of the first six are in faults/matrix.test.ts; those of the others, which share
 * the ways of these, are in `npm run test:whole` alone.
 */
const MEET_FAULTS: readonly string[] = ['qq', 'apple', 'wecom', 'alipay', 'shopify']

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
  const meetsFaults = IS_WHOLE || MEET_FAULTS.includes(name)
  const checks = collectDialectChecks({ strategy, emulator: () => startEmulator(name, emulation), ...kit })
  describe(name, () => {
    for (const { group, name: check, run } of checks) {
      const isFault = group === 'faults' || check.includes(' at refresh is an error ')
      if (meetsFaults || !isFault) test(`${group}: ${check}`, run)
    }
  })
}
