import { generateKeyPairSync } from 'node:crypto'
import {
  AihubmixStrategy,
  BbscloudStrategy,
  DialectStrategy,
  OAuthError,
  type OAuthRouterConfig,
  oauthRouter,
  type StrategyClass,
  TailchatStrategy,
  TapdStrategy,
  TiktokStrategy,
} from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'
import { optionsOf } from '../../lib/options'
import { BUILT_IN } from '../../lib/registry'
import { rsaPair } from '../support/rsa-keys'

const needed = { clientID: 'client', clientSecret: 'a canary secret', callbackURL: 'https://app.example.com/cb' }
const site = { baseURL: 'https://site.example.com/' }
/** What else one provider needs or another. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signing = {
  teamID: 'TEAM0EMULA',
  keyID: 'KEY00EMULA',
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
}
const rsa = rsaPair('test')
const signingByRSA = {
  privateKey: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  alipayPublicKey: rsa.publicKey.export({ type: 'spki', format: 'pem' }),
}
const verify = () => {}

const ALL: [string, StrategyClass, object][] = [
  ['tailchat', TailchatStrategy, site],
  ['tapd', TapdStrategy, {}],
  ['bbscloud', BbscloudStrategy, site],
  ['tiktok', TiktokStrategy, {}],
  ['aihubmix', AihubmixStrategy, {}],
]

function problemOf(build: () => unknown): OAuthError {
  try {
    build()
  } catch (error) {
    if (OAuthError.is(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe.each(ALL)('%s', (name, Strategy, own) => {
  const build = (options: object) => new Strategy({ ...needed, ...own, ...options } as never, verify)

  test('is a DialectStrategy and an OAuth2Strategy of its name', () => {
    const strategy = build({})
    expect(strategy).toBeInstanceOf(DialectStrategy)
    expect(strategy).toBeInstanceOf(OAuth2Strategy)
    expect(strategy.name).toBe(name)
  })

  test.each([
    ['clientID', undefined],
    ['clientID', ''],
    ['clientSecret', undefined],
    ['clientSecret', 7],
    ['callbackURL', undefined],
    ['callbackURL', 'not an address'],
    ['callbackURL', '//evil.example.com/cb'],
    ['callbackURL', 'https://app.example.com/cb#fragment'],
    ['authorizationURL', 'ftp://x.example.com'],
    ['userProfileURL', 'http://plain.example.com/me'],
    ['timeout', 0],
    ['timeout', '10'],
    ['maxResponseBytes', -1],
    ['scope', 7],
    ['pkce', 'plain'],
    ['proxy', 'yes'],
    ['allowInsecureHttp', 1],
    ['stateLifetime', Number.NaN],
    ['dispatcher', {}],
    ['customHeaders', 'X-A: b'],
    ['customHeaders', ['X-A']],
    ['customHeaders', { 'X A': 'b' }],
    ['customHeaders', { '': 'b' }],
    ['customHeaders', { 'X-A': 'b\r\nX-B: c' }],
    ['customHeaders', { 'X-A': 7 }],
    ['customHeaders', { 'X-A': '中' }],
    ['customHeaders', { 'X-A': 'b', 'x-a': 'c' }],
    ['customHeaders', { Host: 'other.example.com' }],
    ['customHeaders', { 'Content-Length': '3' }],
    ['customHeaders', { 'transfer-encoding': 'chunked' }],
    ['customHeaders', { Connection: 'close' }],
  ])('names option %s when it is %p', (option, value) => {
    const problem = problemOf(() => build({ [option]: value }))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain(`\`${option}\``)
  })

  test('takes every header that HTTP has, but those of the connection', () => {
    build({ customHeaders: { 'X-A': '', "!#$%&'*+-.^_`|~1": '\t~ é', Authorization: 'Own it', Accept: 'text/plain' } })
  })

  test('takes plain http to loopback, and elsewhere only when told to', () => {
    build({ userProfileURL: 'http://127.0.0.1:1/me' })
    build({ userProfileURL: 'http://localhost:1/me' })
    build({ userProfileURL: 'http://plain.example.com/me', allowInsecureHttp: true })
  })

  test('needs verify', () => {
    expect(problemOf(() => new Strategy({ ...needed, ...own } as never, undefined as never)).message).toContain(
      'verify',
    )
  })
})

/** What no option of a kind may be. */
const WRONG = { text: 42, list: 42, flag: 'yes', number: '10', pkce: 'plain', key: 42 }

