// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import session from 'express-session'
import type { OAuth2 } from 'oauth'
import { type ErrorCode, type JsonObject, ShopifyStrategy, type TokenSet } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, type Fault, startEmulator } from 'passport-dialects/emulators'
import { MockAgent } from 'undici'
import { type RunningApp, startBareApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { bareLoginAt, logInAt, strategyAt, withEmulator } from '../support/one-provider'
import { BLUE, RED, type Shops, shopsAt } from '../support/shops'
import { ask, countOf, startTokenApp } from '../support/token-app'

const OFFLINE = { accessMode: 'offline' } as const
const API = '/admin/api/2025-10'

/** Every shop by its own name, and an app whose routes use `req.oauth`. */
async function withShops<Result>(
  options: object,
  body: (world: {
    app: RunningApp
    emulator: Emulator<'shopify'>
    shops: Shops
    logins: TokenSet[]
  }) => Promise<Result>,
  knobs: EmulatorOptions<'shopify'> = {},
): Promise<Result> {
  return withEmulator('shopify', knobs, async (emulator) => {
    const shops = shopsAt(emulator)
    const logins: TokenSet[] = []
    const app = await startTokenApp({
      providers: { shopify: { ...shops.options, ...options } },
      verify: ({ provider, profile, tokens }) => {
        if (tokens) logins.push(tokens)
        return { provider, id: profile.id, displayName: profile.displayName, shop: profile._json.shop }
      },
    })
    try {
      return await body({ app, emulator, shops, logins })
    } finally {
      await app.close()
      await shops.close()
    }
  })
}

async function begin(app: RunningApp, shops: Shops, browser: Browser, shop = BLUE): Promise<string> {
  return shops.here(await browser.location(`${app.origin}/auth/shopify?shop=${shop}`))
}

async function logIn(
  { app, emulator, shops }: { app: RunningApp; emulator: Emulator; shops: Shops },
  shop = BLUE,
  browser = new Browser(),
): Promise<Browser> {
  const answer = await browser.get(await emulator.approve(await begin(app, shops, browser, shop)))
  if (answer.status !== 303) throw new Error(`the login ended with ${answer.status}: ${await answer.text()}`)
  return browser
}

const sentTo = (emulator: Emulator, endpoint: string) => {
  const { method, path, headers, query, body } = emulator.requests.findLast((one) => one.endpoint === endpoint) ?? {}
  return { method, path, query, host: headers?.host, headers, json: JSON.parse(body || 'null') }
}

describe('a whole login', () => {
  test('of a person, under the router: what goes over the wire, all of it at his shop', () =>
    withShops({}, async ({ app, emulator, shops, logins }) => {
      const browser = new Browser()
      const location = new URL(await browser.location(`${app.origin}/auth/shopify?shop=${RED}`))
      expect(location.origin + location.pathname).toBe(`https://${RED}/admin/oauth/authorize`)
      expect(Object.fromEntries(location.searchParams)).toEqual({
        client_id: emulator.options.clientID,
        redirect_uri: `${app.origin}/auth/shopify/callback`,
        scope: 'read_products',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        'grant_options[]': 'per-user',
      })
      const callback = await emulator.approve(shops.here(location.href), { user: '700000000002' })
      expect((await browser.get(callback)).status).toBe(303)
      const { clientID: client_id, clientSecret: client_secret } = emulator.options
      const token = sentTo(emulator, 'token')
      expect(token).toMatchObject({ method: 'POST', path: '/admin/oauth/access_token', query: {}, host: RED })
      expect(token.headers).toMatchObject({ accept: 'application/json', 'content-type': 'application/json' })
      expect(token.json).toEqual({ client_id, client_secret, code: expect.stringMatching(/^[0-9a-f]{32}$/) })
      expect(shops.hosts).toEqual([RED])
      expect(logins).toEqual([
        {
          accessToken: expect.stringMatching(/^shpua_/),
          tokenType: 'Bearer',
          scope: ['read_products'],
          expiresAt: expect.any(Date),
          context: { shop: RED },
          raw: expect.objectContaining({ associated_user_scope: 'read_products' }),
        },
      ])
      expect((await told(browser.get(`${app.origin}/me`))).user).toEqual({
        provider: 'shopify',
        id: '700001000002',
        displayName: 'Ada Lovelace',
        shop: RED,
      })
    }))

  test('of a person: who the user is stands in the token response, and nothing else is asked', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { profile } = await logInAt(emulator)
      const person = {
        id: 700_000_000_001,
        first_name: '张三',
        last_name: '',
        email: 'zhangsan@example.com',
        email_verified: true,
        account_owner: true,
        locale: 'en',
        collaborator: false,
      }
      expect(profile).toEqual({
        provider: 'shopify',
        id: '700000000001',
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        _raw: JSON.stringify(person),
        _json: { ...person, shop: BLUE },
      })
      expect(countOf(emulator, 'profile')).toBe(0)
      expect((await logInAt(emulator, {}, { user: '700000000002' })).profile).not.toHaveProperty('emails')
    }))

  test('of a shop: an expiring token, and its name by GraphQL with the token in its own header', () =>
    withShops(OFFLINE, async (world) => {
      const { app, emulator, shops, logins } = world
      const browser = new Browser()
      const location = new URL(await browser.location(`${app.origin}/auth/shopify?shop=${RED}`))
      expect(location.searchParams.has('grant_options[]')).toBe(false)
      await logIn(world, RED, browser)
      expect(sentTo(emulator, 'token').json).toMatchObject({ code: expect.any(String), expiring: '1' })
      const profile = sentTo(emulator, 'profile')
      expect(profile).toMatchObject({ method: 'POST', path: `${API}/graphql.json`, host: RED })
      expect(profile.json).toEqual({ query: expect.stringMatching(/\bshop\b.*\bname\b.*\bmyshopifyDomain\b/) })
      expect(profile.headers).toMatchObject({ 'x-shopify-access-token': logins[0]?.accessToken })
      expect(profile.headers).not.toHaveProperty('authorization')
      expect(logins).toMatchObject([{ refreshToken: expect.stringMatching(/^shprt_/), context: { shop: RED } }])
      expect(shops.hosts).toEqual([RED, RED])
      expect((await told(browser.get(`${app.origin}/me`))).user).toEqual({
        provider: 'shopify',
        id: RED,
        displayName: 'Red Lantern',
        shop: RED,
      })
    }))

  test('of a shop: its contact address is no user’s', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { profile } = await logInAt(emulator, OFFLINE)
      expect(profile).toMatchObject({
        id: BLUE,
        displayName: 'Blue Kite',
        _json: { email: `owner@${BLUE}`, shop: BLUE },
      })
      expect(profile).not.toHaveProperty('emails')
    }))

  test('under bare Passport, of both kinds, and `verify` is told the token response', () =>
    withEmulator('shopify', {}, async (emulator) => {
      expect((await bareLoginAt(emulator)).user).toMatchObject({ id: '700000000001', _json: { shop: BLUE } })
      expect((await bareLoginAt(emulator, OFFLINE)).user).toMatchObject({ id: BLUE, _json: { shop: BLUE } })
    }))

  test('under bare Passport, at the shop that the start names', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const shops = shopsAt(emulator)
      const verify = (_at: string, _rt: string, profile: object, done: (error: null, user: object) => void) =>
        done(null, profile)
      const app = await startBareApp((callbackURL) => new ShopifyStrategy({ ...shops.options, callbackURL }, verify))
      try {
        const browser = new Browser()
        const address = shops.here(await browser.location(`${app.origin}/login?shop=${RED}`))
        const { user } = await told(browser.get(await emulator.approve(address)))
        expect(user).toMatchObject({ _json: { shop: RED } })
        expect(shops.hosts).toEqual([RED])
      } finally {
        await app.close()
        await shops.close()
      }
    }))

  test('at addresses of the app’s own, which do not name the shop, a parameter does', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { query, profile } = await logInAt(emulator, { shop: RED })
      expect(query.shop).toBe(RED)
      expect(profile?._json.shop).toBe(RED)
    }))

  test('scopes have commas, and a write scope stands for its read scope', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { query, tokens } = await logInAt(emulator, { scope: ['read_products', 'write_products', 'read_orders'] })
      expect(query.scope).toBe('read_products,write_products,read_orders')
      expect(tokens?.scope).toEqual(['write_products', 'read_orders'])
    }))

  test('with PKCE, which is off by default, the verifier follows its challenge', () =>
    withEmulator('shopify', {}, async (emulator) => {
      expect((await logInAt(emulator)).query).not.toHaveProperty('code_challenge')
      const { code, query } = await logInAt(emulator, { pkce: true })
      expect([code, query.code_challenge_method]).toEqual([undefined, 'S256'])
      expect(sentTo(emulator, 'token').json).toHaveProperty('code_verifier')
    }))
})

