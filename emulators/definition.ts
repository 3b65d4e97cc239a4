import type { Provider } from './server'
import type { Settings } from './settings'
import type { EmulatorUser, FewerClientOptions, SharedOptions } from './types'

/** A provider that an emulator plays. Each has its own file, and a row in `registry.ts`. */
export interface EmulatorKind<Own extends object = object> {
  /** The provider's name as the provider writes it: `WeChat`. */
  title: string
  /** The provider's Chinese name, if it has one: `微信`. */
  chineseTitle?: string
  /** The users if the options name none: at least two, one of them without an e-mail address. */
  users: readonly EmulatorUser[]
  /** The emulator's own options, besides {@link SharedOptions}, with a rule for each. */
  own?: Rules<Own>
  /** The options for the strategy's constructor: the client's credentials and every endpoint. */
  options(origin: string, settings: Settings & Own): FewerClientOptions
  /** The provider's routes, its words for a refusal, and the members that its responses must have. */
  provider(origin: string, settings: Settings & Own): Provider
}

/** A rule for each option of `Own`. */
type Rules<Own extends object> = { readonly [Name in keyof Own]-?: OptionRule }

/** What an option may be: one of a few strings, or any value of a type. */
export type OptionRule = readonly string[] | 'text' | 'flag' | 'count' | 'list' | 'users' | 'addresses' | 'function'

const SHARED: Rules<SharedOptions> = {
  port: 'count',
  host: 'text',
  users: 'users',
  clientID: 'text',
  clientSecret: 'text',
  redirectURIs: 'addresses',
  onRequest: 'function',
  consent: ['page', 'auto'],
  codeLifetime: 'count',
  accessTokenLifetime: 'count',
  refreshTokenLifetime: 'count',
  refreshStyle: ['rotate', 'repeat', 'omit'],
}

const isText = (value: unknown) => typeof value === 'string'

const RULES = {
  text: { says: 'a text', fits: (value: unknown) => typeof value === 'string' },
  flag: { says: 'true or false', fits: (value: unknown) => typeof value === 'boolean' },
  count: {
    says: 'a whole number that is not negative',
    fits: (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
  list: { says: 'an array', fits: (value: unknown) => Array.isArray(value) },
  users: {
    says: 'an array of users, each with an `id` and a `name`',
    fits: (value: unknown) =>
      Array.isArray(value) &&
      value.every((user) => typeof user === 'object' && user !== null && [user.id, user.name].every(isText)),
  },
  addresses: {
    says: 'an array of absolute http(s) addresses',
    fits: (value: unknown) =>
      Array.isArray(value) && value.every((address) => /^https?:\/\//.test(address) && URL.canParse(address)),
  },
  function: { says: 'a function', fits: (value: unknown) => typeof value === 'function' },
} as const

/**
 * Checks an emulator's options. Options of other emulators are accepted, so that one object can set up several.
 * @param own the emulator's own options
 * @param others the names of the options of other emulators
 * @throws TypeError naming the option
 */
export function checkOptions(emulator: string, options: object, own: object, others: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${emulator}: the options must be an object.`)
  const rules: Readonly<Record<string, OptionRule>> = { ...SHARED, ...own }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) {
      if (others.has(name)) continue
      throw new TypeError(`${emulator}: there is no option \`${name}\`; there are ${Object.keys(rules).join(', ')}.`)
    }
    const { says, fits } =
      typeof rule === 'string'
        ? RULES[rule]
        : { says: `one of ${rule.join(', ')}`, fits: (given: unknown) => rule.some((known) => known === given) }
    if (!fits(value)) throw new TypeError(`${emulator}: option \`${name}\` must be ${says}.`)
  }
}
