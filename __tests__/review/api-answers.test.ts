import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { eventually } from '../support/eventually'
import { type Front, forward, startFront } from '../support/front'
import { ask, loggedIn, startTokenApp } from '../support/token-app'

let emulator: Emulator
let front: Front
let app: RunningApp
let refusing = false
beforeEach(async () => {
  refusing = false
  emulator = await startEmulator('aihubmix')
  front = await startFront((req, res) => {
    if (refusing && req.url?.startsWith('/api/large')) return void res.writeHead(401).end(Buffer.alloc(4_000_000, 'a'))
    void forward(req, emulator.origin).then(({ status, body }) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(body),
    )
  })
  const baseURL = `http://127.0.0.1:${front.port}`
  const { clientID, clientSecret, authorizationURL, tokenURL } = emulator.options
  app = await startTokenApp(
    { providers: { aihubmix: { clientID, clientSecret, baseURL, authorizationURL, tokenURL } } },
    {
      routes: (routes) => {
        routes.get('/bytes', async (req, res) => {
          const answer = await req.oauth.fetch('aihubmix', '/api/oauth2/userinfo')
          const read: unknown = Reflect.get(answer, 'bytes')
          if (typeof read !== 'function') return void res.json({ value: 'no such method in this Node' })
          res.json({ value: Buffer.from(await read.call(answer)).toString() })
        })
      },
    },
  )
})
afterEach(async () => {
  await app.close()
  await front.close()
  await emulator.close()
})

test('an answer’s bytes are there by every reader that this Node’s Response has', async () => {
  const browser = await loggedIn(app, 'aihubmix', emulator)
  const { value } = await ask(browser, `${app.origin}/bytes`)
  expect(value).toMatch(/no such method|"id"/)
})

test('a refusal whose refresh fails too leaves no connection behind, however long its body', async () => {
  const browser = await loggedIn(app, 'aihubmix', emulator)
  refusing = true
  emulator.revokeGrants()
  const { error } = await ask(browser, `${app.origin}/fetch/aihubmix?path=/api/large`)
  expect(error.code).toBe('refresh_rejected')
  const before = front.open()
  // What an unread body holds is a connection that can't be used again.
  refusing = false
  const again = await loggedIn(app, 'aihubmix', emulator)
  for (let i = 0; i < 3; i++) await ask(again, `${app.origin}/fetch/aihubmix?path=/api/oauth2/userinfo`)
  await eventually(() => expect(front.open()).toBeLessThanOrEqual(before))
})
