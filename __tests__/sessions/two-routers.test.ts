import type { Express } from 'express'
import { oauthRouter } from 'passport-dialects'
import { within } from '../controls/support'
import { SessionScene } from '../support/session-scene'

const scene = new SessionScene()

/** An app with a router at `/one` for TAPD, and one at `/two` behind it. */
function startTwo(second: 'tapd' | 'aihubmix', routes: (app: Express) => void = () => {}) {
  return scene.start(
    { providers: scene.only('tapd'), mountPath: '/one' },
    {
      routes(app) {
        app.use(oauthRouter({ providers: scene.only(second), mountPath: '/two', sessionKey: 'two' }))
        app.get('/there/:name', (req, res, next) => {
          req.oauth.tokens(req.params.name).then((tokens) => res.json({ info: tokens !== undefined }), next)
        })
        routes(app)
      },
    },
  )
}

/** Whether a page behind both routers has tokens. */
const isThere = async (name: string, by = scene.browser) => (await scene.page(`/there/${name}`, by)).info

/** What a page answers; `undefined` where it hangs. */
const answerOf = (path: string) => within(20_000, scene.page(path))

test('two routers in one app: a page that writes to the session answers, and what it wrote is there', async () => {
  await startTwo('aihubmix')
  await scene.logIn('tapd', { path: '/one' })
  expect(await answerOf('/keep/cart/full')).toEqual({})
  expect((await scene.page('/kept/cart')).info).toBe('full')
  await scene.logIn('aihubmix', { path: '/two' })
  expect(await answerOf('/keep/cart/fuller')).toEqual({})
  expect((await scene.page('/kept/cart')).info).toBe('fuller')
  expect(await isThere('tapd')).toBe(true)
})

test('two routers in one app: its own req.logout answers, and nobody is logged in', async () => {
  await startTwo('aihubmix', (app) => {
    app.get('/bye', (req, res, next) => req.logout((error) => (error ? next(error) : res.json({}))))
  })
  await scene.logIn('tapd', { path: '/one' })
  expect(await answerOf('/bye')).toEqual({})
  expect(await scene.me()).toBeNull()
})

test('one router that a request comes by twice: a page that writes to the session answers', async () => {
  const router = oauthRouter({ providers: scene.only('tapd'), mountPath: '/twice' })
  await scene.start({ providers: scene.only('tapd') }, { routes: (app) => void app.use(router, router) })
  await scene.logIn('tapd')
  expect(await answerOf('/keep/cart/full')).toEqual({})
  expect((await scene.page('/kept/cart')).info).toBe('full')
})

test.each(['/one', '/two'])('one provider name in two routers: `req.oauth` knows the login under %s', async (path) => {
  await startTwo('tapd')
  expect(await isThere('tapd')).toBe(false) // the control
  await scene.logIn('tapd', { path })
  expect(await isThere('tapd')).toBe(true)
})

test('a log-out under one router ends the login under the other', async () => {
  await startTwo('aihubmix')
  await scene.logIn('aihubmix', { path: '/two' })
  const before = scene.copy()
  expect(await isThere('aihubmix')).toBe(true)
  await scene.browser.post(`${scene.origin}/one/logout`)
  for (const browser of [scene.browser, before]) {
    expect([await scene.me(browser), await isThere('aihubmix', browser)]).toEqual([null, false])
  }
})
