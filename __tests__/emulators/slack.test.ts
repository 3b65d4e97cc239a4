// Over 300 lines because it holds two flows, sign-in and installation.
import { createHash } from 'node:crypto'
import type { Emulator } from 'passport-dialects/emulators'
import {
  agreed,
  ask,
  basic,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  postJson,
  starterOf,
} from './conversation'
import { verified } from './id-tokens'
import { resourceAt } from './logins'

const [FIRST, WITHOUT_EMAIL] = ['U0ZHANG001', 'U0ADA00002']

const started = starterOf('slack')

let emulator: Emulator<'slack'>
let install: Emulator<'slack'>
beforeAll(async () => {
  emulator = await started({ redirectURIs: [CALLBACK] })
  install = await started({ flow: 'install' })
})

function authorization(over: Params = {}, of = emulator): Params {
  const usual = { client_id: of.options.clientID, redirect_uri: CALLBACK, state: 's' }
  const own =
    of.options.flow === 'signin'
      ? { response_type: 'code', scope: 'openid profile email', nonce: 'n' }
      : { scope: 'commands,chat:write', user_scope: 'identity.basic' }
  return { ...usual, ...own, ...over }
}

const addressOf = (over: Params = {}, of = emulator) =>
  `${of.options.authorizationURL}?${encoded(authorization(over, of))}`

function client(of = emulator): Params {
  return { client_id: of.options.clientID, client_secret: of.options.clientSecret }
}

function exchange(code: string | undefined, over: Params = {}, of = emulator): Params {
  return { ...client(of), grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...over }
}

async function login(of = emulator, over: Params = {}, user = FIRST): Promise<Record<string, unknown>> {
  const { code } = await agreed(of, authorization(over, of), user)
  return members(await post(of.options.tokenURL, exchange(code, {}, of)))
}

const no = (error: string) => ({ status: 200, json: { ok: false, error } })

const userInfo = (token: unknown, of = emulator) =>
  ask(`${of.origin}/api/openid.connect.userInfo`, { headers: bearer(token) })

test('sign in: a whole conversation', async () => {
  const { code, ...rest } = await agreed(emulator, authorization())
  expect(rest).toEqual({ state: 's' })
  const token = members(await post(emulator.options.tokenURL, exchange(code)))
  expect(token).toEqual({
    ok: true,
    access_token: expect.stringMatching(/^xoxp-/),
    token_type: 'Bearer',
    id_token: expect.any(String),
  })
  const claims = {
    sub: FIRST,
    'https://slack.com/user_id': FIRST,
    'https://slack.com/team_id': 'T0KITES001',
    email: 'zhangsan@example.com',
    email_verified: true,
    date_email_verified: 1_700_000_000,
    name: '张三',
    picture: 'https://avatars.example/zhangsan_512.png',
    given_name: '张三',
    family_name: '',
    locale: 'en-GB',
    'https://slack.com/team_name': 'Kites',
    'https://slack.com/team_domain': 'kites',
    'https://slack.com/user_image_512': 'https://avatars.example/zhangsan_512.png',
  }
  expect(await verified(emulator, token.id_token, { issuer: 'https://slack.com', nonce: 'n' })).toEqual({
    ...claims,
    iss: 'https://slack.com',
    aud: emulator.options.clientID,
    nonce: 'n',
    at_hash: createHash('sha256').update(String(token.access_token)).digest().subarray(0, 16).toString('base64url'),
    iat: expect.any(Number),
    exp: expect.any(Number),
  })
  expect((await userInfo(token.access_token)).json).toEqual({ ok: true, ...claims })
  const byPost = await post(emulator.options.userProfileURL, {}, bearer(token.access_token))
  expect(byPost.json).toEqual({ ok: true, ...claims })
})

test('claims follow scopes, which commas may part too', async () => {
  const narrow = members(await userInfo((await login(emulator, { scope: 'openid' })).access_token))
  expect(Object.keys(narrow).sort()).toEqual(['https://slack.com/team_id', 'https://slack.com/user_id', 'ok', 'sub'])
  const ada = await userInfo((await login(emulator, { scope: 'openid,profile,email' }, WITHOUT_EMAIL)).access_token)
  expect(ada.json).toMatchObject({ given_name: 'Ada', family_name: 'Lovelace' })
  expect(ada.json).not.toHaveProperty('email')
})

