import type { DialectProfile, Providers } from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { routerLogin } from '../support/whole-login'

let emulator: Emulator
afterEach(() => emulator.close())

/** A login that shows what went over the wire and what profile came out. */
async function logIn(name: EmulatorName, options: object = {}, knobs: EmulatorOptions = {}, user?: string) {
  emulator = await startEmulator(name, knobs)
  const providers: Providers = { [name]: { ...emulator.options, ...options } }
  let profile: DialectProfile | undefined
  const verify = (login: { profile: DialectProfile }) => {
    profile = login.profile
    return { id: login.profile.id }
  }
  const { request, code } = await routerLogin(emulator, { providers, verify }, name, user ? { user } : {})
  expect(code).toBeUndefined()
  const sent = (endpoint: string) => emulator.requests.filter((arrived) => arrived.endpoint === endpoint).at(-1)
  return { request, profile, sent, query: Object.fromEntries(request.searchParams) }
}

test('Tailchat: a form, S256, and the avatar whose placeholder is filled', async () => {
  const { query, sent, profile } = await logIn('tailchat')
  expect(query).toMatchObject({ response_type: 'code', scope: 'openid profile', code_challenge_method: 'S256' })
  expect(query.code_challenge).toMatch(/^[\w-]{43}$/)
  expect(query.state).toMatch(/^[\w-]{43}$/)
  const form = new URLSearchParams(sent('token')?.body)
  expect([...form.keys()].sort()).toEqual(
    ['client_id', 'client_secret', 'code', 'code_verifier', 'grant_type', 'redirect_uri'].sort(),
  )
  expect(sent('token')?.headers.authorization).toBeUndefined()
  expect(sent('profile')?.headers.authorization).toMatch(/^Bearer /)
  expect(profile?.photos).toEqual([{ value: `${emulator.origin}/static/files/avatar.png` }])
  expect(profile).toMatchObject({ provider: 'tailchat', _json: { nickname: '张三', discriminator: '0042' } })
  expect(profile?.emails).toBeUndefined()
})

test('Tailchat: a baseURL with a trailing slash is the same site', async () => {
  emulator = await startEmulator('tailchat')
  const { clientID, clientSecret, baseURL } = emulator.options
  const providers: Providers = { tailchat: { clientID, clientSecret, baseURL: `${baseURL}/` } }
  const { user } = await routerLogin(emulator, { providers }, 'tailchat')
  expect(user?.photo).toBe(`${baseURL}/static/files/avatar.png`)
})

test('Tailchat: a user without an avatar has no photo', async () => {
  const { profile } = await logIn('tailchat', {}, {}, '64a0f00d5e97b8b3b2d1bbbb')
  expect(profile).not.toHaveProperty('photos')
})

test('TAPD: auth_by, scopes with # joined by spaces, raw Basic, and a body of exactly three', async () => {
  const knobs = { clientID: 'Aladdin', clientSecret: 'open sesame' }
  const { request, sent, profile } = await logIn('tapd', { scope: ['user', 'story#read'] }, knobs)
  expect(request.pathname).toBe('/oauth/')
  expect(request.search).toContain('scope=user+story%23read')
  expect(request.search).toContain('auth_by=user')
  expect(request.search).not.toContain('code_challenge')
  expect(sent('token')?.headers.authorization).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
  const form = new URLSearchParams(sent('token')?.body)
  expect([...form.keys()].sort()).toEqual(['code', 'grant_type', 'redirect_uri'])
  expect(profile).toMatchObject({ id: '6081', username: 'zhangsan', _json: { status_name: '在职' } })
  expect(profile).not.toHaveProperty('emails')
})

test('TAPD: resource asks nothing more, and its id is another', async () => {
  const { sent, profile } = await logIn('tapd', { profileSource: 'resource' })
  expect(sent('profile')).toBeUndefined()
  expect(profile).toMatchObject({ id: '10006081', _json: { type: 'user', company_id: expect.any(String) } })
  expect(profile?._raw).not.toContain('access_token')
})

