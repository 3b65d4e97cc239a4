import type { IncomingMessage } from 'node:http'
import { AppToken } from '../../../emulators/app-token'
import { Ledger } from '../../../emulators/ledger'
import { type Kind, KnownSecrets, SHORTEST } from './known'

// How the search knows what is secret. There is no list: code that makes or receives a secret reports it.
export const known = new KnownSecrets()

/** Configured secrets that are too plain to search for: tests should use canaries. */
export const tooPlain = new Set<string>()

/** The names of options with secrets, of this package and of session middlewares. */
const OPTIONS: Record<string, Kind> = {
  encryptionKey: 'encryption key',
  developerToken: 'token',
  privateKey: 'client secret',
  secret: 'session secret',
  keys: 'session secret',
}

/** Searches an argument for such options, whatever the call does. */
export function learnOptions(value: unknown, depth = 3): void {
  if (typeof value !== 'object' || value === null || depth === 0) return
  for (const [name, { value: own }] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    const kind = /client_?secret$/i.test(name) ? 'client secret' : OPTIONS[name] // capitals in an environment
    if (kind) for (const secret of [own].flat()) learnOption(name, kind, secret)
    else learnOptions(own, depth - 1)
  }
}

function learnOption(name: string, kind: Kind, secret: unknown): void {
  if (secret === 'none' || secret === 'optional') return // a dialect's `clientSecret`
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

/** The names of secrets in the queries and bodies between apps and providers. */
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

/** An incoming request, to an app or to a provider. */
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
 * Tests with attacks or junk put it into all parameters, also a code's. Credentials are made of a few characters (RFC
 * 6749 §A), with a digit, and not all the same.
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

/** A provider's response: whole or cut off, with any type. Its `code` is an error's. */
export function learnAnswer(body: string): void {
  for (const [, name, text = ''] of body.matchAll(
    /"((?:access|refresh|id)_token|client_secret)"\s*:\s*("(?:[^"\\]|\\.)*")/g,
  )) {
    known.note(name === 'client_secret' ? 'client secret' : 'token', safely(text))
  }
}

/** What emulators issue, from the moment they issue it. */
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
  // An application token must appear nowhere, not even where a user's own token may.
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