describe('shops side by side', () => {
  test('two tabs of two shops at once, finished in the other order, log in at their own', () =>
    withShops({}, async ({ app, emulator, shops, logins }) => {
      const browser = new Browser()
      const [blue, red] = [await begin(app, shops, browser, BLUE), await begin(app, shops, browser, RED)]
      const callbacks = [await emulator.approve(red), await emulator.approve(blue)]
      for (const callback of callbacks) expect((await browser.get(callback)).status).toBe(303)
      expect(logins.map(({ context }) => context)).toEqual([{ shop: RED }, { shop: BLUE }])
      expect(shops.hosts).toEqual([RED, BLUE])
    }))

  test('a callback of one is none of the other: each brings its own state', () =>
    withShops({}, async ({ app, emulator, shops }) => {
      const browser = new Browser()
      const [blue, red] = [await begin(app, shops, browser, BLUE), await begin(app, shops, browser, RED)]
      const state = new URL(blue).searchParams.get('state') ?? ''
      const mixed = new URL(red)
      mixed.searchParams.set('state', state)
      const answer = await browser.get(await emulator.approve(mixed.href), { accept: 'application/json' })
      expect((await told(answer)).error.code).toBe('state_mismatch')
      expect(shops.hosts).toEqual([])
    }))

  test('users of two shops are two, whichever kind logs in', () =>
    withShops({}, async (world) => {
      const people = [await logIn(world, BLUE), await logIn(world, RED)]
      const ids = await Promise.all(
        people.map(async (browser) => (await told(browser.get(`${world.app.origin}/me`))).user),
      )
      expect(ids).toMatchObject([{ shop: BLUE }, { shop: RED }])
      expect(ids[0]?.id).not.toBe(ids[1]?.id)
    }))

  test('req.oauth.fetch goes to the shop of the token, with the token in its header, and nowhere else', () =>
    withShops({}, async (world) => {
      const { app, emulator, shops, logins } = world
      const [blue, red] = [await logIn(world, BLUE), await logIn(world, RED)]
      shops.hosts.length = 0
      for (const [at, browser] of [blue, red].entries()) {
        const { status, body } = await ask(browser, `${app.origin}/fetch/shopify?path=${API}/shop.json`)
        expect([status, body]).toEqual([200, expect.stringContaining([BLUE, RED][at] ?? '')])
        const { headers } = sentTo(emulator, 'profile')
        expect(headers?.['x-shopify-access-token']).toBe(logins[at]?.accessToken)
        expect(headers).not.toHaveProperty('authorization')
      }
      expect(shops.hosts).toEqual([BLUE, RED])
      const own = await ask(
        red,
        `${app.origin}/fetch/shopify?path=${encodeURIComponent(`https://${RED}${API}/shop.json`)}`,
      )
      expect(own.status).toBe(200)
      for (const address of [
        `https://${BLUE}${API}/shop.json`,
        'https://evil.example/',
        `//${BLUE}/`,
        `@evil.example/`,
      ]) {
        const { error } = await ask(red, `${app.origin}/fetch/shopify?path=${encodeURIComponent(address)}`)
        expect(error.code).toBe('config_invalid')
      }
      expect(shops.hosts).toEqual([BLUE, RED, RED])
    }))

  test('a login links to a user who is logged in elsewhere, and its tokens go to its shop', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const shops = shopsAt(emulator)
      const other = await startEmulator('aihubmix')
      const providers = { shopify: shops.options, aihubmix: other.options }
      const app = await startTokenApp({ providers })
      try {
        const browser = new Browser()
        await browser.get(await other.approve(await browser.location(`${app.origin}/auth/aihubmix`)))
        await browser.get(await emulator.approve(await begin(app, shops, browser, RED)))
        const { user, providers: logins } = await told(browser.get(`${app.origin}/auth/session`))
        expect(user?.provider).toBe('aihubmix')
        expect(logins.map(({ name }) => name)).toEqual(['aihubmix', 'shopify'])
        await ask(browser, `${app.origin}/fetch/shopify?path=${API}/shop.json`)
        expect(shops.hosts).toEqual([RED, RED])
      } finally {
        await app.close()
        await other.close()
        await shops.close()
      }
    }))
})

