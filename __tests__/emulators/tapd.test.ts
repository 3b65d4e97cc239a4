import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { agreed, ask, basic, bearer, CALLBACK, encoded, members, type Params, post, postJson } from './conversation'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('tapd', { clientID: 'Aladdin', clientSecret: 'open sesame+%:é', refresh: true })
})
afterAll(() => emulator.close())

function authorization(over: Params = {}): Params {
  const usual = { response_type: 'code', client_id: 'Aladdin', redirect_uri: CALLBACK, scope: 'user story#read' }
  return { ...usual, state: 'some state', auth_by: 'user', ...over }
}

const client = () => basic('Aladdin', 'open sesame+%:é')
const exchange = (code: string | undefined, over: Params = {}): Params => ({
  grant_type: 'authorization_code',
  redirect_uri: CALLBACK,
  code,
  ...over,
})

test('a whole conversation', async () => {
  const { tokenURL, userProfileURL } = emulator.options
  expect(emulator.options.authorizationURL).toMatch(/\/oauth\/$/)
  const { code, state, resource } = await agreed(emulator, authorization())
  expect(state).toBe('some state')
  expect(JSON.parse(resource ?? '')).toMatchObject({ type: 'user', user_id: '10006081' })
  const token = await post(tokenURL, exchange(code), client())
  expect(token.json).toMatchObject({ status: 1, info: 'success' })
  const { access_token, scope, ...data } = members(token, 'data')
  expect(scope).toBe('story#read user user ')
  expect(data).toMatchObject({ expires_in: 7200, token_type: 'Bearer', resource: { type: 'user' } })
  const info = await ask(userProfileURL, { headers: bearer(access_token) })
  expect(info.json).toMatchObject({ status: 1, data: { id: '6081', nick: 'zhangsan', name: '张三' } })
})

test.each<[string, Params, string]>([
  ['no state', { state: undefined }, 'state 不能为空'],
  ['an empty state', { state: '' }, 'state 不能为空'],
  ['no auth_by', { auth_by: undefined }, 'auth_by'],
  ['another auth_by', { auth_by: 'workspace' }, 'auth_by'],
  ['an unknown client', { client_id: 'x' }, 'invalid_client'],
  ['no scope', { scope: undefined }, 'invalid_scope'],
  ['scopes with commas', { scope: 'user,story' }, 'invalid_scope'],
  ['a redirect address with a fragment', { redirect_uri: `${CALLBACK}#x` }, 'redirect_uri'],
  ['no response_type', { response_type: undefined }, 'response_type'],
  ['a repeated state', { state: ['a', 'b'] }, 'invalid_request'],
])('the authorization request stays on a page: %s', async (_title, over, says) => {
  await expect(agreed(emulator, authorization(over))).rejects.toThrow(says)
})

test('a denial', async () => {
  const callback = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(callback).toBe(`${CALLBACK}?error=access_denied&state=some+state`)
})

test.each<[string, Params, Record<string, string>, number, string]>([
  ['no Basic', {}, {}, 422, 'basic auth info is required'],
  ['a wrong secret', {}, basic('Aladdin', 'x'), 401, 'invalid_client: 401 Unauthorized'],
  ['a percent-encoded secret', {}, basic('Aladdin', encodeURIComponent('open sesame+%:é')), 401, 'invalid_client'],
  ['the client in the body', { client_id: 'Aladdin' }, {}, 422, 'basic auth info is required'],
  ['the client in both places', { client_id: 'Aladdin' }, client(), 422, 'unknown parameter client_id'],
  ['no grant_type', { grant_type: undefined }, client(), 422, 'grant_type is required'],
  ['another grant_type', { grant_type: 'client_credentials' }, client(), 422, 'grant_type is invalid'],
  ['no code', { code: undefined }, client(), 422, 'code is required'],
  ['a forged code', { code: 'x' }, client(), 422, "The authorization code doesn't exist"],
  ['another address', { redirect_uri: `${CALLBACK}/` }, client(), 422, 'The redirect URI is missing or do not match'],
  ['a repeated code', { code: ['x', 'y'] }, client(), 422, 'code is repeated'],
])('the token request is refused: %s', async (_title, over, headers, status, info) => {
  const { code } = await agreed(emulator, authorization())
  const refusal = await post(emulator.options.tokenURL, exchange(code, over), headers)
  expect(refusal.status).toBe(status)
  expect(refusal.json).toMatchObject({ status, data: '', info: expect.stringContaining(info) })
  expect(members(refusal, 'meta').request_id).toEqual(expect.any(String))
  expect((await post(emulator.options.tokenURL, exchange(code), client())).status).toBe(200)
})

