// Over 300 lines because every member of a dialect has its rows, at one provider that answers what each of them needs.
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Dialect,
  type DialectOptions,
  DialectStrategy,
  decodeForm,
  decodeJson,
  decodeJsonp,
  type Json,
  type JsonObject,
  OAuthError,
  OptionReader,
  type Params,
  standardRefusal,
  type TokenGrant,
  type TokenSet,
} from 'passport-dialects'
import { epochSecondsIn, localTime, rawMembers } from '../../lib/dialect'
import { jump } from '../support/clock'
import { agree, type Host, startHost } from '../support/plain-provider'
import { rsaPair } from '../support/rsa-keys'

/** What came to the provider, and what it says to it. */
interface Seen {
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}
interface Said {
  status?: number
  headers?: Record<string, string>
  body?: string | object
}

let server: Server
let origin: string
let seen: Seen[] = []
let says: Record<string, Said> = {}

beforeAll(async () => {
  server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    const { pathname, searchParams } = new URL(req.url ?? '/', origin)
    seen.push({ path: pathname, query: searchParams, headers: req.headers, body })
    const said = says[pathname] ?? {}
    const text = typeof said.body === 'string' ? said.body : JSON.stringify(said.body ?? {})
    res.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  seen = []
  says = { '/token': { body: { access_token: 'the-access-token' } }, '/me': { body: { id: 'u1', name: 'Ada' } } }
})

type Members = Partial<Omit<Dialect, 'endpoints'>>

/** A strategy of one dialect, with what its tests want to see. */
class Spoken extends DialectStrategy {
  contexts: JsonObject[] = []

  constructor(members: Members, options: Partial<DialectOptions> = {}) {
    const endpoints = {
      authorizationURL: 'https://provider.example/authorize',
      tokenURL: `${origin}/token`,
      userProfileURL: `${origin}/me`,
    }
    const client = {
      clientID: 'the-client',
      clientSecret: 'a canary secret',
      callbackURL: 'https://app.example/callback',
    }
    super('spoken', { ...client, ...options }, agree, { endpoints, scope: [], ...members })
  }

  override authorizationParams(): Params {
    return { lang: 'en', response_type: 'token', appid: 'planted' }
  }

  protected override tokenRequest(grant: TokenGrant, context: JsonObject) {
    this.contexts.push(context)
    return super.tokenRequest(grant, context)
  }

  protected override tokenContext(raw: JsonObject, callback: JsonObject): JsonObject | undefined {
    const { device_id } = callback
    if (raw.team !== undefined) return { team: raw.team }
    return device_id === undefined ? undefined : { device_id }
  }

  protected profileFields(user: JsonObject, tokens: TokenSet) {
    return { id: user.id, displayName: user.name, username: tokens.raw.nick }
  }
}

let host: Host | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})
/** The strategy in an app of its own, instead of the one before it. */
async function hostOf(strategy: Parameters<typeof startHost>[0]): Promise<Host> {
  await host?.close()
  return startHost(strategy)
}
async function begun(members: Members, options?: Partial<DialectOptions>): Promise<URL> {
  host = await hostOf(new Spoken(members, options))
  return (await host.visit('/login')).location
}
async function loggedIn(strategy: Spoken, query?: Record<string, string>) {
  host = await hostOf(strategy)
  return (await host.login(query)).outcome
}
const errorOf = (outcome: { error: unknown; info: unknown } | undefined) =>
  (outcome?.error ?? outcome?.info) as OAuthError // Passport's two ways to fail

describe('the authorization request', () => {
  test('has the documented order, and the fragment at its end', async () => {
    const order = ['appid', 'redirect_uri', 'response_type', 'scope', 'state']
    const wechat: Members = { clientIDName: 'appid', scope: ['snsapi_login'], authorizationFragment: 'wechat_redirect' }
    const url = await begun({ ...wechat, authorizationOrder: order })
    expect([...url.searchParams.keys()]).toEqual([...order, 'lang'])
    expect(url.hash).toBe('#wechat_redirect')
    const control = await begun(wechat)
    expect([...control.searchParams.keys()]).not.toEqual([...order, 'lang'])
  })

  test('leaves out what the provider does not take, and nobody else can put it there', async () => {
    const url = await begun({ authorizationNames: { response_type: false } })
    expect(url.searchParams.has('response_type')).toBe(false)
    expect(url.searchParams.get('client_id')).toBe('the-client')
    expect((await begun({})).searchParams.get('response_type')).toBe('code')
  })

  test("names PKCE's method in the provider's word", async () => {
    const url = await begun({ pkce: 'required', pkceMethod: 's256' })
    expect(url.searchParams.get('code_challenge_method')).toBe('s256')
    expect((await begun({ pkce: true })).searchParams.get('code_challenge_method')).toBe('S256')
  })

  test('cannot go without PKCE where the provider requires it', () => {
    expect(() => new Spoken({ pkce: 'required' }, { pkce: false })).toThrow(/`pkce` must not be false/)
    new Spoken({ pkce: true }, { pkce: false })
  })
})

