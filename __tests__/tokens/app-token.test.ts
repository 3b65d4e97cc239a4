// Over 300 lines because one set of helpers counts what any number of processes ask for, whatever happens to the token.
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import type { OAuthRouterConfig, Providers, TokenStore } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import { RedisTokenStore } from 'passport-dialects/redis'
import { AppToken, type AppTokenHome, type IssuedAppToken } from '../../lib/provider/app-token'
import { Sealer } from '../../lib/tokens/sealer'
import type { RunningApp } from '../support/app'
import { Browser } from '../support/browser'
import { known } from '../support/canaries/learn'
import { jump } from '../support/clock'
import { inAppCallback } from '../support/in-page'
import { strategyAt } from '../support/one-provider'
import { describeWith } from '../support/services'
import { countOf, startTokenApp as startHere } from '../support/token-app'
import { IS_WHOLE, usually } from '../support/whole'
import { bareLogin } from '../support/whole-login'

/** Logins at once at each app: at four of them 1,000 in `npm run test:whole`. */
const LOGINS = IS_WHOLE ? 250 : 15
const KEY = 'a canary that encrypts, and is long enough'

/** Those who have an application token. */
type Side = 'wecom' | 'dingtalk'

let emulator: Emulator<'wecom'> | Emulator<'dingtalk'>
const apps: RunningApp[] = []
const closers: (() => unknown)[] = []
afterEach(async () => {
  jest.restoreAllMocks()
  for (const app of apps.splice(0)) await app.close()
  for (const close of closers.splice(0)) await close()
  await emulator?.close()
})

async function startProvider(options: EmulatorOptions<'wecom'> = {}) {
  emulator = await startEmulator('wecom', options)
}

/** Any of them; DingTalk inside its app. */
async function startSide(side: Side) {
  if (side === 'wecom') return startProvider()
  emulator = await startEmulator('dingtalk', { kind: 'in-app' })
}

function providersHere(options: object = {}): Providers {
  // No deadline strikes here: a busy machine takes its time for a thousand logins.
  return { [emulator.name]: { ...emulator.options, timeout: 60_000, ...options } } as Providers // each by its own name
}

/** An app with a copy of the package of its own: it knows as little of the others as another process does. */
async function startCopy(config: Partial<OAuthRouterConfig> = {}, options: object = {}): Promise<RunningApp> {
  let start = startHere
  jest.isolateModules(() => {
    jest.dontMock('passport-dialects') // the net (support/canaries) would hand the same one to all
    start = (jest.requireActual('../support/token-app') as { startTokenApp: typeof startHere }).startTokenApp // that file's
  })
  const app = await start({ providers: providersHere(options), ...config })
  apps.push(app)
  return app
}

/** The callback of a login that nobody has finished yet, and the browser that is to bring it. */
async function pending(app: RunningApp) {
  const browser = new Browser()
  const callback =
    emulator.name === 'dingtalk'
      ? await inAppCallback(app, emulator, { browser })
      : await emulator.approve(await browser.location(`${app.origin}/auth/wecom`))
  return { browser, callback }
}

/** So many logins at each of `at`, all callbacks at once; the statuses of the answers. */
async function logInAtOnce(at: readonly RunningApp[], times: number): Promise<number[]> {
  const begun = []
  for (const app of at) for (let nth = 0; nth < times; nth++) begun.push(await pending(app))
  return Promise.all(begun.map(async ({ browser, callback }) => (await browser.get(callback)).status))
}

async function logIn(app: RunningApp): Promise<number> {
  const [status = 0] = await logInAtOnce([app], 1)
  return status
}

function asked(): number {
  return countOf(emulator, 'appToken')
}

/** The application tokens that calls were made with. */
function used(): string[] {
  const tokens = emulator.requests.map(({ query }) => query.access_token).filter((token) => token !== undefined)
  return [...new Set(tokens)]
}

/** A token store of one process's memory, as an app may bring it: without a lock. */
function memoryStore(texts = new Map<string, string>()): TokenStore {
  return {
    get: async (key) => texts.get(key),
    set: async (key, value) => texts.set(key, value) !== undefined,
    delete: async (key) => texts.delete(key),
  }
}

const all = (count: number) => Array.from({ length: count }, () => 303)

const SIDES: readonly Side[] = ['wecom', 'dingtalk']
/** For what takes long: in `npm run test:whole` both. */
const USUAL = usually(SIDES, (side) => side === 'wecom')

