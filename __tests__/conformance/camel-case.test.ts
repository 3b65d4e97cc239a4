import { isObject, type Json, type JsonObject, type Params, type Phase } from 'passport-dialects'
import type { Emulator, Provider } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit } from 'passport-dialects/testing'
import { readTokenSet } from '../../lib/provider/token-set'
import { startBareApp } from '../support/app'
import { Browser } from '../support/browser'
import { IS_WHOLE } from '../support/whole'
import { LotusStrategy, startLotus } from './camel-case'

const KIT: DialectKit = {
  strategy: LotusStrategy,
  emulator: () => startLotus(),
  credential: 'authCode',
  redirectURI: 'redirectUri',
  state: 'stateKey',
  profile: ({ name }) => ({ displayName: name }),
  refresh: true,
}

/** What each check of a kit comes to whose name matches `named`, and not `but`. */
async function failuresOf(kit: Partial<DialectKit>, named: RegExp, but?: RegExp): Promise<string[]> {
  const failures: string[] = []
  for (const { name, run } of collectDialectChecks({ ...KIT, ...kit })) {
    if (named.test(name) && !but?.test(name))
      await run().catch((error: Error) => failures.push(`${name}: ${error.message}`))
  }
  return failures
}

// The faults of the way are the same with every dialect, and are tried with six others; so are states under bare Passport.
const ALIKE = /^(proto|redirect|http-40[13]|http-429|http-503) at|^(?!each user).* under bare Passport$/
const OWN = /^(?!(reset|silent|slow|drip|trunc|wrong-l|empty|html|not-json|bom|invalid|split|deep|oversize|gzip) at)/

test('a provider in camelCase passes, its token members and its authorization request included', async () => {
  expect(await failuresOf({}, OWN, IS_WHOLE ? undefined : ALIKE)).toEqual([])
}, 120_000)

/** Lotus with another `unwrap()` of its token object. */
function forgetting(...forgotten: string[]): typeof LotusStrategy {
  return class extends LotusStrategy {
    override unwrap(body: JsonObject, phase: Phase): Json | undefined {
      const payload = super.unwrap(body, phase)
      if (!isObject(payload)) return payload
      return Object.fromEntries(Object.entries(payload).filter(([name]) => !forgotten.includes(name)))
    }
  }
}

const spoilt = (change: (provider: Provider) => Provider) => ({ emulator: () => startLotus(change) })
const untold = spoilt(({ tokenNames: _, ...provider }) => provider)

