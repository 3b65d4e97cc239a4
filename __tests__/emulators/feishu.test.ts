import { createHash } from 'node:crypto'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import {
  agreed,
  ask,
  basic,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  postJson,
} from './conversation'
import { resourceAt } from './logins'

let emulator: Emulator
let older: string
beforeAll(async () => {
  emulator = await startEmulator('feishu', { redirectURIs: [CALLBACK] })
  older = `${emulator.origin}/open-apis/authen/v2/oauth/token`
})
afterAll(() => emulator.close())

function authorization(over: Params = {}): Params {
  const usual = { client_id: emulator.options.clientID, redirect_uri: CALLBACK, response_type: 'code', state: 's' }
  return { ...usual, scope: 'offline_access contact:user.email:readonly', ...over }
}

function client() {
  return { client_id: emulator.options.clientID, client_secret: emulator.options.clientSecret }
}

function exchange(code: string | undefined, over: Record<string, string | undefined> = {}) {
  return { ...client(), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

function scopes(count: number): string {
  return Array.from({ length: count }, (_, index) => `a:scope${index}`).join(' ')
}

async function code(over: Params = {}): Promise<string> {
  return (await agreed(emulator, authorization(over))).code ?? ''
}

test('a whole conversation', async () => {
  const token = members(await postJson(emulator.options.tokenURL, exchange(await code())))
  expect(token).toEqual({
    code: 0,
    access_token: expect.stringMatching(/^eyJ/),
    expires_in: 7200,
    refresh_token: expect.stringMatching(/^eyJ/),
    refresh_token_expires_in: 604_800,
    scope: 'offline_access contact:user.email:readonly',
    token_type: 'Bearer',
  })
  const user = await ask(emulator.options.userProfileURL, { headers: bearer(token.access_token) })
  expect(user.json).toMatchObject({ code: 0, msg: 'success', data: { name: '张三', email: 'zhangsan@example.com' } })
  expect(members(user, 'data').open_id).toMatch(/^ou_/)
})

test('without offline_access no refresh token, without its scope no e-mail address', async () => {
  const token = members(await postJson(emulator.options.tokenURL, exchange(await code({ scope: undefined }))))
  expect(Object.keys(token)).not.toContain('refresh_token')
  const user = await ask(emulator.options.userProfileURL, { headers: bearer(token.access_token) })
  expect(Object.keys(members(user, 'data'))).not.toContain('email')
})

test('mistakes of the app stay on the page; a refusal goes back', async () => {
  for (const wrong of [
    { client_id: 'cli_other' },
    { redirect_uri: `${CALLBACK}/other` },
    { response_type: 'token' },
    { scope: 'Not A Scope' },
    { scope: scopes(51) },
    { code_challenge: 'x'.repeat(43) },
    { state: ['a', 'b'] },
  ]) {
    const answer = await ask(`${emulator.options.authorizationURL}?${encoded(authorization(wrong))}`)
    expect({ wrong, status: answer.status }).toEqual({ wrong, status: 400 })
  }
  expect(await code({ scope: scopes(50) })).not.toBe('')
  const denied = await emulator.deny(`${emulator.options.authorizationURL}?${encoded(authorization())}`)
  expect(brought(denied)).toEqual({ error: 'access_denied', state: 's' })
})

test.each([
  ['another secret', { client_secret: 'wrong' }, 20002, 'invalid_client'],
  ['another app', { client_id: 'cli_other' }, 20048, 'invalid_client'],
  ['no app', { client_id: undefined }, 20001, 'invalid_request'],
  ['no code', { code: undefined }, 20001, 'invalid_request'],
  ['a code that was never given', { code: 'x' }, 20003, 'invalid_grant'],
  ['another redirect address', { redirect_uri: `${CALLBACK}/other` }, 20071, 'invalid_grant'],
  ['another grant type', { grant_type: 'password' }, 20036, 'unsupported_grant_type'],
])('the token request refuses %s', async (_what, over, number, error) => {
  const answer = await postJson(emulator.options.tokenURL, exchange(await code(), over))
  expect(answer).toMatchObject({ status: 400, json: { code: number, error, error_description: expect.any(String) } })
})

test('a code is good for one use, and for its time', async () => {
  const used = exchange(await code())
  expect(members(await postJson(older, used)).code).toBe(0)
  expect(members(await postJson(older, used)).code).toBe(20065)
  const slow = await startEmulator('feishu', { codeLifetime: 0 })
  const { code: late } = await agreed(slow, { ...authorization(), client_id: slow.options.clientID })
  const { clientID: client_id, clientSecret: client_secret } = slow.options
  expect(members(await postJson(slow.options.tokenURL, exchange(late, { client_id, client_secret }))).code).toBe(20004)
  await slow.close()
})

test('two ways to say who the app is are one too many', async () => {
  const { client_id, client_secret } = client()
  const answer = await postJson(emulator.options.tokenURL, exchange(await code()), basic(client_id, client_secret))
  expect(members(answer).code).toBe(20070)
})

test('the newer address takes a form too, the older one JSON alone', async () => {
  expect(members(await post(emulator.options.tokenURL, exchange(await code()))).code).toBe(0)
  expect(members(await post(older, exchange(await code()))).code).toBe(20063)
})

test('PKCE: the right verifier only; the newer address refuses one that no challenge asked for', async () => {
  const verifier = 'TxYmzM4PHLBlqm5NtnCmwxMH8mFlRWl_ipie3O0aVzo'
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const challenged = () => code({ code_challenge, code_challenge_method: 'S256' })
  const outcome = async (url: string, body: object) => members(await postJson(url, body)).code
  const { tokenURL } = emulator.options
  expect(await outcome(tokenURL, exchange(await challenged(), { code_verifier: verifier }))).toBe(0)
  expect(await outcome(tokenURL, exchange(await challenged(), { code_verifier: 'a'.repeat(43) }))).toBe(20049)
  expect(await outcome(tokenURL, exchange(await challenged()))).toBe(20049)
  expect(await outcome(tokenURL, exchange(await code(), { code_verifier: verifier }))).toBe(20049)
  expect(await outcome(older, exchange(await code(), { code_verifier: verifier }))).toBe(0)
})

test('a refresh token is good for one use', async () => {
  const { refresh_token } = members(await postJson(emulator.options.tokenURL, exchange(await code())))
  const renewal = { ...client(), grant_type: 'refresh_token', refresh_token }
  expect(members(await postJson(emulator.options.tokenURL, renewal))).toMatchObject({ code: 0, expires_in: 7200 })
  expect(members(await postJson(emulator.options.tokenURL, renewal))).toMatchObject({ code: 20026 })
  expect(emulator.requests.at(-1)?.endpoint).toBe('refresh')
})

test('after a refresh the old access token lives for one more minute', async () => {
  const { tokenURL, userProfileURL } = emulator.options
  const first = members(await postJson(tokenURL, exchange(await code())))
  const renewal = { ...client(), grant_type: 'refresh_token', refresh_token: first.refresh_token }
  const second = members(await postJson(tokenURL, renewal))
  const status = async (token: unknown) => (await ask(userProfileURL, { headers: bearer(token) })).status
  expect(await status(first.access_token)).toBe(200)
  const now = Date.now()
  const clock = jest.spyOn(Date, 'now')
  try {
    clock.mockReturnValue(now + 59_000)
    expect(await status(first.access_token)).toBe(200)
    clock.mockReturnValue(now + 60_000)
    expect(await status(first.access_token)).toBe(400)
    expect(await status(second.access_token)).toBe(200)
  } finally {
    clock.mockRestore()
  }
})

test('a refresh lengthens the life of no access token', async () => {
  const brief = await startEmulator('feishu', { accessTokenLifetime: 0 })
  try {
    const { clientID: client_id, clientSecret: client_secret, tokenURL, userProfileURL } = brief.options
    const { code: granted } = await agreed(brief, authorization({ client_id }))
    const token = members(await postJson(tokenURL, exchange(granted, { client_id, client_secret })))
    const renewal = { grant_type: 'refresh_token', refresh_token: token.refresh_token, client_id, client_secret }
    expect(members(await postJson(tokenURL, renewal)).code).toBe(0)
    expect((await ask(userProfileURL, { headers: bearer(token.access_token) })).status).toBe(400)
  } finally {
    await brief.close()
  }
})

test('a dead token may be refused on HTTP 200, as documented', async () => {
  const documented = await startEmulator('feishu', { deadTokenStatus: '200' })
  try {
    const dead = { status: 200, json: { code: 20005, msg: expect.stringContaining('user access token') } }
    expect(await ask(documented.options.userProfileURL, { headers: bearer('eyJdead') })).toMatchObject(dead)
    expect(await resourceAt(documented, 'eyJdead')).toMatchObject(dead)
    expect(await ask(documented.options.userProfileURL)).toMatchObject({ status: 400, json: { code: 99991661 } })
  } finally {
    await documented.close()
  }
})

test('the user is told to nobody without a live token', async () => {
  expect(await ask(emulator.options.userProfileURL)).toMatchObject({ status: 400, json: { code: 99991661 } })
  const forged = await ask(emulator.options.userProfileURL, { headers: bearer('eyJforged') })
  expect(forged).toMatchObject({ status: 400, json: { code: 99991668 } })
})
