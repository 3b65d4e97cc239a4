import cookieSession from 'cookie-session'
import express, { type Express } from 'express'
import session from 'express-session'
import { AihubmixStrategy } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { Browser } from '../support/browser'
import { jump } from '../support/clock'
import { eventually } from '../support/eventually'
import { Gate } from '../support/gate'
import { startSlowLane } from '../support/slow-lane'
import { ask, countOf, loggedIn, startTokenApp } from '../support/token-app'

// express-session is last-write-wins: a slow request holds the session as it was when it began, and writes it at its end.
let emulator: Emulator
let app: RunningApp | undefined
beforeEach(async () => {
  emulator = await startEmulator('aihubmix', { accessTokenLifetime: 7200 })
})
afterEach(async () => {
  jest.restoreAllMocks()
  await app?.close()
  app = undefined
  await emulator.close()
})

/** A route that begins, waits at the gate, changes the session and ends. */
function slowRoute(routes: Express, gate: Gate): void {
  routes.get('/slow', async (req, res) => {
    await gate.pass()
    Object.assign(req.session ?? {}, { cart: 'full' })
    res.json({ done: true })
  })
}

test('control: tokens kept naively in the session are lost, and the user with them', async () => {
  const strategy = new AihubmixStrategy({ ...emulator.options, callbackURL: '/callback' }, () => {})
  const naive = express()
  naive.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  const gate = new Gate()
  slowRoute(naive, gate)
  const state = (req: express.Request) =>
    req.session as unknown as { tokens?: Awaited<ReturnType<typeof strategy.refresh>> }
  naive.get('/start', async (req, res) => {
    const callback = await emulator.approve(
      `${emulator.options.authorizationURL}?response_type=code&client_id=${emulator.options.clientID}&redirect_uri=http://localhost/callback&state=s`,
    )
    const code = new URL(callback).searchParams.get('code') ?? ''
    const { clientID: client_id, clientSecret: client_secret } = emulator.options
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: 'http://localhost/callback',
      client_id,
      client_secret,
    }
    const answer = await fetch(emulator.options.tokenURL, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    const raw = (await answer.json()) as { access_token: string; refresh_token: string }
    state(req).tokens = {
      accessToken: raw.access_token,
      refreshToken: raw.refresh_token,
      tokenType: 'Bearer',
      scope: [],
      raw: {},
    }
    res.json({})
  })
  naive.get('/refresh', async (req, res) => {
    const { tokens } = state(req)
    if (!tokens) return void res.status(500).json({ code: 'no tokens' })
    try {
      state(req).tokens = await strategy.refresh(tokens)
      res.json({ code: 'ok' })
    } catch (error) {
      res.json({ code: (error as { code?: string }).code })
    }
  })
  const server = naive.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const browser = new Browser()
  await browser.get(`${origin}/start`)
  const late = browser.get(`${origin}/slow`)
  await gate.reached
  expect(await (await browser.get(`${origin}/refresh`)).json()).toEqual({ code: 'ok' })
  gate.open()
  await late
  expect(await (await browser.get(`${origin}/refresh`)).json()).toEqual({ code: 'refresh_rejected' })
  server.close()
  server.closeAllConnections()
})

test('a slow request that began before a refresh does not write the old tokens over the new ones', async () => {
  const store = new session.MemoryStore()
  const gate = new Gate()
  app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options } } },
    {
      store,
      routes: (routes) => {
        slowRoute(routes, gate)
        routes.get('/cart', (req, res) => void res.json({ cart: Reflect.get(req.session, 'cart') ?? null }))
      },
    },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const late = browser.get(`${app.origin}/slow`)
  await gate.reached
  jump(7000)
  const renewed = await ask(browser, `${app.origin}/tokens/aihubmix`)
  gate.open()
  await late
  // What the slow request had to say is kept, and so are the new tokens: in the store itself, not in this process alone.
  expect(await (await browser.get(`${app.origin}/cart`)).json()).toEqual({ cart: 'full' })
  const stored = JSON.stringify(Reflect.get(store, 'sessions'))
  expect(stored).toContain(renewed.tokens?.refreshToken)
  jest.restoreAllMocks()
  jump(14_000)
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error).toBeUndefined()
  expect(countOf(emulator, 'refresh')).toBe(2)
})

test('a request that only reads leaves what another wrote meanwhile, tokens and all', async () => {
  let goOn = () => {}
  const noted = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const lane = await startSlowLane(emulator.options.refreshURL ?? '', () => noted)
  app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options, refreshURL: lane.url } } },
    {
      routes: (routes) => {
        routes.get('/note', (req, res) => {
          Object.assign(req.session, { note: 'kept' })
          res.json({})
        })
        routes.get('/notes', (req, res) => void res.json({ note: Reflect.get(req.session, 'note') ?? null }))
        routes.get('/slow-refresh', async (req, res) => {
          const tokens = await req.oauth.tokens('aihubmix')
          res.json({ expiresAt: tokens?.expiresAt })
        })
      },
    },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  jump(7000)
  const refreshing = browser.get(`${app.origin}/slow-refresh`)
  await eventually(() => expect(lane.asked()).toBe(1))
  await browser.get(`${app.origin}/note`)
  goOn()
  await refreshing
  expect(await (await browser.get(`${app.origin}/notes`)).json()).toEqual({ note: 'kept' })
  lane.close()
})

test('a log-out stays one: a slow request does not bring the session back', async () => {
  const store = new session.MemoryStore()
  const gate = new Gate()
  app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options } } },
    {
      store,
      routes: (routes) => slowRoute(routes, gate),
    },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const late = browser.get(`${app.origin}/slow`)
  await gate.reached
  const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
  await browser.post(`${app.origin}/auth/logout`)
  gate.open()
  await late
  expect(JSON.stringify(Reflect.get(store, 'sessions'))).not.toContain(tokens?.refreshToken)
})

test('a second provider linked while the first one’s tokens are refreshed loses neither', async () => {
  const tiktok = await startEmulator('tiktok')
  app = await startTokenApp({ providers: { aihubmix: { ...emulator.options }, tiktok: { ...tiktok.options } } })
  const browser = await loggedIn(app, 'aihubmix', emulator)
  jump(7000)
  const callback = await tiktok.approve(await browser.location(`${app.origin}/auth/tiktok`))
  const [, renewed] = await Promise.all([browser.get(callback), ask(browser, `${app.origin}/tokens/aihubmix`)])
  expect(renewed.error).toBeUndefined()
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toEqual(renewed.tokens)
  expect((await ask(browser, `${app.origin}/tokens/tiktok`)).tokens).not.toBeNull()
  jest.restoreAllMocks()
  jump(14_000)
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error).toBeUndefined()
  await tiktok.close()
})

test('over cookie-session too, a late answer’s older cookie does not log the user out', async () => {
  const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })
  const gate = new Gate()
  app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options } } },
    {
      middleware,
      routes: (routes) => slowRoute(routes, gate),
    },
  )
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const late = browser.get(`${app.origin}/slow`)
  await gate.reached
  jump(7000)
  const renewed = await ask(browser, `${app.origin}/tokens/aihubmix`)
  gate.open()
  await late // its cookie has the old tokens
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).toEqual(renewed.tokens)
  jest.restoreAllMocks()
  jump(14_000)
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error).toBeUndefined()
})