describe('any number of logins', () => {
  test.each(SIDES)('in one process ask for one application token: %s', async (side) => {
    await startSide(side)
    const app = await startCopy()
    expect(await logInAtOnce([app], LOGINS)).toEqual(all(LOGINS))
    expect(await logIn(app)).toBe(303)
    expect(asked()).toBe(1)
  })

  test('control: four processes without a token store ask four times', async () => {
    await startProvider()
    const four = [await startCopy(), await startCopy(), await startCopy(), await startCopy()]
    expect(await logInAtOnce(four, 2)).toEqual(all(8))
    expect(asked()).toBe(4)
  })

  test('share it where providers are built anew for every request', async () => {
    await startProvider()
    const verify: OAuthRouterConfig['verify'] = ({ profile }) => ({ id: profile.id })
    const app = await startCopy({ providers: () => providersHere(), verify })
    for (let nth = 0; nth < 3; nth++) expect(await logIn(app)).toBe(303)
    expect(asked()).toBe(1)
  })

  test('under bare Passport share it too, whichever strategy object serves them', async () => {
    await startProvider()
    const verify = (at: unknown, rt: unknown, profile: object, done: (error: null, user: object) => void) =>
      done(null, { ...profile, at: at === undefined, rt: rt === undefined })
    const build = (callbackURL: string) => strategyAt(emulator, { callbackURL }, verify)
    for (let nth = 0; nth < 2; nth++) {
      expect((await bareLogin(emulator, build)).user).toMatchObject({ id: 'zhangsan01', at: true, rt: true })
    }
    expect(asked()).toBe(1)
  })
})

describeWith('Redis', 'four processes over one Redis', () => {
  async function startFour(options: object = {}) {
    const prefix = `test-${randomBytes(6).toString('hex')}:`
    const four = []
    for (let nth = 0; nth < 4; nth++) {
      const tokenStore = new RedisTokenStore({ prefix })
      closers.push(() => tokenStore.close())
      four.push(await startCopy({ tokenStore, encryptionKey: KEY }, options))
    }
    return four
  }

  test.each(USUAL)('ask for one application token, however many log in at once: %s', async (side) => {
    await startSide(side)
    expect(await logInAtOnce(await startFour(), LOGINS)).toEqual(all(4 * LOGINS))
    expect(asked()).toBe(1)
    expect(used()).toHaveLength(1)
  })

  test.each(USUAL)(
    'whose token is killed in the middle of the logins ask for two in all, and everybody is logged in: %s',
    async (side) => {
      await startSide(side)
      const lane = await killingLane((nth) => nth === 2 * LOGINS)
      expect(await logInAtOnce(await startFour({ userProfileURL: lane }), LOGINS)).toEqual(all(4 * LOGINS))
      expect(asked()).toBe(2)
      expect(used()).toHaveLength(2)
    },
  )
})

