import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { createApp } from '../../example-app/app'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { backChannelCalls, NAMES, providersOf } from '../support/providers'
import { usually } from '../support/whole'
import { startNaive } from './naive'
import { rawGet } from './raw'
import { consent, type Scene, startScene } from './scene'
import { SCRIPTS, shapeOf } from './tags'

let scene: Scene
const closing: { close(): Promise<void> }[] = []
beforeAll(async () => {
  scene = await startScene()
})
afterEach(async () => {
  await Promise.all(closing.splice(0).map((it) => it.close()))
})
afterAll(() => scene.close())

const HARMLESS = 'harmless'
const HTML = { accept: 'text/html' }
const NO_SCRIPT = /default-src 'none'/
// Files of the app's own are no inline script.
const INLINE = /unsafe-inline|unsafe-eval|script-src (?!'self';)/

/** The page that an answer brings; its policy must admit no script, whatever got into it. */
async function page(answer: Response): Promise<string> {
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toMatch(NO_SCRIPT)
  expect(answer.headers.get('content-security-policy')).not.toMatch(INLINE)
  return answer.text()
}

function expectSameShape(attacked: string, harmless: string): void {
  expect(shapeOf(attacked)).toEqual(shapeOf(harmless))
}

describe('script in what the query says (RFC 6749 §10.14)', () => {
  test('control: the naive app shows error_description as it comes', async () => {
    const failed = async (text: string) => {
      const query = new URLSearchParams({ error: 'x', error_description: text })
      return (await fetch(`${scene.naive.origin}/auth/aihubmix/callback?${query}`)).text()
    }
    const harmless = await failed(HARMLESS)
    const hit = await Promise.all(
      SCRIPTS.map(async (text) => String(shapeOf(await failed(text))) !== String(shapeOf(harmless))),
    )
    expect(hit.filter(Boolean).length).toBeGreaterThanOrEqual(8)
  })

  const NAMES_OF_PARAMS = [
    'error',
    'error_description',
    'error_uri',
    'state',
    'code',
    'token',
    'iss',
    'scope',
    'resource',
  ]

  const failurePage = async (name: string, param: string, value: string) => {
    const query = new URLSearchParams({ state: 'x', [param]: value })
    return page(await new Browser().get(`${scene.ours.origin}/auth/${name}/callback?error=x&${query}`, HTML))
  }
  // One page for all providers, which `npm run test:whole` asks for at each.
  const SHOWN = usually(NAMES, (name) => name === 'tapd')
  const harmless = new Map<string, Promise<string>>()

  test.each(SCRIPTS)('the failure page shows nothing of it: %j', async (text) => {
    for (const name of SHOWN) {
      for (const param of NAMES_OF_PARAMS) {
        const key = `${name} ${param}`
        if (!harmless.has(key)) harmless.set(key, failurePage(name, param, HARMLESS))
        const html = await failurePage(name, param, text)
        expectSameShape(html, (await harmless.get(key)) ?? '')
        expect(html).not.toContain('alert(1)')
      }
    }
  })

  test.each(SCRIPTS)('nor does it where the login is known, and the provider says so: %j', async (text) => {
    const browser = new Browser()
    const denied = new URL(await scene.emulators.tapd.deny(await browser.location(`${scene.ours.origin}/auth/tapd`)))
    denied.searchParams.set('error', text)
    denied.searchParams.set('error_description', text)
    const answer = await browser.get(denied.href, HTML)
    expect(answer.status).toBe(502)
    expect(await page(answer)).not.toContain('alert(1)')
  })

  test.each(SCRIPTS)("the popup's page has the one script of its own, and nothing of it: %j", async (text) => {
    const finished = async (value: string) => {
      const browser = new Browser()
      const denied = new URL(
        await scene.emulators.tapd.deny(await browser.location(`${scene.ours.origin}/auth/tapd?popup=1&x=${value}`)),
      )
      for (const param of ['error', 'error_description']) denied.searchParams.set(param, value)
      const answer = await browser.get(denied.href, HTML)
      const policy = answer.headers.get('content-security-policy')
      expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/=]+'; frame-ancestors 'none'$/)
      return answer.text()
    }
    const [attacked, harmless] = [await finished(text), await finished(HARMLESS)]
    expect(attacked).not.toContain('alert(1)')
    expectSameShape(attacked, harmless)
    expect(attacked.match(/<script/g)).toHaveLength(1)
  })

  test.each(SCRIPTS)('the page of an unknown provider does not show its name: %j', async (text) => {
    for (const path of [`/auth/${encodeURIComponent(text)}`, `/auth/${encodeURIComponent(text)}/callback?code=a`]) {
      const answer = await fetch(scene.ours.origin + path, { headers: HTML })
      expect(answer.status).toBe(404)
      expect(await page(answer)).not.toContain('alert(1)')
    }
  })

  test.each(SCRIPTS)('JSON is JSON by its type, and is not sniffed: %j', async (text) => {
    const query = new URLSearchParams({ error: text, error_description: text, state: text })
    for (const path of [`/auth/tapd/callback?${query}`, `/auth/${encodeURIComponent(text)}`, '/auth/session']) {
      const answer = await fetch(scene.ours.origin + path, { headers: { accept: 'application/json' } })
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await answer.text()).not.toContain('alert(1)')
    }
  })

  test.each(SCRIPTS)('failureRedirect carries a code of ours, never what came: %j', async (text) => {
    const app = await startRouterApp({ providers: providersOf(scene.emulators), failureRedirect: '/login' })
    closing.push(app)
    const query = new URLSearchParams({ error: text, error_description: text, state: 'x' })
    const { location } = await rawGet(app.origin, `/auth/tapd/callback?${query}`)
    expect(location).toMatch(/^\/login\?error=[a-z_]+&provider=tapd$/)
  })
})

