// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import {
  type ErrorCode,
  type Json,
  type JsonObject,
  type Phase,
  type SlackOptions,
  SlackStrategy,
  type TokenSet,
} from 'passport-dialects'
import { type Emulator, type EmulatorOptions, type Fault, ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { isForgeryOfEachKind } from '../support/kinds'
import { loginWith, SLACK, verify } from '../support/oidc-login'
import { DecodingStrategy } from '../support/oidc-strategy'
import { bareLoginAt, inApp, lastForm, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { countOf } from '../support/token-app'
import { usually } from '../support/whole'

const [KITES, HARBOUR] = ['T0KITES001', 'T0HARBOUR2']
const USER = 'U0ZHANG001'
const ID = `${KITES}:${USER}`
const INSTALL = { flow: 'install' } as const
const ROTATING = { tokenRotation: true } as const
const OPTIONS = { clientID: '1.2', clientSecret: 'cs-slack-7d6c5b4a', callbackURL: '/cb' }

const basicOf = ({ options: { clientID, clientSecret } }: Emulator) =>
  `Basic ${Buffer.from(`${clientID}:${clientSecret}`).toString('base64')}`

describe('a sign-in', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('slack', {}, async (emulator) => {
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/openid/connect/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/slack\/callback$/),
        scope: 'openid profile email',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/api/openid.connect.token', query: {} })
      expect(sent('token')?.headers.authorization).toBeUndefined()
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
      })
      expect(sent('keys')).toMatchObject({ method: 'GET', path: '/openid/connect/keys' })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/api/openid.connect.userInfo', query: {} })
      expect(sent('profile')?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
      expect(profile).toMatchObject({
        provider: 'slack',
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: 'https://avatars.example/zhangsan_512.png' }],
        _json: { 'https://slack.com/user_id': USER, 'https://slack.com/team_id': KITES, email_verified: true },
      })
      expect(tokens?.claims).toMatchObject({ iss: 'https://slack.com', sub: USER, nonce: query.nonce })
      expect(tokens?.context).toEqual({ team: KITES })
    }))

  test('under bare Passport', () =>
    withEmulator('slack', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
    }))

  test('without token rotation no token ends, and there is no refresh token', () =>
    withEmulator('slack', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens).not.toHaveProperty('expiresAt')
      expect(tokens).not.toHaveProperty('refreshToken')
      expect(tokens.scope).toEqual(['openid', 'profile', 'email'])
    }))

  test('with openid alone a user is an id, and that is enough', () =>
    withEmulator('slack', {}, async (emulator) => {
      const { code, profile } = await logInAt(emulator, { scope: 'openid' })
      expect(code).toBeUndefined()
      expect(profile).toMatchObject({ id: ID, displayName: '' })
      expect(profile).not.toHaveProperty('emails')
      expect(profile).not.toHaveProperty('photos')
    }))

  test('a warning beside `ok: true` is no refusal', () =>
    withEmulator('slack', { warnings: true }, async (emulator) => {
      const { code, tokens } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(tokens?.raw).toMatchObject({ warning: 'emulated_warning' })
    }))

  test('the token never stands in an address', () =>
    withEmulator('slack', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      await strategyAt(emulator).revoke(tokens)
      for (const { query } of emulator.requests) expect(JSON.stringify(query)).not.toContain(tokens.accessToken)
    }))
})

