import type { IncomingMessage } from 'node:http'
import { AppToken } from '../../../emulators/app-token'
import { Ledger } from '../../../emulators/ledger'
import { type Kind, KnownSecrets, SHORTEST } from './known'

// How the net knows what is secret. Nobody lists anything: it is told by whoever makes a secret or is given one.
export const known = new KnownSecrets()

/** Configured secrets that are too plain to be searched for: a test is to name canaries. */
export const tooPlain = new Set<string>()

/** What an app gives to this package, or to its session middleware, by these names. */
const OPTIONS: Record<string, Kind> = {
  encryptionKey: 'encryption key',
  developerToken: 'token',
  privateKey: 'client secret',
  secret: 'session secret',
  keys: 'session secret',
}

/** Looks through an argument, whatever becomes of the call. */
export function learnOptions(value: unknown, depth = 3): void {
  if (typeof value !== 'object' || value === null || depth === 0) return
  for (const [name, { value: own }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    const kind = /client_?secret$/i.test(name) ? 'client secret' : OPTIONS[name] // an environment has it in capitals
    if (kind) for (const secret of [own].flat()) learnOption(name, kind, secret)
    else learnOptions(own, depth - 1)
  }
}

function learnOption(name: string, kind: Kind, secret: unknown): void {
  if (secret === 'none' || secret === 'optional') return // a dialect's word for whether there is one
  if (secret instanceof Uint8Array) learnBytes(kind, secret)
  // A short encryption key is refused.
  const plain =
    typeof secret === 'string' && secret.trim() !== '' && secret.length < SHORTEST && kind !== 'encryption key'
  if (plain) tooPlain.add(`${name} ${JSON.stringify(secret)}`)
  known.note(kind, secret)
}

function learnBytes(kind: Kind, bytes: Uint8Array): void {
  for (const encoding of ['hex', 'base64', 'base64url'] as const)
    known.note(kind, Buffer.from(bytes).toString(encoding))
}

/** What passes by these names in the queries and bodies that apps and providers exchange. */
const NAMES: Record<string, Kind> = {
  client_secret: 'client secret',
  code_verifier: 'verifier',
  corpsecret: 'client secret',
  user_ticket: 'code',
  code: 'code',
  access_token: 'token',
  refresh_token: 'token',
  id_token: 'token',
  token: 'token',
}

/** A request on its way in, to an app or to a provider. */
export function learnRequest({ url = '', headers }: IncomingMessage, body: string): void {
  const query = url.split('?')
  for (const part of query.slice(1)) learnPairs(new URLSearchParams(part))
  const [, scheme = '', credential = ''] = /^(Bearer|Basic) (\S+)$/i.exec(headers.authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') known.note('token', credential)
  else if (credential)
    known.note('client secret', Buffer.from(credential, 'base64').toString().split(':').slice(1).join(':'))
  if (headers['content-type']?.includes('json')) learnJson(body)
  else learnPairs(new URLSearchParams(body))
}

function learnPairs(pairs: Iterable<[string, string]>): void {
  for (const [name, value] of pairs) learnNamed(name, value)
}

function learnJson(body: string): void {
  for (const [, name = '', text = ''] of body.matchAll(/"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*")/g)) {
    learnNamed(name, safely(text))
  }
}

/**
 * Whoever attacks, or throws junk, puts it in a code's place too, and in all others. Credentials are of few characters
 * (RFC 6749 §A), a digit among them, and not the same one throughout.
 */
function learnNamed(name: string, value: unknown): void {
  const kind = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
  const isLikely = /^(?=.*\d)[\w.~+/=!*-]+$/.test(String(value)) && new Set(String(value)).size > 6
  if (kind && (kind === 'client secret' || isLikely)) known.note(kind, value)
}

function safely(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** A provider's answer: whole or cut off, whatever its type says. There `code` is an error's. */
export function learnAnswer(body: string): void {
  for (const [, name, text = ''] of body.matchAll(
    /"((?:access|refresh|id)_token|client_secret)"\s*:\s*("(?:[^"\\]|\\.)*")/g,
  )) {
    known.note(name === 'client_secret' ? 'client secret' : 'token', safely(text))
  }
}

/** What emulators issue, from the moment on that they do. */
export function learnFromLedgers(): void {
  const { issueCode, issueAccess, issueRefresh } = Ledger.prototype
  Ledger.prototype.issueCode = function (...args) {
    return learnt('code', issueCode.apply(this, args))
  }
  Ledger.prototype.issueAccess = function (...args) {
    return learnt('token', issueAccess.apply(this, args))
  }
  Ledger.prototype.issueRefresh = function (...args) {
    return learnt('token', issueRefresh.apply(this, args))
  }
  // A company's: it may stand nowhere, not even where a user's own may.
  const { ask } = AppToken.prototype
  AppToken.prototype.ask = function () {
    const issued = ask.apply(this)
    if (issued) known.note('application token', issued.token)
    return issued
  }
}

function learnt(kind: Kind, secret: string): string {
  known.note(kind, secret)
  return secret
}
