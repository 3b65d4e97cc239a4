import { DingtalkStrategy, type ErrorCode, type OAuthError, type Providers } from 'passport-dialects'
import type { Emulator, EmulatorOptions, Fault, FaultEndpoint } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { callbackAt, inAppCallback, inAppLogin, stateAt } from '../support/in-page'
import { strategyAt, withEmulator } from '../support/one-provider'
import { endpointsOf, profileOf } from '../support/protected'
import { ask, countOf, startTokenApp } from '../support/token-app'

const UNION_ID = 'zX9mKq1LpT7vRn3WbYc2sQiEiE'

const at = <Result>(
  knobs: EmulatorOptions<'dingtalk'>,
  body: (emulator: Emulator<'dingtalk'>) => Promise<Result>,
): Promise<Result> => withEmulator('dingtalk', { ...knobs, kind: 'in-app' }, body)

const jsonOf = (body: string | undefined): object => JSON.parse(body ?? '{}')

const providersOf = (emulator: Emulator<'dingtalk'>, options: object = {}): Providers => ({
  dingtalk: { ...emulator.options, kind: 'in-app', ...options },
})

/** One login by a page inside DingTalk: who it is, or why not. */
async function logIn(emulator: Emulator<'dingtalk'>, options: object = {}, change = (address: string) => address) {
  let error: OAuthError | undefined
  const app = await startRouterApp({
    providers: providersOf(emulator, options),
    verify: ({ profile }) => ({ id: profile.id, profile }),
    onError: (failure, _req, res) => {
      error = failure
      res.status(failure.status).end()
    },
  })
  try {
    const browser = new Browser()
    await browser.get(change(await inAppCallback(app, emulator, { browser })))
    const { user } = await told(browser.get(`${app.origin}/me`))
    return { user: user ?? undefined, code: error?.code, error }
  } finally {
    await app.close()
  }
}