describe('the workspace', () => {
  test('is part of the id: the same user id in two workspaces is two people', () =>
    withEmulator('slack', {}, async (emulator) => {
      const [one, other] = [await logInAt(emulator, { team: KITES }), await logInAt(emulator, { team: HARBOUR })]
      expect(one.query.team).toBe(KITES)
      expect([one.profile?.id, other.profile?.id]).toEqual([`${KITES}:${USER}`, `${HARBOUR}:${USER}`])
    }))

  test.each<[string, EmulatorOptions<'slack'>, object]>([
    ['a sign-in', {}, {}],
    ['a sign-in without a profile', {}, { skipUserProfile: true }],
    ['an installation', INSTALL, {}],
    ['an installation for a whole organisation', { ...INSTALL, orgInstall: true }, {}],
  ])('another one than `team` is user_unknown, whatever the user chooses: %s', (_what, knobs, options) =>
    withEmulator('slack', { ...knobs, workspaces: [{ id: HARBOUR, name: 'Harbour' }] }, async (emulator) => {
      const { user, error, query } = await logInAt(emulator, { ...options, team: KITES })
      expect(query.team).toBe(KITES)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({ code: 'user_unknown', phase: 'token', message: expect.stringContaining('team') })
      expect((await logInAt(emulator, { team: undefined })).code).toBeUndefined()
    }),
  )

  test('that no id_token names is none that `team` lets in', () =>
    withEmulator('slack', {}, async (emulator) => {
      class Silent extends SlackStrategy {
        protected override async grant(...args: Parameters<SlackStrategy['grant']>): Promise<TokenSet> {
          const tokens = await super.grant(...args)
          return { ...tokens, claims: { sub: USER } }
        }
      }
      expect((await logInAt(emulator, { strategy: Silent, team: KITES })).code).toBe('user_unknown')
      expect((await logInAt(emulator, { strategy: Silent })).profile?.id).toBe(ID)
    }))
})

describe('the id_token', () => {
  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => name !== 'no-id-token')

  test.each(usually(FORGERIES, isForgeryOfEachKind))('%s logs nobody in', (forgery) =>
    withEmulator('slack', {}, async (emulator) => {
      emulator.forgeNext(forgery)
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({
        code: 'signature_invalid',
        phase: forgery === 'other-sub' ? 'profile' : 'token',
      })
    }),
  )

  test.each(['alg-none', 'other-key', 'changed-claims', 'other-nonce', 'expired'] as const)(
    'control: %s logs in at a client that only decodes',
    (forgery) =>
      withEmulator('slack', {}, async (emulator) => {
        emulator.forgeNext(forgery)
        const { id } = await loginWith(new DecodingStrategy(emulator.options, verify), { emulator, rules: SLACK })
        expect(id).toBeTruthy()
      }),
  )

  test('that does not come is response_invalid', () =>
    withEmulator('slack', {}, async (emulator) => {
      emulator.forgeNext('no-id-token')
      expect((await logInAt(emulator)).error).toMatchObject({ code: 'response_invalid', phase: 'token' })
    }))

  test('of one workspace and a user of another do not go together', () =>
    withEmulator('slack', {}, async (emulator) => {
      class Elsewhere extends SlackStrategy {
        override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
          return phase === 'profile' ? { ...body, 'https://slack.com/team_id': HARBOUR } : super.unwrap(body, phase)
        }
      }
      const { error } = await logInAt(emulator, { strategy: Elsewhere })
      expect(error).toMatchObject({ code: 'signature_invalid', phase: 'profile' })
    }))

  test('is verified by new keys too, and has the iss of option issuer', () =>
    withEmulator('slack', {}, async (emulator) => {
      await tokensAt(emulator)
      emulator.rotateKeys()
      expect((await logInAt(emulator)).profile?.id).toBe(ID)
      const { error } = await logInAt(emulator, { issuer: 'https://slack.example' })
      expect(error).toMatchObject({ code: 'signature_invalid', message: expect.stringContaining('`iss`') })
    }))
})

