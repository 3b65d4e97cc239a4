/**
 * The URL that a text is; `undefined` where it is none. `URL.canParse` of Node 20 denies a URL with letters beyond ASCII
 * once it has been called often enough to be optimised.
 */
export function parseURL(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
