/**
 * Makes text from a provider or a caller fit for an error message or a log line: replaces control characters, redacts
 * whatever looks like a credential, and cuts the text to 300 characters.
 *
 * @param secrets what to redact, plain or encoded for a URL, a form, JSON or HTML, even twice over
 */
export function printable(text: string, secrets: readonly string[] = []): string {
  const isCut = text.length > LONGEST
  let out = withoutSecrets(isCut ? text.slice(0, LONGEST) : text, secrets)
  // The part that was cut off may have ended a secret, whose beginning would otherwise be shown.
  const end = out.lastIndexOf(MASK)
  if (isCut && end !== -1 && end < 300) out = `${out.slice(0, end + MASK.length)}…`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this removes control characters
  out = out.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
  out = out.replace(CREDENTIAL, `$1${MASK}`)
  return out.length > 300 ? `${out.slice(0, 299)}…` : out
}

/** A URL without its query, fragment and user information: the part that a log may show. */
export function bareAddress(url: string | URL): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname}`
  } catch {
    return '(not an address)'
  }
}

const MASK = '[redacted]'
/** So much of a secret's beginning is a secret too: a whole one is not sought, which could take the square of its length. */
const TELLING = 32
/** Longer than any encoded secret; a provider may send a thousand times as much. */
const LONGEST = 64 * 1024
/** How many layers of encoding are undone. */
const MOST_LEVELS = 4

const CREDENTIAL =
  /\b((?:(?:access|refresh|id|user)_?(?:token|ticket)|(?:client|corp|app)?_?secret|(?:private|app|api)_?key|code_?verifier|(?:auth_?)?code|token|password|sign|signature|authorization|(?:client_)?assertion)["']?\s*[:=]\s*["']?|(?:bearer|basic)\s+)[\w.~+/*!-]{8,}=*/gi

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const sought = [...new Set(secrets.flatMap((secret) => spellingsOf(secret)))].filter(({ length }) => length >= 4)
  if (sought.length === 0) return text
  const hidden = new Uint8Array(text.length)
  let level: Decoded | undefined = undecoded(text)
  for (let times = 0; level && times <= MOST_LEVELS; times++) {
    hide(level, sought, hidden)
    level = decodedOnce(level)
  }
  return masked(text, hidden)
}

/** A decoded text, with the place of each character in the original. */
interface Decoded {
  text: string
  starts: number[]
  ends: number[]
}

function undecoded(text: string): Decoded {
  const starts = Array.from({ length: text.length }, (_, at) => at)
  return { text, starts, ends: starts.map((at) => at + 1) }
}

/** A secret, and what it looks like decoded; in a form, a space and a plus sign are the same. */
function spellingsOf(secret: string): string[] {
  const spellings = [folded(secret)]
  let level: Decoded | undefined = undecoded(secret)
  for (let times = 0; times < MOST_LEVELS; times++) {
    level = decodedOnce(level)
    if (!level) break
    spellings.push(folded(level.text))
  }
  return spellings
}

function folded(text: string): string {
  return text.replaceAll('+', ' ')
}

function hide({ text, starts, ends }: Decoded, sought: readonly string[], hidden: Uint8Array): void {
  const seen = folded(text)
  for (const secret of sought) {
    const beginning = secret.slice(0, TELLING)
    for (let at = seen.indexOf(beginning); at !== -1; ) {
      let end = at + beginning.length
      while (end < seen.length && end - at < secret.length && seen[end] === secret[end - at]) end++
      hidden.fill(1, starts[at], ends[end - 1])
      at = seen.indexOf(beginning, end - beginning.length + 1)
    }
  }
}

function masked(text: string, hidden: Uint8Array): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const end = hidden.indexOf(hidden[at] === 1 ? 0 : 1, at)
    const next = end === -1 ? text.length : end
    out += hidden[at] === 1 ? MASK : text.slice(at, next)
    at = next
  }
  return out
}

/** Decodes a text once; `undefined` if there is nothing to decode. */
function decodedOnce({ text, starts, ends }: Decoded): Decoded | undefined {
  const decoded: Decoded = { text: '', starts: [], ends: [] }
  const take = (piece: string, from: number, to: number) => {
    for (let i = 0; i < piece.length; i++) {
      decoded.starts.push(starts[from] ?? 0)
      decoded.ends.push(ends[to - 1] ?? 0)
    }
    decoded.text += piece
  }
  let last = 0
  for (const { 0: written, index } of text.matchAll(ESCAPE)) {
    for (; last < index; last++) take(text.charAt(last), last, last + 1)
    last += written.length
    take(unescaped(written), index, last)
  }
  if (last === 0) return undefined
  for (; last < text.length; last++) take(text.charAt(last), last, last + 1)
  return decoded
}

/** Percent-encoding (RFC 3986), JSON's escapes (RFC 8259 §7), and HTML's character references. */
const ESCAPE = /(?:%[\da-f]{2})+|\\u[\da-f]{4}|\\["\\/bfnrt]|&(?:#\d{1,7}|#x[\da-f]{1,6}|amp|lt|gt|quot|apos);/gi

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function unescaped(written: string): string {
  if (written.startsWith('%')) return Buffer.from(written.replaceAll('%', ''), 'hex').toString('utf8')
  if (/^\\u/i.test(written)) return String.fromCharCode(Number.parseInt(written.slice(2), 16))
  if (written.startsWith('\\')) return SHORT[written.slice(1)] ?? written.slice(1)
  const name = written.slice(1, -1).toLowerCase()
  if (!name.startsWith('#')) return NAMED[name] ?? written
  const point = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return point <= 0x10ffff ? String.fromCodePoint(point) : written
}
