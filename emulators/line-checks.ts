import { randomUUID } from 'node:crypto'
import type { IdTokenKeys } from './id-token'
import type { Reply } from './reply'
import type { Settings } from './settings'

export const ISSUER = 'https://access.line.me'

/** The id in each response. */
export function requestId(): string {
  return randomUUID()
}

type Problem = [error: string, description: string]

/** The allowed values of an authorization request's other parameters. */
const VALUES: readonly [name: string, values: RegExp][] = [
  ['prompt', /^(consent|none|login)$/],
  ['max_age', /^\d+$/],
  ['bot_prompt', /^(normal|aggressive)$/],
  ['initial_amr_display', /^lineqr$/],
  ['switch_amr', /^(true|false)$/],
  ['disable_auto_login', /^(true|false)$/],
  ['disable_ios_auto_login', /^(true|false)$/],
  ['code_challenge', /^[\w-]{43}$/],
  ['code_challenge_method', /^S256$/],
]

/** What is wrong with an authorization request, if the error is redirected to the app. */
export function requestProblem(query: URLSearchParams): Problem | undefined {
  if (query.get('response_type') !== 'code') return ['unsupported_response_type', 'response_type must be code']
  const scope = (query.get('scope') ?? '').split(' ')
  if (!scope.every((name) => ['profile', 'openid', 'email'].includes(name))) {
    return ['invalid_scope', 'The requested scope is invalid.']
  }
  if (scope.includes('email') && !scope.includes('openid')) return ['invalid_scope', 'email needs openid.']
  const odd = VALUES.find(([name, values]) => query.has(name) && !values.test(query.get(name) ?? ''))
  if (odd) return ['invalid_request', `Invalid ${odd[0]} value.`]
  if (query.has('code_challenge') !== query.has('code_challenge_method')) {
    return ['invalid_request', 'code_challenge and code_challenge_method go together.']
  }
  // There is no existing login here.
  return query.get('prompt') === 'none' ? ['login_required', 'Login is required.'] : undefined
}

/** POST `/oauth2/v2.1/verify`: the claims of an id_token, for an app that checks none itself. */
export function idTokenCheck(form: URLSearchParams, { clientID, clientSecret }: Settings, keys: IdTokenKeys): Reply {
  const claims = keys.claimsOf(form.get('id_token') ?? '', clientSecret)
  const [nonce, user] = [form.get('nonce'), form.get('user_id')]
  const wrong = (error_description: string) => ({ status: 400, json: { error: 'invalid_request', error_description } })
  if (!claims) return wrong('Invalid IdToken.')
  if (claims.iss !== ISSUER) return wrong('Invalid IdToken Issuer.')
  if (Number(claims.exp) <= Date.now() / 1000) return wrong('IdToken expired.')
  if (claims.aud !== clientID || form.get('client_id') !== clientID) return wrong('Invalid IdToken Audience.')
  if (nonce !== null && claims.nonce !== nonce) return wrong('Invalid IdToken Nonce.')
  if (user !== null && claims.sub !== user) return wrong('Invalid IdToken Subject Identifier.')
  return { json: claims }
}