describe.each(Object.entries(BUILT_IN))('every option of %s', (name, Strategy) => {
  const options = [...(optionsOf(Strategy) ?? [])]

  test.each(options)('%s is named where it is malformed', (option, kind) => {
    const keys = name === 'alipay' ? signingByRSA : signing
    const agentId = name === 'wecom' && '1000002'
    const wrong = {
      ...needed,
      ...site,
      ...keys,
      ...(agentId && { agentId }),
      [option]: kind === false ? 42 : WRONG[kind],
    }
    const problem = problemOf(() => new Strategy(wrong, verify))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain(`\`${option}\``)
  })
})

test.each<StrategyClass>([TailchatStrategy, BbscloudStrategy])(
  'a provider without a global host needs baseURL',
  (Strategy) => {
    expect(problemOf(() => new Strategy(needed as never, verify)).message).toContain('`baseURL`')
  },
)

describe('a slip in a dialect', () => {
  /** As JavaScript lets one write it. */
  class Slip extends DialectStrategy {
    constructor(dialect: object) {
      const endpoints = {
        authorizationURL: 'https://a.example.com',
        tokenURL: 'https://a.example.com',
        userProfileURL: 'https://a.example.com',
      }
      super('slip', needed, verify, { endpoints, scope: [], ...dialect })
    }

    protected profileFields() {
      return { id: '1' }
    }
  }

  test.each([
    ['tokenMayBeRefused', 400],
    ['tokenMayBeRefused', ['400']],
    ['tokenRefused', 401],
    ['tokenRefused', [40]],
    ['scope', 'user'],
    ['credentials', 'code'],
    ['clientIDName', 7],
    ['tokenParameter', ''],
    ['scopeSeparator', true],
    ['pkce', 'S256'],
    ['issuer', 1],
    ['unsolicited', 1],
  ])('is named: %s: %p', (member, value) => {
    const problem = problemOf(() => new Slip({ [member]: value }))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain(`\`${member}\``)
  })

  test('is none: lists, and what is left out', () => {
    new Slip({ tokenRefused: [401, 422], tokenMayBeRefused: [], credentials: ['token'], issuer: undefined, pkce: true })
  })
})

describe('oauthRouter', () => {
  const tapd = { clientID: 'a', clientSecret: 'a canary secret' }
  test.each([
    ['providers', {}],
    ['providers', { providers: [] }],
    ['providers', { providers: { 'bad name': tapd } }],
    ['providers', { providers: { session: tapd } }],
    ['strategy', { providers: { unheard: tapd } }],
    ['clientSecret', { providers: { tapd: { clientID: 'a' } } }],
    ['baseURL', { providers: { tapd }, baseURL: 'https://app.example.com/path' }],
    ['mountPath', { providers: { tapd }, mountPath: '/a b' }],
    ['verify', { providers: { tapd }, verify: 'yes' }],
    ['encryptionKey', { providers: { tapd }, encryptionKey: 'not here yet' }],
    ['sucessRedirect', { providers: { tapd }, sucessRedirect: '/' }],
  ])('names option %s in %j', (option, config) => {
    const problem = problemOf(() => oauthRouter(config as never))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain(`\`${option}\``)
  })

  /** A wrong value of each option; the type asks for every one. */
  const malformed: Record<keyof OAuthRouterConfig, unknown> = {
    providers: 42,
    baseURL: 42,
    mountPath: 42,
    verify: 42,
    successRedirect: 42,
    failureRedirect: 42,
    logoutRedirect: 42,
    onError: 42,
    passport: 42,
    sessionKey: 42,
    stateLifetime: '42',
    linking: 42,
    publicUser: 42,
    revokeOnLogout: 42,
    tokenStore: 42,
    encryptionKey: 42,
    refreshLeadTime: '42',
    onLoggedOut: 42,
  }
  test.each(Object.entries(malformed))('names option %s when it is %p', (option, value) => {
    const problem = problemOf(() => oauthRouter({ providers: { tapd }, [option]: value } as never))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain(`\`${option}\``)
  })

  test('needs `verify` where `providers` is a function', () => {
    const problem = problemOf(() => oauthRouter({ providers: () => ({ tapd }) }))
    expect(problem.code).toBe('config_invalid')
    expect(problem.message).toContain('`verify`')
  })
})
