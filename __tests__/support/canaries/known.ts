/** The kind of a secret. */
export type Kind =
  | 'client secret'
  | 'session secret'
  | 'encryption key'
  | 'code'
  | 'token'
  | 'application token'
  | 'verifier'
  | 'state or verifier'

/** A secret found in a text. */
export interface Found {
  kind: Kind
  secret: string
}

/** All secrets of one file's tests, to be searched for in all output. */
export class KnownSecrets {
  private readonly kinds = new Map<string, Kind>()
  private readonly grams = new Map<string, Place[]>()

  /** Remembers a secret. One shorter than {@link SHORTEST} looks like an ordinary word, and is ignored. */
  note(kind: Kind, secret: unknown): void {
    if (typeof secret !== 'string' || secret.length < SHORTEST) return
    const before = this.kinds.get(secret)
    if (before === undefined || before === 'state or verifier') this.kinds.set(secret, kind)
    if (before !== undefined) return
    for (const text of formsOf(secret)) {
      for (let offset = 0; offset < GRAM; offset++)
        this.index(text.slice(offset, offset + GRAM), { text, offset, secret })
    }
  }

  kindOf(secret: string): Kind | undefined {
    return this.kinds.get(secret)
  }

  /**
   * The secrets in a text: plain, or encoded for an address, a form, JSON or base64. The time depends only on the
   * text's length: wherever a secret stands, a piece of six characters from its beginning is at a multiple of six.
   */
  in(text: string): Found[] {
    const found = new Set<string>()
    this.search(text, found)
    for (const [run] of text.matchAll(BASE64)) this.search(Buffer.from(run, 'base64').toString('utf8'), found)
    return [...found].map((secret) => ({ secret, kind: this.kinds.get(secret) as Kind })) // found, so known
  }

  private search(text: string, found: Set<string>): void {
    for (let at = 0; at + GRAM <= text.length; at += GRAM) {
      for (const { text: form, offset, secret } of this.grams.get(text.slice(at, at + GRAM)) ?? []) {
        if (!found.has(secret) && text.startsWith(form, at - offset)) found.add(secret)
      }
    }
  }

  private index(gram: string, place: Place): void {
    const places = this.grams.get(gram)
    if (places) places.push(place)
    else this.grams.set(gram, [place])
  }
}

/** A form of a secret, and the offset of one of its pieces. */
interface Place {
  text: string
  offset: number
  secret: string
}

const GRAM = 6

/** Any text of this length contains a whole piece at a multiple of {@link GRAM}. */
export const SHORTEST = 2 * GRAM - 1

const BASE64 = /[A-Za-z0-9+/_-]{20,}/g

function formsOf(secret: string): Set<string> {
  const form = new URLSearchParams({ s: secret }).toString().slice(2)
  return new Set([
    secret,
    encodeURIComponent(Buffer.from(secret).toString()),
    form,
    JSON.stringify(secret).slice(1, -1),
  ])
}
