import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { inspect } from 'node:util'
import cookieSession from 'cookie-session'
import debug from 'debug'
import type { Request, Response } from 'express'
import { AihubmixStrategy, OAuthError } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { leaksOnPurpose, showsSecrets } from '../support/canaries/on-purpose'
import { loggedIn } from '../support/token-app'

// Not a test of ours: net.test.ts runs it in a jest of its own, and each of these must fail of the net alone, at the
// outlet that its title begins with.
const SECRET = 'a canary+secret/of the app'
const form = (secret: string) => new URLSearchParams({ client_secret: secret }).toString()
const failure = (message?: string) => new OAuthError('provider_error', { phase: 'token', ...(message && { message }) })

const LEAKS: Record<string, () => unknown> = {
  'stderr of a child process': () => once(spawn(process.execPath, ['-e', `console.error('${SECRET}')`]), 'close'),
  'console.log': () => console.log('sent %s', SECRET),
  'console.error: a cause': () => console.error(new Error('refused', { cause: { sent: SECRET } })),
  'console.warn: a form': () => console.warn({ body: form(SECRET) }),
  'process warning': () => process.emitWarning(`refused: ${SECRET}`),
  'stdout: an address': () => void process.stdout.write(`/token?client_secret=${encodeURIComponent(SECRET)}\n`),
  'stderr: base64': () => void process.stderr.write(`Basic ${Buffer.from(`client:${SECRET}`).toString('base64')}\n`),
  'debug line': () => debug('passport-dialects:call')('sent %o', { body: form(SECRET) }),
  'error: its message': () => void failure(`refused: ${SECRET}`),
  'error: a property': () => void Object.assign(failure(), { request: { body: form(SECRET) } }),
  'error: a property that is not listed': () =>
    void Object.defineProperty(failure(), 'request', { value: { body: SECRET } }),
  'error: its stack': () => void Object.assign(failure(), { stack: `Error: ${SECRET}\n  at nowhere` }),
  'error: its cause': () => {
    const cause = new Error('socket hang up', { cause: Object.assign(new Error(), { path: `/?${form(SECRET)}` }) })
    void new OAuthError('provider_unreachable', { phase: 'token', cause })
  },
  'error: what inspect shows': () => void Object.assign(failure(), { [inspect.custom]: () => `refused ${SECRET}` }),
  'error: its JSON': () => void Object.assign(failure(), { toJSON: () => ({ sent: SECRET }) }),
}

beforeAll(() => {
  const options = { clientID: 'id', clientSecret: SECRET, callbackURL: 'https://app.example/callback' }
  new AihubmixStrategy(options, () => {})
})

test.each(Object.keys(LEAKS))('%s', (title) => LEAKS[title]?.())

const ANSWERS: Record<string, (req: Request, res: Response, token: string) => unknown> = {
  'page: HTML': (_req, res, token) => res.type('html').send(`<p>Your token is ${token}</p>`),
  'page: JSON': (_req, res, token) => res.json({ tokens: { accessToken: token } }),
  header: (_req, res, token) => res.set('x-token', token).end(),
  'header: of an answer whose body may': (_req, res, token) => {
    showsSecrets(res, 'on purpose')
    res.set('x-token', token).end()
  },
  'redirect: here': (_req, res, token) => res.redirect(`/home?access_token=${token}`),
  'redirect: to a provider': (_req, res, token) =>
    res.redirect(`https://provider.example/?client_id=1&state=2&hint=${token}`),
  cookie: (_req, res, token) => res.cookie('token', token).end(),
  'cookie: the session, of an app with a key': (req, res, token) => {
    Object.assign(req.session ?? {}, { token })
    res.end()
  },
}

test.each(Object.keys(ANSWERS))('%s', async (title) => {
  const emulator = await startEmulator('aihubmix')
  const app = await startRouterApp(
    { providers: { aihubmix: { ...emulator.options } }, encryptionKey: 'a canary that encrypts, and is long enough' },
    {
      middleware: cookieSession({ keys: ['a test session secret'] }),
      routes: (routes) =>
        routes.get('/leak', async (req, res) => {
          ANSWERS[title]?.(req, res, (await req.oauth.tokens('aihubmix'))?.accessToken ?? '')
        }),
    },
  )
  await (await loggedIn(app, 'aihubmix', emulator)).get(`${app.origin}/leak`)
  await app.close()
  await emulator.close()
})

test('page: of a login that nobody has finished', async () => {
  const emulator = await startEmulator('tailchat')
  const routes: Parameters<typeof startRouterApp>[1] = {
    routes: (app) => app.get('/leak', (req, res) => void res.json(req.session)),
  }
  const app = await startRouterApp({ providers: { tailchat: { ...emulator.options } } }, routes)
  const browser = new Browser()
  await browser.location(`${app.origin}/auth/tailchat`)
  await browser.get(`${app.origin}/leak`)
  await app.close()
  await emulator.close()
})

test('console.log: an application token', async () => {
  const emulator = await startEmulator('wecom')
  const { appTokenURL, clientID, clientSecret } = emulator.options
  const query = new URLSearchParams({ corpid: clientID, corpsecret: clientSecret })
  const { access_token } = (await (await fetch(`${appTokenURL}?${query}`)).json()) as { access_token: string } // 91039
  leaksOnPurpose('token', 'were it taken for a user’s, the net would say nothing')
  console.log(access_token)
  await emulator.close()
})

test('No token came out on purpose', () => leaksOnPurpose('token', 'it says so, and does not'))

test('clientSecret "plain" is too plain', () => {
  const options = { clientID: 'id', clientSecret: 'plain', callbackURL: 'https://app.example/callback' }
  new AihubmixStrategy(options, () => {})
})

test('nothing: what is meant to come out', () => {
  leaksOnPurpose('client secret', 'the naive log')
  console.log(SECRET)
})
