import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  AihubmixStrategy,
  BbscloudStrategy,
  type DialectOptions,
  type DialectStrategy,
  FeishuStrategy,
  TapdStrategy,
  TiktokStrategy,
  type TokenSet,
} from 'passport-dialects'
import { judge, sendWithToken } from '../../lib/provider/api-call'
import { readResponse } from '../../lib/provider/read-response'

// What a provider's gateway or an older version of it says; the emulators play what its documents say.

let server: Server
let baseURL: string
let says: { status: number; type?: string; body: string }
let fields: string[]
let calls: number

beforeAll(async () => {
  server = createServer((req, res) => {
    calls++
    fields = new URL(req.url ?? '/', baseURL).searchParams.get('fields')?.split(',') ?? []
    res.writeHead(says.status, { 'content-type': says.type ?? 'application/json' }).end(says.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
})
beforeEach(() => {
  calls = 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const optionsOf = (): DialectOptions => ({
  clientID: 'c',
  clientSecret: 'a canary secret',
  callbackURL: '/cb',
  baseURL,
})
const tokensOf = (scope: string[] = []): TokenSet => ({
  accessToken: 'the-access-token',
  tokenType: 'Bearer',
  scope,
  raw: { open_id: 'the-open-id' },
})

describe('TikTok', () => {
  const SCOPES = ['user.info.basic', 'user.info.profile', 'user.info.stats', 'video.list']
  const granted = Array.from({ length: 16 }, (_, bits) => SCOPES.filter((_name, at) => bits & (1 << at)))
  const CHOICES = [undefined, ['open_id'], ['display_name'], ['username', 'likes_count'], ['nonsense']]

  test.each(granted.map((scope) => [scope]))(
    'granted %j: every choice of fields is a login or scope_insufficient',
    async (scope) => {
      for (const chosen of CHOICES) {
        const strategy = new TiktokStrategy({ ...optionsOf(), ...(chosen && { fields: chosen }) }, () => {})
        says = { status: 200, body: '' }
        // The user has what was asked for, and nothing else.
        const user =
          scope.includes('user.info.basic') && (chosen ?? ['open_id']).includes('open_id')
            ? { open_id: 'the-open-id' }
            : { username: 'ada' }
        says.body = JSON.stringify({ data: { user }, error: { code: 'ok' } })
        const outcome = await strategy.profileOf(tokensOf(scope)).then(
          ({ id }) => id,
          ({ code }) => code,
        )
        expect(['the-open-id', 'scope_insufficient']).toContain(outcome)
        expect(calls === 0).toBe(outcome === 'scope_insufficient')
        if (calls > 0) expect(fields).not.toContain('')
        calls = 0
      }
    },
  )

  test('a user without the open id that was asked for is none', async () => {
    says = { status: 200, body: JSON.stringify({ data: { user: { display_name: 'x' } }, error: { code: 'ok' } }) }
    const strategy = new TiktokStrategy(optionsOf(), () => {})
    await expect(strategy.profileOf(tokensOf(['user.info.basic']))).rejects.toMatchObject({ code: 'response_invalid' })
  })

  test.each([
    ['scope_not_authorized', false],
    ['access_token_invalid', true], // control
  ])('401 with %s: the token is refused: %s', async (code, refused) => {
    says = { status: 401, body: JSON.stringify({ error: { code, message: 'm', log_id: 'l1' } }) }
    expect(await judgedBy(new TiktokStrategy(optionsOf(), () => {}))).toBe(refused)
  })

  test.each([0, '0', 'ok'])("v1's error of code %j is a success", async (code) => {
    says = { status: 200, body: JSON.stringify({ data: { user: { open_id: 'the-open-id' } }, error: { code } }) }
    const strategy = new TiktokStrategy({ ...optionsOf(), apiVersion: 'v1' } as DialectOptions, () => {})
    expect((await strategy.profileOf(tokensOf())).id).toBe('the-open-id')
    says.body = JSON.stringify({ data: {}, error: { code: 10008, message: 'no' } }) // control
    await expect(strategy.profileOf(tokensOf())).rejects.toMatchObject({ providerCode: '10008', providerMessage: 'no' })
  })
})

test.each([
  ['Redirect_uri is not matched with the uri when requesting code.', 'grant_rejected'],
  ['Code verifier or code challenge is invalid.', 'grant_rejected'],
  ['The request parameters are malformed.', 'provider_error'],
])('TikTok says %j as invalid_request of a code: %s', async (error_description, code) => {
  says = { status: 400, body: JSON.stringify({ error: 'invalid_request', error_description, log_id: 'l-1' }) }
  const strategy = new TiktokStrategy(optionsOf(), () => {})
  const read = () =>
    readResponse({ status: 400, headers: {}, text: says.body }, strategy, { provider: 'tiktok', phase: 'token' })
  expect(read).toThrow(expect.objectContaining({ code, providerCode: 'invalid_request', requestId: 'l-1' }))
  const refreshed = strategy.refresh({ refreshToken: 'the-refresh-token', scope: [] })
  await expect(refreshed).rejects.toMatchObject({ code: 'provider_error' })
})

test.each(["refresh_token doesn't exist or is invalid for the client", 'Invalid refresh token'])(
  'TAPD says %j at a refresh: refresh_rejected',
  async (info) => {
    says = { status: 422, body: JSON.stringify({ status: 422, data: '', info }) }
    const refreshed = new TapdStrategy(optionsOf(), () => {}).refresh({ refreshToken: 'the-refresh-token', scope: [] })
    await expect(refreshed).rejects.toMatchObject({ code: 'refresh_rejected' })
  },
)

test.each([200, 400])('a dead token of Feishu is known on HTTP %d', async (status) => {
  const strategy = new FeishuStrategy(optionsOf(), () => {})
  says = { status, body: JSON.stringify({ code: 20005, msg: 'The user access token passed is invalid.' }) }
  expect(await judgedBy(strategy)).toBe(true)
  says = { status, body: JSON.stringify({ code: status === 200 ? 0 : 99992402, msg: 'something else' }) }
  expect(await judgedBy(strategy)).toBe(false)
})

test.each([
  ['code', { data: 'a code without a type' }],
  ['profile', { id: '1', userName: 'an answer without an error' }],
] as const)('BBScloud names no result at the %s: response_invalid', (phase, body) => {
  const strategy = new BbscloudStrategy({ ...optionsOf(), baseURL }, () => {})
  const answer = { status: 200, headers: {}, text: JSON.stringify(body) }
  expect(() => readResponse(answer, strategy, { provider: 'bbscloud', phase })).toThrow(
    expect.objectContaining({ code: 'response_invalid' }),
  )
})

test('BBScloud takes no scope and has no revocation, whatever the options say', async () => {
  const more = { scope: 'user', revokeURL: `${baseURL}/revoke` }
  const strategy = new BbscloudStrategy({ ...optionsOf(), baseURL, ...more }, () => {})
  expect(await strategy.revoke(tokensOf())).toBe(false)
  expect(calls).toBe(0)
})

test("AIHubMix's gateway refuses in words of its own, and they arrive", async () => {
  says = { status: 401, body: JSON.stringify({ error: { message: 'no such key', type: 'x' } }) }
  const profile = new AihubmixStrategy(optionsOf(), () => {}).profileOf(tokensOf())
  await expect(profile).rejects.toMatchObject({ code: 'token_rejected', providerMessage: 'no such key' })
})

test.each([{ error: { log_id: 'l-1' } }, { log_id: 'l-1' }])(
  "Feishu's number of the request arrives: %j",
  async (where) => {
    says = { status: 400, body: JSON.stringify({ code: 20008, msg: 'user not exist', ...where }) }
    const profile = new FeishuStrategy(optionsOf(), () => {}).profileOf(tokensOf())
    await expect(profile).rejects.toMatchObject({ code: 'user_unknown', requestId: 'l-1' })
  },
)

test.each<[string, () => DialectStrategy]>([
  ['tapd', () => new TapdStrategy(optionsOf(), () => {})],
  ['tiktok', () => new TiktokStrategy(optionsOf(), () => {})],
  ['aihubmix', () => new AihubmixStrategy(optionsOf(), () => {})],
  ['feishu', () => new FeishuStrategy(optionsOf(), () => {})],
])("%s: a gateway's 403 blames neither the app nor the scope", async (_name, build) => {
  for (const body of ['<h1>403 Forbidden</h1>', '', '{"message":"Forbidden"}', '[]']) {
    says = { status: 403, body, type: body.startsWith('<') ? 'text/html' : 'application/json' }
    const code = ({ code }: { code: string }) => code
    expect(
      await build()
        .profileOf(tokensOf(['user.info.basic']))
        .catch(code),
    ).toBe('provider_error')
    const refreshed = build().refresh({ refreshToken: 'the-refresh-token', scope: [] })
    expect(await refreshed.catch(code)).toBe('provider_error')
  }
})

async function judgedBy(strategy: DialectStrategy): Promise<boolean> {
  const call = strategy.openAPI('/anything', {})
  const { refused, response } = await judge(call, await sendWithToken(call, tokensOf()))
  expect((await response.bytes()).toString()).toBe(says.body) // handed on whole
  return refused
}
