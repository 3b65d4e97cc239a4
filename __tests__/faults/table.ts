import type { ErrorCode } from 'passport-dialects'
import {
  type EmulatorName,
  type EmulatorOptions,
  FAULTS,
  type Fault,
  type FaultEndpoint,
} from 'passport-dialects/emulators'
import type { ProviderName } from '../support/providers'

/** Every call that is made to each provider. */
export const CALLS: Record<ProviderName, FaultEndpoint[]> = {
  tailchat: ['token', 'profile', 'refresh'],
  tapd: ['token', 'profile', 'refresh'],
  bbscloud: ['code', 'profile'],
  tiktok: ['token', 'profile', 'refresh', 'revoke'],
  aihubmix: ['token', 'profile', 'refresh', 'request'],
  feishu: ['token', 'profile', 'refresh'],
}

/** What it takes that a login brings a refresh token. */
export const KNOBS: Partial<Record<EmulatorName, { emulator: EmulatorOptions; strategy: object }>> = {
  tapd: { emulator: { refresh: true }, strategy: {} },
  tailchat: { emulator: {}, strategy: { scope: ['openid', 'profile', 'offline_access'] } },
  feishu: { emulator: {}, strategy: { scope: ['offline_access'] } },
}

/** What a fault must come to. `ok`: nothing is wrong with the answer. `refusal`: one of {@link REFUSALS}. */
export type Outcome = ErrorCode | 'ok' | 'refusal'

export const REFUSALS: readonly ErrorCode[] = [
  'client_rejected',
  'grant_rejected',
  'refresh_rejected',
  'token_rejected',
  'scope_insufficient',
  'provider_error',
]

/** The fault matrix: what each fault comes to at each call. */
export function outcomeOf(fault: Fault, endpoint: FaultEndpoint): Outcome {
  const brings = endpoint === 'token' || endpoint === 'refresh' ? 'token' : endpoint
  const row = TABLE[fault] ?? 'refusal'
  return typeof row === 'string' ? row : (row[brings] ?? row.else)
}

type Row = Outcome | ({ else: Outcome } & Partial<Record<FaultEndpoint, Outcome>>)

const TABLE: Partial<Record<Fault, Row>> = {
  reset: 'provider_unreachable',
  silent: 'provider_timeout',
  'slow-headers': 'provider_timeout',
  drip: 'provider_timeout',
  truncated: 'provider_unreachable',
  'wrong-length': 'provider_unreachable',
  // A revocation says nothing when it succeeds (RFC 7009 §2.2).
  empty: { revoke: 'ok', else: 'response_invalid' },
  html: 'response_invalid',
  'not-json': 'response_invalid',
  bom: 'ok',
  'invalid-utf8': 'response_invalid',
  'split-utf8': 'ok',
  proto: 'ok',
  deep: 'response_invalid',
  'wrong-types': { revoke: 'ok', else: 'response_invalid' },
  'missing-token': { revoke: 'ok', else: 'response_invalid' },
  'token-type-mac': { token: 'response_invalid', else: 'ok' },
  'expires-text': { token: 'response_invalid', else: 'ok' },
  'expires-negative': { token: 'response_invalid', else: 'ok' },
  'expires-missing': 'ok',
  'expires-huge': 'ok',
  oversize: 'response_too_large',
  'gzip-bomb': 'response_too_large',
  redirect: 'provider_redirected',
  'http-401': { profile: 'token_rejected', request: 'token_rejected', else: 'client_rejected' },
  'http-403': 'refusal',
  'http-429': 'rate_limited',
  'http-500': 'provider_unavailable',
  'http-503': 'provider_unavailable',
  refused: 'refusal',
}

/** The matrix as a table in Markdown. */
export function matrixAsText(): string {
  const endpoints: FaultEndpoint[] = ['code', 'token', 'profile', 'refresh', 'revoke', 'request']
  const rows = FAULTS.map((fault) => [`\`${fault}\``, ...endpoints.map((endpoint) => cell(outcomeOf(fault, endpoint)))])
  const head = ['fault', ...endpoints]
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function cell(outcome: Outcome): string {
  return outcome === 'ok' || outcome === 'refusal' ? outcome : `\`${outcome}\``
}