describe('the callback', () => {
  const wechat: Members = { denial: { credentials: ['authdeny'], bareState: true } }

  test.each([
    ['a state alone', wechat, {}, undefined],
    ['a credential that is a refusal', wechat, { code: 'authdeny' }, 'authdeny'],
    [
      'a word of its own, in any case',
      { denial: { errors: ['user_cancelled_authorize'] } },
      { error: 'User_Cancelled_Authorize' },
      'User_Cancelled_Authorize',
    ],
    ["OAuth's word", {}, { error: 'access_denied' }, 'access_denied'],
  ])('with %s is access_denied, asks nobody, and uses the login up', async (_how, members: Members, query, word) => {
    host = await hostOf(new Spoken(members))
    const { outcome, begun: start } = await host.login(query)
    expect(errorOf(outcome)).toMatchObject({ code: 'access_denied', ...(word && { providerCode: word }) })
    expect(seen).toEqual([])
    const state = start.location.searchParams.get('state') ?? ''
    const again = await host.visit(`/callback?${new URLSearchParams({ code: 'a-code', state })}`)
    expect(errorOf(again.outcome).code).toBe('state_used')
  })

  test.each([
    ['a state alone', {}, 'callback_invalid'],
    ['another word', { error: 'user_cancelled_authorize' }, 'authorization_failed'],
  ])('control: with %s, where the dialect says nothing of it, it is not', async (_how, query, code) => {
    expect(errorOf(await loggedIn(new Spoken({}), query)).code).toBe(code)
  })

  test('control: without denial, authdeny is sent as a code', async () => {
    await loggedIn(new Spoken({}), { code: 'authdeny' })
    expect(seen[0]?.body).toContain('code=authdeny')
  })

  test.each([
    [{ authCode: 'one', code: 'one' }, 'one'],
    [{ authCode: 'one' }, 'one'],
    [{ code: 'two' }, 'two'],
  ])('with %j has the credential %s', async (query, code) => {
    expect((await loggedIn(new Spoken({ credentials: ['authCode', 'code'] }), query))?.user).toBeTruthy()
    expect(new URLSearchParams(seen[0]?.body).get('code')).toBe(code)
  })

  test('with two credentials that differ is invalid', async () => {
    const outcome = await loggedIn(new Spoken({ credentials: ['authCode', 'code'] }), { authCode: 'one', code: 'two' })
    expect(errorOf(outcome).code).toBe('callback_invalid')
    expect(seen).toEqual([])
  })

  test('brings what the dialect asks for to the token request and into the context, and nothing else', async () => {
    const strategy = new Spoken({ callbackParameters: ['device_id', 'long', 'absent'] })
    await loggedIn(strategy, { code: 'a-code', device_id: 'd1', long: 'x'.repeat(2049), unknown: 'u' })
    expect(strategy.contexts).toEqual([{ device_id: 'd1' }])
  })

  test('shows neither the client secret nor the code in an error that quotes them', async () => {
    const outcome = await loggedIn(new Spoken({}), {
      error: 'server_error',
      error_description: 'no client with a%20canary%20secret',
    })
    expect(errorOf(outcome)).toMatchObject({
      code: 'authorization_failed',
      providerMessage: 'no client with [redacted]',
    })
  })
})

