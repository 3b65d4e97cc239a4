// Over 300 lines because each mistake of a provider's author stands in one table with the check that finds it.
import { AihubmixStrategy, type StrategyClass, TailchatStrategy } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit } from 'passport-dialects/testing'
import type { Kind } from '../support/canaries/known'
import { leaksOnPurpose } from '../support/canaries/on-purpose'
import { KITS, type ProviderKit } from './kits'
import * as mistakes from './mistakes'

let patience = Number.POSITIVE_INFINITY // of the kit's browser, in milliseconds, where it is less than its own
jest.mock('../../testing/stopwatch', () => {
  const actual = jest.requireActual<typeof import('../../testing/stopwatch')>('../../testing/stopwatch')
  const { Stopwatch } = actual
  return {
    ...actual,
    Stopwatch: class extends Stopwatch {
      constructor(limit?: number) {
        super(limit === undefined ? undefined : Math.min(limit, patience))
      }
    },
  }
})
afterEach(() => {
  patience = Number.POSITIVE_INFINITY
})

/** A mistake, the check that must find it, and what that check must say. */
interface Mistake {
  title: string
  strategy: unknown
  kit?: Partial<DialectKit>
  check: RegExp
  says: RegExp
  /** Where the kit waits for nothing. */
  patience?: number
  /** What it lets out. */
  leaks?: Kind
}

/** What the kit is told of a provider of the package. */
function kitOf(name: 'apple' | 'dingtalk' | 'notion'): Partial<DialectKit> {
  const { emulation, ...kit }: ProviderKit<typeof name> = KITS[name]
  return { ...kit, emulator: () => startEmulator(name, emulation) }
}

