import { Passport } from 'passport'
import { oauthRouter, TapdStrategy } from 'passport-dialects'
import { Browser, told } from '../support/browser'
import type { providersOf } from '../support/providers'
import { RouterScene, whoIs } from '../support/router-scene'

const scene = new RouterScene()
const JSON_ONLY = { accept: 'application/json' }

test('mountPath moves the routes and the callback address', async () => {
  const app = await scene.appWith({ mountPath: '/sign/in' })
  const browser = new Browser()
  const request = new URL(await browser.location(`${app.origin}/sign/in/tapd`))
  expect(request.searchParams.get('redirect_uri')).toBe(`${app.origin}/sign/in/tapd/callback`)
  expect((await browser.get(await scene.emulators.tapd.approve(request.href))).headers.get('location')).toBe('/')
})

test('baseURL is the origin of the callback address, whatever the Host header says', async () => {
  const app = await scene.appWith({ baseURL: 'https://app.example.com' })
  const request = new URL(await new Browser().location(`${app.origin}/auth/tapd`))
  expect(request.searchParams.get('redirect_uri')).toBe('https://app.example.com/auth/tapd/callback')
})

test.each([
  [false, 'http://127.0.0.1'],
  [true, 'https://public.example.com'],
])('forwarded headers count only under trust proxy: %p (RFC 9700 §4.13)', async (trust, origin) => {
  const app = await scene.appWith(
    {},
    {
      before: (req, _res, next) => {
        req.app.set('trust proxy', trust)
        next()
      },
    },
  )
  const answer = await new Browser().get(`${app.origin}/auth/tapd`, {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'public.example.com',
  })
  const redirectURI = new URL(answer.headers.get('location') ?? '').searchParams.get('redirect_uri') ?? ''
  expect(redirectURI.startsWith(origin)).toBe(true)
})

test('several instances of one provider, each with its own callback address', async () => {
  const { options } = scene.emulators.tapd
  const app = await scene.appWith({
    providers: { tapd: { ...options }, 'tapd-cloud': { ...options, strategy: TapdStrategy, site: 'cloud' } },
  })
  const browser = new Browser()
  const address = await browser.location(`${app.origin}/auth/tapd-cloud`)
  expect(address).toContain(encodeURIComponent('/auth/tapd-cloud/callback'))
  await browser.get(await scene.emulators.tapd.approve(address))
  expect((await whoIs(app, browser)).user).toMatchObject({ provider: 'tapd-cloud', id: '6081' })
})

test('providers as a function of the request, for many tenants', async () => {
  const tenants: Record<string, ReturnType<typeof providersOf>> = {
    a: { tapd: { ...scene.emulators.tapd.options } },
    b: {},
  }
  const app = await scene.appWith({
    verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
    providers: async (req) => tenants[String(req.query.tenant ?? 'a')] ?? {},
  })
  const browser = new Browser()
  expect((await scene.login(app, browser, 'tapd')).headers.get('location')).toBe('/')
  expect((await browser.get(`${app.origin}/auth/tapd?tenant=b`)).status).toBe(404)
})

test('a state begun for one tenant is no state of another one', async () => {
  const { options } = scene.emulators.tapd
  const one = { tapd: { ...options } }
  const other = { tapd: { ...options, clientID: 'another client' } }
  const app = await scene.appWith({
    verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
    providers: (req) => (req.query.tenant === 'b' ? other : one),
  })
  const browser = new Browser()
  const callback = await scene.emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`))
  expect((await told(browser.get(`${callback}&tenant=b`, JSON_ONLY))).error.code).toBe('state_mismatch')
  expect((await browser.get(callback)).headers.get('location')).toBe('/')
})

test("the app's own Authenticator serialises the user", async () => {
  const passport = new Passport()
  passport.serializeUser((user, done) => done(null, (user as { id: string }).id))
  passport.deserializeUser((id: string, done) => done(null, { id, restored: true }))
  const app = await scene.appWith({ passport })
  const browser = new Browser()
  await scene.login(app, browser, 'tapd')
  expect((await told(browser.get(`${app.origin}/me`))).user).toEqual({ id: '6081', restored: true })
})

test('an Authenticator without its two serialisers is told of before the user is sent away', async () => {
  const passport = new Passport()
  const app = await scene.appWith({ passport })
  const begin = () => new Browser().get(`${app.origin}/auth/tapd`, JSON_ONLY)
  const refused = { code: 'config_invalid', message: expect.stringContaining('serializeUser') }
  expect((await told(begin())).error).toMatchObject(refused)
  passport.serializeUser((user, done) => done(null, user))
  expect((await told(begin())).error).toMatchObject(refused)
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  expect((await begin()).status).toBe(302)
})

test('an Authenticator that serialises in a way of its own is left alone', async () => {
  class Own extends Passport {
    override serializeUser(): void {}
  }
  const app = await scene.appWith({ passport: new Own() })
  expect((await new Browser().get(`${app.origin}/auth/tapd`)).status).toBe(302)
})

test('a serialiser that fails is told of at the end of the login', async () => {
  const passport = new Passport()
  passport.serializeUser((_user, done) => done(new Error('no database')))
  passport.deserializeUser((user: Express.User, done) => done(null, user))
  const app = await scene.appWith({ passport })
  const browser = new Browser()
  const callback = await scene.emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd`))
  expect((await told(browser.get(callback, JSON_ONLY))).error).toMatchObject({ code: 'config_invalid' })
})

test('a provider that is undefined is as one that is not named', async () => {
  const app = await scene.appWith({ providers: { tapd: undefined, tiktok: { ...scene.emulators.tiktok.options } } })
  const statusOf = async (name: string) => (await new Browser().get(`${app.origin}/auth/${name}`)).status
  expect([await statusOf('tapd'), await statusOf('tiktok')]).toEqual([404, 302])
})

describe('an option that nobody knows', () => {
  const client = { clientID: 'id', clientSecret: 'a canary secret' }
  const bare = { ...client, callbackURL: '/cb' }
  class Own extends TapdStrategy {}

  /** The warnings of `build`. */
  function warningsOf(build: () => unknown): unknown[] {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    build()
    const calls = [...warn.mock.calls]
    warn.mockRestore()
    return calls
  }

  test.each<[string, () => unknown]>([
    ['under a built-in name', () => oauthRouter({ providers: { tapd: { ...client, ...slip } } })],
    [
      'under a name of its own',
      () => oauthRouter({ providers: { 'tapd-cloud': { ...client, ...slip, strategy: TapdStrategy } } }),
    ],
    ['of a bare strategy', () => new TapdStrategy({ ...bare, ...slip }, () => {})],
  ])('is warned of once, %s, and refuses nothing', (_where, build) => {
    expect(warningsOf(build)).toEqual([
      [expect.stringContaining('`sitee`'), expect.objectContaining({ code: 'PASSPORT_DIALECTS_UNKNOWN_OPTION' })],
    ])
  })

  test('where all are known, or a subclass may have its own, nothing is said', () => {
    expect(
      warningsOf(() => {
        oauthRouter({ providers: { tapd: { ...client, site: 'cloud', scope: 'user', silentLogin: true } } })
        oauthRouter({ providers: { own: { ...client, ...slip, strategy: Own } } })
        new TapdStrategy({ ...bare, site: 'cloud', timeout: 1000, store: undefined }, () => {})
        new Own({ ...bare, ...slip }, () => {})
      }),
    ).toEqual([])
  })
})

const slip = { sitee: 'cloud' } // where it stands it would not compile