describe('the token', () => {
  test('request has no secret where the provider gives none', async () => {
    const vk = new Spoken({ clientSecret: 'none' }, { clientSecret: undefined as unknown as string }) // as JavaScript leaves it out
    expect((await loggedIn(vk))?.user).toBeTruthy()
    expect(new URLSearchParams(seen[0]?.body).has('client_secret')).toBe(false)
    new Spoken({ clientSecret: 'optional' }, { clientSecret: undefined as unknown as string }) // likewise
    expect(() => new Spoken({}, { clientSecret: undefined as unknown as string })).toThrow(/`clientSecret` is required/) // likewise
    expect(() => new Spoken({ clientSecret: 'optional' }, { clientSecret: '' })).toThrow(/`clientSecret`/)
  })

  test.each(['bot', 'User', 'bearer'])('type %s is a bearer token where the dialect says so', async (token_type) => {
    says['/token'] = { body: { access_token: 'the-access-token', token_type } }
    expect((await loggedIn(new Spoken({ tokenTypes: ['bot', 'user'] })))?.user).toBeTruthy()
  })

  test('type bot is none elsewhere', async () => {
    says['/token'] = { body: { access_token: 'the-access-token', token_type: 'bot' } }
    expect(errorOf(await loggedIn(new Spoken({}))).code).toBe('response_invalid')
  })

  test('context goes to the refresh and is carried over it; what the refresh brings comes over it', async () => {
    const strategy = new Spoken({})
    says['/token'] = { body: { access_token: 'another', team: 'T1' } }
    const before = { refreshToken: 'the-refresh-token', scope: [], context: { device_id: 'd1' } }
    expect((await strategy.refresh(before)).context).toEqual({ device_id: 'd1', team: 'T1' })
    expect(strategy.contexts).toEqual([{ device_id: 'd1' }])
    says['/token'] = { body: { access_token: 'another' } }
    expect((await strategy.refresh(before)).context).toEqual({ device_id: 'd1' })
  })

  test('response may hold the user, and then nothing is asked at the login, and nothing can be after it', async () => {
    says['/token'] = { body: { access_token: 'the-access-token', id: 'u9', name: 'Grace', nick: 'grace' } }
    const notion = new Spoken({ profileFromTokens: true })
    expect((await loggedIn(notion))?.user).toMatchObject({
      profile: { id: 'u9', displayName: 'Grace', username: 'grace' },
    })
    expect(seen.map(({ path }) => path)).toEqual(['/token'])
    const tokens: TokenSet = { accessToken: 'a', tokenType: 'Bearer', scope: [], raw: {} }
    await expect(notion.profileOf(tokens)).rejects.toMatchObject({ code: 'config_invalid', phase: 'profile' })
  })

  test('is sent to the profile where the dialect says', async () => {
    await loggedIn(new Spoken({ tokenHeader: { name: 'X-Token' } }))
    expect(seen[1]?.headers).toMatchObject({ 'x-token': 'the-access-token' })
    expect(seen[1]?.headers.authorization).toBeUndefined()
    await loggedIn(new Spoken({ tokenHeader: { name: 'Authorization', scheme: 'OAuth2' } }))
    expect(seen[3]?.headers.authorization).toBe('OAuth2 the-access-token')
    await loggedIn(new Spoken({ tokenParameter: 'access_token' }))
    expect(seen[5]?.query.get('access_token')).toBe('the-access-token')
  })
})

describe('a request that is signed', () => {
  class Signing extends Spoken {
    asked: Params[] = []

    override signRequest(parameters: Params): Params {
      this.asked.push(parameters)
      return { time: localTime(8), sign: `of ${Object.keys(parameters).sort().join()}`, absent: undefined }
    }

    protected override tokenRequest(grant: TokenGrant) {
      return { method: 'POST' as const, url: this.tokenEndpoint(grant), query: { method: 'token' }, form: { ...grant } }
    }
  }

  test('is so as the last step, over query and form as they are, at the token, the user and the revocation', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-12-31T16:00:00.900Z'))
    const strategy = new Signing({ tokenParameter: 'key' }, { revokeURL: `${origin}/revoke` })
    says['/token'] = { body: { access_token: 'a+b/c=' } }
    await strategy.refresh({ refreshToken: 'r&1 张', scope: [] })
    const tokens: TokenSet = { accessToken: 'a+b/c=', tokenType: 'Bearer', scope: [], raw: {} }
    await strategy.profileOf(tokens)
    await strategy.revoke(tokens)
    jest.restoreAllMocks()
    expect(strategy.asked).toEqual([
      { method: 'token', grant_type: 'refresh_token', refresh_token: 'r&1 张' },
      { key: 'a+b/c=' },
      { token: 'a+b/c=', client_id: 'the-client', client_secret: 'a canary secret' },
    ])
    expect(seen.map(({ path, query }) => [path, query.get('sign'), query.get('time'), query.has('absent')])).toEqual([
      ['/token', 'of grant_type,method,refresh_token', '2027-01-01 00:00:00', false],
      ['/me', 'of key', '2027-01-01 00:00:00', false],
      ['/revoke', 'of client_id,client_secret,token', '2027-01-01 00:00:00', false],
    ])
    expect(seen[0]?.body).not.toContain('sign')
  })

  test('shows no signature in an error that quotes it', async () => {
    const strategy = new Signing({})
    says['/token'] = {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'sent: of grant_type,method,refresh_token.' },
    }
    const failed = strategy.refresh({ refreshToken: 'the-refresh-token', scope: [] })
    await expect(failed).rejects.toMatchObject({ code: 'refresh_rejected', providerMessage: 'sent: [redacted].' })
  })
})

