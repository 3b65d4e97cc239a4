/** A member of a JSON object: its name decoded, its value as raw text. */
export interface RawMember {
  name: string
  /** Without surrounding white space. */
  raw: string
}

/**
 * The members of a JSON object as raw text, repeated ones included: a provider signs that text, not JSON that was
 * parsed and serialised again. Alipay.
 * @param text the text of one object, known to be JSON
 */
export function rawMembers(text: string): RawMember[] {
  const members: RawMember[] = []
  let [name, start, depth]: [string | undefined, number, number] = [undefined, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const end = endOfString(text, at)
      if (depth === 1) name ??= String(JSON.parse(text.slice(at, end)))
      at = end - 1
    } else if (char === ':' && depth === 1) {
      start = at + 1
    } else if ((char === ',' || char === '}') && depth === 1) {
      if (name !== undefined) members.push({ name, raw: text.slice(start, at).trim() })
      name = undefined
    }
    if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
  }
  return members
}

/** The end of the string that begins at `at`: after its closing quotation mark. */
function endOfString(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}
