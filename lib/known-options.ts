/** The options that a class knows. Filled in by the list of built-in strategies, which imports this file's readers. */
const known = new WeakMap<object, ReadonlySet<string>>()

/** Says all that `Strategy` knows; a subclass may know more. */
export function declareOptions(Strategy: object, names: Iterable<string>): void {
  known.set(Strategy, new Set(names))
}

/**
 * Warns of what nobody knows where all options are known: a slip of the pen, most likely. Not refused: an app may
 * spread options of a newer version, or of passport-oauth2.
 */
export function warnOfUnknownOptions(strategy: { name: string }, options: object): void {
  const names = known.get(strategy.constructor)
  const unknown = names ? Object.keys(options).filter((option) => !names.has(option)) : []
  if (unknown.length === 0) return
  const listed = unknown.map((option) => `\`${option}\``).join(', ')
  process.emitWarning(`${strategy.name}: there is no option ${listed}; it is ignored.`, {
    type: 'PassportDialectsWarning',
    code: 'PASSPORT_DIALECTS_UNKNOWN_OPTION',
  })
}