describe('the members of JSON as they stand in its text', () => {
  test.each<[string, [string, string][]]>([
    ['{}', []],
    ['{"a":1}', [['a', '1']]],
    [
      ' {\n"a" : { "b" : [1, 2 ] } ,"c":"}" }',
      [
        ['a', '{ "b" : [1, 2 ] }'],
        ['c', '"}"'],
      ],
    ],
    [
      '{"a\\"":"\\\\","\\u0062":"\\",\\""}',
      [
        ['a"', '"\\\\"'],
        ['b', '"\\",\\""'],
      ],
    ],
    [
      '{"a":1,"a":{"a":2},"\\u0061":3}',
      [
        ['a', '1'],
        ['a', '{"a":2}'],
        ['a', '3'],
      ],
    ],
    [
      '{"":"","x":[{"y":"]"},":,"]}',
      [
        ['', '""'],
        ['x', '[{"y":"]"},":,"]'],
      ],
    ],
  ])('%s', (text, members) => {
    expect(rawMembers(text)).toEqual(members.map(([name, raw]) => ({ name, raw })))
    expect(Object.fromEntries(members.map(([name, raw]) => [name, JSON.parse(raw)]))).toEqual(JSON.parse(text))
  })
})

describe('a refusal', () => {
  const PAGE = '<!doctype html><title>403 Forbidden</title>'

  test.each([
    ['token', PAGE, 'provider_error'],
    ['profile', PAGE, 'provider_error'],
    ['token', '', 'provider_error'],
    ['profile', { message: 'Forbidden' }, 'provider_error'],
    ['token', { error: 'forbidden' }, 'client_rejected'], // control: the provider's own word
    ['profile', { error: 'forbidden' }, 'scope_insufficient'], // control
  ])('of 403 at the %s with %j is %s', async (phase, body, code) => {
    says[phase === 'token' ? '/token' : '/me'] = { status: 403, body }
    expect(errorOf(await loggedIn(new Spoken({})))).toMatchObject({ code, phase, providerStatus: 403 })
  })

  test.each([
    ['Bearer error="insufficient_scope"', 403, 'scope_insufficient'],
    ['Bearer realm="x", error="invalid_token", error_description="error=insufficient_scope"', 403, 'token_rejected'],
    ['Basic realm="x"', 403, 'provider_error'],
  ])('in the header %s alone is understood', async (challenge, status, code) => {
    says['/me'] = { status, headers: { 'www-authenticate': challenge }, body: PAGE }
    expect(errorOf(await loggedIn(new Spoken({}))).code).toBe(code)
  })

  test.each([
    ['120', 120_000],
    ['999999999', 999_999_999_000],
  ])('of 429 says when to come again: %s', async (value, ms) => {
    says['/token'] = { status: 429, headers: { 'retry-after': value }, body: {} }
    const before = Date.now()
    const { code, retryAfter } = errorOf(await loggedIn(new Spoken({})))
    expect(code).toBe('rate_limited')
    expect((retryAfter?.getTime() ?? 0) - before).toBeGreaterThanOrEqual(ms)
    expect((retryAfter?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(ms)
  })

  test('of 429 may name a date, and nonsense is none', async () => {
    says['/token'] = { status: 429, headers: { 'retry-after': 'Fri, 31 Dec 2100 23:59:59 GMT' }, body: {} }
    expect(errorOf(await loggedIn(new Spoken({}))).retryAfter).toEqual(new Date('2100-12-31T23:59:59Z'))
    says['/token'] = { status: 429, headers: { 'retry-after': 'soon 1' }, body: {} }
    expect(errorOf(await loggedIn(new Spoken({}))).retryAfter).toBeUndefined()
  })

  test.each([
    ['4133980799', new Date('2100-12-31T23:59:59Z')],
    ['soon', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['413398079900', undefined],
  ])('of 429 may name seconds since 1970 in a header of its own: %s', async (value, date) => {
    class Limited extends Spoken {
      override refusal(...[, , , headers]: Parameters<DialectStrategy['refusal']>) {
        return { retryAfter: epochSecondsIn(headers, 'x-reset') }
      }
    }
    says['/token'] = { status: 429, headers: { 'x-reset': value }, body: {} }
    const { code, retryAfter } = errorOf(await loggedIn(new Limited({})))
    expect({ code, retryAfter }).toEqual({ code: 'rate_limited', retryAfter: date })
  })

  test('by a number is never lost, and 0 is none', async () => {
    says['/token'] = { body: { error: 100020, error_description: 'code is reused' } }
    const told = { code: 'provider_error', providerCode: '100020', providerMessage: 'code is reused' }
    expect(errorOf(await loggedIn(new Spoken({})))).toMatchObject(told)
    expect(standardRefusal({ error: 0 })).toBeUndefined()
    expect(standardRefusal({ error: 100020 }, { 100020: 'grant_rejected' })?.code).toBe('grant_rejected')
  })

  test('has words of ours before those of the provider, where those of its code would lead astray', async () => {
    class Advising extends Spoken {
      override refusal() {
        return {
          code: 'scope_insufficient' as const,
          providerMessage: 'no permission',
          message: 'Look into the console.',
        }
      }
    }
    says['/token'] = { status: 403, body: {} }
    const { code, message, providerMessage } = errorOf(await loggedIn(new Advising({})))
    expect({ code, message, providerMessage }).toEqual({
      code: 'scope_insufficient',
      message: 'Look into the console. The provider says: no permission',
      providerMessage: 'no permission',
    })
  })

  test('that quotes a customHeader does not show it', async () => {
    says['/token'] = { status: 400, body: { error: 'bad', error_description: 'the gateway knows canary-key not' } }
    const strategy = new Spoken({}, { customHeaders: { 'X-Gateway-Key': 'canary-key' } })
    expect(errorOf(await loggedIn(strategy)).providerMessage).toBe('the gateway knows [redacted] not')
  })

  test('may be read out of a header on HTTP 200', async () => {
    class Huawei extends Spoken {
      override refusal(_body: JsonObject, _phase: string, _status: number, headers: IncomingMessage['headers']) {
        const providerCode = headers.nsp_status
        return typeof providerCode === 'string' ? { code: 'token_rejected' as const, providerCode } : undefined
      }
    }
    says['/me'] = { headers: { NSP_STATUS: '6' }, body: { error: 'session timeout' } }
    expect(errorOf(await loggedIn(new Huawei({})))).toMatchObject({ code: 'token_rejected', providerCode: '6' })
  })
})

describe('a body', () => {
  class Qq extends Spoken {
    override readBody({ text }: { text: string }): Json | undefined {
      return decodeJson(text) ?? decodeJsonp(text) ?? decodeForm(text)
    }
  }

  test('that is form text or JSONP is read, by a strategy that says so', async () => {
    says['/token'] = { headers: { 'content-type': 'text/html' }, body: 'access_token=0A1B&expires_in=5184000' }
    says['/me'] = { body: 'callback( {"id":"u1"} );\n' }
    expect((await loggedIn(new Qq({})))?.user).toMatchObject({ accessToken: '0A1B', profile: { id: 'u1' } })
    says['/token'] = { body: 'callback( {"error":100020,"error_description":"used"} );' }
    expect(errorOf(await loggedIn(new Qq({}))).providerCode).toBe('100020')
    expect(errorOf(await loggedIn(new Spoken({}))).code).toBe('response_invalid') // control
  })

  test('that is an array comes to `unwrap`', async () => {
    class First extends Spoken {
      override unwrap(body: JsonObject | Json[]): Json | undefined {
        return Array.isArray(body) ? body[0] : body
      }
    }
    says['/me'] = { body: [{ id: 'u7' }] }
    expect((await loggedIn(new First({})))?.user).toMatchObject({ profile: { id: 'u7' } })
    expect(errorOf(await loggedIn(new Spoken({}))).code).toBe('response_invalid') // control
  })

  test.each(['<a href="?a=b">', '{"a":"b"}', 'a=b&a=c', 'a', '=b', 'a=%ff', 'a=b c', ''])(
    '%j is no form text',
    (text) => {
      expect(decodeForm(text)).toBeUndefined()
    },
  )
  test.each([
    '({"a":1})',
    'f({"a":1}) g',
    'f(1)',
    'f([])',
    'f({"a":1}',
    'f-g({})',
    `f(${'['.repeat(70)}${']'.repeat(70)})`,
  ])('%j is no JSONP', (text) => expect(decodeJsonp(text)).toBeUndefined())
  test('that brings __proto__ leaves no prototype changed', () => {
    const fields = decodeForm('__proto__=x&a=b')
    expect(Object.keys(fields ?? {})).toEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype)
  })
})

describe('a host that the start names', () => {
  const site: Members = { host: { parameter: 'site', pattern: /[a-z]+\.example/i } }
  const addresses = { authorizationURL: 'https://{site}/authorize' }

  test('is in the authorization URL, in the context and at every turn that has one', async () => {
    const strategy = new Spoken(site, addresses)
    host = await hostOf(strategy)
    const { location } = await host.visit('/login?site=One.Example')
    expect([location.host, location.searchParams.has('site')]).toEqual(['one.example', false])
    const back = new URLSearchParams({
      code: 'a-code',
      site: 'one.example',
      state: `${location.searchParams.get('state')}`,
    })
    expect((await host.visit(`/callback?${back}`)).outcome?.user).toBeTruthy()
    expect(strategy.contexts).toEqual([{ site: 'one.example' }])
    const renewed = await strategy.refresh({
      refreshToken: 'a-refresh-token',
      scope: [],
      context: { site: 'one.example' },
    })
    expect(renewed.context).toEqual({ site: 'one.example' })
  })

  test('is said by a parameter where an address of the app’s own does not say it', async () => {
    host = await hostOf(new Spoken(site))
    const { location } = await host.visit('/login?site=one.example')
    expect([location.host, location.searchParams.get('site')]).toEqual(['provider.example', 'one.example'])
  })

  test.each([
    ['all of it does not match', 'site=one.example.evil'],
    ['there is none', ''],
    ['there are two', 'site=one.example&site=two.example'],
  ])('begins nothing where %s', async (_what, query) => {
    host = await hostOf(new Spoken(site, addresses))
    const { outcome, location } = await host.visit(`/login?${query}`)
    expect(errorOf(outcome)).toMatchObject({ code: 'request_invalid', phase: 'authorize', status: 400 })
    expect(location.href).toBe('about:blank')
  })

  test('is nothing but a name, however much its pattern lets pass', async () => {
    const lax: Members = { host: { parameter: 'site', pattern: /[\s\S]*/ } }
    host = await hostOf(new Spoken(lax, addresses))
    for (const name of ['a.example/x', 'a.example@evil.example', 'a.example:1', 'a.example#', 'a.example\n', '.', '']) {
      const { outcome } = await host.visit(`/login?${new URLSearchParams({ site: name })}`)
      expect(errorOf(outcome).code).toBe('request_invalid')
    }
    expect((await host.visit('/login?site=a.example')).location.host).toBe('a.example')
  })

  test('of another login, or of none, is state_mismatch', async () => {
    host = await hostOf(new Spoken(site, addresses))
    for (const named of ['&site=two.example', '']) {
      const { location } = await host.visit('/login?site=one.example')
      const { outcome } = await host.visit(`/callback?code=a-code&state=${location.searchParams.get('state')}${named}`)
      expect(errorOf(outcome).code).toBe('state_mismatch')
    }
    expect(seen).toEqual([])
  })
})

describe('a query that the provider signs', () => {
  const signed: Members = { signedQuery: { parameter: 'sig', timestamp: 'at', tolerance: 90, unsigned: ['lang'] } }
  const now = () => String(Math.floor(Date.now() / 1000))
  const sign = (message: string) => createHmac('sha256', 'a canary secret').update(message).digest('hex')
  const codeOf = async (query: (state: string) => string) => {
    host = await hostOf(new Spoken(signed))
    const { location } = await host.visit('/login')
    const { outcome } = await host.visit(`/callback?${query(location.searchParams.get('state') ?? '')}`)
    return outcome?.user ? 'logged in' : errorOf(outcome)
  }
  const good = (state: string, at = now()) => {
    const message = `at=${at}&code=a%20b&state=${state}`
    return `code=a+b&state=${state}&at=${at}&sig=${sign(message)}`
  }

  test('logs in, with what is not signed beside it and in any order', async () => {
    expect(await codeOf((state) => good(state))).toBe('logged in')
    expect(await codeOf((state) => `lang=en&${good(state)}`)).toBe('logged in')
  })

  test.each<[string, (state: string) => string]>([
    ['has no signature', (state) => good(state).replace(/&sig=.*/, '')],
    ['has an empty one', (state) => good(state).replace(/sig=.*/, 'sig=')],
    ['has one in capitals', (state) => good(state).replace(/[\da-f]{64}/, (hex) => hex.toUpperCase())],
    ['has one that is cut', (state) => good(state).slice(0, -1)],
    ['has a parameter more', (state) => `${good(state)}&x=1`],
    ['was signed two minutes ago', (state) => good(state, String(Number(now()) - 120))],
    ['says no time', (state) => `code=c&state=${state}&sig=${sign(`code=c&state=${state}`)}`],
    ['says a time that is none', (state) => good(state, 'now')],
  ])('that %s is signature_invalid, 400, and asks nobody', async (_what, query) => {
    expect(await codeOf(query)).toMatchObject({ code: 'signature_invalid', phase: 'callback', status: 400 })
    expect(seen).toEqual([])
  })

  test('is checked at a start too, where that is signed', async () => {
    host = await hostOf(new Spoken(signed))
    const at = now()
    expect((await host.visit(`/login?at=${at}&sig=${sign(`at=${at}`)}`)).location.host).toBe('provider.example')
    const { outcome } = await host.visit(`/login?at=${at}&sig=${sign('at=1')}`)
    expect(errorOf(outcome)).toMatchObject({ code: 'signature_invalid', phase: 'authorize', status: 400 })
  })
})

describe('a slip in a dialect is found where its strategy is built', () => {
  test.each<[string, object]>([
    ['clientSecret', { clientSecret: true }],
    ['authorizationNames', { authorizationNames: { state: false } }],
    ['authorizationNames', { authorizationNames: { respone_type: 'x' } }],
    ['authorizationOrder', { authorizationOrder: ['a', 'a'] }],
    ['authorizationFragment', { authorizationFragment: '#wechat_redirect' }],
    ['pkce', { pkce: 'S256' }],
    ['pkceMethod', { pkceMethod: '' }],
    ['denial', { denial: { error: ['x'] } }],
    ['denial', { denial: { bareState: 'yes' } }],
    ['callback', { callback: 'fragment' }],
    ['privateKey', { privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey }],
    ['callbackParameters', { callbackParameters: ['state'] }],
    ['host', { host: { parameter: 'shop' } }],
    ['host', { host: { parameter: 'shop', pattern: 'a' } }],
    ['host', { host: { parameter: 'shop', pattern: /a/g } }],
    ['host', { host: { parameter: '{shop}', pattern: /a/ } }],
    ['host', { host: { parameter: 'shop', pattern: /a/, fixed: 'ab' } }],
    ['signedQuery', { signedQuery: { parameter: 'hmac', timestamp: 'timestamp' } }],
    ['signedQuery', { signedQuery: { parameter: 'hmac', timestamp: 'timestamp', tolerance: 0 } }],
    [
      'clientSecret',
      { signedQuery: { parameter: 'hmac', timestamp: 'timestamp', tolerance: 90 }, clientSecret: 'optional' },
    ],
    ['tokenTypes', { tokenTypes: 'bot' }],
    ['idToken', { idToken: { issuer: 'https://provider.example' } }],
    ['idToken', { idToken: { issuer: [], algorithms: ['RS256'] } }],
    ['idToken', { idToken: { issuer: 'https://provider.example', algorithms: ['none'] } }],
    ['idToken', { idToken: { issuer: 'https://provider.example', algorithms: ['RS256'], subject: 'sub' } }],
    ['jwksURL', { idToken: { issuer: 'https://provider.example', algorithms: ['ES256'] } }],
    ['jwksURL', { idToken: { issuer: 'https://provider.example', algorithms: ['PS256'] } }],
    [
      'clientSecret',
      { idToken: { issuer: 'https://provider.example', algorithms: ['HS256'] }, clientSecret: 'optional' },
    ],
    ['profileFromTokens', { profileFromTokens: false }],
    ['userToken', { userToken: 'some' }],
    ['appToken', { appToken: {} }],
    ['appToken', { appToken: { lifetime: 0 } }],
    ['appTokenURL', { appToken: { lifetime: 60 } }],
    ['tokenHeader', { tokenHeader: { scheme: 'x' } }],
    ['tokenHeader', { tokenHeader: { name: 'X Token' } }],
    ['tokenParameter', { tokenHeader: { name: 'X-Token' }, tokenParameter: 'access_token' }],
    ['clientIdName', { clientIdName: 'x' }],
  ])('%s of %j', (name, members) => {
    expect(() => new Spoken(members)).toThrow(new RegExp(`\`${name}\``))
  })
})

describe('an application token, and a login without a token of the user’s', () => {
  class Badge extends DialectStrategy {
    constructor(members: Members = {}, options: Partial<DialectOptions> = {}) {
      const endpoints = {
        authorizationURL: 'https://provider.example/authorize',
        appTokenURL: `${origin}/app-token`,
        userProfileURL: `${origin}/me`,
      }
      const client = {
        clientID: 'the-client',
        clientSecret: `a canary secret ${randomUUID()}`, // nobody else's token is kept for it
        callbackURL: 'https://app.example/callback',
      }
      const dialect: Dialect = { endpoints, scope: [], userToken: 'none', appToken: { lifetime: 60 }, ...members }
      super('badge', { ...client, ...options }, agree, dialect)
    }

    protected override async profileOfCode(code: string) {
      const url = this.endpoints.userProfileURL
      const { payload, text } = await this.askAsApp(
        (bearer) => ({ method: 'GET', url, query: { code }, bearer }),
        'profile',
      )
      return this.toProfile(payload, text)
    }

    protected profileFields(user: JsonObject) {
      return { id: user.id, displayName: user.name }
    }
  }

  async function login(strategy: DialectStrategy) {
    host = await hostOf(strategy)
    return (await host.login()).outcome
  }
  const paths = () => seen.map(({ path }) => path)

  test('is asked for by the client credentials grant (RFC 6749 §4.4), and the code is spent with it', async () => {
    says['/app-token'] = { body: { access_token: 'the-application-token-1' } }
    const outcome = await login(new Badge())
    expect(outcome?.user).toBeTruthy()
    expect(paths()).toEqual(['/app-token', '/me'])
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'the-client',
      client_secret: expect.any(String),
    })
    expect(seen[1]?.headers.authorization).toBe('Bearer the-application-token-1')
    expect(seen[1]?.query.get('code')).toBeTruthy()
  })

  test('lives for the dialect’s lifetime where the provider says none, and is renewed at half of a short one', async () => {
    says['/app-token'] = { body: { access_token: 'the-application-token-2' } }
    const strategy = new Badge()
    await login(strategy)
    jump(29)
    await login(strategy)
    expect(paths()).toEqual(['/app-token', '/me', '/me'])
    says['/app-token'] = { body: { access_token: 'the-application-token-3' } }
    jump(2)
    await login(strategy)
    expect(paths().slice(3)).toEqual(['/app-token', '/me'])
    jest.restoreAllMocks()
  })

  test.each([
    ['without a token', {}],
    ['with a lifetime that is none', { access_token: 'the-application-token-4', expires_in: -1 }],
  ])('an answer %s is response_invalid, of phase token, and the code is not spent', async (_what, body) => {
    says['/app-token'] = { body }
    expect(errorOf(await login(new Badge()))).toMatchObject({ code: 'response_invalid', phase: 'token' })
    expect(paths()).toEqual(['/app-token'])
  })

  test('is not there for a call of a dialect that names none, nor is a way to the user', async () => {
    const without = errorOf(await login(new Badge({ appToken: undefined } as object)))
    expect(without).toMatchObject({ code: 'config_invalid', phase: 'profile' })
    expect(errorOf(await loggedIn(new Spoken({ userToken: 'none' })))).toMatchObject({ code: 'config_invalid' })
    expect(seen).toEqual([])
  })

  test.each([[true], [() => false]])(
    'skipUserProfile %p is refused: nobody would look at the code',
    (skipUserProfile) => {
      expect(() => new Badge({}, { skipUserProfile })).toThrow(/`skipUserProfile`/)
    },
  )
})

