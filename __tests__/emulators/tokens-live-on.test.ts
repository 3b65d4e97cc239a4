import {
  type Emulator,
  type EmulatorName,
  type EmulatorOptions,
  type EmulatorRequest,
  FAULTS,
  type Fault,
  type FaultEndpoint,
  startEmulator,
} from 'passport-dialects/emulators'
import { eventually } from '../support/eventually'
import { usually } from '../support/whole'
import { type Answer, ask, bearer, members, post } from './conversation'
import { authorizationAt, loginAt, profileAt, read, refreshAt, resourceAt, revokeAt } from './logins'

const NAMES = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix'] as const satisfies readonly EmulatorName[]
type Name = (typeof NAMES)[number]
const REFRESHING = NAMES.filter((name) => name !== 'bbscloud')
const ROTATING: readonly EmulatorName[] = ['tapd', 'tiktok', 'aihubmix']

const running: Emulator[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()))
})

async function started(name: EmulatorName, options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(name, { refresh: true, ...options })
  running.push(emulator)
  return emulator
}

/** How each says that a token is no good. */
const REFUSED_TOKEN: Record<Name, Partial<Answer>> = {
  tailchat: { status: 401, json: { error: 'invalid_token', error_description: 'invalid token provided' } },
  tapd: { status: 422, json: expect.objectContaining({ status: 422, info: 'The access token provided is invalid' }) },
  bbscloud: { status: 200, json: { error: -2, error_description: '调用接口凭证无效' } },
  tiktok: { status: 401, json: { data: {}, error: expect.objectContaining({ code: 'access_token_invalid' }) } },
  aihubmix: { status: 401, json: { error: 'invalid_token' } },
}

const REFUSED_REFRESH: Record<string, object> = {
  tailchat: { status: 400, json: { error: 'invalid_grant' } },
  tapd: { status: 422, json: { info: 'Invalid refresh token' } },
  tiktok: { status: 400, json: { error: 'invalid_grant' } },
  aihubmix: { status: 400, json: { error: 'invalid_grant' } },
  feishu: { status: 400, json: { code: 20026 } },
}

test.each(NAMES)('%s: the resource says who called and what arrived, by any method', async (name) => {
  const emulator = await started(name)
  const { access } = await loginAt(emulator)
  expect(await resourceAt(emulator, access)).toMatchObject({
    status: 200,
    json: { user: emulator.users[0]?.id, method: 'GET', path: '/emulator/resource', query: { a: '1' }, body: '' },
  })
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const sent = { method, body: '张', headers: { 'content-type': 'text/plain' } }
    expect((await resourceAt(emulator, access, sent)).json).toMatchObject({ method, body: '张', type: 'text/plain' })
  }
  expect(emulator.requests.at(-1)?.endpoint).toBe('request')
})

test.each(NAMES)('%s: expireTokens kills the access tokens, in the words of the provider', async (name) => {
  const emulator = await started(name)
  const { access, refresh } = await loginAt(emulator)
  emulator.expireTokens()
  expect(await resourceAt(emulator, access)).toMatchObject(REFUSED_TOKEN[name])
  expect(await profileAt(emulator, access)).toMatchObject(REFUSED_TOKEN[name])
  if (refresh === undefined) return expect(name).toBe('bbscloud')
  const renewed = read(emulator, await refreshAt(emulator, refresh))
  expect((await resourceAt(emulator, renewed.access)).status).toBe(200)
})

test.each(REFRESHING)('%s: revokeGrants kills the refresh tokens, and leaves the access tokens', async (name) => {
  const emulator = await started(name)
  const { access, refresh } = await loginAt(emulator)
  emulator.revokeGrants()
  expect(await refreshAt(emulator, refresh)).toMatchObject(REFUSED_REFRESH[name] ?? {})
  expect((await resourceAt(emulator, access)).status).toBe(200)
  expect((await refreshAt(emulator, (await loginAt(emulator)).refresh)).status).toBe(200)
})

test.each(REFRESHING)('%s: tokens live as short as asked', async (name) => {
  const emulator = await started(name, { accessTokenLifetime: 0 })
  const first = await loginAt(emulator)
  expect(first.raw.expires_in).toBe(0)
  expect(await resourceAt(emulator, first.access)).toMatchObject(REFUSED_TOKEN[name])
  const renewed = read(emulator, await refreshAt(emulator, first.refresh))
  expect(renewed.raw.expires_in).toBe(0)
  expect(renewed.access).not.toBe(first.access)
  const short = await started(name, { refreshTokenLifetime: 0 })
  expect(await refreshAt(short, (await loginAt(short)).refresh)).toMatchObject(REFUSED_REFRESH[name] ?? {})
})

test.each(ROTATING)('%s: a refresh kills the old refresh token at once, the new one works', async (name) => {
  const emulator = await started(name)
  const { refresh } = await loginAt(emulator)
  const [one, other] = await Promise.all([refreshAt(emulator, refresh), refreshAt(emulator, refresh)])
  const [won, lost] = one.status === 200 ? [one, other] : [other, one]
  expect(lost).toMatchObject(REFUSED_REFRESH[name] ?? {})
  const renewed = read(emulator, won)
  expect(renewed.refresh).not.toBe(refresh)
  expect((await refreshAt(emulator, renewed.refresh)).status).toBe(200)
})

