// Over 300 lines because every forgery has its control beside it, under both mounts.
import { createHmac } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import { OAuthError, ShopifyStrategy } from 'passport-dialects'
import { CALLBACK_FORGERIES, type CallbackForgery, type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type Running, serve } from '../controls/support'
import { type RunningApp, startBareApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { BLUE, RED, type Shops, shopsAt } from '../support/shops'

// Every shop of Shopify is a host of its own, and a request names it. Whoever can choose that host gets the client secret,
// the code and the token; whoever can bring a callback that Shopify did not send logs in with what he likes.

let emulator: Emulator<'shopify'>
let shops: Shops
let router: RunningApp
let bare: RunningApp
beforeAll(async () => {
  emulator = await startEmulator('shopify')
  shops = shopsAt(emulator)
  router = await startRouterApp({ providers: { shopify: shops.options } })
  bare = await startBareApp((callbackURL) => new ShopifyStrategy({ ...shops.options, callbackURL }, verify))
})
afterAll(async () => {
  await Promise.all([router.close(), bare.close(), shops.close()])
  await emulator.close()
})
beforeEach(() => {
  shops.hosts.length = 0
})

const verify = (_at: string, _rt: string, profile: { id: string }, done: (error: null, user: object) => void) =>
  done(null, { id: profile.id })

const MOUNTS = [
  ['the router', () => `${router.origin}/auth/shopify`],
  ['bare Passport', () => `${bare.origin}/login`],
] as const

const calls = () => emulator.requests.filter(({ endpoint }) => endpoint !== 'authorize').length

/** A login of a person of BLUE up to the callback, which is not yet followed. */
async function begun(start: string, browser: Browser, shop = BLUE, project = shop): Promise<string> {
  const address = shops.here(await browser.location(`${start}?shop=${shop}`))
  const url = new URL(address)
  if (project !== shop) url.searchParams.delete('shop')
  return emulator.approve(url.href, project === shop ? {} : { project })
}

/** Who is logged in at an app, and what its answer to the callback says. */
async function outcome(browser: Browser, callback: string) {
  const answer = await browser.get(callback, { accept: 'application/json' })
  const said = answer.status === 303 ? undefined : await told(answer)
  const { user } = await told(browser.get(`${new URL(callback).origin}/me`))
  return { user, status: answer.status, code: said?.error?.code ?? said?.code }
}

/** An app that looks at the state alone, as one that is written for another provider does. */
async function startCareless(checks: (params: URLSearchParams) => boolean = () => true): Promise<Running> {
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: true }))
  app.get('/auth/shopify', (req, res) => {
    const { clientID: client_id, scope } = shops.options
    const redirect_uri = `http://${req.get('host')}/auth/shopify/callback`
    const query = new URLSearchParams({ client_id, scope, redirect_uri, state: req.sessionID })
    query.set('grant_options[]', 'per-user')
    res.redirect(`https://${req.query.shop}/admin/oauth/authorize?${query}`)
  })
  app.get('/auth/shopify/callback', async (req, res) => {
    const params = new URL(req.originalUrl, 'http://localhost').searchParams
    if (params.get('state') !== req.sessionID || !checks(params)) return void res.status(400).json({})
    const { clientID: client_id, clientSecret: client_secret } = shops.options
    tokenHosts.push(params.get('shop') ?? '')
    const answer = await fetch(`${emulator.origin}/admin/oauth/access_token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ client_id, client_secret, code: params.get('code') }),
    })
    const { associated_user: user = null } = Object(await answer.json())
    Object.assign(req.session, { user })
    res.redirect(303, '/')
  })
  app.get('/me', (req, res) => void res.json({ user: Reflect.get(req.session, 'user') ?? null }))
  return serve(app)
}
const tokenHosts: string[] = []

/** A signature that is right, and nothing else is looked at. */
function isSigned(params: URLSearchParams): boolean {
  const { hmac, ...rest } = Object.fromEntries(params)
  const query = new URLSearchParams(rest)
  query.sort()
  const message = query.toString().replaceAll('+', '%20')
  return createHmac('sha256', shops.options.clientSecret).update(message).digest('hex') === hmac
}

// The code that this one brings is none of Shopify's: no app gets a token for it.
const WITHOUT_LOGIN: readonly CallbackForgery[] = ['changed-code']
const BY_SHOP: readonly CallbackForgery[] = ['other-shop-unsigned', 'other-shop', 'evil-shop']

describe('a forged callback', () => {
  test.each(CALLBACK_FORGERIES)('control: %s is taken by an app that looks at the state alone', async (forgery) => {
    const careless = await startCareless()
    try {
      const browser = new Browser()
      emulator.forgeNext(forgery)
      const before = calls()
      const { user } = await outcome(browser, await begun(`${careless.origin}/auth/shopify`, browser))
      expect(calls()).toBe(before + 1)
      if (!WITHOUT_LOGIN.includes(forgery)) expect(user).toMatchObject({ first_name: '张三' })
    } finally {
      await careless.close()
    }
  })

  test.each(['other-shop', 'evil-shop', 'old', 'future', 'no-timestamp'] as const)(
    'control: %s is taken by an app that checks the signature alone',
    async (forgery) => {
      const careless = await startCareless(isSigned)
      try {
        const browser = new Browser()
        emulator.forgeNext(forgery)
        tokenHosts.length = 0
        const { user } = await outcome(browser, await begun(`${careless.origin}/auth/shopify`, browser))
        expect(user).toMatchObject({ first_name: '张三' })
        // Where it would have sent its client secret.
        const host = { 'other-shop': RED, 'evil-shop': 'evil.example' }[forgery as string] ?? BLUE
        expect(tokenHosts).toEqual([host])
      } finally {
        await careless.close()
      }
    },
  )

  describe.each(MOUNTS)('under %s', (_mount, start) => {
    test.each(CALLBACK_FORGERIES)('%s: ours logs nobody in, and calls no host', async (forgery) => {
      const browser = new Browser()
      emulator.forgeNext(forgery)
      const callback = await begun(start(), browser)
      const before = calls()
      const { user, code } = await outcome(browser, callback)
      const expected = forgery === 'repeated-shop' ? 'callback_invalid' : undefined
      expect({ user, code }).toEqual({
        user: null,
        code: expected ?? (BY_SHOP.includes(forgery) ? 'state_mismatch' : 'signature_invalid'),
      })
      expect(calls()).toBe(before)
      expect(shops.hosts).toEqual([])
    })

    test('control: one that is not forged logs in at its shop', async () => {
      const browser = new Browser()
      const { user } = await outcome(browser, await begun(start(), browser))
      expect(user).toMatchObject({ id: '700000000001' })
      expect(shops.hosts).toEqual([BLUE])
    })
  })

  test.each(['wrong-hmac', 'old', 'no-hmac'] as const)(
    '%s is 400, and told to Passport as what the browser did',
    async (forgery) => {
      for (const app of [router, bare]) {
        const browser = new Browser()
        emulator.forgeNext(forgery)
        const start = app === router ? '/auth/shopify' : '/login'
        const answer = await browser.get(await begun(app.origin + start, browser), { accept: 'application/json' })
        const { info, error } = await told(answer)
        if (app === router) expect([answer.status, error.code]).toEqual([400, 'signature_invalid'])
        else expect(info).toMatchObject({ code: 'signature_invalid', status: 400, phase: 'callback' })
      }
    },
  )

  test('shows in its error neither the secret nor the code nor the signature', async () => {
    const browser = new Browser()
    emulator.forgeNext('added-parameter')
    const callback = await begun(`${bare.origin}/login`, browser)
    const { info } = await told(browser.get(callback))
    const text = JSON.stringify(info)
    const { code, hmac } = Object.fromEntries(new URL(callback).searchParams)
    for (const secret of [code, hmac, shops.options.clientSecret]) expect(text).not.toContain(secret)
  })

  test('uses the login up: the right one behind it is too late', async () => {
    const browser = new Browser()
    const callback = new URL(await begun(`${router.origin}/auth/shopify`, browser))
    const forged = new URL(callback)
    forged.searchParams.set('hmac', '0'.repeat(64))
    expect((await outcome(browser, forged.href)).code).toBe('signature_invalid')
    expect(await outcome(browser, callback.href)).toMatchObject({ user: null, code: 'state_used' })
  })

  test('without a state of this browser is refused before its signature is looked at', async () => {
    const callback = await begun(`${router.origin}/auth/shopify`, new Browser())
    const forged = new URL(callback)
    forged.searchParams.set('hmac', 'x')
    const victim = new Browser()
    await victim.location(`${router.origin}/auth/shopify?shop=${BLUE}`)
    expect((await outcome(victim, forged.href)).code).toBe('state_unknown')
  })
})

describe('a signature over values as they are', () => {
  let raw: Emulator<'shopify'>
  let rawShops: Shops
  beforeAll(async () => {
    raw = await startEmulator('shopify', { hmacOverRawValues: true, extraParameter: true })
    rawShops = shopsAt(raw)
  })
  afterAll(async () => {
    await rawShops.close()
    await raw.close()
  })

  const signedBy = (message: string) =>
    createHmac('sha256', rawShops.options.clientSecret).update(message).digest('hex')
  const naiveMessage = (params: URLSearchParams) =>
    [...params]
      .filter(([name]) => name !== 'hmac')
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map((pair) => pair.join('='))
      .join('&')

  test('is good, with characters that have a meaning in a query too', async () => {
    const app = await startRouterApp({ providers: { shopify: rawShops.options } })
    try {
      const browser = new Browser()
      const address = rawShops.here(await browser.location(`${app.origin}/auth/shopify?shop=${BLUE}`))
      expect((await outcome(browser, await raw.approve(address))).user).toMatchObject({ id: '700000000001' })
    } finally {
      await app.close()
    }
  })

  test('hides no parameter in another one: a code that Shopify did not give, beside one that it signed', async () => {
    const app = await startRouterApp({ providers: { shopify: rawShops.options } })
    try {
      const browser = new Browser()
      const address = rawShops.here(await browser.location(`${app.origin}/auth/shopify?shop=${BLUE}`))
      const right = new URL(await raw.approve(address)).searchParams
      // What Shopify signs where a link can put a parameter into its callback: `attack`, with more parameters in it.
      const { code, hmac: _hmac, note: _note, ...rest } = Object.fromEntries(right)
      const attack = '1&code=planted&code0=x'
      const genuine = new URLSearchParams({ attack, code: String(code), ...rest })
      const hmac = signedBy(naiveMessage(genuine))
      const planted = new URLSearchParams({ attack: '1', code: 'planted', code0: `x&code=${code}`, ...rest, hmac })
      // Control: to who joins without a look, both are one text.
      expect(naiveMessage(planted)).toBe(naiveMessage(genuine))
      const before = rawShops.hosts.length
      const answer = await outcome(browser, `${app.origin}/auth/shopify/callback?${planted}`)
      expect(answer).toMatchObject({ user: null, code: 'signature_invalid' })
      expect(rawShops.hosts.length).toBe(before)
    } finally {
      await app.close()
    }
  })
})

/** Names that are no shop's, most of them a host of the attacker's to somebody. */
const NO_SHOPS = [
  'evil.example',
  'blue-kite.myshopify.com.evil.example',
  'evil.example/x.myshopify.com',
  'evil.example/.myshopify.com',
  'evil.example?.myshopify.com',
  'evil.example#.myshopify.com',
  'evil.example\\.myshopify.com',
  'evil.example:443/.myshopify.com',
  'blue-kite.myshopify.com@evil.example',
  'user@blue-kite.myshopify.com',
  'blue-kite.myshopify.com:8443',
  'blue-kite.myshopify.com/',
  'blue-kite.myshopify.com#',
  'blue-kite.myshopify.com?',
  'blue-kite.myshopify.com.',
  'blue-kite.myshopify.com\n',
  'blue-kite.myshopify.com\n.evil.example',
  'evil.example\nblue-kite.myshopify.com',
  'blue-kite.myshopify.com\0.evil.example',
  'blue-kite.myshopify.com ',
  ' blue-kite.myshopify.com',
  'blue-kite.myshopify.com%23',
  'blue-kite.myshopify.com%0a',
  'https://blue-kite.myshopify.com',
  '//blue-kite.myshopify.com',
  'evil.blue-kite.myshopify.com',
  'blue-kite.myshopify.io',
  'blue-kite.shopify.com',
  'blue_kite.myshopify.com',
  '-kite.myshopify.com',
  '.myshopify.com',
  'myshopify.com',
  'blue-kitemyshopify.com',
  'blue-kite。myshopify。com',
  'blue-ſite.myshopify.com', // a letter that is an s in capitals
  'blue-\u212aite.myshopify.com', // a K that is a k in lower case
  'ｂlue-kite.myshopify.com',
  'blue-kite.myshopifyXcom',
  '{shop}',
  '__proto__',
  `${'a'.repeat(300)}.myshopify.com`,
  '',
]

describe('a start that names no shop', () => {
  test.each(NO_SHOPS)('%j is 400, and the browser goes nowhere', async (name) => {
    for (const [, start] of MOUNTS) {
      const browser = new Browser()
      const answer = await browser.get(`${start()}?${new URLSearchParams({ shop: name })}`, {
        accept: 'application/json',
      })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
      if (start().includes('/auth/')) expect((await told(answer)).error.code).toBe('request_invalid')
    }
    expect(shops.hosts).toEqual([])
  })

  test('control: many of them look like a shop’s to who looks for its end or its middle, and lead to the attacker', () => {
    const hostOf = (name: string) => (URL.canParse(`https://${name}/`) ? new URL(`https://${name}/admin`).hostname : '')
    const astray = NO_SHOPS.filter((name) => /(^|\.)evil\.example$/.test(hostOf(name)))
    expect(astray.filter((name) => name.includes('.myshopify.com')).length).toBeGreaterThan(6)
    expect(astray.filter((name) => name.endsWith('.myshopify.com')).length).toBeGreaterThan(4)
  })

  test.each([
    ['none', ''],
    ['two', `shop=${BLUE}&shop=${RED}`],
    ['the same twice', `shop=${BLUE}&shop=${BLUE}`],
    ['as a list', `shop[]=${BLUE}`],
    ['as a member', `shop[x]=${BLUE}`],
  ])('%s is 400 too', async (_what, query) => {
    for (const [, start] of MOUNTS) {
      const answer = await new Browser().get(`${start()}?${query}`)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
    }
  })

  test('is told as a failure of the start', async () => {
    let failure: unknown
    const app = await startRouterApp({
      providers: { shopify: shops.options },
      onError: (error, _req, res) => {
        failure = error
        res.status(error.status).end()
      },
    })
    try {
      await new Browser().get(`${app.origin}/auth/shopify?shop=evil.example`)
    } finally {
      await app.close()
    }
    expect(OAuthError.is(failure)).toBe(true)
    expect(failure).toMatchObject({ code: 'request_invalid', phase: 'authorize', status: 400 })
    expect(String(failure)).not.toContain('evil.example')
  })

  test('in capitals, the name is the shop’s in lower case', async () => {
    const location = await new Browser().location(`${router.origin}/auth/shopify?shop=Blue-KITE.myshopify.com`)
    expect(new URL(location).host).toBe(BLUE)
    expect(location).toMatch(/^https:\/\/blue-kite\.myshopify\.com\/admin\/oauth\/authorize\?/)
  })
})

