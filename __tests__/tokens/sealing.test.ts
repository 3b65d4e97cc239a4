import { randomBytes } from 'node:crypto'
import cookieSession from 'cookie-session'
import session from 'express-session'
import { AihubmixStrategy, oauthRouter, TokenKeeper } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { MemoryTokenStore } from '../review/memory-store'
import type { RunningApp } from '../support/app'
import type { Browser } from '../support/browser'
import { ask, loggedIn, startTokenApp } from '../support/token-app'

let emulator: Emulator
const apps: RunningApp[] = []
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
})
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})
afterAll(() => emulator.close())

const [first, second] = [randomBytes(32), randomBytes(32).toString('base64')]

async function start(store: session.Store, encryptionKey: Parameters<typeof oauthRouter>[0]['encryptionKey']) {
  const app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options } }, ...(encryptionKey && { encryptionKey }) },
    { store },
  )
  apps.push(app)
  return app
}

/** The same browser at another app over the same store. */
function movedTo(browser: Browser, from: RunningApp, to: RunningApp): Browser {
  return browser.at(from.origin, to.origin)
}

test('control: without a key the store holds the tokens in the clear', async () => {
  const store = new session.MemoryStore()
  const app = await start(store, undefined)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
  expect(JSON.stringify(Reflect.get(store, 'sessions'))).toContain(tokens?.accessToken)
})

test('with a key it holds none, and the app reads them as ever', async () => {
  const store = new session.MemoryStore()
  const app = await start(store, first)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
  const stored = JSON.stringify(Reflect.get(store, 'sessions'))
  expect(tokens?.accessToken).toBeTruthy()
  for (const secret of [tokens?.accessToken, tokens?.refreshToken]) expect(stored).not.toContain(secret)
})

