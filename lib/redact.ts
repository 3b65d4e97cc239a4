/**
 * Text from a provider or a caller, fit for an error message or a log line: control characters
 * replaced, whatever looks like a credential cut out, at most 300 characters.
 */
export function printable(text: string, secrets: readonly string[] = []): string {
  let out = text
  for (const secret of secrets.flatMap(formsOf)) {
    if (secret.length >= 4) out = out.split(secret).join(MASK)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  out = out.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
  out = out.replace(CREDENTIAL, `$1${MASK}`)
  return out.length > 300 ? `${out.slice(0, 299)}…` : out
}

/** A secret as a provider may quote it: as it is, out of an address, out of a form. */
function formsOf(secret: string): string[] {
  const form = new URLSearchParams({ s: secret }).toString().slice(2)
  return [secret, encodeURIComponent(Buffer.from(secret).toString()), form]
}

/** An address without its query, fragment and user information: all that a log may show of it. */
export function bareAddress(url: string | URL): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname}`
  } catch {
    return '(not an address)'
  }
}

const MASK = '[redacted]'

const CREDENTIAL =
  /\b((?:access_token|refresh_token|id_token|client_secret|code_verifier|code|token|password|secret|authorization)["']?\s*[:=]\s*["']?|(?:bearer|basic)\s+)[\w.~+/*!-]{8,}=*/gi
