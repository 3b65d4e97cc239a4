import type { OAuth2 } from 'oauth'
import * as ours from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'
import { agree, PlainStrategy, TOKEN, USER } from '../support/plain-provider'
import { bench } from './both'

const at = bench()

/** The `_oauth2` of a strategy: protected in passport-oauth2, and what add-ons reach for all the same. */
function clientOf(strategy: object): OAuth2 {
  return (strategy as { _oauth2: OAuth2 })._oauth2
}

function clients(): OAuth2[] {
  const { options } = at.provider
  return [new PlainStrategy(options, agree), new OAuth2Strategy({ ...options, state: true }, agree)].map(clientOf)
}

test('the package exports what passport-oauth2’s users look for', () => {
  expect(Object.getPrototypeOf(ours.DialectStrategy.prototype)).toBeInstanceOf(OAuth2Strategy)
  expect(typeof ours.DialectStrategy).toBe('function')
  expect(typeof ours.OAuthError).toBe('function')
})

test('_oauth2 knows the client and its addresses', () => {
  const known = (client: OAuth2) =>
    ['_clientId', '_clientSecret', '_authorizeUrl', '_accessTokenUrl'].map((name) => Reflect.get(client, name))
  const [mine, their] = clients()
  if (!mine || !their) throw new Error('there are two')
  expect(known(mine)).toEqual(known(their))
})

test('_oauth2 trades a code and a refresh token for tokens', async () => {
  for (const client of clients()) {
    for (const [credential, params, sent] of [
      ['a code', { grant_type: 'authorization_code' }, { code: 'a code' }],
      ['a refresh token', { grant_type: 'refresh_token' }, { refresh_token: 'a refresh token' }],
    ] as const) {
      at.provider.reset()
      const [access, refresh, raw] = await new Promise<unknown[]>((resolve, reject) => {
        client.getOAuthAccessToken(credential, { ...params }, (error, ...got) => (error ? reject(error) : resolve(got)))
      })
      expect([access, refresh]).toEqual([TOKEN.access_token, TOKEN.refresh_token])
      expect(raw).toMatchObject({ example_parameter: 'example_value' })
      expect(at.provider.tokenRequests[0]?.form).toMatchObject({ ...params, ...sent, client_id: 'ABC123' })
    }
  }
})

test('differs: _oauth2.get sends the token in a header, never in the address', async () => {
  for (const client of clients()) {
    const body = await new Promise((resolve, reject) => {
      client.get(at.provider.options.userProfileURL, TOKEN.access_token, (error, text) =>
        error ? reject(error) : resolve(text),
      )
    })
    expect(JSON.parse(String(body))).toEqual(USER)
  }
  const [mine, their] = at.provider.profileRequests
  expect([mine?.url, mine?.headers.authorization]).toEqual(['/me', `Bearer ${TOKEN.access_token}`])
  expect([their?.url, their?.headers.authorization]).toEqual([`/me?access_token=${TOKEN.access_token}`, undefined])
})

test('differs: a failure of _oauth2 is an OAuthError', async () => {
  at.provider.answer = { status: 400, body: { error: 'invalid_grant' } }
  const errors = await Promise.all(
    clients().map(
      (client) => new Promise((resolve) => client.getOAuthAccessToken('a code', {}, (error) => resolve(error))),
    ),
  )
  expect(errors[0]).toMatchObject({ code: 'grant_rejected', providerCode: 'invalid_grant' })
  expect(errors[1]).toMatchObject({ statusCode: 400, data: expect.any(String) })
})
