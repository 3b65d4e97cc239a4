import {
  AihubmixStrategy,
  type DialectStrategy,
  type Params,
  type StrategyClass,
  TiktokStrategy,
} from 'passport-dialects'
import { startBareApp } from '../support/app'
import { Browser } from '../support/browser'
import { NAMES } from '../support/providers'
import { rawGet } from './raw'
import { consent, loggedIn, type Scene, startScene } from './scene'

let scene: Scene
let closing: { close(): Promise<void> } | undefined
beforeAll(async () => {
  scene = await startScene()
})
afterEach(async () => {
  await closing?.close()
  closing = undefined
})
afterAll(() => scene.close())

const EVIL: Record<string, string> = {
  client_id: 'evil-client',
  client_key: 'evil-client',
  redirect_uri: 'https://evil.example/callback',
  response_type: 'token',
  response_mode: 'form_post',
  scope: 'admin everything',
  code_challenge: 'evil-challenge',
  code_challenge_method: 'plain',
  prompt: 'none',
  auth_by: 'workspace',
  auto_authorize: 'true',
  disable_auto_auth: '1',
  nonce: 'evil-nonce',
  request_uri: 'https://evil.example/request',
}
const QUERY = `?${new URLSearchParams(EVIL)}`

describe('reserved parameters overridden by the query of the beginning (RFC 6749 §4.1.1)', () => {
  test('control: the naive app passes them on, the redirect address among them', async () => {
    const { location } = await rawGet(scene.naive.origin, `/auth/aihubmix${QUERY}`)
    const sent = new URL(location ?? '').searchParams
    for (const name of ['client_id', 'redirect_uri', 'response_type', 'scope']) expect(sent.get(name)).toBe(EVIL[name])
  })

  test.each(NAMES)('%s: ours passes nothing of the query on', async (name) => {
    const [plain, attacked] = await Promise.all(
      ['', QUERY].map(
        async (query) => new URL(await new Browser().location(`${scene.ours.origin}/auth/${name}${query}`)),
      ),
    )
    expect([...(attacked?.searchParams.keys() ?? [])]).toEqual([...(plain?.searchParams.keys() ?? [])])
    expect(attacked?.origin).toBe(scene.emulators[name].origin)
    expect(attacked?.href).not.toMatch(/evil|admin|workspace|form_post/)
  })

  test('a state in the query is not taken over: the request looks like a callback, and is refused', async () => {
    for (const name of NAMES) {
      const { status, location } = await rawGet(scene.ours.origin, `/auth/${name}?state=fixed-by-the-attacker`)
      expect([status, location]).toEqual([400, undefined])
    }
  })

  test('nothing of the callback goes into the token request but the credential', async () => {
    const browser = new Browser()
    const callback = await consent(scene.ours, browser, scene.emulators.aihubmix)
    const extra = { ...EVIL, grant_type: 'password', client_secret: 'evil', code_verifier: 'evil', username: 'evil' }
    await browser.get(`${callback}&${new URLSearchParams(extra)}`)
    expect(await loggedIn(scene.ours, browser)).not.toBeNull()
    const token = scene.emulators.aihubmix.requests.findLast(({ endpoint }) => endpoint === 'token')
    expect(token?.body).not.toMatch(/evil|password/)
  })
})

describe("reserved parameters overridden by an app's own authorizationParams and tokenParams", () => {
  const PROTOCOL = { ...EVIL, state: 'fixed', grant_type: 'password', code: 'evil', client_secret: 'evil' }

  /** As an app might: whatever the user chose goes on to the provider. */
  class Careless extends AihubmixStrategy {
    override authorizationParams(): Params {
      return PROTOCOL
    }
    override tokenParams(): Params {
      return { ...PROTOCOL, code_verifier: 'evil' }
    }
  }
  class CarelessTiktok extends TiktokStrategy {
    override authorizationParams() {
      return { ...PROTOCOL, disable_auto_auth: undefined }
    }
  }

  const bare = (Strategy: StrategyClass, options: object) =>
    startBareApp(
      (callbackURL): DialectStrategy =>
        new Strategy({ clientID: '', clientSecret: '', ...options, callbackURL }, ((...args: unknown[]) =>
          (args.at(-1) as (error: null, user: object) => void)(null, { id: 'somebody' })) as never), // any arity
    )

  test('client, redirect address, type, state and grant stay those of the protocol', async () => {
    const { aihubmix } = scene.emulators
    const app = await bare(Careless, aihubmix.options)
    closing = app
    const browser = new Browser()
    const address = new URL(await browser.location(`${app.origin}/login`))
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      client_id: aihubmix.options.clientID,
      redirect_uri: `${app.origin}/callback`,
      response_type: 'code',
      scope: 'profile',
      state: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(address.searchParams.has('code_challenge')).toBe(false)
    address.searchParams.delete('auto_authorize')
    await browser.get(await aihubmix.approve(address.href))
    const form = new URLSearchParams(aihubmix.requests.findLast(({ endpoint }) => endpoint === 'token')?.body)
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'authorization_code',
      client_id: aihubmix.options.clientID,
      client_secret: aihubmix.options.clientSecret,
      redirect_uri: `${app.origin}/callback`,
      code: expect.not.stringContaining('evil'),
    })
    expect(form.has('code_verifier')).toBe(false)
  })

  test("so does TikTok's client_key, whose name differs", async () => {
    const { tiktok } = scene.emulators
    const app = await bare(CarelessTiktok, tiktok.options)
    closing = app
    const address = new URL(await new Browser().location(`${app.origin}/login`))
    expect(address.searchParams.getAll('client_key')).toEqual([tiktok.options.clientID])
    expect(address.searchParams.get('redirect_uri')).toBe(`${app.origin}/callback`)
  })
})
