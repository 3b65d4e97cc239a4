import { createPrivateKey, createPublicKey, type JsonWebKey, sign } from 'node:crypto'
import { type Emulator, ID_TOKEN_FORGERIES, type IdTokenForgery, startEmulator } from 'passport-dialects/emulators'
import { ask, CALLBACK, encoded, members, post } from './conversation'
import { decoded, verified } from './id-tokens'

const ISSUER = 'https://appleid.apple.com'

let apple: Emulator<'apple'>
beforeAll(async () => {
  apple = await startEmulator('apple')
})
afterAll(() => apple.close())

/** A client secret as the app signs it. */
function secret(): string {
  const { clientID, teamID, keyID, privateKey } = apple.options
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: teamID, iat: now, exp: now + 300, aud: ISSUER, sub: clientID }
  const [header, payload] = [{ alg: 'ES256', kid: keyID }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const key = { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' } as const
  return `${header}.${payload}.${sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url')}`
}

async function idToken(): Promise<unknown> {
  const { clientID, authorizationURL, tokenURL } = apple.options
  const client = { client_id: clientID, redirect_uri: CALLBACK }
  const asked = { ...client, response_type: 'code', response_mode: 'form_post', scope: 'name email', nonce: 'n' }
  const { fields } = await apple.approveForm(`${authorizationURL}?${encoded(asked)}`)
  const grant = { ...client, client_secret: secret(), grant_type: 'authorization_code', code: fields.code }
  return members(await post(tokenURL, grant)).id_token
}

const expected = { issuer: ISSUER, nonce: 'n' }

/** They are found by what they say alone. */
const OF_WORDS: readonly IdTokenForgery[] = ID_TOKEN_FORGERIES.filter((name) =>
  /aud|iss|nonce|exp|iat|(no|empty)-sub|sub-number/.test(name),
)

/** A client that only decodes finds nothing wrong with these. */
const BELIEVED = ID_TOKEN_FORGERIES.filter((name) => !OF_WORDS.includes(name) && !/no-id-token|not-a-jwt/.test(name))

test.each(ID_TOKEN_FORGERIES.filter((name) => name !== 'other-sub'))(
  '%s: refused by a careful client',
  async (name) => {
    apple.forgeNext(name)
    await expect(verified(apple, await idToken(), expected)).rejects.toThrow()
    expect(await verified(apple, await idToken(), expected)).toMatchObject({ sub: apple.users[0]?.id })
  },
)

test.each(BELIEVED)('%s: believed by one that only decodes', async (name) => {
  apple.forgeNext(name)
  expect(decoded(await idToken()).claims).toMatchObject({ iss: ISSUER, nonce: 'n', sub: expect.any(String) })
})

test.each(OF_WORDS)('%s: its signature is right', async (name) => {
  apple.forgeNext(name)
  const token = String(await idToken())
  const { createLocalJWKSet, compactVerify } = await import('jose')
  const keys = createLocalJWKSet((await ask(apple.options.jwksURL)).json as { keys: [] }) // jose checks it
  expect((await compactVerify(token, keys)).protectedHeader).toMatchObject({ alg: 'RS256' })
})

test('other-sub is a right token of somebody else', async () => {
  apple.forgeNext('other-sub')
  expect(await verified(apple, await idToken(), expected)).toMatchObject({ sub: 'somebody-else' })
})

test('HS256 by the public key verifies for whoever takes it for a secret', async () => {
  apple.forgeNext('hs256-with-public-key')
  const token = String(await idToken())
  const { jwtVerify } = await import('jose')
  const { keys } = (await ask(apple.options.jwksURL)).json as { keys: JsonWebKey[] }
  const pem = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  expect((await jwtVerify(token, Buffer.from(String(pem)))).payload).toMatchObject({ iss: ISSUER })
})

test('as often as asked, in order; an unknown name and a provider without are refused', async () => {
  apple.forgeNext('no-id-token', 2)
  apple.forgeNext('not-a-jwt')
  expect([await idToken(), await idToken(), await idToken()]).toEqual([undefined, undefined, 'not-a-jwt'])
  expect(() => apple.forgeNext('nothing' as IdTokenForgery)).toThrow(
    /no forgery named nothing here; there are alg-none/,
  )
  const tapd = await startEmulator('tapd')
  expect(() => tapd.forgeNext('expired')).toThrow('tapd signs neither id_tokens nor callbacks')
  expect(() => tapd.rotateKeys()).toThrow('tapd has no keys to rotate')
  await tapd.close()
})