describe('an installation', () => {
  const install = (options: object, knobs: EmulatorOptions<'slack'> = {}) =>
    withEmulator('slack', { ...INSTALL, ...knobs }, async (emulator) => {
      const { code, profile, tokens } = await logInAt(emulator, options)
      expect(code).toBeUndefined()
      return { profile, tokens }
    })

  test('under the router: what goes over the wire', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const own = { scope: ['users:read', 'chat:write'], userScope: ['identify', 'search:read'] }
      const { code, request, query, profile, tokens, sent, form } = await logInAt(emulator, own)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/oauth/v2/authorize')
      expect(query).toEqual({
        response_type: 'code',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/slack\/callback$/),
        scope: 'users:read,chat:write',
        user_scope: 'identify,search:read',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
      })
      expect(sent('token')).toMatchObject({ method: 'POST', path: '/api/oauth.v2.access', query: {} })
      expect(sent('token')?.headers.authorization).toBe(basicOf(emulator))
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
      })
      expect(sent('profile')).toMatchObject({ method: 'GET', path: '/api/users.info', query: { user: USER } })
      expect(sent('profile')?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
      expect(profile).toMatchObject({
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        photos: [{ value: 'https://avatars.example/zhangsan_512.png' }],
        _json: { id: USER, team_id: KITES, real_name: '张三' },
      })
      expect(tokens).toMatchObject({ scope: ['users:read', 'chat:write'], context: { team: KITES, user: USER } })
      expect(countOf(emulator, 'keys')).toBe(0)
    }))

  test('under bare Passport, with PKCE where the app wants it', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const { user, request } = await bareLoginAt(emulator, { pkce: true })
      expect(user).toMatchObject({ id: ID, displayName: '张三' })
      expect(request.searchParams.get('code_challenge_method')).toBe('S256')
      const { body } = emulator.requests.findLast(({ endpoint }) => endpoint === 'token') ?? {}
      expect(new URLSearchParams(body).get('code_verifier')).toMatch(/^[\w.~-]{43,128}$/)
    }))

  test('asks for users:read where the app asks for nothing, and for no bot where it asks the user for something', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      expect((await logInAt(emulator)).query.scope).toBe('users:read')
      const { query } = await logInAt(emulator, { userScope: 'identify' })
      expect(query).toMatchObject({ user_scope: 'identify' })
      expect(query).not.toHaveProperty('scope')
    }))

  const BOTH = { scope: 'users:read', userScope: 'identify,search:read' }

  test.each<[string, object, RegExp, string[]]>([
    ['the bot’s, where both come', BOTH, /^xoxb-/, ['users:read']],
    ['the bot’s, where it is named', { ...BOTH, token: 'bot' }, /^xoxb-/, ['users:read']],
    ['the user’s, where it is named', { ...BOTH, token: 'user' }, /^xoxp-/, ['identify', 'search:read']],
    ['the user’s, where no bot’s comes', { userScope: 'identify' }, /^xoxp-/, ['identify']],
  ])('the token is %s; the other stands in raw', async (_whose, options, pattern, scope) => {
    const { profile, tokens } = await install(options)
    expect(tokens?.accessToken).toMatch(pattern)
    expect(tokens?.tokenType).toBe('Bearer')
    expect(tokens?.scope).toEqual(scope)
    expect(profile?.id).toBe(ID)
    const both = 'scope' in options
    expect(tokens?.raw).toMatchObject({ authed_user: { id: USER } })
    if (both) {
      expect(tokens?.raw).toMatchObject({
        access_token: expect.stringMatching(/^xoxb-/),
        authed_user: { access_token: expect.stringMatching(/^xoxp-/), token_type: 'user' },
      })
    }
  })

  test('the token of a bot that nobody asked for does not come, and the user’s does not stand in for it', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const { error } = await logInAt(emulator, { userScope: 'identify', token: 'bot' })
      expect(error).toMatchObject({ code: 'response_invalid', phase: 'token' })
    }))

  test('without users:read nobody is asked: the id is all there is, and no token stands in the profile', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const { profile, tokens } = await logInAt(emulator, { scope: 'chat:write', userScope: 'identify' })
      expect(countOf(emulator, 'profile')).toBe(0)
      expect(profile).toEqual({
        provider: 'slack',
        id: ID,
        displayName: '',
        _raw: `{"id":"${USER}"}`,
        _json: { id: USER },
      })
      expect(JSON.stringify(profile)).not.toContain('xox')
      expect(tokens?.raw).toMatchObject({ authed_user: { access_token: expect.any(String) } })
    }))

  test('of a whole organisation has no team: the organisation is part of the id', async () => {
    const { profile, tokens } = await install({}, { orgInstall: true })
    expect(tokens?.raw).toMatchObject({ team: null, is_enterprise_install: true })
    expect(tokens?.context).toEqual({ enterprise: 'E0FLEET001', user: USER })
    expect(profile?.id).toBe(`E0FLEET001:${USER}`)
  })

  test('of a person who has a name and no more', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const { profile } = await logInAt(emulator, {}, { user: 'U0ADA00002' })
      expect(profile).toMatchObject({ id: `${KITES}:U0ADA00002`, displayName: 'Ada Lovelace', username: 'ada' })
      expect(profile).not.toHaveProperty('emails')
      expect(profile).not.toHaveProperty('photos')
    }))

  test.each<[string, JsonObject]>([
    ['nobody', { ok: true, access_token: 'xoxb-1', team: { id: KITES } }],
    ['nowhere', { ok: true, access_token: 'xoxb-1', team: null, authed_user: { id: USER } }],
  ])('that names %s is no login', async (_what, raw) => {
    const strategy = new SlackStrategy({ ...OPTIONS, flow: 'install' }, () => {})
    const context = Reflect.get(strategy, 'tokenContext').call(strategy, raw)
    const tokens = { accessToken: 'xoxb-1', tokenType: 'Bearer', scope: ['chat:write'], raw, context }
    const asked = Reflect.get(strategy, 'fetchProfile').call(strategy, tokens)
    await expect(asked).rejects.toMatchObject({ code: 'response_invalid', phase: 'profile' })
  })

  test('whose user is another one than was asked for is no login', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      class Other extends SlackStrategy {
        override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
          return phase === 'profile' ? { id: 'U0SOMEBODY' } : super.unwrap(body, phase)
        }
      }
      const { error } = await logInAt(emulator, { strategy: Other })
      expect(error).toMatchObject({ code: 'response_invalid', phase: 'profile' })
    }))

  test('that ends at the other flow’s token method is the app’s own mistake', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const tokenURL = `${emulator.origin}/api/openid.connect.token`
      const { error } = await logInAt(emulator, { tokenURL })
      expect(error).toMatchObject({ code: 'client_rejected', providerCode: 'oauth_authorization_url_mismatch' })
    }))
})

