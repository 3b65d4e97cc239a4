import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { ask, basic, bearer, brought, CALLBACK, encoded, members, type Params, post } from './conversation'

const ENTRY = 'http://127.0.0.1:9/auth/tapd/entry?from=tapd'

let open: Emulator
let registered: Emulator
beforeAll(async () => {
  open = await startEmulator('tapd', { refresh: true })
  registered = await startEmulator('tapd', { redirectURIs: [CALLBACK] })
})
afterAll(() => Promise.all([open.close(), registered.close()]))

const entryAt = (of: Emulator, params: Params) => ask(`${of.origin}/entry?${encoded(params)}`)

function exchange(of: Emulator, code: string | undefined, redirect_uri = CALLBACK) {
  const { tokenURL, clientID, clientSecret } = of.options
  return post(tokenURL, { grant_type: 'authorization_code', code, redirect_uri }, basic(clientID, clientSecret))
}

test('the browser arrives at the entry address with a code and no state', async () => {
  const answer = await entryAt(open, { redirect: ENTRY, user: '6082' })
  expect(answer.status).toBe(302)
  const address = answer.headers.get('location') ?? ''
  expect(address.startsWith(ENTRY)).toBe(true)
  expect(brought(address)).toEqual({ from: 'tapd', code: expect.any(String) })
  const token = members(await exchange(open, brought(address).code), 'data')
  expect(token.resource).toMatchObject({ type: 'user', user_id: '10006082', nick: 'ada' })
  const headers = bearer(token.access_token)
  expect((await ask(open.options.userProfileURL, { headers })).json).toMatchObject({ data: { id: '6082' } })
})

test('without a user it is the first one', async () => {
  const { code } = brought((await entryAt(open, { redirect: ENTRY })).headers.get('location') ?? '')
  expect(members(await exchange(open, code), 'data')).toMatchObject({ resource: { user_id: '10006081' } })
  expect(members(await exchange(open, open.entryCode()), 'data')).toMatchObject({ resource: { user_id: '10006081' } })
})

test('entryCode is such a code: for one use, at the same endpoint', async () => {
  const code = open.entryCode({ user: '6084' })
  expect((await exchange(open, code)).json).toMatchObject({
    status: 1,
    data: { resource: { user_id: '10006084' }, refresh_token: expect.any(String) },
  })
  expect((await exchange(open, code)).status).toBe(422)
})

test('its exchange names the registered address, or any where none is registered', async () => {
  expect((await exchange(open, open.entryCode(), 'http://127.0.0.1:9/anything')).status).toBe(200)
  const code = registered.entryCode()
  expect(members(await exchange(registered, code, 'http://127.0.0.1:9/anything')).info).toMatch(/redirect URI/)
  expect((await exchange(registered, code)).status).toBe(200)
})

test('the code of a login still needs the address of its own login', async () => {
  const asked = { response_type: 'code', client_id: open.options.clientID, redirect_uri: CALLBACK, scope: 'user' }
  const address = `${open.options.authorizationURL}?${encoded({ ...asked, state: 's', auth_by: 'user' })}`
  const { code } = brought(await open.approve(address))
  expect((await exchange(open, code, 'http://127.0.0.1:9/anything')).status).toBe(422)
})

test.each<[string, Params]>([
  ['an unknown user', { redirect: ENTRY, user: 'nobody' }],
  ['an entry address that is none', { redirect: 'javascript:alert(1)' }],
  ['a path', { redirect: '/auth/tapd/entry' }],
  ['an empty address', { redirect: '' }],
])('%s stays on a page', async (_what, params) => {
  const answer = await entryAt(open, params)
  expect(answer.status).toBe(400)
  expect(answer.headers.get('location')).toBeNull()
})

test('without an address a page asks for it', async () => {
  const answer = await entryAt(open, {})
  expect(answer.status).toBe(200)
  expect(answer.text).toMatch(/<form method="get">[\s\S]*name="redirect" required/)
})

test('only TAPD sends such codes, to users it knows', async () => {
  for (const name of ['tailchat', 'bbscloud', 'tiktok', 'aihubmix'] satisfies EmulatorName[]) {
    const other = await startEmulator(name)
    try {
      expect(() => other.entryCode()).toThrow(`${name} sends no code that an app has not asked for`)
    } finally {
      await other.close()
    }
  }
  expect(() => open.entryCode({ user: 'nobody' })).toThrow('no user nobody')
})