describe('after a login', () => {
  test('a refresh goes to the token’s own shop, brings a new refresh token, and keeps the shop', () =>
    withShops(
      OFFLINE,
      async (world) => {
        const { app, emulator, shops } = world
        const browser = await logIn(world, RED)
        shops.hosts.length = 0
        const { tokens } = await ask(browser, `${app.origin}/tokens/shopify`)
        const { clientID: client_id, clientSecret: client_secret } = emulator.options
        const sent = sentTo(emulator, 'refresh')
        expect(sent).toMatchObject({ method: 'POST', path: '/admin/oauth/access_token', host: RED })
        expect(sent.json).toEqual({
          client_id,
          client_secret,
          grant_type: 'refresh_token',
          refresh_token: expect.stringMatching(/^shprt_/),
        })
        expect(tokens?.refreshToken).toMatch(/^shprt_/)
        expect(tokens?.refreshToken).not.toBe(sent.json.refresh_token)
        expect(tokens).toMatchObject({ context: { shop: RED } })
        await ask(browser, `${app.origin}/fetch/shopify?path=${API}/shop.json`)
        expect(new Set(shops.hosts)).toEqual(new Set([RED]))
      },
      { accessTokenLifetime: 120 },
    ))

  test('a dead token of a shop is renewed once, and the call is made again', () =>
    withShops(OFFLINE, async (world) => {
      const browser = await logIn(world, RED)
      world.emulator.expireTokens()
      const { status } = await ask(browser, `${world.app.origin}/fetch/shopify?path=${API}/shop.json`)
      expect([status, countOf(world.emulator, 'refresh')]).toEqual([200, 1])
    }))

  test('a person’s token is not renewed: 401 stays 401', () =>
    withShops({}, async (world) => {
      const browser = await logIn(world)
      world.emulator.expireTokens()
      const { status, body } = await ask(browser, `${world.app.origin}/fetch/shopify?path=${API}/shop.json`)
      expect([status, body]).toEqual([401, expect.stringContaining('[API] Invalid API key or access token')])
    }))

  test('the tokens of another process of the app know their shop', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const shops = shopsAt(emulator)
      const store = new session.MemoryStore()
      const config = { providers: { shopify: { ...shops.options, ...OFFLINE } } }
      const [app, other] = [await startTokenApp(config, { store }), await startTokenApp(config, { store })]
      try {
        const browser = await logIn({ app, emulator, shops }, RED)
        shops.hosts.length = 0
        const moved = browser.at(app.origin, other.origin)
        expect((await ask(moved, `${other.origin}/profile/shopify`)).value).toMatchObject({ id: RED })
        expect(shops.hosts).toEqual([RED])
      } finally {
        await app.close()
        await other.close()
        await shops.close()
      }
    }))

  test('`req.oauth.profile` asks the shop for its name; of a person there is nothing to ask', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const tokens = (await logInAt(emulator)).tokens as TokenSet // logged in
      await expect(strategyAt(emulator).profileOf(tokens)).rejects.toMatchObject({ code: 'config_invalid' })
      const ofShop = (await logInAt(emulator, OFFLINE)).tokens as TokenSet // likewise
      expect(await strategyAt(emulator, OFFLINE).profileOf(ofShop)).toMatchObject({
        id: BLUE,
        displayName: 'Blue Kite',
      })
    }))

  test('nothing is revoked: uninstalling an app is another thing', () =>
    withShops({}, async (world) => {
      const browser = await logIn(world)
      expect((await ask(browser, `${world.app.origin}/revoke/shopify`)).value).toBe(false)
    }))

  test('without `expiring` a shop’s token has no end and no refresh token', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { tokens } = await logInAt(emulator, { ...OFFLINE, expiring: false })
      expect(sentTo(emulator, 'token').json).not.toHaveProperty('expiring')
      expect(tokens).not.toHaveProperty('expiresAt')
      expect(tokens).not.toHaveProperty('refreshToken')
    }))

  test.each([
    ['no context', undefined],
    ['a context without a shop', {}],
    ['a name that is no shop’s', { shop: 'evil.example' }],
    ['a path behind a shop', { shop: `${BLUE}/x` }],
    ['a number', { shop: 1 }],
  ])('tokens with %s go nowhere', (_what, context: JsonObject | undefined) =>
    withEmulator('shopify', {}, async (emulator) => {
      const shops = shopsAt(emulator)
      const strategy = new ShopifyStrategy({ ...shops.options, ...OFFLINE, callbackURL: '/back' }, () => {})
      const tokens: TokenSet = {
        ...{
          accessToken: 'shpat_of-a-lost-shop',
          tokenType: 'Bearer',
          refreshToken: 'shprt_of-a-lost-shop',
          scope: [],
          raw: {},
        },
        ...(context && { context }),
      }
      try {
        await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected', phase: 'refresh' })
        await expect(strategy.profileOf(tokens)).rejects.toMatchObject({ code: 'config_invalid', phase: 'profile' })
        expect(() => strategy.openAPI('/admin', {}).base(tokens)).toThrow(
          expect.objectContaining({ code: 'config_invalid' }),
        )
        expect(shops.hosts).toEqual([])
      } finally {
        await shops.close()
      }
    }),
  )

  test('an add-on that knows the tokens alone needs a shop that the app names', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const { tokens } = await logInAt(emulator, OFFLINE)
      const shops = shopsAt(emulator)
      const renewedBy = (options: object) => {
        const strategy = new ShopifyStrategy(
          { ...shops.options, ...OFFLINE, callbackURL: '/back', ...options },
          () => {},
        )
        const { _oauth2: client } = strategy as unknown as { _oauth2: OAuth2 } // protected, and add-ons reach for it
        return new Promise((resolve) => {
          client.getOAuthAccessToken(tokens?.refreshToken ?? '', { grant_type: 'refresh_token' }, (error, token) =>
            resolve(error ?? token),
          )
        })
      }
      try {
        expect(await renewedBy({})).toMatchObject({ code: 'refresh_rejected' })
        expect(shops.hosts).toEqual([])
        expect(await renewedBy({ shop: BLUE })).toMatch(/^shpat_/)
        expect(shops.hosts).toEqual([BLUE])
      } finally {
        await shops.close()
      }
    }))

  test('tokens of another shop than the one that the app names for good go nowhere', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const strategy = strategyAt(emulator, { ...OFFLINE, shop: BLUE })
      const tokens = { refreshToken: 'shprt_of-a-lost-shop', scope: [], context: { shop: RED } }
      const before = emulator.requests.length
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected' })
      expect(emulator.requests.length).toBe(before)
    }))
})