describe('script in what a provider says', () => {
  test.each(SCRIPTS)('in a refusal of the token or the profile: %j', async (text) => {
    for (const endpoint of ['token', 'profile'] as const) {
      scene.emulators.aihubmix.failNext(endpoint, `http-400:${text}`)
      const browser = new Browser()
      const callback = await consent(scene.ours, browser, scene.emulators.aihubmix)
      const answer = await browser.get(callback, HTML)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(await page(answer)).not.toContain('alert(1)')
    }
  })

  test.each(SCRIPTS)('in a name or an address of a user, GET /auth/session is JSON all the same: %j', async (text) => {
    const { app, emulator } = await withUser({ id: text, name: text, username: text, email: text })
    const browser = new Browser()
    await browser.get(await consent(app, browser, emulator))
    const answer = await browser.get(`${app.origin}/auth/session`, HTML)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await told(answer)).user?.displayName).toBe(text)
  })

  test.each(['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', ' javascript:alert(1)', '//x/"><b>'])(
    'a photo is a web address or none: %j',
    async (avatar) => {
      const emulator = await startEmulator('tapd', { users: [{ id: '1', name: 'Eve', username: 'eve', avatar }] })
      const app = await startRouterApp({ providers: { tapd: { ...emulator.options } } })
      closing.push(emulator, app)
      const browser = new Browser()
      await browser.get(await consent(app, browser, emulator))
      const { user } = await told(browser.get(`${app.origin}/auth/session`))
      expect(user?.displayName).toBe('Eve')
      expect(user).not.toHaveProperty('photo')
    },
  )

  async function withUser(user: { id: string; name: string; username?: string; email?: string }) {
    const emulator = await startEmulator('aihubmix', { users: [user] })
    const app: RunningApp = await startRouterApp({ providers: { aihubmix: { ...emulator.options } } })
    closing.push(emulator, app)
    return { app, emulator }
  }
})