test('one user id in two workspaces: team preselects, and a person may choose another', async () => {
  const teamOf = async (over: Params, project?: string) => {
    const callback = await emulator.approve(addressOf(over), project === undefined ? {} : { project })
    const { access_token } = members(await post(emulator.options.tokenURL, exchange(brought(callback).code)))
    const { sub, 'https://slack.com/team_id': team } = members(await userInfo(access_token))
    return { sub, team }
  }
  expect(await teamOf({})).toEqual({ sub: FIRST, team: 'T0KITES001' })
  expect(await teamOf({ team: 'T0HARBOUR2' })).toEqual({ sub: FIRST, team: 'T0HARBOUR2' })
  expect(await teamOf({ team: 'T0HARBOUR2' }, 'T0KITES001')).toEqual({ sub: FIRST, team: 'T0KITES001' })
})

test('install: both token sets in one response', async () => {
  const token = await login(install)
  expect(token).toEqual({
    ok: true,
    access_token: expect.stringMatching(/^xoxb-/),
    token_type: 'bot',
    scope: 'commands,chat:write',
    bot_user_id: 'U0BOT00001',
    app_id: 'A0EMULATED',
    team: { id: 'T0KITES001', name: 'Kites' },
    enterprise: null,
    is_enterprise_install: false,
    authed_user: {
      id: FIRST,
      scope: 'identity.basic',
      access_token: expect.stringMatching(/^xoxp-/),
      token_type: 'user',
    },
  })
})

test('install: the person’s token alone, the bot’s alone, and a whole organisation', async () => {
  const person = await login(install, { scope: undefined })
  expect(person).not.toHaveProperty('access_token')
  expect(person).not.toHaveProperty('bot_user_id')
  expect(person.authed_user).toHaveProperty('access_token')
  const bot = await login(install, { user_scope: undefined })
  expect(bot).toMatchObject({ token_type: 'bot', authed_user: { id: FIRST } })
  expect(bot.authed_user).toEqual({ id: FIRST })
  const all = await login(await started({ flow: 'install', orgInstall: true }))
  expect(all).toMatchObject({ team: null, enterprise: { id: 'E0FLEET001' }, is_enterprise_install: true })
})

test('install: who the person is, by either token', async () => {
  const scopes = { scope: 'users:read', user_scope: 'identity.basic,identity.email' }
  const token = await login(install, scopes)
  const { access_token: personal } = token.authed_user as { access_token: string }
  const info = `${install.origin}/api/users.info`
  const headers = bearer(token.access_token)
  expect((await ask(`${info}?user=${FIRST}`, { headers })).json).toMatchObject({
    ok: true,
    user: { id: FIRST, team_id: 'T0KITES001', real_name: '张三' },
  })
  expect(await ask(`${info}?user=U0NOBODY`, { headers })).toMatchObject(no('user_not_found'))
  const identity = `${install.origin}/api/users.identity`
  expect((await ask(identity, { headers: bearer(personal) })).json).toMatchObject({
    user: { id: FIRST, name: '张三', email: 'zhangsan@example.com' },
    team: { id: 'T0KITES001' },
  })
  expect((await ask(identity, { headers })).json).toEqual({
    ok: false,
    error: 'missing_scope',
    needed: 'identity.basic',
    provided: 'users:read',
  })
})

test.each<[string, Params]>([
  ['another app', { client_id: 'x' }],
  ['another redirect URI', { redirect_uri: 'http://127.0.0.1:9/callbacks' }],
  ['a redirect URI with a fragment', { redirect_uri: `${CALLBACK}#a` }],
  ['a plain http redirect URI', { redirect_uri: 'http://app.example/callback' }],
  ['no redirect URI', { redirect_uri: undefined }],
  ['a repeated state', { state: ['a', 'b'] }],
  ['no response_type', { response_type: undefined }],
  ['no openid', { scope: 'profile' }],
  ['a scope of the other flow', { scope: 'openid chat:write' }],
])('the sign-in request stays on a page: %s', async (_what, over) => {
  expect((await ask(addressOf(over))).status).toBe(400)
})

test.each<[string, Params]>([
  ['no scope at all', { scope: undefined, user_scope: undefined }],
  ['scopes with spaces', { scope: 'commands chat:write' }],
  ['plain PKCE', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }],
])('the installation request stays on a page: %s', async (_what, over) => {
  expect((await ask(addressOf(over, install))).status).toBe(400)
})

