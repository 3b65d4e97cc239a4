import { inspect } from 'node:util'
import type { OAuthError } from 'passport-dialects'
import { Agent, type Dispatcher, MockAgent } from 'undici'
import { SessionScene } from '../support/session-scene'

// A dispatcher of the app's own (a proxy's, undici's MockAgent) makes errors that quote the request: form, headers and all.

const scene = new SessionScene()
const ALL = { depth: Number.POSITIVE_INFINITY, showHidden: true }

/** A dispatcher that fails as `fail` says, from the moment when it is told to. */
class FailingDispatcher extends Agent {
  /** What it said in its own words. */
  said = ''
  isFailing = false

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (!this.isFailing) return super.dispatch(options, handler)
    const error = Object.assign(new Error(`failed: ${options.body}`), {
      code: 'ECONNREFUSED',
      request: options,
      cause: new Error(`sent with ${inspect(options.headers)}`),
    })
    this.said = inspect(error, ALL)
    setImmediate(() => handler.onResponseError?.(controller, error))
    return true
  }
}

/** What a handler is given; nobody pauses here. */
const controller = {
  aborted: false,
  paused: false,
  reason: null,
  rawHeaders: null,
  rawTrailers: null,
  abort() {},
  pause() {},
  resume() {},
}

/** The part of the client's secret that no encoding of a form changes. */
function secretOf(): string {
  const [part = ''] = /[\da-f]{16,}/.exec(scene.emulators.aihubmix.options.clientSecret) ?? []
  return part
}

/** A whole login through `dispatcher`, and what the app's `onError` was given. */
async function logInThrough(dispatcher: Dispatcher): Promise<OAuthError | undefined> {
  let failure: OAuthError | undefined
  const providers = { aihubmix: { ...scene.emulators.aihubmix.options, dispatcher } }
  await scene.start({
    providers,
    onError: (error, _req, res) => {
      failure = error
      res.status(error.status).end()
    },
  })
  await scene.logIn('aihubmix')
  return failure
}

test('the error of a login shows nothing of a request that its dispatcher quotes', async () => {
  const dispatcher = new FailingDispatcher()
  dispatcher.isFailing = true
  const failure = await logInThrough(dispatcher)
  expect(dispatcher.said).toContain(secretOf()) // the control
  expect(failure?.code).toBe('provider_unreachable')
  expect(inspect(failure, ALL)).not.toContain(secretOf())
  expect(`${failure?.stack} ${JSON.stringify(failure)}`).not.toContain(secretOf())
  await dispatcher.close()
})

test('nor that undici’s MockAgent quotes where it has no such interceptor', async () => {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const { clientSecret, tokenURL } = scene.emulators.aihubmix.options
  const { origin, pathname } = new URL(tokenURL)
  agent.get(origin).intercept({ path: pathname, method: 'POST', body: 'another body' }).reply(200, '{}')
  // Control: its own error has the form.
  const form = `client_secret=${clientSecret}`
  const own = await agent.request({ origin, path: pathname, method: 'POST', body: form }).catch((error) => error)
  expect(inspect(own, ALL)).toContain(secretOf())
  const failure = await logInThrough(agent)
  expect(failure?.code).toBe('provider_unreachable')
  expect(inspect(failure, ALL)).not.toContain(secretOf())
  await agent.close()
})

test('the error of an API call shows no access token that its dispatcher quotes', async () => {
  const dispatcher = new FailingDispatcher()
  let token = ''
  let failure: unknown
  await scene.start(
    { providers: { aihubmix: { ...scene.emulators.aihubmix.options, dispatcher } } },
    {
      routes: (app) => {
        app.get('/call', async (req, res) => {
          token = (await req.oauth.tokens('aihubmix'))?.accessToken ?? ''
          dispatcher.isFailing = true
          failure = await req.oauth.fetch('aihubmix', '/x').catch((error) => error)
          res.json({})
        })
      },
    },
  )
  await scene.logIn('aihubmix')
  await scene.page('/call')
  expect(token).not.toBe('')
  expect(dispatcher.said).toContain(token) // the control
  expect(failure).toMatchObject({ code: 'provider_unreachable' })
  expect(inspect(failure, ALL)).not.toContain(token)
  await dispatcher.close()
})