describe('a shop is bound to its login', () => {
  test('a callback that Shopify signed for another shop is state_mismatch, in the same browser and with its state', async () => {
    for (const [, start] of MOUNTS) {
      const browser = new Browser()
      // The person was sent to BLUE, and agreed at RED: Shopify's own signature, RED's own code.
      const callback = await begun(start(), browser, BLUE, RED)
      expect(new URL(callback).searchParams.get('shop')).toBe(RED)
      const before = calls()
      const { user, code } = await outcome(browser, callback)
      expect({ user, code, calls: calls() }).toEqual({ user: null, code: 'state_mismatch', calls: before })
    }
  })

  test('a shop that somebody else wrote into the pending login is not believed', async () => {
    const store = new session.MemoryStore()
    const app = await startRouterApp({ providers: { shopify: shops.options } }, { store })
    try {
      const browser = new Browser()
      const callback = await begun(`${app.origin}/auth/shopify`, browser, BLUE, RED)
      const sessions = await new Promise<object>((done) => store.all?.((_error, all) => done(Object(all))))
      for (const [id, content] of Object.entries(sessions)) {
        const before = JSON.stringify(content)
        expect(before).toContain(BLUE)
        store.set(id, JSON.parse(before.replaceAll(BLUE, RED)))
      }
      expect((await outcome(browser, callback)).code).toBe('state_mismatch')
      expect(shops.hosts).toEqual([])
    } finally {
      await app.close()
    }
  })

  test('where the app names the shop, a start can name no other', async () => {
    const app = await startRouterApp({ providers: { shopify: { ...shops.options, shop: BLUE } } })
    try {
      const start = `${app.origin}/auth/shopify`
      expect((await new Browser().get(`${start}?shop=${RED}`)).status).toBe(400)
      expect(new URL(await new Browser().location(start)).host).toBe(BLUE)
      expect(new URL(await new Browser().location(`${start}?shop=${BLUE}`)).host).toBe(BLUE)
    } finally {
      await app.close()
    }
  })
})