describe('options', () => {
  test.each<[keyof SlackOptions, object]>([
    ['flow', { flow: 'login' }],
    ['team', { team: ' ' }],
    ['userScope', { flow: 'install', userScope: 7 }],
    ['userScope', { userScope: 'identify' }],
    ['token', { flow: 'install', token: 'both' }],
    ['token', { flow: 'install', token: 'user' }],
    ['token', { token: 'bot' }],
    ['jwksURL', { jwksURL: 'keys' }],
    ['issuer', { issuer: '' }],
    ['clientSecret', { clientSecret: undefined }],
  ])('%s: %j is config_invalid, by name', (option, given) => {
    expect(() => new SlackStrategy({ ...OPTIONS, ...given }, () => {})).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
    )
  })

  test('baseURL moves all of it; without it Slack is slack.com', () => {
    const endpoints = (own: Partial<SlackOptions>) => endpointsOf(new SlackStrategy({ ...OPTIONS, ...own }, () => {}))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://slack.com/openid/connect/authorize',
      tokenURL: 'https://slack.com/api/openid.connect.token',
      revokeURL: 'https://slack.com/api/auth.revoke',
      userProfileURL: 'https://slack.com/api/openid.connect.userInfo',
      jwksURL: 'https://slack.com/openid/connect/keys',
    })
    expect(endpoints({ flow: 'install', baseURL: 'https://mirror.example/' })).toMatchObject({
      authorizationURL: 'https://mirror.example/oauth/v2/authorize',
      tokenURL: 'https://mirror.example/api/oauth.v2.access',
      userProfileURL: 'https://mirror.example/api/users.info',
    })
  })
})

