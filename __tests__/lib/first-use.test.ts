import express from 'express'
import session from 'express-session'
import { oauthRouter } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import request from 'supertest'

// The README's ten lines, in a test such as an app of a reader would have.
let tapd: Emulator
beforeAll(async () => {
  tapd = await startEmulator('tapd', { port: 0 })
})
afterAll(() => tapd.close())

test('an app of ten lines logs in, tested with supertest and an emulator', async () => {
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  app.use(
    oauthRouter({
      baseURL: 'http://localhost:3000',
      providers: { tapd: { ...tapd.options, scope: ['user'] } },
      failureRedirect: '/login',
    }),
  )
  app.get('/', (req, res) => void res.json(req.user ?? null))

  const browser = request.agent(app)
  const begun = await browser.get('/auth/tapd?returnTo=/welcome').expect(302)
  const callback = new URL(await tapd.approve(begun.headers.location ?? ''))
  expect(callback.origin).toBe('http://localhost:3000')
  await browser
    .get(callback.pathname + callback.search)
    .expect(303)
    .expect('location', '/welcome')
  const { body } = await browser.get('/').expect(200)
  expect(body).toMatchObject({ provider: 'tapd', id: '6081', displayName: '张三', username: 'zhangsan' })
})

test('the user says no, and comes to failureRedirect', async () => {
  const app = express()
  app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  app.use(oauthRouter({ providers: { tapd: { ...tapd.options } }, failureRedirect: '/login' }))
  const browser = request.agent(app)
  const begun = await browser.get('/auth/tapd').expect(302)
  const callback = new URL(await tapd.deny(begun.headers.location ?? ''))
  const answer = await browser.get(callback.pathname + callback.search)
  expect(answer.headers.location).toBe('/login?error=access_denied&provider=tapd')
})
