import cookieSession from 'cookie-session'
import type { Express } from 'express'
import { passportOf, SessionScene } from '../support/session-scene'

// The page of a pop-up window tells the page behind it that somebody is logged in. Sent again (back button, reload, or by
// whoever has the address) it says so only to the browser that is.

const scene = new SessionScene()
const begin = () => scene.callbackOf('tapd', { query: '?popup=1' })
const saysOk = async (callback: string, by = scene.browser) =>
  (await (await by.get(callback)).text()).includes('data-ok="1"')

/** Ways out of a login that leave the session where it is, or its cookie. */
const LEAVING = (app: Express) => {
  app.get('/bye', (req, res, next) => {
    req.logout({ keepSessionInfo: true }, (error) => (error ? next(error) : res.json({})))
  })
  app.get('/carl', (req, res, next) => {
    const options = { keepSessionInfo: true, session: true }
    req.login({ id: 'carl' }, options, (error) => (error ? next(error) : res.json({})))
  })
}

test('a repeated pop-up callback says ok to the browser that is logged in (the control)', async () => {
  await scene.start({ providers: scene.only('tapd') }, { routes: LEAVING })
  const callback = await begin()
  expect(await saysOk(callback)).toBe(true)
  expect(await saysOk(callback)).toBe(true)
})

test.each([
  ['after Passport’s req.logout, which kept the session', '/bye', null],
  ['to the next user, whom the app logged in with the same session', '/carl', { id: 'carl' }],
])('a repeated pop-up callback does not say ok %s', async (_title, page, user) => {
  await scene.start({ providers: scene.only('tapd') }, { routes: LEAVING })
  const callback = await begin()
  expect(await saysOk(callback)).toBe(true)
  await scene.page(page)
  expect(await scene.me()).toEqual(user)
  expect(await saysOk(callback)).toBe(false)
})

test('a repeated pop-up callback does not say ok to a user who cannot be found any more', async () => {
  let isThere = true
  const passport = passportOf(
    (user) => Reflect.get(user, 'id'),
    (id) => isThere && { id },
  )
  await scene.start({ providers: scene.only('tapd'), passport, verify: ({ profile }) => ({ id: profile.id }) })
  const callback = await begin()
  expect(await saysOk(callback)).toBe(true)
  isThere = false
  expect(await scene.me()).toBeNull()
  expect(await saysOk(callback)).toBe(false)
})

test('a repeated pop-up callback does not say ok after a log-out of a session in a cookie', async () => {
  const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })
  await scene.start({ providers: scene.only('tapd') }, { middleware, routes: LEAVING })
  const callback = await begin()
  expect(await saysOk(callback)).toBe(true)
  await scene.page('/bye')
  expect(await scene.me()).toBeNull()
  expect(await saysOk(callback)).toBe(false)
})

test('a repeated pop-up callback does not say ok to a browser that never was logged in', async () => {
  await scene.start({ providers: scene.only('tapd') })
  const callback = await begin()
  const stranger = scene.copy(scene.browser, 'http://127.0.0.1:1') // another host: no cookie of ours
  expect(await saysOk(callback)).toBe(true)
  expect(await saysOk(callback, stranger)).toBe(false)
})