describe("script on the example app's page", () => {
  /** The page of somebody whose provider sent `text` for everything. */
  async function home(text: string): Promise<string> {
    const { show, close } = await openHome(text)
    const html = await show()
    await close()
    return html
  }

  async function openHome(text: string) {
    const users = [{ id: text, name: text, username: text, email: text, avatar: `https://img.example/${text}` }]
    const [hub, chat] = await Promise.all([startEmulator('aihubmix', { users }), startEmulator('tapd', { users })])
    const providers = { aihubmix: { ...hub.options }, tapd: { ...chat.options } }
    const server = createApp({ baseURL: 'http://127.0.0.1', providers }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
    const browser = new Browser()
    for (const [name, emulator] of [
      ['aihubmix', hub],
      ['tapd', chat],
    ] as [string, Emulator][]) {
      const begun = await browser.location(`${origin}/auth/${name}`)
      const callback = new URL(await emulator.approve(begun))
      await browser.get(origin + callback.pathname + callback.search)
    }
    return {
      show: async (query = '') => page(await browser.get(`${origin}/${query}`, HTML)),
      close: async () => {
        server.closeAllConnections()
        server.close()
        await Promise.all([hub.close(), chat.close()])
      },
    }
  }

  let harmless: Awaited<ReturnType<typeof openHome>>
  beforeAll(async () => {
    harmless = await openHome(HARMLESS)
  })
  afterAll(() => harmless.close())

  test('control: the naive app shows the name as it comes', async () => {
    const text = String(SCRIPTS[0])
    const emulator = await startEmulator('aihubmix', { users: [{ id: '1', name: text, username: text }] })
    closing.push(emulator)
    const app = await startNaive({ aihubmix: emulator.options })
    closing.push(app)
    const browser = new Browser()
    await browser.get(await consent(app, browser, emulator))
    expect(await (await browser.get(`${app.origin}/`)).text()).toContain(text)
  })

  test.each(SCRIPTS)('a name, an e-mail address, an avatar, an id: %j', async (text) => {
    const attacked = await home(text)
    expect(attacked).toContain('Signed in')
    expectSameShape(attacked, await harmless.show())
  })

  test.each(SCRIPTS)('the error and the provider of its address: %j', async (text) => {
    const query = (value: string) => `?${new URLSearchParams({ error: value, provider: value })}`
    expectSameShape(await harmless.show(query(text)), await harmless.show(query(HARMLESS)))
  })
})

describe("script on the emulators' pages", () => {
  test.each(SCRIPTS)('the consent page: users, scopes and the client id: %j', async (text) => {
    const consentPage = async (value: string) => {
      const emulator = await startEmulator('tailchat', {
        users: [{ id: value, name: value, email: value }],
        clientID: value,
      })
      closing.push(emulator)
      const address = new URL(emulator.options.authorizationURL)
      const asked = {
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1/cb',
        scope: 'openid profile',
        state: value,
      }
      address.search = String(new URLSearchParams({ ...asked, client_id: value }))
      return page(await fetch(address))
    }
    const attacked = await consentPage(text)
    expect(attacked).toContain('Continue as')
    expectSameShape(attacked, await consentPage(HARMLESS))
  })

  test.each(NAMES)('%s: the error page, by every parameter of the request', async (name) => {
    const { options } = scene.emulators[name]
    const address = new URL(await new Browser().location(`${scene.ours.origin}/auth/${name}`))
    expect(address.href.startsWith(options.authorizationURL)).toBe(true)
    const before = backChannelCalls(scene.emulators)
    for (const text of SCRIPTS) {
      for (const param of address.searchParams.keys()) {
        const attacked = new URL(address)
        attacked.searchParams.set(param, text)
        const answer = await fetch(attacked, { redirect: 'manual' })
        if (answer.headers.has('location')) {
          expect(answer.headers.get('location')).not.toMatch(/^\s*javascript:/i)
        } else {
          expect(await page(answer)).not.toMatch(/<script|<img|<svg|<iframe|<math|<b>|<a /i)
        }
      }
    }
    expect(backChannelCalls(scene.emulators)).toBe(before)
  })
})