const MISTAKES: Mistake[] = [
  {
    title: 'a strategy of passport-oauth2 alone',
    strategy: mistakes.Plain,
    check: /is a DialectStrategy/,
    says: /extends DialectStrategy/,
  },
  {
    title: 'a class of its own',
    strategy: mistakes.NotEvenThat,
    check: /is a DialectStrategy/,
    says: /add-ons look for passport-oauth2/,
  },
  {
    title: 'another name',
    strategy: mistakes.Misnamed,
    check: /is a DialectStrategy/,
    says: /calls itself `aihub`, not `aihubmix`/,
  },
  {
    title: 'options that nobody checks',
    strategy: mistakes.NotEvenThat,
    check: /without `clientID`/,
    says: /`clientID` is left out, the strategy is built all the same/,
  },
  {
    title: 'an address that nobody checks',
    strategy: mistakes.NotEvenThat,
    check: /malformed `tokenURL`/,
    says: /`tokenURL` is no address, the strategy is built all the same/,
  },
  {
    title: 'an error without the option',
    strategy: AihubmixStrategy,
    kit: { requiredOptions: ['site'] },
    check: /without `site`/,
    says: /`site` is left out, the strategy is built all the same/,
  },
  {
    title: 'the secret in the address',
    strategy: mistakes.TellsSecret,
    leaks: 'client secret',
    check: /fresh state, and no secret/,
    says: /client secret stands in the address .* as `app`/,
  },
  {
    title: 'a redirect address elsewhere',
    strategy: mistakes.ComesBackElsewhere,
    check: /fresh state, and no secret/,
    says: /does not say where to come back to/,
  },
  {
    title: 'the state of the last login',
    strategy: mistakes.RemembersState,
    check: /forged state is refused, under oauthRouter/,
    says: /forged state, somebody is logged in all the same/,
  },
  {
    title: 'the state of the last login, without one',
    strategy: mistakes.RemembersState,
    check: /without state is refused, under bare/,
    says: /carries no state, somebody is logged in all the same/,
  },
  {
    title: 'the state of the last login, in two tabs',
    strategy: mistakes.RemembersState,
    check: /two tabs.* under oauthRouter/,
    says: /Keep nothing of one login in the strategy object/,
  },
  {
    title: 'the state of the last login, in another browser',
    strategy: mistakes.RemembersState,
    check: /another browser/,
    says: /another browser than the one that began the login, somebody is logged in all the same/,
  },
  {
    title: 'a login for whoever comes',
    strategy: mistakes.AnswersAnything,
    check: /forged state is refused, under bare/,
    says: /does not begin/,
  },
  {
    title: 'a redirect for whoever comes',
    strategy: mistakes.RedirectsForEver,
    check: /callback-shaped/,
    says: /starts a new login: browsers that come back broken would go round in circles/,
  },
  {
    title: 'a profile of another provider',
    strategy: mistakes.OwnProfile,
    check: /each user .* under oauthRouter/,
    says: /profile\.provider is someone else, not aihubmix/,
  },
  {
    title: 'an empty list of addresses',
    strategy: mistakes.EmptyEmails,
    check: /each user .* under bare/,
    says: /profile\.emails is \[\]/,
  },
  {
    title: 'one id for all',
    strategy: mistakes.OneForAll,
    check: /each user .* under oauthRouter/,
    says: /profile\.id is "me", but the provider's user has "12345"/,
  },
  {
    title: 'an id from the wrong member',
    strategy: mistakes.WrongMember,
    check: /each user .* under oauthRouter/,
    says: /profile\.id is "张三"/,
  },
  {
    title: 'a token in the past',
    strategy: mistakes.TokenEndsInThePast,
    check: /each user .* under oauthRouter/,
    says: /over before it is used/,
  },
  {
    title: 'a refresh token that the kit does not know of',
    strategy: AihubmixStrategy,
    kit: { refresh: false },
    check: /each user .* under oauthRouter/,
    says: /tell the kit `refresh: true`/,
  },
  {
    title: 'a refresh token that does not come',
    strategy: TailchatStrategy,
    kit: { emulator: () => startEmulator('tailchat') },
    check: /brings a new access token/,
    says: /a login brings no refresh token/,
  },
  {
    title: 'a call that the kit does not know of',
    strategy: mistakes.AsksTwice,
    check: /calls that the kit tests/,
    says: /calls profile, request, token .* told profile, token/,
  },
  {
    title: 'a credential by another name',
    strategy: AihubmixStrategy,
    kit: { credential: 'ticket' },
    check: /credential of the callback/,
    says: /no parameter `ticket`, but code, state/,
  },
  {
    title: 'a redirect address by another name',
    strategy: AihubmixStrategy,
    kit: { redirectURI: 'state' },
    check: /repeats the redirect address/,
    says: /RFC 6749 §4\.1\.3/,
  },
  {
    title: 'a request of its own, without deadline',
    strategy: mistakes.OwnFetch,
    check: /^silent at profile/,
    says: /gave no answer to .* may never settle/,
    patience: 1_000,
  },
  {
    title: 'a request of its own, without typed failures',
    strategy: mistakes.OwnFetch,
    check: /^reset at profile/,
    says: /comes to `internal_error` in phase `callback`/,
  },
  {
    title: 'a request of its own, that follows redirects',
    strategy: mistakes.OwnFetch,
    check: /^redirect at profile/,
    says: /must come to provider_redirected/,
  },
  {
    title: 'the phase of another call',
    strategy: mistakes.WrongPhase,
    check: /^empty at profile/,
    says: /phase is `token`, not `profile`/,
  },
  {
    title: 'the token in a message',
    strategy: mistakes.QuotesToken,
    leaks: 'token',
    check: /^empty at profile/,
    says: /A credential of this login .* stands in JSON/,
  },
  {
    title: 'the token in a cause',
    strategy: mistakes.KeepsTokenInCause,
    leaks: 'token',
    check: /^empty at profile/,
    says: /A credential of this login .* stands in util\.inspect/,
  },
  {
    title: 'the token of a header in a message',
    strategy: mistakes.QuotesHeaderToken,
    kit: kitOf('dingtalk'),
    leaks: 'token',
    check: /^empty at profile/,
    says: /A credential of this login .* stands in JSON/,
  },
  {
    title: 'the code of a refused callback in a message',
    strategy: mistakes.QuotesCallback,
    leaks: 'code',
    check: /without state is refused, under oauthRouter/,
    says: /A credential of this login .* stands in JSON/,
  },
  {
    title: 'a token that is never sent in a message',
    strategy: mistakes.QuotesOldToken,
    kit: kitOf('notion'),
    leaks: 'token',
    check: /^empty at refresh/,
    says: /A credential of this login .* stands in JSON/,
  },
  {
    title: 'the secret as a form has it in a message',
    strategy: mistakes.QuotesForm,
    leaks: 'client secret',
    check: /^empty at profile/,
    says: /A credential of this login .* stands in JSON/,
  },
  {
    title: 'a private key in a cause',
    strategy: mistakes.KeepsKeyInCause,
    kit: kitOf('apple'),
    check: /^not-json at token/,
    says: /A credential of this login .* stands in util\.inspect/,
  },
  {
    title: 'HTTP 200 taken for success',
    strategy: mistakes.BelievesHttp200,
    check: /^refused at profile/,
    says: /in the provider’s own words, the login succeeds all the same.*HTTP 200 alone is no success/,
  },
  {
    title: 'a failure that stays',
    strategy: mistakes.BreaksOnce,
    check: /^empty at profile/,
    says: /the next login of the same browser fails/,
  },
  {
    title: 'a polluted prototype',
    strategy: mistakes.Pollutes,
    check: /^proto at token/,
    says: /changed Object\.prototype/,
  },
  {
    title: 'a token where the provider does not look',
    strategy: mistakes.ProfileByQuery,
    check: /each user .* under oauthRouter/,
    says: /`token_rejected` in phase `profile`.*Look at `profileRequest\(\)`/,
  },
  {
    title: 'the old token again',
    strategy: mistakes.RefreshesNothing,
    check: /brings a new access token/,
    says: /brings the old access token again/,
  },
  {
    title: 'no refresh token after a refresh',
    strategy: mistakes.NoNewRefreshToken,
    check: /brings a new access token/,
    says: /no refresh token any more/,
  },
  {
    title: 'a dead refresh token taken for a dead code',
    strategy: mistakes.ForgetsRefreshPhase,
    check: /never gave → refresh_rejected/,
    says: /must come to refresh_rejected, but comes to `grant_rejected`/,
  },
  {
    title: 'a refusal that is none',
    strategy: AihubmixStrategy,
    kit: { codes: { denied: 'verify_refused' } },
    check: /user says no/,
    says: /must come to verify_refused, but comes to `access_denied`/,
  },
]