test('BBScloud: a JSON call before the redirect, our state in the redirect address, no secret in the browser', async () => {
  const { request, query, sent, profile } = await logIn('bbscloud')
  expect(sent('code')?.headers['content-type']).toBe('application/json')
  expect(JSON.parse(sent('code')?.body ?? '')).toEqual({
    client_id: emulator.options.clientID,
    client_secret: emulator.options.clientSecret,
    response_type: 'code',
  })
  expect(request.href).not.toContain(encodeURIComponent(emulator.options.clientSecret))
  expect(new URL(query.redirect_uri ?? '').searchParams.get('login_state')).toBe(query.state)
  expect(query).not.toHaveProperty('scope')
  expect(sent('profile')?.query.access_token).toEqual(expect.any(String))
  expect(profile).toMatchObject({ displayName: '张三', emails: [{ value: 'aaa@zzz.com' }] })
  expect(profile).not.toHaveProperty('photos')
})

test('TikTok v2: client_key, comma scopes, slashes, a bare form, and the fields of the granted scopes', async () => {
  const scope = ['user.info.basic', 'user.info.profile']
  const { request, query, sent, profile } = await logIn('tiktok', { scope }, { grantedScopes: ['user.info.basic'] })
  expect(request.pathname).toBe('/v2/auth/authorize/')
  expect(query).toMatchObject({ client_key: emulator.options.clientID, scope: 'user.info.basic,user.info.profile' })
  expect(query).not.toHaveProperty('client_id')
  expect(query).not.toHaveProperty('code_challenge')
  expect(sent('token')?.path).toBe('/v2/oauth/token/')
  expect(sent('token')?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect(sent('profile')?.query.fields).toBe('open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name')
  expect(profile).toMatchObject({ id: '-000aZhangSan', photos: [{ value: expect.stringMatching(/^https:/) }] })
  expect(profile).not.toHaveProperty('emails')
  expect(profile?._json).toHaveProperty('union_id')
})

test('TikTok: PKCE is lower-case hex, disable_auto_auth is sent when asked for', async () => {
  const { query } = await logIn('tiktok', { pkce: true, disableAutoAuth: true })
  expect(query.code_challenge).toMatch(/^[0-9a-f]{64}$/)
  expect(query).toMatchObject({ code_challenge_method: 'S256', disable_auto_auth: '1' })
})

test('TikTok v1: everything in the query, the user by POST of JSON', async () => {
  const { request, sent } = await logIn('tiktok', {}, { apiVersion: 'v1' })
  expect(request.pathname).toBe('/platform/oauth/connect/')
  expect(sent('token')).toMatchObject({ method: 'POST', path: '/oauth/access_token/', body: '' })
  expect(Object.keys(sent('token')?.query ?? {}).sort()).toEqual(['client_key', 'client_secret', 'code', 'grant_type'])
  expect(sent('profile')).toMatchObject({ method: 'POST', path: '/user/info/' })
  expect(JSON.parse(sent('profile')?.body ?? '')).toMatchObject({ open_id: '-000aZhangSan', fields: expect.any(Array) })
})

test('AIHubMix: one click is the text true and only when asked for; the numeric id becomes text', async () => {
  const { query, sent, profile } = await logIn('aihubmix', { autoAuthorize: true, scope: ['profile', 'balance'] })
  expect(query).toMatchObject({ auto_authorize: 'true', scope: 'profile balance' })
  expect(new URLSearchParams(sent('token')?.body).get('client_secret')).toBe(emulator.options.clientSecret)
  expect(profile).toMatchObject({ id: '12345', _json: { id: 12345, balance_formatted: '750.00', quota: 1_000_000 } })
  await emulator.close()
  expect((await logIn('aihubmix')).query).not.toHaveProperty('auto_authorize')
})

test('a parameter of the app cannot replace one of the protocol', async () => {
  emulator = await startEmulator('aihubmix')
  const { AihubmixStrategy } = await import('passport-dialects')
  class Meddling extends AihubmixStrategy {
    override authorizationParams() {
      return {
        ...super.authorizationParams(),
        state: 'fixed',
        client_id: 'x',
        redirect_uri: 'http://evil.example',
        extra: 'yes',
      }
    }
  }
  const providers: Providers = { aihubmix: { ...emulator.options, strategy: Meddling } }
  const { request, user } = await routerLogin(emulator, { providers }, 'aihubmix')
  expect(user?.id).toBe('12345')
  expect(request.searchParams.get('extra')).toBe('yes')
  expect(request.searchParams.getAll('state')).not.toContain('fixed')
})
