import { format } from 'node:util'
import debug from 'debug'
import { startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'

const lines: string[] = []
const { log } = debug
beforeAll(() => {
  debug.log = (...args: unknown[]) => void lines.push(format(...args))
  debug.enable('passport-dialects:*')
})
afterAll(() => {
  debug.disable()
  debug.log = log
})

test('DEBUG shows the code of the provider, where it has one', async () => {
  const emulator = await startEmulator('wechat')
  const app = await startRouterApp({ providers: { wechat: { ...emulator.options, clientSecret: 'anotherSecret' } } })
  const browser = new Browser()
  const begun = await browser.get(`${app.origin}/auth/wechat`)
  await browser.get(await emulator.approve(begun.headers.get('location') ?? ''))
  await app.close()
  await emulator.close()

  const said = lines.join('\n')
  expect(said).toMatch(/wechat: failed in phase token: client_rejected \(\d{5}\) after HTTP 200: /)
  expect(said).not.toContain('anotherSecret')
})

test('DEBUG shows where a login is sent, each call and how it ends, and nothing that is secret', async () => {
  const emulator = await startEmulator('tapd')
  const app = await startRouterApp({ providers: { tapd: { ...emulator.options } } })
  const browser = new Browser()
  const begun = await browser.get(`${app.origin}/auth/tapd`)
  const callback = await emulator.approve(begun.headers.get('location') ?? '')
  await browser.get(callback)
  await new Browser().get(callback)
  await app.close()
  await emulator.close()

  const said = lines.join('\n')
  for (const part of [
    `tapd: begun, sent to ${emulator.options.authorizationURL}, to come back to ${app.origin}/auth/tapd/callback`,
    `tapd token: POST ${emulator.options.tokenURL}: 200`,
    `tapd profile: GET ${emulator.options.userProfileURL}: 200`,
    'tapd: logged in',
    'tapd: failed in phase callback: session_missing',
  ]) {
    expect(said).toContain(part)
  }
  const { code, state } = Object.fromEntries(new URL(callback).searchParams)
  for (const secret of [code, state, emulator.options.clientSecret]) expect(said).not.toContain(secret)
})
