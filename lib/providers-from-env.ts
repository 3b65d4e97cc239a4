import { lookUp } from './answers'
import { configError, OAuthError } from './errors'
import { BUILT_IN, type OptionKind, OWN_OPTIONS, SHARED_OPTIONS, type StrategyClass } from './providers'
import type { ProviderConfig } from './router-config'

/** What {@link providersFromEnv} may be told beside the environment. */
export interface ProvidersFromEnvOptions {
  /** Variables that begin with a provider's name and belong to something else: `['ACME_EXPORT_DIR']`. */
  ignore?: readonly string[]
}

/**
 * The `providers` of {@link oauthRouter}, read from environment variables: every built-in provider whose
 * `<NAME>_CLIENT_ID` and `<NAME>_CLIENT_SECRET` are set, `<NAME>` being the provider's name in capitals. Each further
 * option that text can say is `<NAME>_` and the option in capitals with underscores: `baseURL` is `<NAME>_BASE_URL`.
 *
 * A variable that is blank counts as not given. Flags are `true` or `false` (`1`, `0`), lists are split at spaces and
 * commas, times and sizes are whole numbers in the option's own unit. Surrounding white space is cut.
 *
 * A variable that begins with `<NAME>_` and names no option is refused, so that a typo is not silent. Two kinds are let
 * pass: those in `ignore`, and, where the provider has neither id nor secret, those that resemble no option of it.
 * Only built-in names are read: a second instance, or a strategy of one's own, is added to the result in code.
 *
 * @param env `process.env`, or any object of texts
 * @throws OAuthError `config_invalid`, naming the variable and never showing its value
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
    const options = optionsOf(name, Strategy, given)
    return options ? [[name, options] as const] : []
  })
  return Object.fromEntries(found) as Record<string, ProviderConfig> // each strategy has just checked its own
}

type Known = ReadonlyMap<string, { option: string; kind: OptionKind | false }>

function optionsOf(name: string, Strategy: StrategyClass, given: ReadonlyMap<string, string>) {
  const known = variablesOf(name)
  const clientID = variable(name, 'clientID')
  const clientSecret = variable(name, 'clientSecret')
  refuseUnknown(name, known, given, given.has(clientID) || given.has(clientSecret))
  if (!given.has(clientID) && !given.has(clientSecret)) return undefined
  for (const [missing, other] of [
    [clientID, clientSecret],
    [clientSecret, clientID],
  ] as const) {
    if (!given.has(missing)) throw configError(name, `${missing} is missing, though ${other} is set.`)
  }
  const options: Record<string, unknown> = {}
  for (const [variableName, { option, kind }] of known) {
    const text = given.get(variableName)
    if (text !== undefined) options[option] = readValue(text, kind, name, variableName)
  }
  tryOut(name, Strategy, options)
  return options
}

/** A provider's name and `clientID` → `<NAME>_CLIENT_ID`. */
function variable(name: string, option: string): string {
  return `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase().replaceAll('-', '_')
}

function variablesOf(name: string): Known {
  const options: [string, OptionKind | false][] = Object.entries({ ...SHARED_OPTIONS, ...OWN_OPTIONS[name] })
  return new Map(options.map(([option, kind]) => [variable(name, option), { option, kind }]))
}

function readValue(
  text: string,
  kind: OptionKind | false,
  name: string,
  variableName: string,
): string | number | boolean {
  const refuse = (rule: string): never => {
    throw configError(name, `${variableName} ${rule}.`)
  }
  if (kind === false) return refuse('cannot be given in the environment: set the option in code')
  if (kind === 'number') return /^\d{1,15}$/.test(text) ? Number(text) : refuse('must be a whole number')
  if (kind === 'text' || kind === 'list') return text
  if (kind === 'pkce' && text === 'S256') return true
  if (/^(true|1)$/i.test(text)) return true
  if (/^(false|0)$/i.test(text)) return false
  return refuse(kind === 'pkce' ? 'must be true, false or S256' : 'must be true or false')
}

/** Builds the strategy once, so that what it refuses is told by the variable's name, and before the router is mounted. */
function tryOut(name: string, Strategy: StrategyClass, options: Record<string, unknown>): void {
  try {
    new Strategy({ callbackURL: '/', ...options }, () => {})
  } catch (error) {
    if (!OAuthError.is(error)) throw error
    const message = error.message.replace(/option `(\w+)`/g, (_whole, option: string) => variable(name, option))
    throw new OAuthError('config_invalid', { provider: name, phase: 'authorize', message })
  }
}

function refuseUnknown(name: string, known: Known, given: ReadonlyMap<string, string>, configured: boolean): void {
  const prefix = variable(name, '')
  for (const found of given.keys()) {
    if (!found.startsWith(prefix) || known.has(found)) continue
    const nearest = nearestOf(found, [...known.keys()], prefix)
    if (!configured && !nearest.resembles) continue
    const hint = nearest.resembles ? `did you mean ${nearest.name}?` : `the nearest known is ${nearest.name}.`
    const rule = 'If it belongs to something else, name it in `ignore`; a second instance is configured in code.'
    throw configError(name, `${found} is no option of this provider; ${hint} ${rule}`)
  }
}

/**
 * The known variable that `found` is most like, and whether it was meant: spelt nearly like it, or with one word of
 * the credentials too few or too many. Single words such as SITE or STORE are too common to tell.
 */
function nearestOf(found: string, known: readonly string[], prefix: string): { name: string; resembles: boolean } {
  const elsewhere = lookUp(ELSEWHERE, found.slice(prefix.length))
  if (elsewhere !== undefined) return { name: prefix + elsewhere, resembles: true }
  const wordsOf = (text: string) => text.slice(prefix.length).split('_')
  const asked = wordsOf(found)
  const ranked = known.map((name) => {
    const words = wordsOf(name)
    const steps = distance(asked.join(''), words.join(''))
    const overlaps = asked.every((word) => words.includes(word)) || words.every((word) => asked.includes(word))
    const credential = words[0] === 'CLIENT' && overlaps
    const misspelt = steps <= (words.join('').length < 6 ? 1 : 2)
    return { name, resembles: misspelt || credential, rank: misspelt ? steps : steps + (overlaps ? 100 : 200) }
  })
  ranked.sort((a, b) => a.rank - b.rank)
  return ranked[0] ?? { name: `${prefix}CLIENT_ID`, resembles: false }
}

/** What providers' own consoles call the two. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  APP_ID: 'CLIENT_ID',
  APPID: 'CLIENT_ID',
  APP_KEY: 'CLIENT_ID',
  CLIENT_KEY: 'CLIENT_ID',
  APP_SECRET: 'CLIENT_SECRET',
  APPSECRET: 'CLIENT_SECRET',
}

/** Levenshtein's distance: insertions, deletions and substitutions. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
