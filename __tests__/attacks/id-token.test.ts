import type { DialectStrategy, JsonObject } from 'passport-dialects'
import { ID_TOKEN_FORGERIES, type IdTokenForgery, startEmulator } from 'passport-dialects/emulators'
import { startBareApp } from '../support/app'
import { Browser } from '../support/browser'
import { LINE, loginWith, ours, type Signer, SLACK, verify } from '../support/oidc-login'
import { DecodingStrategy, OidcStrategy } from '../support/oidc-strategy'
import { ask, loggedIn, startTokenApp } from '../support/token-app'
import { bareLogin } from '../support/whole-login'

// Who the user is stands in an id_token (OpenID Connect Core 1.0 §2). Whoever can bring one of his own, or an old one, or
// another app's, logs in as somebody else, unless all of §3.1.3.7 is checked.

let slack: Signer
let lineByKey: Signer
let lineBySecret: Signer
beforeAll(async () => {
  slack = { emulator: await startEmulator('slack'), rules: SLACK }
  lineByKey = { emulator: await startEmulator('line', { idTokenAlg: 'ES256' }), rules: LINE }
  lineBySecret = { emulator: await startEmulator('line'), rules: LINE }
})
afterAll(() => Promise.all([slack, lineByKey, lineBySecret].map(({ emulator }) => emulator.close())))

const CHECKS: Partial<Record<IdTokenForgery, RegExp>> = {
  'alg-none': /algorithm/,
  'no-signature': /signature/,
  'hs256-with-public-key': /algorithm|signature/,
  'other-alg': /algorithm/,
  'other-key': /signature/,
  'unknown-kid': /key/,
  'key-in-header': /key/,
  'unknown-crit': /crit/,
  'changed-claims': /signature/,
  'other-aud': /`aud`/,
  'no-aud': /`aud`/,
  'other-iss': /`iss`/,
  'no-iss': /`iss`/,
  'other-nonce': /`nonce`/,
  'no-nonce': /`nonce`/,
  expired: /`exp`/,
  'no-exp': /`exp`/,
  'exp-text': /`exp`/,
  'iat-in-future': /`iat`/,
  'no-sub': /`sub`/,
  'empty-sub': /`sub`/,
  'sub-number': /`sub`/,
  'not-a-jwt': /no signed JWT/,
}

const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => Object.hasOwn(CHECKS, name))
const BELIEVED = FORGERIES.filter((name) => !/not-a-jwt|no-sub|empty-sub/.test(name))

test('every forgery of the emulators is tried, but the right token of somebody else', () => {
  expect([...FORGERIES, 'other-sub', 'no-id-token'].sort()).toEqual([...ID_TOKEN_FORGERIES].sort())
})

test.each(BELIEVED)('control: %s logs in at a client that only decodes', async (name) => {
  slack.emulator.forgeNext(name)
  const { id } = await loginWith(new DecodingStrategy(slack.emulator.options, verify), slack)
  expect(id).toBeTruthy()
})

test('control: no-sub is the user "undefined" at a client that does not look', async () => {
  class Careless extends DecodingStrategy {
    protected override profileFields({ sub }: JsonObject) {
      return { id: `${sub}`, displayName: undefined }
    }
  }
  slack.emulator.forgeNext('no-sub')
  expect((await loginWith(new Careless(slack.emulator.options, verify), slack)).id).toBe('undefined')
})

