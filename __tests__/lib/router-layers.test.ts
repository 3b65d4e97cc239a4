import express, { type ErrorRequestHandler, type Express } from 'express'
import session from 'express-session'
import { oauthRouter } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { serve } from '../controls/support'
import { Browser } from '../support/browser'

const providers = { aihubmix: { clientID: 'client', clientSecret: 'a canary secret' } }

// The router is one of Express's own: an app may hang routes of its own on it, and mount it wherever it likes.
test.each([
  ['Express 5', express],
  ['Express 4', require('express4') as typeof express], // the parts used here are the same
])('%s: routes that an app adds to the router come after its own, below the mount path', async (_name, framework) => {
  const router = oauthRouter({ baseURL: 'https://app.example.com', providers })
  router.get('/auth/aihubmix', (_req, res) => void res.send('never'))
  router.get('/mine/:id', (req, res) => void res.json({ id: req.params.id, oauth: typeof req.oauth.fetch }))
  router.get('/broken', () => {
    throw new Error('broken')
  })
  const failed: ErrorRequestHandler = (error, req, res, _next) =>
    void res.status(500).json({ message: error.message, baseUrl: req.baseUrl })
  router.use(failed)
  const app: Express = framework()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  app.use('/shop', router)
  app.get('/shop/after', (req, res) => void res.json({ oauth: typeof req.oauth.fetch, url: req.url }))
  const { origin, close } = await serve(app)
  const get = async (path: string) => (await new Browser().get(`${origin}/shop${path}`)).json()
  try {
    const location = await new Browser().location(`${origin}/shop/auth/aihubmix`)
    const redirectURI = new URL(location).searchParams.get('redirect_uri')
    expect(redirectURI).toBe('https://app.example.com/shop/auth/aihubmix/callback')
    expect(await get('/mine/7')).toEqual({ id: '7', oauth: 'function' })
    expect(await get('/broken')).toEqual({ message: 'broken', baseUrl: '/shop' })
    expect(await get('/after')).toEqual({ oauth: 'function', url: '/shop/after' })
    expect((await new Browser().get(`${origin}/shop/nowhere`)).status).toBe(404)
  } finally {
    await close()
  }
})

// Express gives the request back to the outer app with the outer app's prototype.
test.each([
  ['Express 5', express],
  ['Express 4', require('express4') as typeof express],
])(
  '%s: pages of the app that an app with the router is mounted in have the methods of Passport',
  async (_name, framework) => {
    const accounts: Express = framework()
    accounts.use(oauthRouter({ baseURL: 'https://app.example.com', providers }))
    const area: Express = framework()
    area.use(accounts)
    const app: Express = framework()
    app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
    app.use('/area', area)
    app.get('/area/page', (req, res) => {
      const { oauth, isAuthenticated, logIn, logOut } = req
      res.json([oauth, isAuthenticated, logIn, logOut].map((member) => typeof member))
    })
    const other: Express = framework()
    other.get('/', (req, res) => void res.json(typeof req.isAuthenticated))
    const [{ origin, close }, elsewhere] = [await serve(app), await serve(other)]
    try {
      expect(await (await new Browser().get(`${origin}/area/page`)).json()).toEqual([
        'object',
        'function',
        'function',
        'function',
      ])
      expect(await (await new Browser().get(elsewhere.origin)).json()).toBe('undefined')
    } finally {
      await close()
      await elsewhere.close()
    }
  },
)

// As where something in front gives requests a prototype of its own: the methods are then on the request itself.
test('a request that does not inherit from its app’s logs in, and has the methods of Passport', async () => {
  const emulator = await startEmulator('aihubmix')
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  app.use((req, _res, next) => {
    Object.setPrototypeOf(req, Object.create(express.request, { app: { value: app } }))
    next()
  })
  app.use(oauthRouter({ providers: { aihubmix: { ...emulator.options } } }))
  app.get('/', (req, res) => void res.end(JSON.stringify([req.isAuthenticated(), Object.hasOwn(req, 'logIn')])))
  const { origin, close } = await serve(app)
  try {
    const browser = new Browser()
    const callback = await emulator.approve(await browser.location(`${origin}/auth/aihubmix`))
    expect((await browser.get(callback)).status).toBe(303)
    expect(await (await browser.get(`${origin}/`)).json()).toEqual([true, true])
  } finally {
    await close()
    await emulator.close()
  }
})