describe('refusals', () => {
  test('the user says no', () =>
    withEmulator('slack', {}, async (emulator) => {
      expect((await logInAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test.each([{}, INSTALL])('a wrong secret, which nobody shows: %j', (knobs) =>
    withEmulator('slack', knobs, async (emulator) => {
      const { error } = await logInAt(emulator, { clientSecret: 'notTheSecret' })
      expect(error).toMatchObject({ code: 'client_rejected', phase: 'token', providerCode: 'bad_client_secret' })
      expect(error).toMatchObject({ providerStatus: 200 })
      expect(JSON.stringify(error)).not.toContain('notTheSecret')
    }),
  )

  test.each<[string, ErrorCode]>([
    ['bad_client_secret', 'client_rejected'],
    ['invalid_client_id', 'client_rejected'],
    ['oauth_authorization_url_mismatch', 'client_rejected'],
    ['cannot_install_an_org_installed_app', 'client_rejected'],
    ['preview_feature_not_available', 'client_rejected'],
    ['invalid_code', 'grant_rejected'],
    ['bad_redirect_uri', 'grant_rejected'],
    ['code_already_used', 'grant_rejected'],
    ['user_email_unverified', 'user_unknown'],
    ['no_scopes', 'scope_insufficient'],
    ['ratelimited', 'rate_limited'],
    ['rate_limited', 'rate_limited'],
    ['internal_error', 'provider_unavailable'],
    ['fatal_error', 'provider_unavailable'],
    ['service_unavailable', 'provider_unavailable'],
    ['request_timeout', 'provider_unavailable'],
    ['team_added_to_org', 'provider_unavailable'],
    ['org_login_required', 'provider_unavailable'],
    ['invalid_grant_type', 'provider_error'],
    ['invalid_arguments', 'provider_error'],
    ['accesslimited', 'provider_error'],
    ['a_word_of_tomorrow', 'provider_error'],
  ])('%s at the token method, on HTTP 200 → %s', (providerCode, code) =>
    withEmulator('slack', {}, async (emulator) => {
      emulator.failNext('token', `refused:${providerCode}`)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'token', providerCode, providerStatus: 200 })
    }),
  )

  test.each<[string, ErrorCode]>([
    ['invalid_auth', 'token_rejected'],
    ['not_authed', 'token_rejected'],
    ['token_expired', 'token_rejected'],
    ['token_revoked', 'token_rejected'],
    ['account_inactive', 'user_unknown'],
    ['user_not_found', 'user_unknown'],
    ['missing_scope', 'scope_insufficient'],
    ['no_permission', 'scope_insufficient'],
    ['not_allowed_token_type', 'scope_insufficient'],
    ['access_denied', 'scope_insufficient'],
    ['team_added_to_org', 'provider_unavailable'],
    ['a_word_of_tomorrow', 'provider_error'],
  ])('%s at the API, on HTTP 200 → %s', (providerCode, code) =>
    withEmulator('slack', {}, async (emulator) => {
      emulator.failNext('profile', `refused:${providerCode}`)
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code, phase: 'profile', providerCode, providerStatus: 200 })
    }),
  )

  test('a scope that is missing is named', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const tokens = await tokensAt(emulator, { scope: 'chat:write' })
      const asked = strategyAt(emulator).profileOf({ ...tokens, scope: ['users:read'] })
      await expect(asked).rejects.toMatchObject({
        code: 'scope_insufficient',
        providerCode: 'missing_scope',
        providerMessage: 'needed: users:read',
      })
    }))

  test('HTTP 429 says when to come back', () =>
    withEmulator('slack', {}, async (emulator) => {
      emulator.failNext('token', 'http-429')
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(String), providerStatus: 429 })
    }))

  test('`ok: false` without a word, and an `error` without `ok`, are refusals too; `ok: true` is none', () => {
    const refusal = (body: JsonObject) => new SlackStrategy(OPTIONS, () => {}).refusal(body)
    expect(refusal({ ok: false })).toMatchObject({ code: 'provider_error' })
    expect(refusal({ error: 'invalid_grant' })).toMatchObject({ code: 'grant_rejected' })
    expect(refusal({ ok: true, error: 'a member that grew' })).toBeUndefined()
    expect(refusal({})).toBeUndefined()
  })
})

/** The two token sets of an installation's response. */
function setsIn({ access_token, token_type, scope, expires_in, refresh_token, authed_user }: JsonObject) {
  const user = authed_user as JsonObject // every installation has one
  return { bot: { access_token, token_type, scope, expires_in, refresh_token }, user }
}

