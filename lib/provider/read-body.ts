import { isObject, type Json, type JsonObject } from '../json'

const MAX_DEPTH = 64

/** Parses JSON (RFC 8259). `undefined` if the text is not JSON, or nests deeper than 64 levels. */
export function decodeJson(text: string): Json | undefined {
  if (nestsTooDeep(text)) return undefined
  try {
    return JSON.parse(text) as Json // its only type
  } catch {
    return undefined
  }
}

/** Parses form text, `a=b&c=d`, into an object of strings. `undefined` if it is not form text, or repeats a name. For QQ's token response. */
export function decodeForm(text: string): JsonObject | undefined {
  const trimmed = text.trim()
  if (!FORM.test(trimmed)) return undefined
  const fields = new Map<string, string>()
  for (const part of trimmed.split('&')) {
    const at = part.indexOf('=')
    const name = decodedPart(part.slice(0, Math.max(at, 0)))
    const value = decodedPart(part.slice(at + 1))
    if (!name || value === undefined || fields.has(name)) return undefined
    fields.set(name, value)
  }
  return Object.fromEntries(fields)
}

/** Parses JSONP, `callback( {…} );`, into its object. For QQ's refusals, and Weibo's. */
export function decodeJsonp(text: string): JsonObject | undefined {
  const trimmed = text.trim()
  const [open, close] = [trimmed.indexOf('('), trimmed.lastIndexOf(')')]
  const isCall = open > 0 && close > open && FUNCTION_NAME.test(trimmed.slice(0, open).trimEnd())
  if (!isCall || !['', ';'].includes(trimmed.slice(close + 1).trim())) return undefined
  const value = decodeJson(trimmed.slice(open + 1, close))
  return isObject(value) ? value : undefined
}

/** Visible ASCII, except for characters that forms escape and that begin a page or JSON. */
const FORM = /^[!#-;=?-z|~]+$/
const FUNCTION_NAME = /^[\w$.]{1,100}$/

function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    return undefined // not UTF-8
  }
}

/** Whether JSON text nests too deep to be serialised again: that recursion has a limit. */
function nestsTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}
