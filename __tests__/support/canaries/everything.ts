import { inspect } from 'node:util'

/**
 * Everything that a value shows: its text and its JSON; for an error, every own and inherited property, through its
 * causes.
 */
export function everythingOf(value: unknown): string {
  const parts = [inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true }), asJson(value)]
  const seen = new Set<unknown>()
  const walk = (at: unknown) => {
    if (typeof at === 'string') parts.push(at)
    if ((typeof at !== 'object' && typeof at !== 'function') || at === null || seen.has(at) || seen.size > 5000) return
    seen.add(at)
    if (!(at instanceof Error)) return
    for (let level: object | null = at; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
      for (const name of Reflect.ownKeys(level)) {
        const own = Object.getOwnPropertyDescriptor(level, name)
        walk(own && 'value' in own ? own.value : safely(() => Reflect.get(level, name, at)))
      }
    }
  }
  if (value instanceof Error) walk(value)
  return parts.join('\n')
}

function asJson(value: unknown): string {
  return String(safely(() => JSON.stringify(value)))
}

function safely(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

const likes = new Map<string, number>()

/**
 * Like {@link everythingOf} for the first errors of a kind. Their stack and `inspect` take a thousand times as long as
 * the properties that both consist of, which are read in every error.
 */
export function enoughOf(error: unknown): string {
  const kind = kindOf(error)
  const seen = likes.get(kind) ?? 0
  likes.set(kind, seen + 1)
  if (seen < 5 || !(error instanceof Error)) return everythingOf(error)
  const parts = [error.message, asJson(error)]
  for (const name of Reflect.ownKeys(error)) if (name !== 'stack') parts.push(asJson(Reflect.get(error, name)))
  if (error.cause !== undefined) parts.push(enoughOf(error.cause))
  return parts.join('\n')
}

/** Its class, its properties, and where in the code it came from. */
function kindOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error
  const { name, code, phase, provider } = error as Record<string, unknown>
  return [name, code, phase, provider, ...Reflect.ownKeys(error)].map(String).join()
}
