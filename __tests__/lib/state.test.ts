import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { AihubmixStrategy } from 'passport-dialects'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { backChannelCalls, closeAll, type Emulators, NAMES, providersOf, startAll } from '../support/providers'

let emulators: Emulators
let app: RunningApp

beforeAll(async () => {
  emulators = await startAll()
  app = await startRouterApp({
    providers: { ...providersOf(emulators), second: { ...emulators.aihubmix.options, strategy: AihubmixStrategy } },
  })
})
afterAll(async () => {
  jest.useRealTimers()
  await app.close()
  await closeAll(emulators)
})

async function begun(browser: Browser, name: string, emulator: keyof Emulators): Promise<string> {
  return emulators[emulator].approve(await browser.location(`${app.origin}/auth/${name}`))
}

/** The error of a callback that comes with exactly this `Cookie` header; `fetch` would leave a blank one out. */
async function codeWith(callback: string, cookie: string): Promise<string> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { accept: 'application/json', cookie }
    request(callback, { headers, agent: false }, resolve).on('error', reject).end()
  })
  const { error } = (await json(answer)) as { error: { code: string } } // the router's JSON
  return error.code
}

/** The error that a callback answers; the provider must not be asked and nobody logged in. */
async function refused(browser: Browser, callback: string): Promise<string> {
  const before = backChannelCalls(emulators)
  const answer = await browser.get(callback, { accept: 'application/json' })
  const { error } = await told(answer)
  expect(backChannelCalls(emulators)).toBe(before)
  expect((await told(browser.get(`${app.origin}/auth/session`))).user).toBeNull()
  return error.code
}

describe.each(NAMES)('%s', (name) => {
  test('a login begun in another session (CSRF, RFC 6749 §10.12) asks the provider nothing', async () => {
    const callback = await begun(new Browser(), name, name)
    const victim = new Browser()
    await victim.location(`${app.origin}/auth/${name}`)
    expect(await refused(victim, callback)).toBe('state_unknown')
  })

  test('a callback whose session cookie did not come back says so', async () => {
    expect(await refused(new Browser(), await begun(new Browser(), name, name))).toBe('session_missing')
  })

  test.each(['', ' '])('a blank Cookie header (%j) is none', async (cookie) => {
    const callback = await begun(new Browser(), name, name)
    expect(await codeWith(callback, cookie)).toBe('session_missing')
    expect(await codeWith(callback, 'another=1')).toBe('state_unknown')
  })

  test('a callback without a state asks the provider nothing', async () => {
    const browser = new Browser()
    const callback = new URL(await begun(browser, name, name))
    for (const param of ['state', 'login_state']) callback.searchParams.delete(param)
    expect(await refused(browser, callback.href)).toBe('state_missing')
  })

  test('a callback after ten minutes is expired, one within them is not', async () => {
    const browser = new Browser()
    const callback = await begun(browser, name, name)
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 600_001)
    expect(await refused(browser, callback)).toBe('state_expired')
    now.mockRestore()
    expect((await browser.get(callback)).headers.get('location')).toBe('/')
  })

  test('a used callback goes where it went, logs nobody in anew and asks the provider nothing', async () => {
    const browser = new Browser()
    const callback = await begun(browser, name, name)
    expect((await browser.get(callback)).status).toBe(303)
    const before = backChannelCalls(emulators)
    const again = await browser.get(callback)
    expect([again.status, again.headers.get('location')]).toEqual([303, '/'])
    expect(backChannelCalls(emulators)).toBe(before)
    expect(await refused(new Browser(), callback)).toBe('session_missing')
  })

  test('a double click exchanges the credential once and both answers carry the login', async () => {
    const browser = new Browser()
    const callback = await begun(browser, name, name)
    const before = backChannelCalls(emulators)
    const cookie = browser.cookies(app.origin)
    const click = async () => {
      const twin = new Browser()
      const [, value = ''] = cookie.split('=')
      twin.setCookie(app.origin, 'connect.sid', value)
      const answer = await twin.get(callback)
      const { user } = await told(twin.get(`${app.origin}/me`))
      return { location: answer.headers.get('location'), provider: user?.provider }
    }
    expect(await Promise.all([click(), click()])).toEqual(Array(2).fill({ location: '/', provider: name }))
    expect(backChannelCalls(emulators) - before).toBe(name === 'bbscloud' ? 1 : 2)
  })

  test('a callback that failed can be repeated only from the start', async () => {
    const browser = new Browser()
    const callback = await begun(browser, name, name)
    emulators[name].failNext('profile', 'http-503')
    const answer = await browser.get(callback, { accept: 'application/json' })
    expect((await told(answer)).error.code).toBe('provider_unavailable')
    expect(await refused(browser, callback)).toBe('state_used')
    expect((await browser.get(await begun(browser, name, name))).headers.get('location')).toBe('/')
  })
})

test('a state of another provider or another instance of the same one is a mismatch (RFC 9700 §4.4)', async () => {
  const browser = new Browser()
  const callback = await begun(browser, 'aihubmix', 'aihubmix')
  expect(await refused(browser, callback.replace('/auth/aihubmix/', '/auth/tapd/'))).toBe('state_mismatch')
  expect(await refused(browser, callback.replace('/auth/aihubmix/', '/auth/second/'))).toBe('state_mismatch')
  expect((await browser.get(callback)).headers.get('location')).toBe('/')
})

test.each(['code=a&code=b', 'state=a&state=b&code=c', 'code=', 'state=&code=c', '', 'state=x'])(
  'a malformed callback ?%s is invalid and destroys nothing',
  async (query) => {
    const browser = new Browser()
    const callback = await begun(browser, 'aihubmix', 'aihubmix')
    expect(await refused(browser, `${app.origin}/auth/aihubmix/callback?${query}`)).toBe('callback_invalid')
    expect((await browser.get(callback)).headers.get('location')).toBe('/')
  },
)

test('a forged error callback does not destroy a pending login', async () => {
  const browser = new Browser()
  const callback = await begun(browser, 'tapd', 'tapd')
  expect(await refused(browser, `${app.origin}/auth/tapd/callback?error=access_denied`)).toBe('state_missing')
  expect(await refused(browser, `${app.origin}/auth/tapd/callback?error=access_denied&state=forged`)).toBe(
    'state_unknown',
  )
  expect((await browser.get(callback)).headers.get('location')).toBe('/')
})

test('a request that looks like a callback never starts a redirect', async () => {
  const browser = new Browser()
  for (const query of ['token=abc', 'code=abc', 'error=x']) {
    const answer = await browser.get(`${app.origin}/auth/bbscloud?${query}`, { accept: 'application/json' })
    expect(answer.headers.get('location')).toBeNull()
    expect((await told(answer)).error.code).toMatch(/^state_missing$|^callback_invalid$/)
  }
})