test('a redirect URI below the registered one is taken', async () => {
  for (const redirect_uri of [`${CALLBACK}/below`, `${CALLBACK}?x=1`]) {
    expect(await agreed(emulator, authorization({ redirect_uri }))).toHaveProperty('code')
  }
})

test('a person who says no', async () => {
  expect(brought(await emulator.deny(addressOf()))).toEqual({ error: 'access_denied', state: 's' })
})

test.each<[string, Params, string]>([
  ['another secret', { client_secret: 'x' }, 'bad_client_secret'],
  ['no secret', { client_secret: undefined }, 'bad_client_secret'],
  ['another app', { client_id: 'x' }, 'invalid_client_id'],
  ['another grant_type', { grant_type: 'password' }, 'invalid_grant_type'],
  ['no code', { code: undefined }, 'invalid_code'],
  ['a repeated code', { code: ['x', 'y'] }, 'invalid_form_data'],
  ['a code that was never given', { code: 'x' }, 'invalid_code'],
  ['another redirect URI', { redirect_uri: `${CALLBACK}/other` }, 'bad_redirect_uri'],
  ['no redirect URI', { redirect_uri: undefined }, 'bad_redirect_uri'],
  ['a verifier, which the method documents not', { code_verifier: 'v'.repeat(43) }, 'invalid_arguments'],
  ['a bad refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_refresh_token'],
])('the token request is refused on HTTP 200: %s', async (_what, over, error) => {
  const { code } = await agreed(emulator, authorization())
  expect(await post(emulator.options.tokenURL, exchange(code, over))).toMatchObject(no(error))
  expect((await post(emulator.options.tokenURL, exchange(code))).json).toMatchObject({ ok: true })
})

test('a flow that began at one address ends at its own token method', async () => {
  const signin = await agreed(emulator, authorization())
  const atInstall = await post(`${emulator.origin}/api/oauth.v2.access`, exchange(signin.code))
  expect(atInstall).toMatchObject(no('oauth_authorization_url_mismatch'))
  const installed = await agreed(install, authorization({}, install))
  const atSignin = await post(`${install.origin}/api/openid.connect.token`, exchange(installed.code, {}, install))
  expect(atSignin).toMatchObject(no('oauth_authorization_url_mismatch'))
})

test('credentials stand in the body or in Basic, arguments in a form or in UTF-8 JSON', async () => {
  const { tokenURL, clientID, clientSecret } = install.options
  const code = async () => (await agreed(install, authorization({}, install))).code
  const bare = { client_id: undefined, client_secret: undefined }
  const byBasic = await post(tokenURL, exchange(await code(), bare, install), basic(clientID, clientSecret))
  expect(byBasic.json).toMatchObject({ ok: true })
  const other = await post(tokenURL, exchange(await code(), bare, install), basic(clientID, 'x'))
  expect(other).toMatchObject(no('bad_client_secret'))
  expect((await postJson(tokenURL, exchange(await code(), {}, install))).json).toMatchObject({ ok: true })
  const type = (value: string) => ({ 'content-type': value })
  const spoken = exchange(await code(), {}, install)
  expect(await postJson(tokenURL, spoken, type('application/json; charset=gbk'))).toMatchObject(no('invalid_charset'))
  expect(await postJson(tokenURL, spoken, type('text/plain'))).toMatchObject(no('invalid_post_type'))
  const untyped = { method: 'POST', body: Buffer.from(encoded(spoken)) }
  expect(await ask(tokenURL, untyped)).toMatchObject(no('missing_post_type'))
  expect((await postJson(tokenURL, spoken, type('application/json; charset=utf-8'))).json).toMatchObject({ ok: true })
})

test('install: a verifier belongs to its challenge', async () => {
  const verifier = 'v'.repeat(43)
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const asked = authorization({ code_challenge, code_challenge_method: 'S256' }, install)
  const { code } = await agreed(install, asked)
  const { tokenURL } = install.options
  expect(await post(tokenURL, exchange(code, {}, install))).toMatchObject(no('invalid_code'))
  expect((await post(tokenURL, exchange(code, { code_verifier: verifier }, install))).json).toMatchObject({ ok: true })
})

test('a code is good for one use, and for its time', async () => {
  const { code } = await agreed(emulator, authorization())
  await post(emulator.options.tokenURL, exchange(code))
  expect(await post(emulator.options.tokenURL, exchange(code))).toMatchObject(no('code_already_used'))
  expect(await login(await started({ codeLifetime: 0 }))).toEqual({ ok: false, error: 'invalid_code' })
})

