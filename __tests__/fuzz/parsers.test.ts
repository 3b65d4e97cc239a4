import fc from 'fast-check'
import {
  AihubmixStrategy,
  BbscloudStrategy,
  type DialectProfile,
  type DialectStrategy,
  ERROR_CODES,
  FeishuStrategy,
  type JsonObject,
  OAuthError,
  type Phase,
  type ProfileFields,
  TailchatStrategy,
  TapdStrategy,
  TiktokStrategy,
  type TokenSet,
} from 'passport-dialects'
import { normaliseProfile } from '../../lib/provider/profile'
import { readResponse } from '../../lib/provider/read-response'
import { readTokenSet, scopeList, TokenSetProblem } from '../../lib/provider/token-set'
import { answerText, RIGHT } from './json-text'
import { runsOf, seedOf } from './seed'

const RUNS = runsOf(1000)
const options = { clientID: 'client', clientSecret: 'a canary secret', callbackURL: '/callback' }
const site = { ...options, baseURL: 'https://site.example' }
const DIALECTS: { name: string; strategy: DialectStrategy }[] = [
  { name: 'tailchat', strategy: new TailchatStrategy(site, () => {}) },
  { name: 'tapd', strategy: new TapdStrategy(options, () => {}) },
  {
    name: 'tapd, profile from resource',
    strategy: new TapdStrategy({ ...options, profileSource: 'resource' }, () => {}),
  },
  { name: 'bbscloud', strategy: new BbscloudStrategy(site, () => {}) },
  { name: 'tiktok', strategy: new TiktokStrategy(options, () => {}) },
  { name: 'tiktok v1', strategy: new TiktokStrategy({ ...options, apiVersion: 'v1' }, () => {}) },
  { name: 'aihubmix', strategy: new AihubmixStrategy(options, () => {}) },
  { name: 'feishu', strategy: new FeishuStrategy(options, () => {}) },
]

/** What a strategy keeps for its engine, which these tests stand in for. */
interface Inner {
  profileFields(user: JsonObject, tokens: TokenSet): ProfileFields
  fetchProfile(tokens: TokenSet): Promise<DialectProfile>
}
const NO_TOKENS: TokenSet = { accessToken: 'a-token', tokenType: 'Bearer', scope: ['user.info.basic'], raw: {} }
const inner = (strategy: DialectStrategy) => strategy as unknown as Inner // protected, and the engine's to call

const phase = fc.constantFrom<Phase>('code', 'token', 'profile', 'refresh', 'request')
const status = fc.constantFrom(200, 200, 200, 201, 204, 400, 401, 403, 422, 429, 500, 503)

/** Whatever comes out is one of the contract's errors, can be logged, and says nothing of the request. */
function expectOAuthError(error: unknown): void {
  if (error instanceof TokenSetProblem) return
  if (!OAuthError.is(error)) throw error
  const told = JSON.stringify(error) + error.message
  const wrong = [
    !CODES.has(error.code) && 'code',
    !STATUSES.has(error.status) && 'status',
    told.includes('the-code-of-the-request') && 'a code in it',
    CONTROL.test(told) && 'a control character in it',
    (error.providerMessage?.length ?? 0) > 300 && 'length',
  ].filter(Boolean)
  if (wrong.length > 0) throw new Error(`${wrong.join()} of ${told}`) // `expect` is slow where it is called so often
}

const CODES = new Set<string>(Object.keys(ERROR_CODES))
const STATUSES = new Set([400, 401, 403, 500, 502, 503, 504])
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const CONTROL = /[\u0000-\u001f\u2028\u2029]/

function expectTokenSet(tokens: TokenSet, raw: JsonObject): void {
  expect(tokens.accessToken).toBe(raw.access_token)
  expect(tokens.accessToken).toMatch(/^[!-~]+$/)
  expect(tokens.tokenType).toBe('Bearer')
  expect(tokens.scope.every((scope) => typeof scope === 'string' && /^[^\s,]+$/.test(scope))).toBe(true)
  expect(new Set(tokens.scope).size).toBe(tokens.scope.length)
  if (tokens.expiresAt) expect(Number.isFinite(tokens.expiresAt.getTime())).toBe(true)
  if (tokens.refreshToken !== undefined) expect(tokens.refreshToken).toBe(raw.refresh_token)
}