describe('what Shopify refuses', () => {
  const failureOf = (endpoint: 'token' | 'profile', fault: Fault, options: object = {}) =>
    withEmulator('shopify', {}, async (emulator) => {
      emulator.failNext(endpoint, fault, 2)
      const { error } = await logInAt(emulator, options)
      return error
    })

  test.each<[Fault, ErrorCode]>([
    ['refused:invalid_request', 'grant_rejected'],
    ['refused:invalid_client', 'client_rejected'],
    ['refused:application_cannot_be_found', 'client_rejected'],
    ['refused:something_else', 'provider_error'],
    ['http-429', 'rate_limited'],
    ['http-500', 'provider_unavailable'],
  ])('at the token endpoint, %s is %s', async (fault, code) => {
    expect(await failureOf('token', fault)).toMatchObject({ code, phase: 'token' })
  })

  test('a code that is not known is grant_rejected, by its description', () =>
    withEmulator('shopify', { codeLifetime: 0 }, async (emulator) => {
      const { error } = await logInAt(emulator)
      expect(error).toMatchObject({
        code: 'grant_rejected',
        providerCode: 'invalid_request',
        providerMessage: 'The authorization code was not found or was already used',
      })
    }))

  test('an empty `error` beside a verifier that is wrong is grant_rejected', () =>
    withEmulator('shopify', {}, async (emulator) => {
      class WithoutVerifier extends ShopifyStrategy {
        protected override tokenRequest(grant: Parameters<ShopifyStrategy['tokenRequest']>[0]) {
          return super.tokenRequest({ ...grant, code_verifier: undefined })
        }
      }
      const { error } = await logInAt(emulator, { strategy: WithoutVerifier, pkce: true })
      expect(error).toMatchObject({ code: 'grant_rejected', providerMessage: 'code_verifier is invalid.' })
    }))

  test('a shop that does not exist is a page on 404: provider_error, in words', () =>
    withShops(OFFLINE, async ({ app, emulator, shops }) => {
      const shop = 'nobody.myshopify.com'
      const browser = new Browser()
      const { searchParams } = new URL(await begin(app, shops, browser, shop))
      const state = searchParams.get('state')
      // As if the shop had been closed since it sent the person back.
      const callback = emulator.signedStart(`${app.origin}/auth/shopify/callback?code=c&state=${state}`, shop)
      expect((await told(browser.get(callback, { accept: 'application/json' }))).error.code).toBe('provider_error')
      const strategy = new ShopifyStrategy({ ...shops.options, ...OFFLINE, callbackURL: '/back' }, () => {})
      const tokens = { refreshToken: 'shprt_of-a-lost-shop', scope: [], context: { shop } }
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({
        code: 'provider_error',
        providerStatus: 404,
        providerMessage: 'no such shop',
      })
      expect(shops.hosts).toEqual([shop, shop])
    }))

  test('a dead refresh token is refresh_rejected', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const tokens = { refreshToken: 'shprt_of-a-dead-login', scope: [], context: { shop: BLUE } }
      await expect(strategyAt(emulator, OFFLINE).refresh(tokens)).rejects.toMatchObject({
        code: 'refresh_rejected',
        providerCode: 'invalid_grant',
      })
    }))

  test.each<[Fault, ErrorCode]>([
    ['refused:THROTTLED', 'rate_limited'],
    ['refused:ACCESS_DENIED', 'scope_insufficient'],
    ['refused:INTERNAL_SERVER_ERROR', 'provider_error'],
    ['http-401', 'token_rejected'],
    ['http-403', 'scope_insufficient'],
    ['http-429', 'rate_limited'],
  ])('at the API, %s is %s', async (fault, code) => {
    expect(await failureOf('profile', fault, OFFLINE)).toMatchObject({ code, phase: 'profile' })
  })

  test.each([
    [402, 'a shop that is frozen'],
    [423, 'a shop that is locked'],
  ])('at the API, HTTP %i of %s is provider_error', async (status) => {
    const dispatcher = new MockAgent()
    dispatcher.disableNetConnect()
    dispatcher
      .get(`https://${BLUE}`)
      .intercept({ path: /graphql/, method: 'POST' })
      .reply(status, { errors: 'Unavailable Shop' })
    const client = {
      clientID: 'id',
      clientSecret: 'a canary secret of shopify',
      scope: 'read_products',
      callbackURL: '/back',
    }
    const strategy = new ShopifyStrategy({ ...client, ...OFFLINE, dispatcher }, () => {})
    const tokens: TokenSet = {
      accessToken: 'shpat_of-the-frozen',
      tokenType: 'Bearer',
      scope: [],
      context: { shop: BLUE },
      raw: {},
    }
    await expect(strategy.profileOf(tokens)).rejects.toMatchObject({
      code: 'provider_error',
      providerStatus: status,
      providerMessage: 'Unavailable Shop',
    })
  })

  test('`Retry-After: 2.0`, with a fraction, is read', async () => {
    const before = Date.now()
    const error = await failureOf('profile', 'http-429', OFFLINE)
    const at = Date.parse(String(error?.retryAfter))
    expect(at).toBeGreaterThanOrEqual(before + 2000)
    expect(at).toBeLessThanOrEqual(Date.now() + 2000)
  })

  test('the name of another shop than the one that was asked is response_invalid', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const tokens = (await logInAt(emulator, OFFLINE)).tokens as TokenSet // logged in
      const strategy = strategyAt(emulator, { ...OFFLINE, shop: undefined })
      await expect(strategy.profileOf({ ...tokens, context: { shop: RED } })).rejects.toMatchObject({
        code: 'response_invalid',
        phase: 'profile',
      })
    }))
})

