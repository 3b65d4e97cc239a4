import { spawn } from 'node:child_process'
import { request } from 'node:http'
import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'
import session from 'express-session'
import { Passport } from 'passport'
import { checkSetup } from '../../lib/router/setup-warnings'
import { startRouterApp } from '../support/app'
import { bundled } from '../support/bundled'

const SECRET = 'a test session secret'
const KEPT = { secret: SECRET, resave: false, saveUninitialized: false }

interface Setup {
  middleware?: RequestHandler
  /** What Express's `trust proxy` is set to. */
  trust?: boolean
  headers?: Record<string, string>
  baseURL?: string
  callbackURL?: string
  isPosted?: boolean
  passport?: boolean
  tokens?: { store: object; sealer: object | undefined }
  env?: Record<string, string>
}

/** The codes that one request to an app of this set-up brings, over a real socket. */
async function codesOf({ middleware, trust, headers = {}, env = {}, ...rest }: Setup): Promise<string[]> {
  let seen: string[] = []
  const app = await startRouterApp(
    { providers: {} },
    {
      middleware: middleware ?? session({ ...KEPT, store: new session.MemoryStore() }),
      before: (req, res) => {
        if (trust) req.app.set('trust proxy', trust)
        // express-session types `req.session` in its own way.
        seen = checkSetup({ req: req as never, env, ...rest }).map(({ code }) => code)
        res.end()
      },
    },
  )
  try {
    await new Promise<void>((resolve, reject) => {
      const asked = request(app.origin, { headers }, (res) => res.resume().on('end', resolve))
      asked.on('error', reject).end()
    })
    return seen.map((code) => code.replace('PASSPORT_DIALECTS_', ''))
  } finally {
    await app.close()
  }
}

const sessions = session({ ...KEPT, store: new session.MemoryStore() })
const ofTheApp = new Passport().session()
const withPassport: RequestHandler = (req, res, next) => sessions(req, res, () => ofTheApp(req, res, next))
const secure = session({ ...KEPT, cookie: { secure: true } })
const strict = session({ ...KEPT, cookie: { sameSite: 'strict' } })
const https = { 'x-forwarded-proto': 'https' }
const host = { host: 'app.example.com' }
const baseURL = 'https://app.example.com'
const clear = { middleware: cookieSession({ secret: SECRET }), tokens: { store: {}, sealer: undefined } }

test.each<[string, Setup, string[]]>([
  ['nothing, on loopback', {}, []],
  ['nothing without a session: that has an error of its own', { middleware: (_q, _s, next) => next() }, []],
  ['a secure cookie over http', { middleware: secure }, ['SECURE_COOKIE']],
  [
    'a secure cookie of cookie-session over http',
    { middleware: cookieSession({ secret: SECRET, secure: true }) },
    ['SECURE_COOKIE'],
  ],
  [
    'nothing, for a cookie that is as secure as the request',
    { middleware: session({ ...KEPT, cookie: { secure: 'auto' } }) },
    [],
  ],
  [
    'nothing, for a secure cookie behind a trusted proxy',
    { middleware: secure, trust: true, headers: https, baseURL },
    [],
  ],
  [
    'a secure cookie behind a proxy that is not trusted',
    { middleware: secure, headers: https, baseURL },
    ['SECURE_COOKIE'],
  ],
  ['SameSite=Strict', { middleware: strict }, ['SAMESITE_STRICT']],
  ['nothing, for SameSite=Strict where the provider posts', { middleware: strict, isPosted: true }, []],
  [
    'SameSite=Strict, written as true',
    { middleware: session({ ...KEPT, cookie: { sameSite: true } }) },
    ['SAMESITE_STRICT'],
  ],
  [
    'SameSite=Strict of cookie-session',
    { middleware: cookieSession({ secret: SECRET, sameSite: 'strict' }) },
    ['SAMESITE_STRICT'],
  ],
  ['nothing, for SameSite=Lax', { middleware: session({ ...KEPT, cookie: { sameSite: 'lax' } }) }, []],
  ['a proxy that Express does not trust', { headers: https }, ['TRUST_PROXY']],
  ['nothing, where baseURL says the origin', { headers: { ...https, ...host }, baseURL }, []],
  ['nothing, where the proxy speaks http', { headers: { 'x-forwarded-proto': 'http' } }, []],
  ['MemoryStore in production', { env: { NODE_ENV: 'production' } }, ['MEMORY_STORE']],
  [
    'nothing, for cookie-session in production',
    { middleware: cookieSession({ secret: SECRET }), env: { NODE_ENV: 'production' } },
    [],
  ],
  [
    'tokens in a store of their own without a seal, in production',
    { ...clear, env: { NODE_ENV: 'production' } },
    ['UNSEALED_TOKENS'],
  ],
  [
    'nothing, where they are sealed',
    { ...clear, tokens: { store: {}, sealer: {} }, env: { NODE_ENV: 'production' } },
    [],
  ],
  ['nothing, for tokens without a seal in development', clear, []],
  ['a relative callback on a public host', { headers: host }, ['RELATIVE_CALLBACK']],
  ['nothing, where the provider has an absolute callback', { headers: host, callbackURL: `${baseURL}/cb` }, []],
  [
    'a relative callback behind a proxy',
    { headers: { ...https, 'x-forwarded-host': 'app.example.com' }, trust: true },
    ['RELATIVE_CALLBACK'],
  ],
  [
    "an app's own passport.session() in front of a router without `passport`",
    { middleware: withPassport },
    ['SECOND_PASSPORT'],
  ],
  ['nothing, where the router has that Passport', { middleware: withPassport, passport: true }, []],
  [
    'everything at once',
    {
      middleware: session({ ...KEPT, store: new session.MemoryStore(), cookie: { secure: true, sameSite: 'strict' } }),
      headers: { ...https, ...host },
      tokens: { store: {}, sealer: undefined },
      env: { NODE_ENV: 'production' },
    },
    ['SECURE_COOKIE', 'SAMESITE_STRICT', 'TRUST_PROXY', 'MEMORY_STORE', 'UNSEALED_TOKENS', 'RELATIVE_CALLBACK'],
  ],
])('it warns of %s', async (_what, setup, codes) => {
  expect(await codesOf(setup)).toEqual(codes)
})

test('a secure cookie that came back is no mistake: express-session may trust the proxy by itself', async () => {
  const middleware = session({ ...KEPT, saveUninitialized: true, proxy: true, cookie: { secure: true } })
  const app = await startRouterApp({ providers: {} }, { middleware })
  const answer = await fetch(`${app.origin}/me`, { headers: https })
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  await app.close()
  expect(cookie).not.toBe('')
  expect(await codesOf({ middleware, headers: { ...https, cookie }, baseURL })).toEqual([])
  expect(await codesOf({ middleware, headers: https, baseURL })).toEqual(['SECURE_COOKIE'])
})

test('each mistake is printed once in a process, at the first login and not before', async () => {
  const script = bundled('__tests__/support/misconfigured-app.ts')
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, [script], { env: { ...env, NODE_ENV: 'production' } })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const exit = await new Promise((resolve) => child.on('close', resolve))
  expect({ exit, out: out.trim() }).toEqual({
    exit: 0,
    out: ['before the first login: none', '302', '302', '302'].join('\n'),
  })
  for (const code of ['SECURE_COOKIE', 'SAMESITE_STRICT', 'MEMORY_STORE', 'UNSEALED_TOKENS'])
    expect(err.match(new RegExp(`\\[PASSPORT_DIALECTS_${code}\\] PassportDialectsWarning: `, 'g'))).toHaveLength(1)
})