describe('a whole login inside DingTalk', () => {
  test('is an application token, and the code for a user: no token of the user’s', () =>
    at({}, async (emulator) => {
      const { user } = await logIn(emulator)
      expect(user).toMatchObject({
        id: UNION_ID,
        profile: {
          provider: 'dingtalk',
          id: UNION_ID,
          displayName: '张三',
          _json: { userid: 'staff0007', name: '张三' },
        },
      })
      const [token, whose, ...more] = emulator.requests
      expect(more).toEqual([])
      const { clientID: appKey, clientSecret: appSecret } = emulator.options
      expect(token).toMatchObject({ endpoint: 'appToken', method: 'POST', path: '/v1.0/oauth2/accessToken', query: {} })
      expect(jsonOf(token?.body)).toEqual({ appKey, appSecret })
      expect(whose).toMatchObject({ endpoint: 'profile', method: 'POST', path: '/topapi/v2/user/getuserinfo' })
      expect(whose?.query).toEqual({ access_token: expect.any(String) })
      expect(jsonOf(whose?.body)).toEqual({ code: expect.any(String) })
    }))

  test.each(['code', 'authCode'])('takes the code by the name %s', (name) =>
    at({}, async (emulator) => {
      const renamed = (address: string) => address.replace(/([?&])code=/, `$1${name}=`)
      expect((await logIn(emulator, {}, renamed)).user).toMatchObject({ id: UNION_ID })
    }),
  )

  test('of another user', () =>
    at({}, async (emulator) => {
      const app = await startRouterApp({ providers: providersOf(emulator) })
      try {
        const browser = await inAppLogin(app, emulator, { user: 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE' })
        const { user } = await told(browser.get(`${app.origin}/me`))
        expect(user).toEqual({ provider: 'dingtalk', id: 'zX9aDa2Bc4Ef6Gh8Jk0LmNiEiE', displayName: 'Ada Lovelace' })
      } finally {
        await app.close()
      }
    }))

  test('the two kinds of code are not interchangeable: each is refused at the other', () =>
    at({}, async (emulator) => {
      const { clientID: client_id } = emulator.options
      const redirect_uri = 'http://127.0.0.1:3000/callback'
      const query = { client_id, redirect_uri, response_type: 'code', scope: 'openid', state: 's', prompt: 'consent' }
      const back = await emulator.approve(`${emulator.options.authorizationURL}?${new URLSearchParams(query)}`)
      const code = new URL(back).searchParams.get('code') ?? ''
      const browsers = (address: string) => address.replace(/([?&]code=)[^&]+/, `$1${code}`)
      const { error } = await logIn(emulator, {}, browsers)
      expect(error).toMatchObject({ code: 'grant_rejected', phase: 'profile', providerCode: '40078' })
      const userProfileURL = `${emulator.origin}/v1.0/contact/users/me`
      const app = await startRouterApp({ providers: providersOf(emulator, { kind: 'browser', userProfileURL }) })
      try {
        const browser = new Browser()
        const state = new URL(await browser.location(`${app.origin}/auth/dingtalk`)).searchParams.get('state') ?? ''
        const callback = callbackAt(app, 'dingtalk', { code: emulator.entryCode(), state })
        const answer = await browser.get(callback, { accept: 'application/json' })
        expect((await told(answer)).error.code).toBe('grant_rejected')
      } finally {
        await app.close()
      }
    }))

  test('a user without a union id is response_invalid, never the userid', () =>
    at({}, async (emulator) => {
      const strategy = strategyAt(emulator)
      for (const unionid of [undefined, '', null]) {
        expect(() => profileOf(strategy, { userid: 'staff0007', name: '张三', unionid })).toThrow(
          expect.objectContaining({ code: 'response_invalid', phase: 'profile' }),
        )
      }
    }))
})

describe('refusals', () => {
  test.each<[FaultEndpoint, Fault, ErrorCode]>([
    ['appToken', 'http-400:invalidClientIdOrSecret', 'client_rejected'],
    ['appToken', 'http-403:Forbidden.AccessDenied.QpsLimitForApi', 'rate_limited'],
    ['appToken', 'http-429', 'rate_limited'],
    ['appToken', 'http-500:ServiceUnavailable', 'provider_unavailable'],
    ['profile', 'refused:40078', 'grant_rejected'],
    ['profile', 'refused:41026', 'grant_rejected'],
    ['profile', 'refused:60121', 'user_unknown'],
    ['profile', 'refused:60011', 'scope_insufficient'],
    ['profile', 'refused:50002', 'scope_insufficient'],
    ['profile', 'refused:90018', 'rate_limited'],
    ['profile', 'refused:-1', 'provider_unavailable'],
    ['profile', 'refused:43003', 'provider_error'],
    ['profile', 'http-429', 'rate_limited'],
    ['profile', 'http-503', 'provider_unavailable'],
  ])('%s %s: %s', (endpoint, fault, code) =>
    at({}, async (emulator) => {
      emulator.failNext(endpoint, fault)
      const { error } = await logIn(emulator)
      const phase = endpoint === 'appToken' ? 'token' : endpoint
      expect(error).toMatchObject({ code, phase, provider: 'dingtalk' })
      const [, word] = fault.split(':')
      if (word !== undefined) expect(error?.providerCode).toBe(word)
      if (endpoint === 'profile') expect(error?.requestId).toMatch(/^\w{6,}$/)
    }),
  )

  test.each(['40014', '42001', '88'] as const)('a dead application token (%s) costs a new one, and no login', (dead) =>
    at({ deadAppToken: dead }, async (emulator) => {
      const app = await startRouterApp({ providers: providersOf(emulator) })
      try {
        await inAppLogin(app, emulator)
        emulator.expireAppTokens()
        await inAppLogin(app, emulator)
        expect([countOf(emulator, 'appToken'), countOf(emulator, 'profile')]).toEqual([2, 3])
      } finally {
        await app.close()
      }
    }),
  )

  test.each([
    ['60011', 'scope_insufficient'],
    ['40014', 'client_rejected'],
    ['', 'client_rejected'],
  ])('88 is what its sub code says: %j is %s', (sub_code, code) =>
    at({}, async (emulator) => {
      const body = { errcode: 88, sub_code, errmsg: `ding talk error[subcode=${sub_code}]`, request_id: 'a1b2c3' }
      const { createServer } = await import('node:http')
      const server = createServer((_req, res) => res.end(JSON.stringify(body))).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number } // a TCP server's
      try {
        const { error } = await logIn(emulator, { userProfileURL: `http://127.0.0.1:${port}/topapi` })
        expect(error).toMatchObject({ code, phase: 'profile', providerCode: '88', requestId: 'a1b2c3' })
      } finally {
        server.close()
        server.closeAllConnections()
      }
    }),
  )

  test('a wrong secret is client_rejected, and stands in no error', () =>
    at({}, async (emulator) => {
      const { error } = await logIn(emulator, { clientSecret: 'notTheSecretOfThisApp' })
      expect(error).toMatchObject({ code: 'client_rejected', phase: 'token', providerCode: 'invalidClientIdOrSecret' })
      expect(JSON.stringify(error)).not.toContain('notTheSecretOfThisApp')
    }))

  test.each([
    ['an old code', { codeLifetime: 0 }, undefined],
    ['a forged code', {}, (address: string) => address.replace(/code=[^&]+/, 'code=forged')],
  ] as const)('%s is grant_rejected', (_what, knobs, change) =>
    at(knobs, async (emulator) => {
      expect((await logIn(emulator, {}, change)).error).toMatchObject({ code: 'grant_rejected', providerCode: '40078' })
    }),
  )

  test('two codes that differ are callback_invalid, and neither is sent', () =>
    at({}, async (emulator) => {
      expect((await logIn(emulator, {}, (address) => `${address}&authCode=another`)).code).toBe('callback_invalid')
      expect(countOf(emulator, 'profile')).toBe(0)
    }))
})

describe('options', () => {
  test('idSource openId is config_invalid, for no openId comes', () =>
    at({}, async (emulator) => {
      expect(() => strategyAt(emulator, { idSource: 'openId' })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(/idSource.*openId/) }),
      )
      expect(() => strategyAt(emulator, { idSource: 'unionId' })).not.toThrow()
    }))

  test.each([{ pkce: true }, { skipUserProfile: true }, { appTokenURL: 'somewhere' }, { kind: 'inapp' }])(
    '%j is config_invalid',
    (wrong) =>
      at({}, async (emulator) => {
        const [name = ''] = Object.keys(wrong)
        expect(() => strategyAt(emulator, wrong)).toThrow(
          expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
        )
      }),
  )

  test('corpId and a scope may stand there, and change nothing', () =>
    at({}, async (emulator) => {
      expect((await logIn(emulator, { corpId: 'ding9f8e7d6c5b4a39281706', scope: 'openid' })).user).toMatchObject({
        id: UNION_ID,
      })
    }))

  test('baseURL moves every host; without it they are DingTalk’s', () => {
    const options = {
      clientID: 'id',
      clientSecret: 'cs-hosts-7f3a9c1e5b2d',
      callbackURL: '/c',
      kind: 'in-app' as const,
    }
    const endpoints = (own: object) => endpointsOf(new DingtalkStrategy({ ...options, ...own }, () => {}))
    expect(endpoints({})).toMatchObject({
      userProfileURL: 'https://oapi.dingtalk.com/topapi/v2/user/getuserinfo',
      appTokenURL: 'https://api.dingtalk.com/v1.0/oauth2/accessToken',
    })
    expect(endpoints({})).not.toHaveProperty('tokenURL')
    expect(endpoints({ baseURL: 'https://mirror.example/ding/' })).toMatchObject({
      userProfileURL: 'https://mirror.example/ding/topapi/v2/user/getuserinfo',
      appTokenURL: 'https://mirror.example/ding/v1.0/oauth2/accessToken',
    })
  })
})

