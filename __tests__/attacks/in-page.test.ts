import express, { type RequestHandler } from 'express'
import session from 'express-session'
import { DingtalkStrategy, type OAuthRouterConfig, type Providers } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type Running, serve } from '../controls/support'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { showsSecrets } from '../support/canaries/on-purpose'
import { askForState, callbackAt, failureAt, inAppCallback, inAppLogin, stateAt } from '../support/in-page'

// A code of DingTalk's script comes without any redirect, so nothing of DingTalk's says whose browser asked for it. The
// attacker is a member of the organisation too: he has codes of his own, and can send a victim's browser anywhere.

let dingtalk: Emulator<'dingtalk'>
let wecom: Emulator<'wecom'>
let victimID: string
let attackerID: string
const running: (Running | RunningApp)[] = []
beforeAll(async () => {
  dingtalk = await startEmulator('dingtalk', { kind: 'in-app', appTokenLimit: 1000 })
  wecom = await startEmulator('wecom')
  const [victim, attacker] = dingtalk.users
  victimID = String(victim?.id)
  attackerID = String(attacker?.id)
})
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())))
afterAll(() => Promise.all([dingtalk.close(), wecom.close()]))

const attackersCode = () => dingtalk.entryCode({ user: attackerID })
const calls = () => dingtalk.requests.length + wecom.requests.length

async function ours(config: Partial<OAuthRouterConfig> = {}, before?: RequestHandler): Promise<RunningApp> {
  const providers: Providers = {
    dingtalk: { ...dingtalk.options, kind: 'in-app' },
    other: { ...dingtalk.options, kind: 'in-app', strategy: DingtalkStrategy },
    wecom: { ...wecom.options },
  }
  const app = await startRouterApp({ providers, ...config }, before ? { before } : {})
  running.push(app)
  return app
}

async function userAt(app: Running | RunningApp, browser: Browser): Promise<string | undefined> {
  const { user } = await told(browser.get(`${app.origin}/me`))
  return user === null ? undefined : String(user.id)
}

/** Lets any origin read the answers to requests with cookies: a mistake of many an app, and not the router's to mend. */
const readableAnywhere: RequestHandler = (req, res, next) => {
  res.set('Access-Control-Allow-Origin', req.get('origin') ?? '*').set('Access-Control-Allow-Credentials', 'true')
  next()
}

interface NaiveSession {
  user?: { id: string }
  states?: string[]
}

/** DingTalk's login as its tutorials have it: the page posts the code. With `states`, it asks for one first. */
async function naive({ states }: { states: boolean }): Promise<Running> {
  const { appTokenURL, userProfileURL, clientID: appKey, clientSecret: appSecret } = dingtalk.options
  const json = (body: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: true }))
  app.use(readableAnywhere)
  const kept = (req: express.Request) => req.session as unknown as NaiveSession // this app's own
  app.post('/auth/dingtalk/entry', (req, res) => {
    const state = Math.random().toString(36)
    kept(req).states = [...(kept(req).states ?? []), state]
    showsSecrets(res, 'the naive app gives its state to any origin')
    res.json({ state })
  })
  app.get('/auth/dingtalk/callback', async (req, res) => {
    if (states && !kept(req).states?.includes(String(req.query.state))) return void res.status(400).end()
    const { accessToken } = (await (await fetch(appTokenURL, json({ appKey, appSecret }))).json()) as Told
    const answer = await fetch(`${userProfileURL}?access_token=${accessToken}`, json({ code: req.query.code }))
    const { result } = (await answer.json()) as Told
    kept(req).user = { id: result.unionid }
    res.redirect('/')
  })
  app.get('/me', (req, res) => void res.json({ user: kept(req).user ?? null }))
  const served = await serve(app)
  running.push(served)
  return served
}

interface Told {
  accessToken: string
  result: { unionid: string }
}