test('a new key goes first: what the old one sealed still opens, and what is sealed anew needs the new one only', async () => {
  const store = new session.MemoryStore()
  const before = await start(store, first)
  const browser = await loggedIn(before, 'aihubmix', emulator)
  const both = await start(store, [second, first])
  const there = movedTo(browser, before, both)
  const { tokens } = await ask(there, `${both.origin}/tokens/aihubmix`)
  expect(tokens).toEqual((await ask(browser, `${before.origin}/tokens/aihubmix`)).tokens)
  await loggedIn(both, 'aihubmix', emulator, there)
  const after = await start(store, second)
  expect((await ask(movedTo(there, both, after), `${after.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
})

test('a key that is missing is named as the cause, and nothing is lost by it', async () => {
  const store = new session.MemoryStore()
  const app = await start(store, first)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const wrong = await start(store, second)
  const { error } = await ask(movedTo(browser, app, wrong), `${wrong.origin}/tokens/aihubmix`)
  expect([error.code, error.message]).toEqual(['config_invalid', expect.stringContaining('encryptionKey')])
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
})

test('sealed tokens moved into another login’s place are not taken', async () => {
  const store = new session.MemoryStore()
  const app = await start(store, first)
  const [mine, theirs] = [await loggedIn(app, 'aihubmix', emulator), await loggedIn(app, 'aihubmix', emulator)]
  const sessions: Record<string, string> = Reflect.get(store, 'sessions')
  const [a = '', b = ''] = Object.keys(sessions)
  const [from, to] = [JSON.parse(sessions[a] ?? ''), JSON.parse(sessions[b] ?? '')]
  const slot = JSON.parse(to['passport-dialects'])
  slot.tokens.aihubmix.sealed = JSON.parse(from['passport-dialects']).tokens.aihubmix.sealed
  sessions[b] = JSON.stringify({ ...to, 'passport-dialects': JSON.stringify(slot) })
  const answers = [await ask(mine, `${app.origin}/tokens/aihubmix`), await ask(theirs, `${app.origin}/tokens/aihubmix`)]
  expect(answers.map(({ error }) => error?.code).filter(Boolean)).toEqual(['config_invalid'])
})

describe('who can write to the token store puts one user’s entry under another user’s key', () => {
  /** Whose access token the victim is handed out afterwards. */
  async function attack(encryptionKey: Uint8Array | undefined) {
    const tokenStore = new MemoryTokenStore()
    const config = { providers: { aihubmix: { ...emulator.options } }, tokenStore }
    const app = await startTokenApp({ ...config, ...(encryptionKey && { encryptionKey }) })
    apps.push(app)
    const [attacker, victim] = [await loggedIn(app, 'aihubmix', emulator), await loggedIn(app, 'aihubmix', emulator)]
    const theirs = (await ask(attacker, `${app.origin}/tokens/aihubmix`)).tokens?.accessToken
    const [from, to] = [...tokenStore.entries.keys()] // in the order of the logins
    tokenStore.entries.set(String(to), String(tokenStore.entries.get(String(from))))
    return { theirs, given: await ask(victim, `${app.origin}/tokens/aihubmix`) }
  }

  test('control: in the clear, the victim acts with the attacker’s tokens', async () => {
    const { theirs, given } = await attack(undefined)
    expect([given.tokens?.accessToken, given.error]).toEqual([theirs, undefined])
  })

  test('sealed tokens are bound to their key in the store', async () => {
    const { given } = await attack(first)
    expect([given.tokens, given.error?.code]).toEqual([undefined, 'config_invalid'])
  })
})

test('sealed tokens moved to another provider of the same session are not sent there', async () => {
  const store = new session.MemoryStore()
  const providers = { aihubmix: { ...emulator.options }, other: { ...emulator.options, strategy: AihubmixStrategy } }
  const app = await startTokenApp({ providers, encryptionKey: first }, { store })
  apps.push(app)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const sessions: Record<string, string> = Reflect.get(store, 'sessions')
  const [id = ''] = Object.keys(sessions)
  const content = JSON.parse(sessions[id] ?? '')
  const slot = JSON.parse(content['passport-dialects'])
  slot.tokens.other = slot.tokens.aihubmix
  sessions[id] = JSON.stringify({ ...content, 'passport-dialects': JSON.stringify(slot) })
  expect((await ask(browser, `${app.origin}/tokens/other`)).error.code).toBe('config_invalid')
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).tokens).not.toBeNull()
})

test('tokens kept under a key of the app’s own open there, and after a refresh', async () => {
  const tokenStore = new MemoryTokenStore()
  const keeper = new TokenKeeper({
    providers: { aihubmix: { ...emulator.options } },
    tokenStore,
    encryptionKey: first,
  })
  const app = await start(new session.MemoryStore(), undefined)
  const { tokens } = await ask(await loggedIn(app, 'aihubmix', emulator), `${app.origin}/tokens/aihubmix`)
  if (!tokens) throw new Error('nobody is logged in')
  const given = { ...tokens, tokenType: 'Bearer' as const, raw: {} }
  await keeper.keep('aihubmix', 'job', { ...given, expiresAt: new Date(Date.now() + 60_000) }) // due at once
  const renewed = await keeper.tokens('aihubmix', 'job')
  expect(renewed?.accessToken).not.toBe(tokens.accessToken)
  expect(await keeper.tokens('aihubmix', 'job')).toEqual(renewed)
  expect([...tokenStore.entries.values()].join()).not.toContain(renewed?.accessToken)
})

test('a sealed token that was tampered with does not open', async () => {
  const store = new session.MemoryStore()
  const app = await start(store, first)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const sessions: Record<string, string> = Reflect.get(store, 'sessions')
  for (const [id, text] of Object.entries(sessions)) {
    const content = JSON.parse(text)
    const slot = JSON.parse(content['passport-dialects'])
    const entry = slot.tokens.aihubmix
    entry.sealed = `${entry.sealed.slice(0, -4)}${entry.sealed.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    sessions[id] = JSON.stringify({ ...content, 'passport-dialects': JSON.stringify(slot) })
  }
  expect((await ask(browser, `${app.origin}/tokens/aihubmix`)).error.code).toBe('config_invalid')
})

test('over cookie-session sealed tokens fit and are unreadable in the cookie', async () => {
  const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })
  const app = await startTokenApp(
    { providers: { aihubmix: { ...emulator.options } }, encryptionKey: first },
    { middleware },
  )
  apps.push(app)
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const { tokens } = await ask(browser, `${app.origin}/tokens/aihubmix`)
  const cookie = Buffer.from(/session=([^;]+)/.exec(browser.cookies(app.origin))?.[1] ?? '', 'base64').toString()
  expect(cookie).toContain('passport-dialects')
  expect(cookie).not.toContain(tokens?.accessToken ?? 'no token')
})

test.each(['short', randomBytes(31), [], ['short'], 42, [first, 'short']])(
  'a key %j is refused at construction',
  (encryptionKey) => {
    const config = { providers: {}, encryptionKey } as Parameters<typeof oauthRouter>[0]
    expect(() => oauthRouter(config)).toThrow(/encryptionKey/)
  },
)