test('after the login: no tokens, no fetch, no profile, nothing to revoke, and the login on the list', () =>
  at({}, async (emulator) => {
    const app = await startTokenApp({ providers: providersOf(emulator) })
    try {
      const browser = await inAppLogin(app, emulator)
      expect((await ask(browser, `${app.origin}/tokens/dingtalk`)).tokens).toBeNull()
      expect((await ask(browser, `${app.origin}/fetch/dingtalk?path=/x`)).error.code).toBe('config_invalid')
      expect((await ask(browser, `${app.origin}/profile/dingtalk`)).error.code).toBe('config_invalid')
      const { providers } = await told(browser.get(`${app.origin}/auth/session`))
      expect(providers).toEqual([{ name: 'dingtalk', scope: [] }])
      expect((await ask(browser, `${app.origin}/revoke/dingtalk`)).value).toBe(false)
    } finally {
      await app.close()
    }
  }))

test('DingTalk’s script, as the emulator plays it: the page brings its organisation, and has a code', () =>
  at({}, async (emulator) => {
    const app = await startRouterApp({ providers: providersOf(emulator) })
    try {
      const browser = new Browser()
      const state = await stateAt(app, { name: 'dingtalk', browser })
      const corpId = String(Reflect.get(emulator.options, 'corpId'))
      const script = await fetch(`${emulator.origin}/emulator/request-auth-code?corpId=${corpId}`)
      const { code } = (await script.json()) as { code: string }
      expect((await browser.get(callbackAt(app, 'dingtalk', { code, state }))).status).toBe(303)
    } finally {
      await app.close()
    }
  }))