describe('a key among the options', () => {
  const rsa = rsaPair('test')
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (type: 'pkcs1' | 'pkcs8') => rsa.privateKey.export({ type, format: 'pem' }).toString()
  const bare = (text: string) => text.replace(/-----.*-----|\s/g, '')
  const spki = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const read = (key: unknown) => new OptionReader('p', { key })

  test.each([
    ['PKCS#8 in PEM', pem('pkcs8')],
    ['PKCS#1 in PEM', pem('pkcs1')],
    ['PKCS#8 in base64', bare(pem('pkcs8'))],
    ['PKCS#1 in base64, in lines', bare(pem('pkcs1')).replace(/.{64}/g, '$&\n')],
  ])('%s is read', (_form, text) => {
    expect(read(text).privateKey('key', 'rsa').equals(rsa.privateKey)).toBe(true)
  })

  test('SEC 1 is read, and so are public keys of both forms', () => {
    const sec1 = bare(ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString())
    expect(read(sec1).privateKey('key', 'ec').equals(ec.privateKey)).toBe(true)
    const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    for (const text of [spki, bare(spki), pkcs1, bare(pkcs1)]) {
      expect(read(text).publicKey('key', 'rsa').equals(rsa.publicKey)).toBe(true)
    }
  })

  test.each([
    ['private', spki],
    ['private', ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()], // of another type
    [
      'private',
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }).toString(),
    ],
    ['private', bare(pem('pkcs8')).slice(0, -40)],
    ['private', 'no key'],
    ['public', pem('pkcs8')], // it was not meant to be given
    ['public', bare(pem('pkcs8'))],
  ])('what is no %s key is refused, by its name and without quoting it: row %#', (kind, text) => {
    const attempt = () =>
      kind === 'private' ? read(text).privateKey('key', 'rsa') : read(text).publicKey('key', 'rsa')
    const error = (() => {
      try {
        return attempt()
      } catch (caught) {
        return caught
      }
    })()
    expect(OAuthError.is(error) && error.message).toMatch(new RegExp(`\`key\` must be a ${kind} key`))
    expect(JSON.stringify(error)).not.toContain(bare(text).slice(0, 24))
  })
})