describe('after the login', () => {
  test('a refresh of a sign-in: the flow’s own method, a new refresh token, and the old one is dead', () =>
    withEmulator('slack', ROTATING, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens.raw.expires_in).toBe(43_200)
      const strategy = strategyAt(emulator)
      const renewed = await strategy.refresh(tokens)
      expect(emulator.requests.at(-1)).toMatchObject({ method: 'POST', path: '/api/openid.connect.token' })
      expect(lastForm(emulator)).toEqual({
        grant_type: 'refresh_token',
        client_id: emulator.options.clientID,
        client_secret: emulator.options.clientSecret,
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      expect(renewed).toMatchObject({ scope: tokens.scope, context: { team: KITES }, subject: USER })
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID })
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        phase: 'refresh',
        providerCode: 'invalid_refresh_token',
      })
    }))

  test.each([
    ['bot', /^xoxe\.xoxb-/],
    ['user', /^xoxe\.xoxp-/],
  ] as const)('a refresh of an installation renews the token of the %s, and keeps whose it is', (token, pattern) =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, async (emulator) => {
      const options = { scope: 'users:read', userScope: 'users:read', token }
      const tokens = await tokensAt(emulator, options)
      const strategy = strategyAt(emulator, options)
      const renewed = await strategy.refresh(tokens)
      expect(emulator.requests.at(-1)?.headers.authorization).toBe(basicOf(emulator))
      expect(lastForm(emulator)).toEqual({ grant_type: 'refresh_token', refresh_token: tokens.refreshToken })
      expect(renewed.accessToken).toMatch(pattern)
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(renewed.refreshToken).not.toBe(tokens.refreshToken)
      expect(renewed.context).toEqual({ team: KITES, user: USER })
      expect(await strategy.profileOf(renewed)).toMatchObject({ id: ID, displayName: '张三' })
    }),
  )

  test.each(['bot', 'user'] as const)('after refreshes of the %s, raw still has the other one’s tokens', (token) =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, async (emulator) => {
      const options = { scope: 'users:read', userScope: 'identify', token }
      const tokens = await tokensAt(emulator, options)
      const strategy = strategyAt(emulator, options)
      const twice = await strategy.refresh(await strategy.refresh(tokens))
      const { bot: botBefore, user: userBefore } = setsIn(tokens.raw)
      const { bot, user } = setsIn(twice.raw)
      const [renewed, kept, keptBefore] = token === 'bot' ? [bot, user, userBefore] : [user, bot, botBefore]
      expect(renewed).toMatchObject({ access_token: twice.accessToken, refresh_token: twice.refreshToken })
      expect(kept).toEqual(keptBefore)
      expect(twice.raw).toMatchObject({ team: { id: KITES }, authed_user: { id: USER } })
      // It is alive: the other one's tokens can be renewed with it.
      const other = await strategy.refresh({ scope: [], refreshToken: String(kept.refresh_token) })
      expect(other.accessToken).toMatch(token === 'bot' ? /^xoxe\.xoxp-/ : /^xoxe\.xoxb-/)
    }),
  )

  test('a refresh of a user without a bot renews raw where the tokens stand', () =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, async (emulator) => {
      const options = { userScope: 'identify' }
      const renewed = await strategyAt(emulator, options).refresh(await tokensAt(emulator, options))
      expect(renewed.raw).not.toHaveProperty('access_token')
      expect(setsIn(renewed.raw).user).toMatchObject({ access_token: renewed.accessToken, token_type: 'user' })
    }))

  test('an `authed_user` in the response to a refresh of the bot does not replace the user’s tokens', () =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, async (emulator) => {
      class Naming extends SlackStrategy {
        override unwrap(body: JsonObject | Json[], phase: Phase): Json | undefined {
          return phase === 'refresh' ? { ...body, authed_user: { id: USER } } : super.unwrap(body, phase)
        }
      }
      const options = { scope: 'users:read', userScope: 'identify' }
      const tokens = await tokensAt(emulator, options)
      const renewed = await new Naming({ ...emulator.options, ...options, callbackURL: '/cb' }, verify).refresh(tokens)
      expect(setsIn(renewed.raw)).toEqual({
        bot: expect.objectContaining({ access_token: renewed.accessToken }),
        user: setsIn(tokens.raw).user,
      })
    }))

  test('a refresh of tokens without raw, as a bare Passport may keep them, is the response alone', () =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, async (emulator) => {
      const { refreshToken = '', scope } = await tokensAt(emulator)
      const renewed = await strategyAt(emulator).refresh({ refreshToken, scope })
      expect(renewed.raw).toMatchObject({ access_token: renewed.accessToken })
      expect(renewed.raw).not.toHaveProperty('authed_user')
    }))

  test('a dead refresh token in RFC 6749’s words, as has been seen', () =>
    withEmulator('slack', { ...ROTATING, refreshRefusal: 'rfc6749' }, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const refused = strategyAt(emulator).refresh({ ...tokens, refreshToken: 'xoxe-1-dead' })
      await expect(refused).rejects.toMatchObject({
        code: 'refresh_rejected',
        providerCode: 'invalid_grant',
        providerStatus: 400,
      })
    }))

  test.each<[Fault, ErrorCode]>([
    ['refused:invalid_refresh_token', 'refresh_rejected'],
    ['refused:token_expired', 'refresh_rejected'],
    ['refused:bad_client_secret', 'client_rejected'],
    ['refused:ratelimited', 'rate_limited'],
    ['refused:internal_error', 'provider_unavailable'],
  ])('%s at a refresh → %s', (fault, code) =>
    withEmulator('slack', ROTATING, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.failNext('refresh', fault)
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({ code, phase: 'refresh' })
    }),
  )

  test('revoke takes back this token, and of an installation leaves the other', () =>
    withEmulator('slack', INSTALL, async (emulator) => {
      const options = { scope: 'users:read', userScope: 'users:read' }
      const tokens = await tokensAt(emulator, options)
      const strategy = strategyAt(emulator, options)
      expect(await strategy.revoke(tokens)).toBe(true)
      const sent = emulator.requests.at(-1)
      expect(sent).toMatchObject({ method: 'POST', path: '/api/auth.revoke', body: '' })
      expect(sent?.headers.authorization).toBe(`Bearer ${tokens.accessToken}`)
      await expect(strategy.profileOf(tokens)).rejects.toMatchObject({
        code: 'token_rejected',
        providerCode: 'token_revoked',
      })
      const { access_token } = tokens.raw.authed_user as { access_token: string } // of a user who was asked for something
      expect(await strategy.profileOf({ ...tokens, accessToken: access_token })).toMatchObject({ id: ID })
    }))

  test.each([{}, INSTALL])(
    'req.oauth, of %j: a dead token on HTTP 200 is renewed once, revoke ends the login',
    (knobs) =>
      withEmulator('slack', { ...knobs, ...ROTATING }, (emulator) =>
        inApp(emulator, {}, async (get) => {
          const { tokens: before } = await get('/tokens/slack')
          emulator.expireTokens()
          const fetched = await get(
            `/fetch/slack?path=${new URL(emulator.options.userProfileURL).pathname}%3Fuser=${USER}`,
          )
          expect(fetched.status).toBe(200)
          expect(JSON.parse(fetched.body)).toMatchObject({ ok: true })
          expect(countOf(emulator, 'refresh')).toBe(1)
          const { tokens: after } = await get('/tokens/slack')
          expect(after?.accessToken).not.toBe(before?.accessToken)
          expect(after?.refreshToken).not.toBe(before?.refreshToken)
          expect((await get('/profile/slack')).value).toMatchObject({ id: ID, displayName: '张三' })
          expect((await get('/revoke/slack')).value).toBe(true)
          expect((await get('/tokens/slack')).tokens).toBeNull()
        }),
      ),
  )

  test('any other refusal on HTTP 200 is the app’s to read: nothing is refreshed', () =>
    withEmulator('slack', { ...INSTALL, ...ROTATING }, (emulator) =>
      inApp(emulator, { scope: 'chat:write' }, async (get) => {
        const { status, body } = await get(`/fetch/slack?path=/api/users.info%3Fuser=${USER}`)
        expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 200, ok: false, error: 'missing_scope' })
        expect(countOf(emulator, 'refresh')).toBe(0)
        expect((await get('/profile/slack')).value).toMatchObject({ id: ID, displayName: '' })
      }),
    ))
})