describe("login CSRF with the attacker's code (RFC 6749 §10.12), where no state travels", () => {
  test('control: the app of the tutorials logs the victim in to the attacker’s account', async () => {
    const app = await naive({ states: false })
    const victim = new Browser()
    await victim.get(callbackAt(app, 'dingtalk', { code: attackersCode() }))
    expect(await userAt(app, victim)).toBe(attackerID)
  })

  test('ours takes it with no state, and with none of another session, provider or login', async () => {
    const app = await ours()
    const victim = new Browser()
    const pending = await inAppCallback(app, dingtalk, { browser: victim, user: victimID })
    const attackers = await stateAt(app, { name: 'dingtalk', browser: new Browser() })
    const ofOther = await stateAt(app, { name: 'other', browser: victim })
    const ofRedirect = new URL(await victim.location(`${app.origin}/auth/wecom`)).searchParams.get('state') ?? ''
    const before = calls()
    const at = (params: object) => callbackAt(app, 'dingtalk', { code: attackersCode(), ...params })
    expect(await failureAt(victim, at({}))).toEqual([400, 'state_missing'])
    expect(await failureAt(victim, at({ state: attackers }))).toEqual([400, 'state_unknown'])
    expect(await failureAt(victim, at({ state: ofOther }))).toEqual([400, 'state_mismatch'])
    expect(await failureAt(victim, at({ state: ofRedirect }))).toEqual([400, 'state_mismatch'])
    expect(await failureAt(new Browser(), at({ state: attackers }))).toEqual([400, 'session_missing'])
    expect(calls()).toBe(before)
    expect(await userAt(app, victim)).toBeUndefined()
    await victim.get(pending) // which goes on all the same
    expect(await userAt(app, victim)).toBe(victimID)
  })

  test('ours takes no second code with a used state', async () => {
    const app = await ours()
    const victim = new Browser()
    const callback = new URL(await inAppCallback(app, dingtalk, { browser: victim, user: victimID }))
    await victim.get(callback.href)
    callback.searchParams.set('code', attackersCode())
    const before = calls()
    expect(await failureAt(victim, callback.href)).toEqual([400, 'state_used'])
    expect(calls()).toBe(before)
    expect(await userAt(app, victim)).toBe(victimID)
  })

  test('ours links no account of the attacker’s', async () => {
    const app = await ours()
    const victim = await inAppLogin(app, dingtalk, { user: victimID })
    const state = await stateAt(app, { name: 'other', browser: new Browser() })
    expect(await failureAt(victim, callbackAt(app, 'other', { code: attackersCode(), state }))).toEqual([
      400,
      'state_unknown',
    ])
    const { providers } = await told(victim.get(`${app.origin}/auth/session`))
    expect(providers.map(({ name }) => name)).toEqual(['dingtalk'])
  })
})

describe('a page of another origin that asks for a state of the victim’s session', () => {
  test('control: an app that gives it one logs the victim in to the attacker’s account', async () => {
    const app = await naive({ states: true })
    const victim = new Browser()
    const elsewhere = { origin: 'https://evil.example' }
    const answer = await askForState(app, { name: 'dingtalk', browser: victim, headers: elsewhere })
    expect(answer.headers.get('access-control-allow-origin')).toBe(elsewhere.origin) // so its script can read it
    const { state } = (await answer.json()) as { state: string }
    await victim.get(callbackAt(app, 'dingtalk', { code: attackersCode(), state }))
    expect(await userAt(app, victim)).toBe(attackerID)
  })

  test.each<[string, Record<string, string>]>([
    ['of another site', { origin: 'https://evil.example' }],
    ['of another site, as new browsers say it', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another host of the same site', { origin: 'http://shop.127.0.0.1', 'sec-fetch-site': 'same-site' }],
    ['of another port', { origin: 'http://127.0.0.1:1' }],
    ['without an origin, as in a sandboxed frame', { origin: 'null' }],
    ['without an origin, that says it came from here', { origin: 'null', referer: 'OWN/page' }],
    ['that nobody caused', { 'sec-fetch-site': 'none' }],
    ['of another site, by its Referer', { referer: 'https://evil.example/page' }],
    ['with a Referer that is no address', { referer: 'elsewhere' }],
  ])('ours gives none to a page %s, and keeps nothing', async (_title, given) => {
    const app = await ours({}, readableAnywhere)
    const browser = new Browser()
    const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, at(app, value)]))
    const answer = await askForState(app, { name: 'dingtalk', browser, headers })
    expect(answer.status).toBe(403)
    expect(await answer.json()).toEqual({ error: { code: 'cross_site', message: expect.any(String) } })
    expect(browser.cookies(app.origin)).toBe('')
  })

  test.each<[string, Record<string, string>]>([
    ['its Origin', { origin: 'OWN' }],
    ['Sec-Fetch-Site, whatever a proxy made of the host', { 'sec-fetch-site': 'same-origin', origin: 'https://app' }],
    ['its Referer, in an old browser', { referer: 'OWN/page?x=1' }],
    ['nothing, for what another origin’s script could read says its Origin', {}],
  ])('ours gives one to a page of its own, told by %s', async (_title, given) => {
    const app = await ours()
    const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, at(app, value)]))
    expect((await askForState(app, { name: 'dingtalk', browser: new Browser(), headers })).status).toBe(200)
  })

  test('the public origin counts behind a proxy, and its http twin does not', async () => {
    const app = await ours({ baseURL: 'https://app.example.com' })
    const asked = async (origin: string) =>
      (await askForState(app, { name: 'dingtalk', browser: new Browser(), headers: { origin } })).status
    expect(await asked('https://app.example.com')).toBe(200)
    expect(await asked('http://app.example.com')).toBe(403)
    expect(await asked('https://app.example.com:8443')).toBe(403)
    expect(await asked('https://app.example.com.evil.example')).toBe(403)
  })

  const at = (app: { origin: string }, value: string) => value.replace('OWN', app.origin)
})