describe('options', () => {
  const build = (options: object) =>
    new ShopifyStrategy(
      {
        clientID: 'id',
        clientSecret: 'a canary secret of shopify',
        callbackURL: '/back',
        scope: 'read_products',
        ...options,
      },
      () => {},
    )

  test.each<[string, object]>([
    ['scope', { scope: undefined }],
    ['scope', { scope: '' }],
    ['scope', { scope: [] }],
    ['shop', { shop: 'evil.example' }],
    ['shop', { shop: 'blue-kite' }],
    ['shop', { shop: `${BLUE}/` }],
    ['shop', { shop: `https://${BLUE}` }],
    ['shop', { shop: '' }],
    ['shop', { shop: 7 }],
    ['accessMode', { accessMode: 'per-user' }],
    ['expiring', { expiring: 'yes' }],
    ['apiVersion', { apiVersion: '2025-11' }],
    ['apiVersion', { apiVersion: '../x' }],
    ['signatureTolerance', { signatureTolerance: 0 }],
    ['store', { store: { store() {}, verify() {} } }],
  ])('`%s` of %j is refused by name', (name, options) => {
    expect(() => build(options)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`\`${name}\``) }),
    )
  })

  test('a `store` of the app’s own serves where it names the shop for good', () =>
    withEmulator('shopify', {}, async (emulator) => {
      const known = new Map<string, string>()
      const store = {
        store: (_req: object, _state: unknown, _meta: object, done: (error: null, state: string) => void) => {
          known.set('aState', '')
          done(null, 'aState')
        },
        verify: (_req: object, state: string, _meta: object, done: (error: null, ok: boolean) => void) =>
          done(null, known.delete(state)),
      }
      const { user } = await bareLoginAt(emulator, { store })
      expect(user).toMatchObject({ _json: { shop: BLUE } })
    }))

  test('`apiVersion` is in the address that a shop’s name is asked at', () =>
    withShops({ ...OFFLINE, apiVersion: '2026-04' }, async (world) => {
      await logIn(world)
      expect(sentTo(world.emulator, 'profile').path).toBe('/admin/api/2026-04/graphql.json')
    }))

  test.each([
    [1, 'signature_invalid'],
    [700, undefined],
  ])('`signatureTolerance: %i` decides whether a callback of ten minutes ago is too old', (signatureTolerance, code) =>
    withEmulator('shopify', {}, async (emulator) => {
      emulator.forgeNext('old')
      expect((await logInAt(emulator, { signatureTolerance })).code).toBe(code)
    }),
  )

  test('a `baseURL` is none of its options: nothing goes there', () =>
    withShops({ baseURL: 'https://evil.example' }, async (world) => {
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation()
      const browser = await logIn(world)
      await ask(browser, `${world.app.origin}/fetch/shopify?path=${API}/shop.json`)
      warned.mockRestore()
      expect(world.shops.hosts).toEqual([BLUE, BLUE])
    }))
})