test('TikTok v1: both ends of the tokens', async () => {
  const emulator = await started('tiktok', { apiVersion: 'v1' })
  const login = async () => {
    const callback = new URL(await emulator.approve(await authorizationAt(emulator))).searchParams
    const { clientID: client_key, clientSecret: client_secret, tokenURL } = emulator.options
    const params = { client_key, client_secret, grant_type: 'authorization_code', code: callback.get('code') ?? '' }
    return members(await ask(`${tokenURL}?${new URLSearchParams(params)}`, { method: 'POST' }), 'data')
  }
  const { access_token, refresh_token } = await login()
  expect((await resourceAt(emulator, String(access_token))).json).toMatchObject({ user: '-000aZhangSan' })
  emulator.expireTokens()
  expect((await resourceAt(emulator, String(access_token))).json).toMatchObject({ data: { error_code: 10008 } })
  emulator.revokeGrants()
  const { clientID: client_key, refreshURL } = emulator.options
  const params = { client_key, grant_type: 'refresh_token', refresh_token: String(refresh_token) }
  const refused = await ask(`${refreshURL}?${new URLSearchParams(params)}`, { method: 'POST' })
  expect(refused.json).toMatchObject({ data: { error_code: 10010 } })
})

describe('AIHubMix: topping up', () => {
  test('a click pays, the user call tells the new balance, a reload pays nothing', async () => {
    const emulator = await started('aihubmix')
    const { access } = await loginAt(emulator)
    const balance = async () => members(await profileAt(emulator, access)).balance_formatted
    const address = String(members(await ask(emulator.options.topupURL ?? '', { headers: bearer(access) })).topup_url)
    expect((await ask(address)).text).toContain('750.00')
    expect(await balance()).toBe('750.00')
    const paid = await post(address, { pay: '100000' })
    expect(paid.status).toBe(303)
    const shown = await ask(new URL(paid.headers.get('location') ?? '', address).href)
    expect(shown.text).toContain('850.00')
    expect(await balance()).toBe('850.00')
    await post(address, { pay: '1' })
    expect(await balance()).toBe('850.00')
    const other = await loginAt(emulator, { user: '12346' })
    expect(members(await profileAt(emulator, other.access)).balance_formatted).toBe('750.00')
    expect((await ask(`${emulator.origin}/topup?user=nobody`)).status).toBe(404)
  })
})

describe('every fault at every turn', () => {
  const turns: Record<Name, FaultEndpoint[]> = {
    tailchat: ['token', 'profile', 'refresh', 'request'],
    tapd: ['token', 'profile', 'refresh', 'request'],
    bbscloud: ['code', 'profile', 'request'],
    tiktok: ['token', 'profile', 'refresh', 'revoke', 'request'],
    aihubmix: ['token', 'profile', 'refresh', 'request'],
  }
  const struck = usually(NAMES, (name) => name === 'tiktok')
  const cases = struck.flatMap((name) => turns[name].map((turn) => [name, turn] as const))
  const PATIENT: readonly Fault[] = ['silent', 'slow-headers', 'drip', 'oversize', 'gzip-bomb']

  /** A request of that turn that would succeed. */
  async function right(of: Emulator, turn: FaultEndpoint): Promise<() => Promise<Answer | undefined>> {
    if (turn === 'code') return () => authorizationAt(of).then(() => undefined)
    if (turn === 'token') return () => loginAt(of).then(() => undefined)
    const { access, refresh } = await loginAt(of)
    if (turn === 'profile') return () => profileAt(of, access)
    if (turn === 'refresh') return () => refreshAt(of, refresh)
    return () => (turn === 'revoke' ? revokeAt(of, access) : resourceAt(of, access))
  }

  test.each(cases)('%s, %s', async (name, turn) => {
    const emulator = await started(name)
    for (const fault of FAULTS.filter((known) => !PATIENT.includes(known))) {
      const call = await right(emulator, turn)
      emulator.failNext(turn, fault)
      await call().catch(() => undefined)
      const struck = emulator.requests.filter((request) => request.fault !== undefined)
      expect(struck.at(-1)).toMatchObject({ endpoint: turn, fault })
    }
    // None is left over: the next request is answered.
    await (await right(emulator, turn))()
    expect(emulator.requests.at(-1)?.fault).toBeUndefined()
    // Those that no client outwaits are planned too, and end with the emulator.
    const calls = []
    for (const fault of PATIENT.filter((known) => known !== 'gzip-bomb')) {
      const call = await right(emulator, turn)
      emulator.failNext(turn, fault)
      calls.push(call().catch(() => undefined))
      await eventually(() => expect(emulator.requests.at(-1)?.fault).toBe(fault))
    }
    await emulator.close()
    await Promise.all(calls)
  })
})

test('onRequest tells of every request once it is answered, or once it is cut', async () => {
  const told: EmulatorRequest[] = []
  const emulator = await started('aihubmix', { onRequest: (request) => void told.push({ ...request }) })
  const { access } = await loginAt(emulator)
  emulator.failNext('profile', 'reset')
  await expect(profileAt(emulator, access)).rejects.toThrow()
  emulator.failNext('request', 'http-503')
  await resourceAt(emulator, access)
  await resourceAt(emulator, 'x')
  await emulator.close()
  expect(told.map(({ endpoint, method, status, fault }) => [endpoint, method, status, fault])).toEqual([
    ['authorize', 'GET', 200, undefined],
    ['authorize', 'POST', 303, undefined],
    ['token', 'POST', 200, undefined],
    ['profile', 'GET', undefined, 'reset'],
    ['request', 'GET', 503, 'http-503'],
    ['request', 'GET', 401, undefined],
  ])
  expect(emulator.requests.map(({ status }) => status)).toEqual(told.map(({ status }) => status))
})
