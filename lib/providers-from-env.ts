import { configError, OAuthError } from './errors'
import { type OptionKind, optionsOf } from './options'
import { BUILT_IN, type ProviderConfig, type StrategyClass } from './registry'

/** The options of {@link providersFromEnv}. */
export interface ProvidersFromEnvOptions {
  /** Variables that begin with a provider's name but belong to something else: `['ACME_EXPORT_DIR']`. */
  ignore?: readonly string[]
}

/**
 * Reads the `providers` of {@link oauthRouter} from environment variables. A built-in provider is configured if its
 * `<NAME>_CLIENT_ID` or `<NAME>_CLIENT_SECRET` is set, where `<NAME>` is the provider's name in capitals. Every option
 * that can be written as text has a variable: `<NAME>_` and the option in capitals, with an underscore before each capital
 * letter that follows a small one. `baseURL` is `<NAME>_BASE_URL`.
 *
 * A blank variable counts as not set, and surrounding white space is removed. Flags are `true` or `false` (`1`, `0`).
 * Lists are split at spaces and commas. Times and sizes are whole numbers in the option's unit. Keys are PEM or base64; a
 * line break in them may be written as `\\n`.
 *
 * If a provider is configured, any other variable that begins with its `<NAME>_` is refused, so that a typo is not silent.
 * Variables in `ignore` are excepted. If a provider is not configured, its variables are not read. Only the built-in names
 * are read: add a second instance, or your own strategy, to the result in code.
 *
 * @param env `process.env`, or any object of strings
 * @throws OAuthError `config_invalid`, naming the variable and never showing its value
 *
 * @example
 * ```ts
 * // WECHAT_CLIENT_ID=wx… WECHAT_CLIENT_SECRET=… WECHAT_KIND=official-account
 * app.use(oauthRouter({ providers: providersFromEnv(process.env) }))
 * ```
 */
export function providersFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  { ignore = [] }: ProvidersFromEnvOptions = {},
): Record<string, ProviderConfig> {
  if (typeof env !== 'object' || env === null) throw configError(undefined, 'providersFromEnv needs process.env.')
  const given = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) {
    const text = typeof value === 'string' ? value.trim() : ''
    if (text !== '' && !ignore.includes(name)) given.set(name, text)
  }
  const found = Object.entries(BUILT_IN).flatMap(([name, Strategy]) => {
    const options = configOf(name, Strategy, given)
    return options ? [[name, options] as const] : []
  })
  return Object.fromEntries(found) as Record<string, ProviderConfig> // each strategy has just checked its options
}

function configOf(name: string, Strategy: StrategyClass, given: ReadonlyMap<string, string>) {
  const known: Variables = new Map()
  for (const [option, kind] of optionsOf(Strategy) ?? []) known.set(variableOf(name, option), [option, kind])
  const configured = ['clientID', 'clientSecret'].some((option) => {
    const variable = variableOf(name, option)
    return known.has(variable) && given.has(variable)
  })
  if (!configured) return undefined
  const options: Record<string, unknown> = {}
  const others: readonly string[] = Reflect.get(Strategy, 'otherVariables') ?? []
  for (const [variable, text] of given) {
    if (!variable.startsWith(variableOf(name, '')) || others.includes(variable)) continue
    const [option, kind] = known.get(variable) ?? refuseUnknown(name, variable, known)
    options[option] = readValue(text, kind, name, variable)
  }
  tryOut(name, Strategy, options)
  return options
}

/** The options of a provider by variable; `false` if only code can set the option. */
type Variables = Map<string, readonly [option: string, kind: OptionKind | false]>

function refuseUnknown(name: string, variable: string, known: Variables): never {
  const usable = [...known].flatMap(([one, [, kind]]) => (kind === false ? [] : [one]))
  const rule = 'If it belongs to something else, name it in `ignore`; a second instance is configured in code.'
  throw configError(name, `${variable} is no option of this provider; there are ${usable.join(', ')}. ${rule}`)
}

/** A provider's name and `clientID` → `<NAME>_CLIENT_ID`. */
function variableOf(name: string, option: string): string {
  return `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase().replaceAll('-', '_')
}

function readValue(text: string, kind: OptionKind | false, name: string, variable: string): string | number | boolean {
  const refuse = (rule: string): never => {
    throw configError(name, `${variable} ${rule}.`)
  }
  if (kind === false) return refuse('cannot be given in the environment: set the option in code')
  if (kind === 'number') return /^\d{1,15}$/.test(text) ? Number(text) : refuse('must be a whole number')
  if (kind === 'text' || kind === 'list') return text
  if (kind === 'key') return text.replaceAll('\\n', '\n')
  if (kind === 'pkce' && text === 'S256') return true
  if (/^(true|1)$/i.test(text)) return true
  if (/^(false|0)$/i.test(text)) return false
  return refuse(kind === 'pkce' ? 'must be true, false or S256' : 'must be true or false')
}

/** Builds the strategy once, so that an error names the variable, and comes before the router is mounted. */
function tryOut(name: string, Strategy: StrategyClass, options: Record<string, unknown>): void {
  try {
    new Strategy({ callbackURL: '/', ...options }, () => {})
  } catch (error) {
    if (!OAuthError.is(error)) throw error
    const message = error.message.replace(/option `(\w+)`/g, (_whole, option: string) => variableOf(name, option))
    throw new OAuthError('config_invalid', { provider: name, phase: 'authorize', message })
  }
}
