/** Calls `load` at first use and keeps its value, so that importing the package loads only what a process needs. */
export function lazily<T>(load: () => T): () => T {
  let loaded: { value: T } | undefined
  return () => {
    loaded ??= { value: load() }
    return loaded.value
  }
}
