import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { Browser, told } from '../support/browser'
import { freePort } from '../support/free-port'
import { type StandardProvider, startStandardProvider } from '../support/standard-provider'
import { type Block, readPages } from './markdown'
import { emulatedAt, startBlock } from './run'

// The app of docs/guides/openid-connect.md, as it stands there: WeChat by the router, a standard provider by openid-client.

const page = readPages().find(({ file }) => file === 'docs/guides/openid-connect.md')
const block = page?.blocks.find(({ code }) => code.includes('app.listen')) as Block // undefined fails every test here

const folder = mkdtempSync(join(tmpdir(), 'openid-connect-'))
const PEOPLE = Array.from({ length: 40 }, (_, index) => ({
  id: `o6_bmjrPTlm6_2sgVt7hMZOPfL${10 + index}`,
  name: `王${index}`,
}))
let wechat: Emulator<'wechat'>
let company: StandardProvider
let port: number
let app: Awaited<ReturnType<typeof startBlock>>
let browser: Browser

/** Each test has people of its own: the users of the app stay. */
let person: { wechat: string; company: string }
let count = 0
const nextPerson = () => ({ wechat: PEOPLE[count]?.id ?? '', company: `2482897610${10 + count++}` })

function start(code = block.code) {
  return startBlock({ ...block, code }, port, {
    ...emulatedAt(wechat),
    NODE_EXTRA_CA_CERTS: join(folder, 'provider.pem'),
    OIDC_ISSUER: company.issuer,
    OIDC_CLIENT_ID: company.client.id,
    OIDC_CLIENT_SECRET: company.client.secret,
  })
}

beforeAll(async () => {
  wechat = await startEmulator('wechat', { users: PEOPLE })
  port = await freePort()
  company = await startStandardProvider([`http://127.0.0.1:${port}/company/callback`])
  writeFileSync(join(folder, 'provider.pem'), company.certificate)
  app = await start()
})
afterAll(async () => {
  await app?.close()
  await wechat?.close()
  company?.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  browser = new Browser()
  person = nextPerson()
})

/** Where a callback sends the browser, as who is there then. */
type Step = (from?: Browser, whose?: typeof person) => Promise<string | null>
const callbackOf = {
  wechat: async (from = browser, whose = person) =>
    wechat.approve(await from.location(`${app.origin}/auth/wechat`), { user: whose.wechat }),
  company: async (from = browser, whose = person) =>
    company.approve(await from.location(`${app.origin}/company`), whose.company),
}
const goTo = async (url: string, from = browser) => (await from.get(url)).headers.get('location')
const atWechat: Step = async (from, whose) => goTo(await callbackOf.wechat(from, whose), from)
const atCompany: Step = async (from, whose) => goTo(await callbackOf.company(from, whose), from)
interface User {
  id: number
  name: string
  logins: string[]
}
const me = async (from = browser) => (await (await from.get(`${app.origin}/`)).json()) as User | null // the block's own
const routersLogins = async () =>
  (await told(browser.get(`${app.origin}/auth/session`))).providers.map(({ name }) => name)
const loginsOf = (whose: typeof person) => [`wechat ${whose.wechat}`, `${company.issuer} ${whose.company}`]

describe.each([
  { first: 'WeChat', second: 'the company', logIn: atWechat, link: atCompany, index: 0 },
  { first: 'the company', second: 'WeChat', logIn: atCompany, link: atWechat, index: 1 },
])('whoever logs in at $first', ({ logIn, link, index }) => {
  test('is one user, the next time too', async () => {
    expect(await logIn()).toBe('/')
    const user = await me()
    expect(user?.logins).toEqual([loginsOf(person)[index]])
    const other = new Browser()
    expect(await logIn(other)).toBe('/')
    expect(await me(other)).toEqual(user)
  })

  test('has both logins after one at the other, and comes back by either', async () => {
    await logIn()
    const before = await me()
    expect(await link()).toBe('/')
    const user = await me()
    expect([user?.id, user?.logins.toSorted()]).toEqual([before?.id, loginsOf(person).toSorted()])
    expect(await routersLogins()).toEqual(['wechat'])
    const other = new Browser()
    expect(await link(other)).toBe('/')
    expect(await me(other)).toEqual(user)
  })

  test('does not get a login that is another user’s', async () => {
    const theirs = nextPerson()
    await link(new Browser(), theirs)
    await logIn()
    const user = await me()
    expect(await link(browser, theirs)).toMatch(/^\/login/)
    expect(await me()).toEqual(user)
    expect(user?.logins).toHaveLength(1)
  })
})

