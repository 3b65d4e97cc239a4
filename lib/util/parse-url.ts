/**
 * Parses a URL; `undefined` if the text is none. `URL.canParse` of Node 20 rejects URLs with non-ASCII letters once it
 * has been optimised after many calls.
 */
export function parseURL(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
