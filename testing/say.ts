import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { OAuthError, type Phase } from '../lib/index'

/** Fails with a message that names the mistake and says what to do. */
export function demand(holds: unknown, mistake: string): asserts holds {
  if (!holds) assert.fail(mistake)
}

/** Where to look in a strategy, by the phase that failed. */
const LOOK_AT: Record<Phase, string> = {
  authorize:
    '`authorizationParams()`, `clientIDName`, `authorizationNames`, `scopeSeparator`, `scope` and `endpoints.authorizationURL`',
  callback: '`readCallback()` and `credentials`',
  code: '`prepare()`, `refusal()` and `unwrap()`',
  token: '`tokenRequest()`, `tokenParams()`, `refusal()`, `unwrap()`, `idToken` and `endpoints.tokenURL`',
  profile: '`profileRequest()`, `refusal()`, `unwrap()`, `profileFields()` and `endpoints.userProfileURL`',
  refresh: '`tokenRequest()` with a refresh token, `unwrap()` and `endpoints.refreshURL`',
  revoke: '`endpoints.revokeURL`',
  request: '`refusal()`',
}

const TOKEN_NAMES =
  'The token object that `unwrap()` returns must have the names of RFC 6749: access_token, token_type, expires_in, refresh_token, scope. Rename there what the provider names otherwise, such as accessToken.'

/** Describes a failure: its code, its phase, what the provider said, and where to look. */
export function told(error: unknown): string {
  if (error === undefined) return 'no error at all'
  if (!OAuthError.is(error))
    return `${inspect(error, { depth: 1 })}, which is no OAuthError: throw \`this.failure(code, phase)\``
  const said = [error.providerStatus && `HTTP ${error.providerStatus}`, error.providerCode, error.providerMessage]
  const words = said.filter((word) => word !== undefined && word !== '').join(', ')
  const provider = words ? ` The provider said: ${words}.` : ''
  const names = /no usable access_token/.test(error.message) ? ` ${TOKEN_NAMES}` : ''
  return `\`${error.code}\` in phase \`${error.phase}\` (${error.message}).${provider}${names} Look at ${LOOK_AT[error.phase]}`
}

/** No representation of an error may show a credential. */
export function demandNoSecret(error: unknown, secrets: readonly string[]): void {
  const views = {
    'JSON.stringify(error)': JSON.stringify(error) ?? '',
    'util.inspect(error)': inspect(error, { depth: 8, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    'error.stack': error instanceof Error ? String(error.stack) : '',
    'error.message': error instanceof Error ? error.message : String(error),
  }
  for (const [view, text] of Object.entries(views)) {
    const leaked = secrets.find((secret) => spellingsOf(secret).some((spelling) => text.includes(spelling)))
    demand(
      leaked === undefined,
      `A credential of this login (${leaked?.slice(0, 4)}…, ${leaked?.length} characters) stands in ${view}. ` +
        'Build errors by `this.failure(code, phase)` with fixed words, and hand only the provider’s own words on as `providerMessage`.',
    )
  }
}

/** A text as it is, and as an address, a form and JSON have it. */
function spellingsOf(text: string): string[] {
  const form = new URLSearchParams({ text }).toString().slice('text='.length)
  return [text, encodeURIComponent(text), form, JSON.stringify(text).slice(1, -1)]
}