test.each([
  ['WeChat first', ['wechat', 'company']],
  ['the company first', ['company', 'wechat']],
] as const)('two logins that are pending at once both land, %s', async (_order, names) => {
  const callbacks = { wechat: await callbackOf.wechat(), company: await callbackOf.company() }
  for (const name of names) expect(await goTo(callbacks[name])).toBe('/')
  expect((await me())?.logins).toHaveLength(2)
})

test('the log-out of the router ends both', async () => {
  for (const logIn of [[atCompany], [atWechat, atCompany]]) {
    person = nextPerson()
    for (const step of logIn) expect(await step()).toBe('/')
    const before = browser.at(app.origin, app.origin)
    expect(await me(before)).not.toBeNull()
    expect((await browser.post(`${app.origin}/auth/logout`)).headers.get('location')).toBe('/')
    expect([await me(), await me(before), await routersLogins()]).toEqual([null, null, []])
  }
})

test('no page of another site links a login to somebody who is logged in, at either', async () => {
  const elsewhere = { 'sec-fetch-site': 'cross-site' }
  const begin = (path: string) => browser.get(`${app.origin}${path}`, elsewhere)
  expect((await begin('/company')).headers.get('location')).toContain(`${company.issuer}/authorize`)
  await atWechat()
  expect((await begin('/company')).headers.get('location')).toBe('/')
  const asked = await begin('/auth/wechat')
  expect([asked.status, asked.headers.get('location')]).toEqual([200, null])
})

test('a refusal leads to the same page', async () => {
  const refusals = [
    await wechat.deny(await browser.location(`${app.origin}/auth/wechat`)),
    company.deny(await browser.location(`${app.origin}/company`)),
  ]
  for (const url of refusals) expect(await goTo(url)).toMatch(/^\/login/)
  expect(await me()).toBeNull()
})

test('openid-client keeps one pending login of an issuer: the one of the tab that began last', async () => {
  await callbackOf.company()
  expect(await goTo(await callbackOf.company())).toBe('/')
  const other = new Browser()
  const early = await callbackOf.company(other)
  await callbackOf.company(other)
  expect(await goTo(early, other)).not.toBe('/')
  expect(await me(other)).toBeNull()
})

describe('without the line', () => {
  /** The app without what its comments explain. */
  const without = async (line: RegExp, work: () => Promise<void>) => {
    const code = block.code.replace(line, '')
    expect(code).not.toBe(block.code)
    await app.close()
    app = await start(code)
    try {
      await work()
    } finally {
      await app.close()
      app = await start()
    }
  }
  const forged = async () => {
    company.forge('other-key')
    const { status, headers } = await browser.get(await callbackOf.company())
    return [status, headers.get('location'), await me()]
  }

  test('of the signature a forged id_token logs in where TLS brought it; with it, it does not', async () => {
    expect(await forged()).toEqual([500, null, null]) // the error middleware's
    await without(/execute: \[enableNonRepudiationChecks\],.*/, async () =>
      expect(await forged()).toEqual([302, '/', expect.anything()]),
    )
  })

  test('keepSessionInfo the login at the company drops those of the router', async () => {
    await without(/, keepSessionInfo: true/, async () => {
      await atWechat()
      expect(await routersLogins()).toEqual(['wechat'])
      await atCompany()
      expect(await routersLogins()).toEqual([])
      expect((await me())?.logins).toHaveLength(2)
    })
  })
})
