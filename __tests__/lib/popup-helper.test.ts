// The browser's side of a popup, with a window of our own in place of the browser's: what comes when, and from where.
// It is compiled with the DOM's types, which the tests do not have.
const { loginWithPopup }: { loginWithPopup(provider: string): Promise<{ ok: boolean; code?: string }> } =
  jest.requireActual('../../popup/index')

const ORIGIN = 'https://app.example'
let page: EventTarget
let channel: { onmessage?: (event: unknown) => void }
let popup: { closed: boolean }
let focused: boolean
let sessions: number
let session: () => Promise<{ ok: boolean; json(): Promise<unknown> }>

beforeEach(() => {
  page = new EventTarget()
  popup = { closed: false }
  focused = false
  sessions = 0
  session = async () => ({ ok: true, json: async () => ({ providers: [{ name: 'tapd' }] }) })
  const globals = {
    open: () => popup,
    location: { origin: ORIGIN, pathname: '/', search: '' },
    document: { hasFocus: () => focused },
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    BroadcastChannel: class {
      onmessage?: (event: unknown) => void
      constructor() {
        channel = this
      }
      close() {}
    },
    fetch: () => {
      sessions++
      return session()
    },
  }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  }
})

const said = (more: object) => ({ type: 'passport-dialects', provider: 'tapd', ...more })
const post = (data: object) =>
  page.dispatchEvent(Object.assign(new Event('message'), { origin: ORIGIN, source: popup, data }))
const broadcast = (data: object) => channel.onmessage?.({ origin: ORIGIN, source: null, data })
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const isOpen = async (login: Promise<unknown>) => (await Promise.race([login, wait(20).then(() => 'open')])) === 'open'

test('a success waits for a session that answers late, though the window has closed, and asks it once', async () => {
  const answer = session
  session = async () => {
    await wait(2000)
    return answer()
  }
  const login = loginWithPopup('tapd')
  await wait(300) // the user is in the window
  post(said({ ok: true }))
  broadcast(said({ ok: true }))
  Object.assign(popup, { closed: true })
  focused = true
  expect(await login).toEqual({ ok: true })
  expect(sessions).toBe(1)
})

test('a failure that another tab broadcasts does not end the login of this one', async () => {
  const login = loginWithPopup('tapd')
  broadcast(said({ ok: false, code: 'access_denied' }))
  expect(await isOpen(login)).toBe(true)
  post(said({ ok: true }))
  expect(await login).toEqual({ ok: true })
})

test('a failure of this window counts at once, wherever it comes', async () => {
  const direct = loginWithPopup('tapd')
  post(said({ ok: false, code: 'access_denied' }))
  expect(await direct).toEqual({ ok: false, code: 'access_denied' })
  const cutOff = loginWithPopup('tapd')
  popup.closed = true // as Cross-Origin-Opener-Policy makes it look
  broadcast(said({ ok: false, code: 'state_expired' }))
  expect(await cutOff).toEqual({ ok: false, code: 'state_expired' })
})

test('a window that lost its opener tells what went wrong once it has closed', async () => {
  const login = loginWithPopup('tapd')
  await wait(300)
  broadcast(said({ ok: false, code: 'access_denied' }))
  expect(await isOpen(login)).toBe(true)
  popup.closed = true
  focused = true
  expect(await login).toEqual({ ok: false, code: 'access_denied' })
})

test('what comes from another origin, or for another provider, is nothing', async () => {
  const login = loginWithPopup('tapd')
  const event = { source: popup, data: said({ ok: false }) }
  page.dispatchEvent(Object.assign(new Event('message'), { ...event, origin: 'https://evil.example' }))
  post(said({ ok: false, provider: 'tiktok' }))
  expect(await isOpen(login)).toBe(true)
  post(said({ ok: false }))
  expect(await login).toEqual({ ok: false })
})

export {} // a module, though it imports nothing
