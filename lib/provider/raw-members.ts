/** A member of a JSON object: its name as it is meant, its value as it stands in the text. */
export interface RawMember {
  name: string
  /** Without the spaces around it. */
  raw: string
}

/**
 * The members of a JSON object as they stand in its text, repeated ones too: what a provider signed is that text, and no
 * JSON that was read and written again. Alipay.
 * @param text of one object, known to be JSON
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

/** Where the string that begins at `at` is over: behind its second quotation mark. */
function endOfString(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}