test.each(MISTAKES)('$title: $check finds it', async ({ strategy, kit, check, says, leaks, ...mistake }) => {
  patience = mistake.patience ?? patience
  if (leaks) leaksOnPurpose(leaks, 'the mistake')
  const checks = collectDialectChecks({
    strategy: strategy as StrategyClass, // wrong on purpose
    emulator: () => startEmulator('aihubmix'),
    refresh: true,
    ...kit,
  })
  const found = checks.filter(({ name }) => check.test(name))
  expect(found).toHaveLength(1)
  try {
    await expect(found[0]?.run()).rejects.toThrow(says)
  } finally {
    for (const name of ['polluted', 'admin', 'access_token', 'id']) Reflect.deleteProperty(Object.prototype, name)
  }
})

test('without a strategy or an emulator the kit says what is missing', () => {
  const kit = { strategy: AihubmixStrategy, emulator: () => startEmulator('aihubmix') }
  expect(() => collectDialectChecks({ ...kit, strategy: undefined } as unknown as DialectKit)).toThrow(
    'needs `strategy`',
  )
  expect(() => collectDialectChecks({ ...kit, emulator: undefined } as unknown as DialectKit)).toThrow(
    'needs `emulator`',
  )
})

test.each<[string, object, string, RegExp]>([
  [
    'the kit',
    { endpoint: ['token'] },
    'endpoint',
    /^The kit has no member `endpoint`; there are strategy, .*endpoints, /,
  ],
  ['its codes', { codes: { wrongsecret: 'ok' } }, 'wrongsecret', /`codes` has no member .* denied, wrongSecret, /],
  ['its id_token', { idToken: { needed: false } }, 'needed', /`idToken` has no member .* required, nonce, keys\.$/],
  ['its faults', { faults: { 'http-504': 'ok' } }, 'http-504', /`faults` has no member .* http-503, refused, and each/],
  ['its faults, by an endpoint,', { faults: { 'reset@tokens': 'ok' } }, 'reset@tokens', /as in reset@token\.$/],
  [
    'its faults, at a call that no login makes,',
    { faults: { 'reset@code': 'ok' } },
    'reset@code',
    /as in reset@token\.$/,
  ],
])('an unknown member of %s is named, beside those that there are', (_where, more, name, says) => {
  const kit = { strategy: AihubmixStrategy, emulator: () => startEmulator('aihubmix'), ...more }
  const collect = () => collectDialectChecks(kit)
  expect(collect).toThrow(TypeError)
  expect(collect).toThrow(says)
  expect(collect).toThrow(`no member \`${name}\``)
})

test('members that the kit knows are taken, and so is one that is undefined', () => {
  const faults = {
    reset: 'ok',
    'reset@token': 'ok',
    'reset@code': 'ok',
    'reset@keys': 'ok',
    'bom@refresh': 'ok',
  } as const
  const kit: DialectKit = { strategy: AihubmixStrategy, emulator: () => startEmulator('aihubmix'), faults }
  const more = { endpoints: ['code', 'token'], codes: { denied: false }, idToken: { nonce: false }, another: undefined }
  expect(collectDialectChecks({ ...kit, ...more } as DialectKit).length).toBeGreaterThan(80)
})

test.each<[boolean, string, Partial<DialectKit>]>([
  [true, 'repeats it', {}],
  [true, 'repeats it by another name', { redirectURI: 'redirectUri' }],
  [false, 'does not', { redirectURI: false }],
  [false, 'is none', { endpoints: ['code', 'profile'] }],
])('a check of the redirect address: %p where the token request %s', (isThere, _what, more) => {
  const kit = { strategy: AihubmixStrategy, emulator: () => startEmulator('aihubmix'), ...more }
  const names = collectDialectChecks(kit).map(({ name }) => name)
  expect(names.some((name) => name.includes('repeats the redirect address'))).toBe(isThere)
})

test('a running emulator is taken as it is, and stays open', async () => {
  const emulator = await startEmulator('aihubmix')
  const [first] = collectDialectChecks({ strategy: AihubmixStrategy, emulator })
  await first?.run()
  expect((await fetch(`${emulator.origin}/nowhere`)).status).toBe(404)
  await emulator.close()
})
