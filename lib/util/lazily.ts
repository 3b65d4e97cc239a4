/** What `load` gives, loaded when first asked for: importing the package costs what a process needs of it and no more. */
export function lazily<T>(load: () => T): () => T {
  let loaded: { value: T } | undefined
  return () => {
    loaded ??= { value: load() }
    return loaded.value
  }
}