function expectProfile(profile: DialectProfile): void {
  const { id, displayName, username, emails, photos } = profile
  expect(typeof id === 'string' && id.trim() !== '').toBe(true)
  expect(typeof displayName).toBe('string')
  for (const text of [username, emails?.[0]?.value]) expect(text === undefined || typeof text === 'string').toBe(true)
  for (const { value } of photos ?? []) expect(value).toMatch(/^https?:\/\//i)
  expect(JSON.parse(JSON.stringify(profile)).id).toBe(id)
}

function prototypesAreClean(): void {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(Object.keys(Array.prototype)).toEqual([])
  for (const name of ['access_token', 'id', 'data', 'user', 'error']) expect(Reflect.get({}, name)).toBeUndefined()
}

let right: Record<string, number> = {}
beforeEach(() => {
  right = { payload: 0, tokens: 0, profile: 0 }
})

test.each(DIALECTS)(
  '$name: any JSON gives an OAuthError or a right value',
  async ({ name, strategy }) => {
    const parse = async (text: string, at: Phase, httpStatus: number) => {
      const answer = { status: httpStatus, headers: {}, text }
      try {
        const payload = readResponse(answer, strategy, { provider: name, phase: at }, () => ['the-code-of-the-request'])
        right.payload = Number(right.payload) + 1
        expect(typeof payload === 'object' && payload !== null && !Array.isArray(payload)).toBe(true)
        if (at === 'token' || at === 'refresh') {
          const tokens = readTokenSet(payload, ['asked'])
          right.tokens = Number(right.tokens) + 1
          expectTokenSet(tokens, payload)
        }
        const profile = normaliseProfile(name, inner(strategy).profileFields(payload, NO_TOKENS), payload, text)
        if (profile) {
          right.profile = Number(right.profile) + 1
          expectProfile(profile)
        }
      } catch (error) {
        expectOAuthError(error)
      }
    }
    // The property would hold of a parser that refuses all, and chance alone need not bring a right answer.
    const examples = RIGHT.flatMap((text): [string, Phase, number][] => [
      [text, 'token', 200],
      [text, 'profile', 200],
    ])
    const numRuns = examples.length + RUNS
    await fc.assert(fc.asyncProperty(answerText, phase, status, parse), { seed: seedOf(name), numRuns, examples })
    for (const count of Object.values(right)) expect(count).toBeGreaterThan(0)
    prototypesAreClean()
  },
  120_000,
)

test('the user in a token (TAPD) is a profile or an OAuthError', async () => {
  const strategy = new TapdStrategy({ ...options, profileSource: 'resource' }, () => {})
  const read = async (text: string, type: boolean) => {
    const resource = JSON.parse(text)
    if (type && typeof resource === 'object' && resource !== null && !Array.isArray(resource)) resource.type = 'user'
    const tokens: TokenSet = { accessToken: 'a', tokenType: 'Bearer', scope: [], raw: { resource } }
    await inner(strategy).fetchProfile(tokens).then(expectProfile, expectOAuthError)
  }
  const json = answerText.filter((text) => text.length < 2000 && isJson(text))
  await fc.assert(fc.asyncProperty(json, fc.boolean(), read), { seed: seedOf('resource'), numRuns: runsOf(1500) })
})

test('scopes as a list: no empties, no repeats, and a list of its own text is the same', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string())), (scope) => {
      const list = scopeList(scope)
      expect(list.every((word) => /^[^\s,]+$/.test(word))).toBe(true)
      expect(scopeList(list.join(' '))).toEqual(list)
      expect(new Set(list).size).toBe(list.length)
    }),
    { seed: seedOf('scopes'), numRuns: runsOf(2000) },
  )
})

test('no answer leaves anything on a prototype', () => {
  const evil = [
    '{"__proto__":{"access_token":"evil","id":"evil","data":{"id":1}}}',
    '{"constructor":{"prototype":{"access_token":"evil"}}}',
    '{"data":{"__proto__":{"access_token":"evil","error_code":0,"user":{"open_id":"evil"}}},"status":1,"error":{"code":"ok"}}',
    '{"status":1,"data":{"User":{"__proto__":{"id":"evil"}}}}',
    '{"error":"__proto__"}',
    '{"error":"constructor","error_description":"toString"}',
    '{"error":{"code":"__proto__","message":{}}}',
    '{"type":1,"data":"__proto__","error":0,"id":{"__proto__":"evil"}}',
  ]
  for (const { name, strategy } of DIALECTS) {
    for (const text of evil) {
      for (const at of ['code', 'token', 'profile'] as const) {
        try {
          const payload = readResponse({ status: 200, headers: {}, text }, strategy, { provider: name, phase: at })
          expect(() => readTokenSet(payload, [])).toThrow(TokenSetProblem)
          expect(normaliseProfile(name, inner(strategy).profileFields(payload, NO_TOKENS), payload, text)?.id).not.toBe(
            'evil',
          )
        } catch (error) {
          expectOAuthError(error)
          if (OAuthError.is(error)) expect(typeof error.message).toBe('string')
        }
      }
    }
  }
  prototypesAreClean()
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
