import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'

let tapd: Emulator
let app: RunningApp | undefined
beforeEach(async () => {
  tapd = await startEmulator('tapd')
})
afterEach(async () => {
  await app?.close()
  app = undefined
  await tapd.close()
})

test('a used entry address, sent by a second browser without cookies, logs nobody in', async () => {
  app = await startRouterApp({ providers: { tapd: { ...tapd.options, silentLogin: true } } })
  const address = `${app.origin}/auth/tapd/entry?code=${tapd.entryCode()}`
  const owner = new Browser()
  await owner.get(address)
  expect((await told(owner.get(`${app.origin}/me`))).user).not.toBeNull()
  const stranger = new Browser()
  await stranger.get(address)
  expect((await told(stranger.get(`${app.origin}/me`))).user).toBeNull()
})

test('the double of a silent login that fails is answered, with a state store of the app’s own too', async () => {
  const store = {
    store: (_req: unknown, done: (error: null, state: string) => void) => done(null, 'a-state'),
    verify: (_req: unknown, _state: string, done: (error: null, ok: boolean) => void) => done(null, true),
  }
  app = await startRouterApp({ providers: { tapd: { ...tapd.options, silentLogin: true, store } } })
  const address = `${app.origin}/auth/tapd/entry?code=nothing-the-provider-knows`
  expect((await new Browser().get(address)).status).toBeGreaterThanOrEqual(400)
  const double = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(5000) })
  expect(double.status).toBeGreaterThanOrEqual(400)
})