test.each<[string, Partial<DialectKit>, RegExp, RegExp]>([
  [
    'the lifetime forgotten',
    { strategy: forgetting('expires_in') },
    /each user .* oauthRouter/,
    /brings no `expiresAt`: nobody would know when the access token ends\. Let `unwrap\(\)` return .* `expires_in`/,
  ],
  [
    'the lifetime forgotten, and its faults waived',
    { strategy: forgetting('expires_in'), faults: { 'expires-text': 'ok', 'expires-negative': 'ok' } },
    /each user .* oauthRouter/,
    /brings no `expiresAt`/,
  ],
  [
    'the lifetime forgotten, under the fault itself',
    { strategy: forgetting('expires_in') },
    /^expires-text at token/,
    /is a lifetime that is a word, the login succeeds .* Let `unwrap\(\)` rename .*`tokenNames: /,
  ],
  [
    'the type forgotten',
    { strategy: forgetting('token_type') },
    /^token-type-mac at token/,
    /another type than Bearer, the login succeeds all the same.* `tokenNames: /,
  ],
  [
    'a lifetime that the kit is told there is none of',
    { expires: false },
    /each user .* oauthRouter/,
    /told `expires: false`, but a login brings `expiresAt`/,
  ],
  [
    'an emulator that does not name its members',
    untold,
    /^expires-negative at token/,
    /the emulator must say so .*`tokenNames: \{ access_token: 'accessToken'/,
  ],
  [
    'an emulator that does not name its token',
    untold,
    /^missing-token at token/,
    /let the emulator name these members in `essential` or `tokenNames`/,
  ],
  [
    'an emulator that takes a refresh for an exchange',
    spoilt((provider) => ({
      ...provider,
      routes: provider.routes.map((route) => ({ ...route, ...(route.refreshes && { refreshes: true }) })),
    })),
    /brings a new access token/,
    /arrives at the emulator as `token`.* its `refreshes`: `true` for grant_type, .* 'grantType', or a function/,
  ],
])('%s: the kit names it', async (_title, kit, check, says) => {
  const failures = await failuresOf(kit, check)
  expect(failures).toHaveLength(1)
  expect(failures[0]).toMatch(says)
})

test('names of its own in the token object: the first message says which are wanted, and which are there', async () => {
  class Raw extends LotusStrategy {
    override unwrap({ data }: JsonObject): Json | undefined {
      return data
    }
  }
  const [first, ...others] = await failuresOf({ strategy: Raw }, /under oauthRouter/)
  expect(first).toContain('no usable access_token, but has accessToken, tokenType, expiresIn, refreshToken')
  expect(first).toContain('the names of RFC 6749: access_token, token_type, expires_in, refresh_token, scope')
  expect(new Set(others.map((message) => message.replace(/^.*: (?=Not)/, '')))).toEqual(
    new Set(['Not tried: first make a login succeed.']),
  )
})

test('of what is there only plain names are shown: a key may be a credential too', () => {
  const strange = { data: {}, '3f9c0a77b1': 1, 'eyJ-x.y': 1, averylongnamethatmightbeanything: 1 }
  expect(() => readTokenSet(strange, [])).toThrow(/^it has no usable access_token, but has data$/)
  expect(() => readTokenSet({ '3f9c0a77b1': 1 }, [])).toThrow(/^it has no usable access_token$/)
  expect(() => readTokenSet({ access_token: 7, data: 1 }, [])).toThrow(/^it has no usable access_token$/)
})

test('`refreshes` may be a function of the whole request', async () => {
  const byFunction = spoilt((provider) => ({
    ...provider,
    routes: provider.routes.map((route) => ({
      ...route,
      ...(route.refreshes && { refreshes: ({ body }) => body.includes('"refreshToken":"') }),
    })),
  }))
  expect(await failuresOf(byFunction, /brings a new access token|^http-500 at refresh/)).toEqual([])
})

describe('parameters of the authorization request that are renamed', () => {
  let emulator: Emulator<string>
  beforeAll(async () => {
    emulator = await startLotus()
  })
  afterAll(() => emulator.close())

  /** As an app might: whatever the user chose goes on to the provider, by the provider's names and by the RFC's. */
  class Careless extends LotusStrategy {
    override authorizationParams(): Params {
      const theirs = {
        appId: 'evil',
        redirectUri: 'evil',
        responseType: 'evil',
        stateKey: 'evil',
        code_challenge: 'evil',
      }
      return {
        ...theirs,
        client_id: 'evil',
        redirect_uri: 'evil',
        response_type: 'evil',
        state: 'evil',
        theme: 'plain',
      }
    }
  }

  test('go out by their own names alone, and nothing of the app replaces them by either', async () => {
    const done = ((...args: unknown[]) =>
      (args.at(-1) as (error: null, user: object) => void)(null, { id: 'x' })) as never // any arity
    const app = await startBareApp((callbackURL) => new Careless({ ...emulator.options, callbackURL }, done))
    const { searchParams } = new URL(await new Browser().location(`${app.origin}/login`))
    await app.close()
    expect(Object.fromEntries(searchParams)).toEqual({
      appId: emulator.options.clientID,
      responseType: 'code',
      redirectUri: `${app.origin}/callback`,
      scope: 'basic',
      stateKey: expect.stringMatching(/^[\w-]{43}$/),
      theme: 'plain',
    })
  })
})