test('a JSON body, a used code, an expired code', async () => {
  const { tokenURL } = emulator.options
  const { code } = await agreed(emulator, authorization())
  expect((await postJson(tokenURL, exchange(code), client())).status).toBe(422)
  expect((await post(tokenURL, exchange(code), client())).status).toBe(200)
  expect((await post(tokenURL, exchange(code), client())).status).toBe(422)
  await withKnobs({ codeLifetime: 0 }, async ({ options, token }) => {
    const answer = await token()
    expect(answer).toMatchObject({
      status: 200,
      json: { status: -1, info: 'The authorization code has expired' },
    })
    expect(options.refreshURL).toMatch(/\/tokens\/refresh_token$/)
  })
})

test('users/info: no token, a bad one, one in the query, one without the scope user', async () => {
  const { tokenURL, userProfileURL } = emulator.options
  expect((await ask(userProfileURL)).json).toMatchObject({ status: 401, info: '401 Unauthorized' })
  const bad = { status: 422, json: { info: 'The access token provided is invalid' } }
  expect(await ask(userProfileURL, { headers: bearer('x') })).toMatchObject(bad)
  const { code } = await agreed(emulator, authorization({ scope: 'story#read user#read' }))
  const { access_token } = members(await post(tokenURL, exchange(code), client()), 'data')
  expect((await ask(`${userProfileURL}?access_token=${access_token}`)).status).toBe(401)
  const limited = { status: 403, json: { info: 'scope limited' } }
  expect(await ask(userProfileURL, { headers: bearer(access_token) })).toMatchObject(limited)
})

test('an unknown path answers 200 and status 1', async () => {
  const greeting = { status: 200, json: { status: 1, data: expect.any(String) } }
  expect(await post(`${emulator.origin}/tokens/request_tokens`, {}, client())).toMatchObject(greeting)
  expect(await ask(emulator.options.tokenURL)).toMatchObject(greeting)
})

test('a refresh rotates; the old refresh token is dead', async () => {
  const { tokenURL, refreshURL = '' } = emulator.options
  const { code } = await agreed(emulator, authorization())
  const { refresh_token } = members(await post(tokenURL, exchange(code), client()), 'data')
  const renewal = { grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  expect((await post(tokenURL, renewal, client())).status).toBe(422)
  const renewed = members(await post(refreshURL, renewal, client()), 'data')
  expect(renewed).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String) })
  expect(renewed.refresh_token).not.toBe(refresh_token)
  expect((await post(refreshURL, renewal, client())).json).toMatchObject({ info: 'Invalid refresh token' })
})

interface Knobbed {
  options: Emulator['options']
  callback: Record<string, string>
  token(): ReturnType<typeof post>
}

async function withKnobs(knobs: EmulatorOptions, run: (knobbed: Knobbed) => Promise<void>): Promise<void> {
  const other = await startEmulator('tapd', { clientID: 'Aladdin', clientSecret: 'open sesame+%:é', ...knobs })
  try {
    const callback = await agreed(other, authorization())
    const token = () => post(other.options.tokenURL, exchange(callback.code), client())
    await run({ options: other.options, callback, token })
  } finally {
    await other.close()
  }
}

test('knobs: workspace, stray quote, shapes of users/info, refresh styles, site', async () => {
  await withKnobs({ resource: 'workspace', strayQuote: true }, async ({ callback, token }) => {
    expect(callback.resource).toBe('{"type":"workspace","workspace_id":10104801}\'')
    expect(members(await token(), 'data')).toMatchObject({ resource: { type: 'workspace' } })
    expect(members(await token(), 'data').refresh_token).toBeUndefined()
  })
  for (const [userInfoShape, data] of [
    ['wrapped', { User: { id: '6081' } }],
    ['array', [{ id: '6081' }]],
  ] as const) {
    await withKnobs({ userInfoShape }, async ({ options, token }) => {
      const headers = bearer(members(await token(), 'data').access_token)
      expect((await ask(options.userProfileURL, { headers })).json).toMatchObject({ data })
    })
  }
  for (const refreshStyle of ['repeat', 'omit'] as const) {
    await withKnobs({ refresh: true, refreshStyle }, async ({ options, token }) => {
      const refresh_token = String(members(await token(), 'data').refresh_token)
      const renew = () => post(options.refreshURL ?? '', { grant_type: 'refresh_token', refresh_token }, client())
      expect(members(await renew(), 'data').refresh_token).toBe(refreshStyle === 'omit' ? undefined : refresh_token)
      expect((await renew()).json).toMatchObject({ status: 1, data: { access_token: expect.any(String) } })
    })
  }
  await withKnobs({ site: 'cloud', refresh: true }, async ({ options }) => {
    expect(options.site).toBe('cloud')
    expect((await post(options.refreshURL ?? '', {}, client())).json).toMatchObject({ data: expect.any(String) })
  })
})