test('with token rotation tokens end, and each has a refresh token of its own that is good once', async () => {
  const rotating = await started({ flow: 'install', tokenRotation: true })
  const refresh = (refresh_token: unknown) =>
    post(rotating.options.tokenURL, {
      ...client(rotating),
      grant_type: 'refresh_token',
      refresh_token: String(refresh_token),
    })
  const token = await login(rotating)
  const person = token.authed_user as Record<string, unknown>
  expect(token).toMatchObject({ access_token: expect.stringMatching(/^xoxe\.xoxb-/), expires_in: 43_200 })
  expect(person).toMatchObject({ access_token: expect.stringMatching(/^xoxe\.xoxp-/), expires_in: 43_200 })
  const bot = members(await refresh(token.refresh_token))
  expect(rotating.requests.at(-1)?.endpoint).toBe('refresh')
  expect(bot).toMatchObject({ ok: true, token_type: 'bot', scope: 'commands,chat:write', bot_user_id: 'U0BOT00001' })
  expect(bot).not.toHaveProperty('authed_user')
  expect(bot.refresh_token).not.toBe(token.refresh_token)
  expect(await refresh(token.refresh_token)).toMatchObject(no('invalid_refresh_token'))
  expect((await refresh(person.refresh_token)).json).toMatchObject({ token_type: 'user', scope: 'identity.basic' })
})

test('a dead refresh token in RFC 6749’s words, and warnings beside ok', async () => {
  const odd = await started({ tokenRotation: true, refreshRefusal: 'rfc6749', warnings: true })
  expect(await login(odd)).toMatchObject({ ok: true, warning: expect.any(String), expires_in: 43_200 })
  const dead = await post(odd.options.refreshURL, { ...client(odd), grant_type: 'refresh_token', refresh_token: 'x' })
  expect(dead).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
})

test('a token that is missing, in the query, unknown, over, revoked or of another scope', async () => {
  const address = emulator.options.userProfileURL
  const { access_token } = await login()
  expect(await ask(address)).toMatchObject(no('not_authed'))
  expect(await ask(`${address}?token=${access_token}`)).toMatchObject(no('invalid_auth'))
  expect(await userInfo('x')).toMatchObject(no('invalid_auth'))
  const short = await started({ accessTokenLifetime: 0 })
  expect(await userInfo((await login(short)).access_token, short)).toMatchObject(no('token_expired'))
  const revoked = await post(emulator.options.revokeURL, {}, bearer(access_token))
  expect(revoked.json).toEqual({ ok: true, revoked: true })
  expect(await userInfo(access_token)).toMatchObject(no('token_revoked'))
  const bot = await login(install)
  expect((await userInfo(bot.access_token, install)).json).toMatchObject({ error: 'missing_scope', needed: 'openid' })
})

test.each([{}, { flow: 'install' as const }])('tokens that are expired are told from others: %j', async (options) => {
  const of = await started({ ...options, tokenRotation: true })
  const [expired, revoked] = [await login(of), await login(of)]
  await post(of.options.revokeURL, {}, bearer(revoked.access_token))
  of.expireTokens()
  expect(await userInfo(expired.access_token, of)).toMatchObject(no('token_expired'))
  expect(await resourceAt(of, String(expired.access_token))).toMatchObject(no('token_expired'))
  expect(await userInfo(revoked.access_token, of)).toMatchObject(no('token_revoked'))
  expect(await userInfo('x', of)).toMatchObject(no('invalid_auth'))
})

test('of an installation one token alone is revoked', async () => {
  const token = await login(install, { scope: 'users:read' })
  const { access_token: personal } = token.authed_user as { access_token: string }
  await post(install.options.revokeURL, {}, bearer(token.access_token))
  const call = (of: unknown) => ask(`${install.origin}/emulator/resource`, { headers: bearer(of) })
  expect(await call(token.access_token)).toMatchObject(no('token_revoked'))
  expect((await call(personal)).json).toMatchObject({ user: FIRST })
})

test('too many requests are 429 with Retry-After; other faults are in Slack’s words', async () => {
  emulator.failNext('token', 'http-429')
  const limited = await post(emulator.options.tokenURL, exchange('x'))
  expect(limited).toMatchObject({ status: 429, json: { ok: false, error: 'ratelimited' } })
  expect(limited.headers.get('retry-after')).toBe('30')
  emulator.failNext('profile', 'refused:account_inactive')
  expect(await userInfo('x')).toMatchObject(no('account_inactive'))
})
