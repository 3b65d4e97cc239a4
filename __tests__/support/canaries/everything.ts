import { inspect } from 'node:util'

/** Everything that can be read off a value: its text and its JSON; of an error every property, own and inherited, through causes. */
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