/** The address that takes the code, where `isTime` decides by a call's number whether the provider ends its token before it. */
async function killingLane(isTime: (nth: number) => boolean): Promise<string> {
  let nth = 0
  const { userProfileURL } = emulator.options
  const server: Server = createServer(async (req, res) => {
    const { method = 'GET', headers } = req
    const { 'content-type': type = 'text/plain' } = headers
    const body = method === 'GET' ? {} : { body: await text(req), headers: { 'content-type': type } }
    if (isTime(nth++)) emulator.expireAppTokens()
    const { search } = new URL(req.url ?? '/', userProfileURL)
    res.end(await (await fetch(userProfileURL + search, { method, ...body })).text())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cgi-bin/auth/getuserinfo` // a TCP server's
}

describe('a token that the provider ends', () => {
  test.each(USUAL)('in the middle of many logins costs one more, and nobody a login: %s', async (side) => {
    await startSide(side)
    const lane = await killingLane((nth) => nth === 2 * LOGINS)
    const app = await startCopy({}, { userProfileURL: lane })
    expect(await logInAtOnce([app], 4 * LOGINS)).toEqual(all(4 * LOGINS))
    expect(asked()).toBe(2)
  })

  test('again and again is client_rejected after one retry', async () => {
    await startProvider()
    const lane = await killingLane(() => true)
    let code: string | undefined
    const app = await startCopy(
      {
        onError: (error, _req, res) => {
          code = error.code
          res.status(error.status).end()
        },
      },
      { userProfileURL: lane },
    )
    expect(await logIn(app)).toBe(500)
    expect({ code, asked: asked() }).toEqual({ code: 'client_rejected', asked: 2 })
  })

  test('by its age is asked for anew', async () => {
    await startProvider()
    const app = await startCopy()
    await logIn(app)
    jump(7201)
    expect(await logIn(app)).toBe(303)
    expect({ asked: asked(), used: used().length }).toEqual({ asked: 2, used: 2 })
  })
})

describe('a token that is about to end', () => {
  test('is renewed ahead once, though WeCom gives the same one until its end', async () => {
    await startProvider()
    const app = await startCopy()
    await logIn(app)
    jump(7200 - 299)
    for (let nth = 0; nth < 3; nth++) expect(await logIn(app)).toBe(303)
    jump(200)
    expect(await logIn(app)).toBe(303)
    expect({ asked: asked(), used: used().length }).toEqual({ asked: 2, used: 1 })
  })

  test('is used on where it cannot be renewed, and nobody asks again for a moment', async () => {
    await startProvider()
    const app = await startCopy()
    await logIn(app)
    jump(7200 - 299)
    emulator.failNext('appToken', 'http-500')
    for (let nth = 0; nth < 3; nth++) expect(await logIn(app)).toBe(303)
    expect(asked()).toBe(2)
    jump(31)
    expect(await logIn(app)).toBe(303)
    expect(asked()).toBe(3)
  })
})

describe('a client', () => {
  test('with another secret does not use the token that is there', async () => {
    await startProvider()
    const codes: string[] = []
    const onError: OAuthRouterConfig['onError'] = (error, _req, res) => {
      codes.push(`${error.code} ${error.phase}`)
      res.status(error.status).end()
    }
    const wrong = { ...emulator.options, clientSecret: 'a canary: no secret of this app' }
    const providers = {
      wecom: { ...emulator.options },
      other: { ...wrong, strategy: strategyAt(emulator).constructor },
    }
    const app = await startHere({ providers: providers as never, onError }) // the class of a strategy has no type there
    apps.push(app)
    expect(await logIn(app)).toBe(303)
    const browser = new Browser()
    const callback = await emulator.approve(await browser.location(`${app.origin}/auth/other`))
    expect((await browser.get(callback)).status).toBe(500)
    expect(codes).toEqual(['client_rejected token'])
  })

  test.each(SIDES)('with a new secret asks by it, and nobody who is logged in is logged out: %s', async (side) => {
    await startSide(side)
    const clientSecret = { now: emulator.options.clientSecret }
    const verify: OAuthRouterConfig['verify'] = ({ profile }) => ({ id: profile.id })
    const providers = () => providersHere({ clientSecret: clientSecret.now })
    const app = await startCopy({ providers, verify })
    const { browser, callback } = await pending(app)
    await browser.get(callback)
    clientSecret.now = 'a canary: the secret after the change'
    expect(await (await browser.get(`${app.origin}/me`)).json()).toMatchObject({ user: { id: emulator.users[0]?.id } })
    const session = await (await browser.get(`${app.origin}/auth/session`)).json()
    expect(session).toMatchObject({ providers: [{ name: side }] })
    await logIn(app)
    const last = emulator.requests.findLast(({ endpoint }) => endpoint === 'appToken')
    expect(last?.query.corpsecret ?? JSON.parse(last?.body ?? '{}').appSecret).toBe(clientSecret.now)
  })
})

describe('in the token store', () => {
  test('it is sealed by encryptionKey, and another process with the key has it from there', async () => {
    await startProvider()
    const texts = new Map<string, string>()
    const config = { tokenStore: memoryStore(texts), encryptionKey: KEY }
    expect(await logIn(await startCopy(config))).toBe(303)
    expect(await logIn(await startCopy(config))).toBe(303)
    expect(asked()).toBe(1)
    expect([...texts.keys()]).toEqual([expect.stringMatching(/^@app-token:[\w-]{43}$/)])
    expect(JSON.stringify([...texts])).not.toContain(used()[0])
  })

  test('control: without encryptionKey it stands there as it is', async () => {
    await startProvider()
    const texts = new Map<string, string>()
    await logIn(await startCopy({ tokenStore: memoryStore(texts) }))
    expect(JSON.stringify([...texts])).toContain(used()[0])
  })

  test.each([
    ['under the key of another client', (sealed: string) => sealed, 'another secret of the same app'],
    ['that somebody wrote there unsealed', (_: string, key: string) => planted(key), undefined],
    ['that is junk', () => '{"token":', undefined],
  ])('one %s is not taken', async (_what, write, otherSecret) => {
    await startProvider()
    const texts = new Map<string, string>()
    const config = { tokenStore: memoryStore(texts), encryptionKey: KEY }
    await logIn(await startCopy(config))
    const [[key = '', sealed = ''] = []] = [...texts]
    const home: AppTokenHome = { store: memoryStore(texts), sealer: new Sealer([KEY]) }
    if (otherSecret === undefined) texts.set(key, write(sealed, key))
    else {
      // The other client's place, found by letting it write there.
      const issued = async () => ({ token: 'of-the-other-client', life: 7_200_000 })
      const other = new AppToken(sourceOf(issued), { fingerprint: 'another', clientSecret: otherSecret })
      other.moveTo(home)
      await other.current()
      const [, [place = ''] = []] = [...texts]
      texts.set(key, texts.get(place) ?? '')
    }
    expect(await logIn(await startCopy(config))).toBe(303)
    expect({ asked: asked(), used: used().length }).toEqual({ asked: 2, used: 1 })
  })

  test.each(['get', 'set', 'lock'] as const)('it stops no login where `%s` fails', async (method) => {
    await startProvider()
    const broken = async () => {
      throw new Error('the store is away')
    }
    const lock = async () => async () => {}
    const app = await startCopy({ tokenStore: { ...memoryStore(), lock, [method]: broken } })
    expect(await logInAtOnce([app], 2)).toEqual(all(2))
    expect(asked()).toBe(1)
  })
})

function planted(key: string): string {
  return JSON.stringify({ key, token: 'planted', renewAt: Date.now() + 1e6, endsAt: Date.now() + 1e6 })
}

test.each(SIDES)('it is in no session, token set, user, page, strategy or error: %s', async (side) => {
  await startSide(side)
  const seen: unknown[] = []
  const verify: OAuthRouterConfig['verify'] = ({ profile, tokens }) => {
    seen.push(profile, tokens)
    return { id: profile.id }
  }
  const onError: OAuthRouterConfig['onError'] = (error, _req, res) => {
    seen.push(error, error.stack, JSON.stringify(error))
    res.status(error.status).end()
  }
  const app = await startHere({ providers: providersHere(), verify, onError })
  apps.push(app)
  const { browser, callback } = await pending(app)
  await browser.get(callback)
  for (const path of ['/me', '/auth/session', `/tokens/${side}`, `/profile/${side}`, `/fetch/${side}?path=/x`]) {
    seen.push(await (await browser.get(app.origin + path)).text())
  }
  emulator.failNext('profile', 'refused:40035')
  expect(await logIn(app)).toBe(502)
  const strategy = strategyAt(emulator)
  // As `console.dir` does, which asks no custom inspection.
  seen.push(inspect(strategy, { showHidden: true, depth: 20, customInspect: false }), JSON.stringify(strategy))
  seen.push(Reflect.get(app.store, 'sessions'))
  const [token = ''] = used()
  expect(known.kindOf(token)).toBe('application token')
  expect(inspect(seen, { showHidden: true, depth: 20 })).not.toContain(token)
  expect(used()).toHaveLength(1)
})

// ---- the class itself, where the order of two calls is the point --------------------------------

function sourceOf(ask: () => Promise<IssuedAppToken>) {
  return { name: () => 'test', ask, patience: () => 1000 }
}

/** Gives `tokens` one after the other, each when it is let go. */
function heldSource(tokens: string[]) {
  const waiting: (() => void)[] = []
  let count = 0
  const ask = async () => {
    const token = tokens[count++] ?? 'none-is-left'
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { token, life: 7_200_000 }
  }
  const letGo = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    waiting.shift()?.()
  }
  const client = { fingerprint: randomBytes(8).toString('hex'), clientSecret: 'a canary of a client' }
  return { token: new AppToken(sourceOf(ask), client), letGo, count: () => count }
}

test('a flight that brings the very token that was called dead meanwhile is followed by another', async () => {
  const { token, letGo, count } = heldSource(['first', 'second'])
  const early = token.current()
  await new Promise((resolve) => setImmediate(resolve))
  const late = token.instead('first') // who had it from another process, and was refused
  await letGo()
  expect(await early).toBe('first')
  await letGo()
  expect(await late).toBe('second')
  expect(count()).toBe(2)
})

test('who comes late with an old token has the new one without asking', async () => {
  const { token, letGo, count } = heldSource(['first', 'second'])
  const first = token.current()
  await letGo()
  const second = token.instead(await first)
  await letGo()
  expect(await second).toBe('second')
  expect(await token.instead('first')).toBe('second')
  expect(count()).toBe(2)
})

test('a provider that has no other gives the same one, asked once', async () => {
  const { token, letGo, count } = heldSource(['only', 'only'])
  const first = token.current()
  await letGo()
  const again = token.instead(await first)
  await letGo()
  expect(await again).toBe('only')
  expect(count()).toBe(2)
})

test('a failure is shared by those who wait, and the next one asks anew', async () => {
  let count = 0
  const ask = async () => {
    count++
    if (count === 1) throw new Error('away')
    return { token: 'a-token', life: 1000 }
  }
  const token = new AppToken(sourceOf(ask), { fingerprint: 'of a failure', clientSecret: 'a canary of a client' })
  const both = await Promise.allSettled([token.current(), token.current()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await token.current()).toBe('a-token')
  expect(count).toBe(2)
})