describe('a start that Shopify signed', () => {
  const started = (app: { origin: string }, path: string) => emulator.signedStart(`${app.origin}${path}`, RED)

  test('is checked, and begins at its shop', async () => {
    const location = await new Browser().location(started(router, '/auth/shopify?returnTo=/here'))
    expect(new URL(location).host).toBe(RED)
    expect(new URL(await new Browser().location(started(bare, '/login'))).host).toBe(RED)
  })

  test.each(CALLBACK_FORGERIES.filter((forgery) => !['no-hmac', 'changed-code'].includes(forgery)))(
    '%s begins nothing',
    async (forgery) => {
      for (const [app, path] of [
        [router, '/auth/shopify'],
        [bare, '/login'],
      ] as const) {
        // One for another shop, rightly signed, is a good start of that shop's.
        if (forgery === 'other-shop') continue
        emulator.forgeNext(forgery)
        const answer = await new Browser().get(started(app, path), { accept: 'application/json' })
        expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
        if (app === router) {
          const named = /^(evil|repeated)-shop$/.test(forgery) ? 'request_invalid' : 'signature_invalid'
          expect((await told(answer)).error.code).toBe(named)
        }
      }
    },
  )

  test('control: without a signature it is a start as any other', async () => {
    emulator.forgeNext('no-hmac')
    expect(new URL(await new Browser().location(started(router, '/auth/shopify'))).host).toBe(RED)
  })
})

describe('the kind of token', () => {
  test.each([
    [
      'online',
      'a shop’s token does not log in as a person',
      (query: URLSearchParams) => query.delete('grant_options[]'),
    ],
    [
      'offline',
      'a person’s token does not log in as the shop',
      (query: URLSearchParams) => query.set('grant_options[]', 'per-user'),
    ],
  ] as const)('that the browser asked for in place of %s: %s', async (accessMode, _what, change) => {
    const app = await startRouterApp({ providers: { shopify: { ...shops.options, accessMode } } })
    try {
      for (const isChanged of [true, false]) {
        const browser = new Browser()
        const address = new URL(shops.here(await browser.location(`${app.origin}/auth/shopify?shop=${BLUE}`)))
        if (isChanged) change(address.searchParams)
        const { user, code } = await outcome(browser, await emulator.approve(address.href))
        if (isChanged) expect({ user, code }).toEqual({ user: null, code: 'response_invalid' })
        else expect(user).not.toBeNull()
      }
    } finally {
      await app.close()
    }
  })
})