describe.each([
  ['RS256 by a key', () => slack],
  ['ES256 by a key', () => lineByKey],
  ['HS256 by the client secret', () => lineBySecret],
])('%s', (_how, signerOf) => {
  test.each(FORGERIES)(
    '%s: ours logs nobody in, and says which check failed and nothing of the token',
    async (name) => {
      const signer = signerOf()
      const strategy = ours(signer)
      signer.emulator.forgeNext(name)
      const forged = await loginWith(strategy, signer)
      expect(forged).toMatchObject({ id: undefined, code: 'signature_invalid', phase: 'token' })
      expect(forged.message).toMatch(CHECKS[name] ?? /never/)
      const { clientID, users } = { ...signer.emulator, clientID: signer.emulator.options.clientID }
      for (const claim of [
        clientID,
        users[0]?.id,
        users[0]?.name,
        'of-another-login',
        'evil.example',
        'another-client',
      ]) {
        expect(forged.text).not.toContain(claim)
      }
      expect(await loginWith(strategy, signer)).toMatchObject({ id: expect.any(String), code: undefined })
    },
  )
})

test('one that must come and does not is response_invalid', async () => {
  slack.emulator.forgeNext('no-id-token')
  expect(await loginWith(ours(slack), slack)).toMatchObject({ code: 'response_invalid', phase: 'token' })
})

test('HS256 is of no use where the dialect has keys alone, be it signed by the secret', async () => {
  const { options } = lineBySecret.emulator
  const keysAlone = new OidcStrategy(options, verify, { idToken: { ...LINE, algorithms: ['ES256'] } })
  expect(await loginWith(keysAlone, lineBySecret)).toMatchObject({ code: 'signature_invalid' })
  expect(await loginWith(ours(lineBySecret), lineBySecret)).toMatchObject({ id: expect.any(String) })
})

test('option issuer takes the place of the expected iss; a list of them is a choice', async () => {
  expect(await loginWith(ours(slack, { issuer: 'https://slack.example' }), slack)).toMatchObject({
    code: 'signature_invalid',
    message: expect.stringContaining('`iss`'),
  })
  const either = { ...SLACK, issuer: ['https://old.example', 'https://slack.com'] }
  const strategy = new OidcStrategy(slack.emulator.options, verify, { idToken: either })
  expect((await loginWith(strategy, slack)).id).toBeTruthy()
})

test('a further client is believed where the dialect names it, and no other one', async () => {
  const native = { ...SLACK, audience: ['another-client'] }
  const strategy = new OidcStrategy(slack.emulator.options, verify, { idToken: native })
  slack.emulator.forgeNext('other-aud')
  expect((await loginWith(strategy, slack)).id).toBeTruthy()
  slack.emulator.forgeNext('other-aud')
  expect((await loginWith(ours(slack), slack)).code).toBe('signature_invalid')
})

describe('a user who stands in the id_token and in the profile (§5.3.2)', () => {
  /** A login whose id_token is a right one of somebody else. */
  async function ofSomebodyElse(subject: 'id' | undefined) {
    const linkedin = await startEmulator('linkedin')
    const { origin, options } = linkedin
    const { authorizationURL, tokenURL, userProfileURL } = options
    const jwksURL = `${origin}/oauth/openid/jwks`
    const members = {
      endpoints: { authorizationURL, tokenURL, userProfileURL, jwksURL },
      idToken: { issuer: 'https://www.linkedin.com/oauth', algorithms: ['RS256'] as const, subject },
      profileFromTokens: undefined,
    }
    linkedin.forgeNext('other-sub')
    try {
      return await bareLogin(
        linkedin,
        (callbackURL) => new OidcStrategy({ ...options, jwksURL, callbackURL }, verify, members),
      )
    } finally {
      await linkedin.close()
    }
  }

  test('must be the same where the dialect says that `sub` is the id', async () => {
    const { code, user } = await ofSomebodyElse('id')
    expect({ code, user }).toEqual({ code: 'signature_invalid', user: undefined })
  })

  test('control: elsewhere the profile counts', async () => {
    expect((await ofSomebodyElse(undefined)).user).toBeTruthy()
  })
})

