import { inspect } from 'node:util'
import { OAuthError } from 'passport-dialects'
import { AuthorizationError, InternalOAuthError, TokenError } from 'passport-oauth2'

const at = { provider: 'plain', phase: 'token' as const }

test('an OAuthError without words of its own has its code’s message and status', () => {
  const error = new OAuthError('grant_rejected', at)
  expect(error).toMatchObject({ name: 'OAuthError', code: 'grant_rejected', status: 401, retryable: false, ...at })
  expect(error.toString()).toMatch(/^OAuthError: The provider rejects the code/)
  expect(error).toBeInstanceOf(Error)
})

test('an OAuthError with words of its own formats them', () => {
  const error = new OAuthError('grant_rejected', { ...at, message: 'Invalid return URI' })
  expect(error.toString()).toBe('OAuthError: Invalid return URI')
  expect(new TokenError('Invalid return URI', 'invalid_grant').toString()).toBe('TokenError: Invalid return URI')
})

test('an OAuthError takes a status', () => {
  expect(new OAuthError('session_missing', { ...at, status: 503 }).status).toBe(503)
  expect(new AuthorizationError('Busy', 'temporarily_unavailable').status).toBe(503)
})

test('differs: there is one class of error, recognised by its code', () => {
  const error = new OAuthError('authorization_failed', { ...at, providerCode: 'invalid_scope' })
  for (const Class of [AuthorizationError, TokenError, InternalOAuthError]) expect(error).not.toBeInstanceOf(Class)
  expect(OAuthError.is(error) && [error.code, error.providerCode]).toEqual(['authorization_failed', 'invalid_scope'])
})

test('differs: no error shows the body of an answer', () => {
  const cause = { statusCode: 401, data: '{"token":"a-token-in-a-body"}' }
  const ours = new OAuthError('client_rejected', { ...at, providerStatus: 401 })
  expect(`${ours}${JSON.stringify(ours)}${inspect(ours)}`).not.toContain('a-token-in-a-body')
  expect(new InternalOAuthError('Failed to obtain access token', cause).toString()).toContain('a-token-in-a-body')
})