describe('the nonce', () => {
  const nonceOf = async (strategy: DialectStrategy) => {
    const app = await startBareApp(() => strategy, { callbackURL: 'http://127.0.0.1/callback' })
    try {
      const { searchParams } = new URL(await new Browser().location(`${app.origin}/login`))
      return { nonce: searchParams.get('nonce'), state: searchParams.get('state') }
    } finally {
      await app.close()
    }
  }

  test('is another one at each login, and not the state', async () => {
    const strategy = ours(slack)
    const [one, other] = [await nonceOf(strategy), await nonceOf(strategy)]
    expect(one.nonce).toMatch(/^[\w-]{43}$/)
    expect(new Set([one.nonce, other.nonce, one.state, other.state]).size).toBe(4)
  })

  test('is sent where the dialect has one alone, and no app parameter takes its place', async () => {
    const without = new OidcStrategy(slack.emulator.options, verify, { idToken: { ...SLACK, nonce: false } })
    expect((await nonceOf(without)).nonce).toBeNull()
    expect((await loginWith(without, slack)).id).toBeTruthy()
    const strategy = ours(slack)
    strategy.authorizationParams = () => ({ nonce: 'planted' })
    expect((await nonceOf(strategy)).nonce).toMatch(/^[\w-]{43}$/)
  })

  test('holds over a state store of the app’s own, which keeps nothing for it', async () => {
    const known = new Set<string>()
    const store = {
      store(_req: object, _meta: object, done: (error: null, state: string) => void) {
        known.add(`state${known.size}`)
        done(null, `state${known.size - 1}`)
      },
      verify(_req: object, state: string, done: (error: null, ok: boolean) => void) {
        done(null, known.delete(state))
      },
    }
    const strategy = ours(slack, { store })
    expect((await loginWith(strategy, slack)).id).toBeTruthy()
    slack.emulator.forgeNext('other-nonce')
    expect(await loginWith(strategy, slack)).toMatchObject({ code: 'signature_invalid' })
  })
})

test('no error has a cause that could show the claims', async () => {
  slack.emulator.forgeNext('expired')
  const strategy = ours(slack)
  let failure: unknown
  const report = jest.spyOn(strategy, 'converse')
  await loginWith(strategy, slack)
  for (const { value } of report.mock.results) failure = ((await value) as { error?: unknown }).error ?? failure
  expect(failure).toMatchObject({ code: 'signature_invalid' })
  expect(Object(failure).cause).toBeUndefined()
})

describe('after a refresh', () => {
  /** What `req.oauth.tokens` gives before and after the token is renewed, whose response has an id_token. */
  async function renewed(forgery?: IdTokenForgery) {
    const kakao = await startEmulator('kakao', { accessTokenLifetime: 60 })
    const jwksURL = `${kakao.origin}/.well-known/jwks.json`
    const idToken = { ...SLACK, issuer: 'https://kauth.kakao.com' }
    class KakaoLike extends OidcStrategy {
      constructor(options: typeof kakao.options, verify: unknown) {
        super({ ...options, clientSecret: options.clientSecret ?? '', jwksURL }, verify, { idToken, scope: ['openid'] })
      }
    }
    const first: string[] = []
    const app = await startTokenApp({
      providers: { kakao: { ...kakao.options, strategy: KakaoLike as never } },
      verify: ({ profile, tokens }) => {
        first.push(String(tokens?.accessToken))
        return { provider: 'kakao', id: profile.id, displayName: String(tokens?.claims?.sub) }
      },
    })
    try {
      const browser = await loggedIn(app, 'kakao', kakao)
      if (forgery) kakao.forgeNext(forgery)
      const { tokens } = await ask(browser, `${app.origin}/tokens/kakao`)
      return { isNew: tokens?.accessToken !== first[0], tokens }
    } finally {
      await Promise.all([app.close(), kakao.close()])
    }
  }

  test('the same user without a nonce is believed', async () => {
    expect((await renewed('no-nonce')).isNew).toBe(true)
  })

  test.each(['other-sub', 'expired', 'other-key'] as const)(
    '%s is not: the tokens stay as they were',
    async (forgery) => {
      expect((await renewed(forgery)).isNew).toBe(false)
    },
  )
})
