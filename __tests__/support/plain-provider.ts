import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import express, { type Express, type Request, type RequestHandler } from 'express'
import session from 'express-session'
import { Passport, type Strategy } from 'passport'
import { type DialectOptions, DialectStrategy, type JsonObject, type VerifyFunction } from 'passport-dialects'
import { showsSecrets } from './canaries/on-purpose'

/** The smallest `DialectStrategy`: a provider without a dialect. */
export class PlainStrategy extends DialectStrategy {
  constructor(options: DialectOptions & { scopeSeparator?: ' ' | ',' }, verify: VerifyFunction) {
    const { authorizationURL = '', tokenURL = '', userProfileURL = '', scopeSeparator = ' ' } = options
    const endpoints = { authorizationURL, tokenURL, userProfileURL }
    super('plain', options, verify, { endpoints, scope: [], scopeSeparator })
  }

  protected profileFields(user: JsonObject) {
    return { id: user.id, displayName: user.name }
  }
}

/** The token and profile endpoints of that provider. */
export interface PlainProvider {
  options: { clientID: string; clientSecret: string } & Record<
    'authorizationURL' | 'tokenURL' | 'userProfileURL' | 'callbackURL',
    string
  >
  /** The requests to the token endpoint. */
  tokenRequests: { headers: IncomingHttpHeaders; form: Record<string, string> }[]
  profileRequests: { headers: IncomingHttpHeaders; url: string }[]
  /** The response of the token endpoint; {@link reset} restores it. */
  answer: { status: number; body: unknown }
  reset(): void
  close(): Promise<void>
}

export const TOKEN = { access_token: 'access-of-the-user', refresh_token: 'refresh-of-the-user', token_type: 'bearer' }
export const USER = { id: '1234', name: '王小明' }

export async function startPlainProvider(): Promise<PlainProvider> {
  const server = http.createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const { headers, url = '' } = req
    if (!url.startsWith('/token')) {
      provider.profileRequests.push({ headers, url })
      return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(USER))
    }
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
    provider.tokenRequests.push({ headers, form })
    const { status, body } = provider.answer
    res.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const origin = await listen(server)
  const usual = () => ({ status: 200, body: { ...TOKEN, expires_in: 3600, example_parameter: 'example_value' } })
  const provider: PlainProvider = {
    options: {
      clientID: 'ABC123',
      clientSecret: 'a client secret',
      authorizationURL: 'https://provider.example/authorize',
      tokenURL: `${origin}/token`,
      userProfileURL: `${origin}/me`,
      callbackURL: 'https://app.example/callback',
    },
    tokenRequests: [],
    profileRequests: [],
    answer: usual(),
    reset() {
      provider.answer = usual()
      provider.tokenRequests.length = 0
      provider.profileRequests.length = 0
    },
    close: () => closeServer(server),
  }
  return provider
}

/** The action that ended a request under Passport. */
interface Outcome {
  error: unknown
  user: unknown
  info: unknown
  /** Passport's own status of a failure. */
  status: unknown
}

/** What the browser gets, and the action under Passport; `outcome` is `undefined` after a redirect. */
interface Visit {
  location: URL
  status: number
  outcome: Outcome | undefined
}

/** An app with one strategy under a real Passport, and a browser with one cookie in front of it. */
export interface Host {
  visit(path: string, headers?: Record<string, string>): Promise<Visit>
  post(path: string, form: Record<string, string>): Promise<Visit>
  /** A whole login: the start, then the callback with `query` (default a code) and the state. */
  login(query?: Record<string, string>): Promise<Visit & { begun: Visit }>
  /** The current content of the session. */
  session(): Promise<Record<string, unknown>>
  origin: string
  close(): Promise<void>
}

export async function startHost(
  strategy: Strategy,
  settings: {
    /** The options of `passport.authenticate`, for both requests. */
    authenticate?: object
    before?: (req: Request, app: Express) => void
    middleware?: RequestHandler
    withoutSession?: boolean
    tls?: { key: string; cert: string }
    callbackPath?: string
  } = {},
): Promise<Host> {
  const app = express()
  const passport = new Passport()
  passport.use('it', strategy)
  if (!settings.withoutSession)
    app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
  if (settings.middleware) app.use(settings.middleware)
  app.use((req, _res, next) => {
    settings.before?.(req, app)
    next()
  })
  app.get('/session', (req, res) => {
    showsSecrets(res, 'the content of the session')
    res.json(req.session)
  })
  let outcome: Outcome | undefined
  app.use((req, res, next) => {
    const done = (error: unknown, user: unknown, info: unknown, status: unknown) => {
      outcome = { error, user, info, status }
      res.status(204).end()
    }
    passport.authenticate('it', settings.authenticate ?? {}, done)(req, res, next)
  })
  const server = settings.tls ? https.createServer(settings.tls, app) : http.createServer(app)
  const origin = (await listen(server)).replace('http:', settings.tls ? 'https:' : 'http:')
  let cookie = ''

  async function request(path: string, headers: Record<string, string> = {}, form?: Record<string, string>) {
    const sent = { ...headers, ...(cookie && { cookie }) }
    const answer = await ask(`${origin}${path}`, sent, settings.tls?.cert, form && `${new URLSearchParams(form)}`)
    cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? cookie
    return answer
  }
  async function visit(path: string, headers?: Record<string, string>, form?: Record<string, string>): Promise<Visit> {
    outcome = undefined
    const { headers: sent, status } = await request(path, headers, form)
    return { location: new URL(sent.location ?? 'about:blank'), status, outcome }
  }
  return {
    origin,
    visit,
    post: (path, form) => visit(path, { 'content-type': 'application/x-www-form-urlencoded' }, form),
    async login(query = { code: 'SplxlOBeZQQYbYS6WxSbIA' }) {
      const begun = await visit('/login')
      const state = begun.location.searchParams.get('state') ?? ''
      const back = new URLSearchParams({ ...query, ...(state && { state }) })
      return { ...(await visit(`${settings.callbackPath ?? '/callback'}?${back}`)), begun }
    },
    session: async () => JSON.parse((await request('/session')).body),
    close: () => closeServer(server),
  }
}

/** A `verify` that accepts everyone and shows its arguments. */
export const agree = (
  accessToken: string,
  refreshToken: string | undefined,
  profile: unknown,
  done: (error: null, user: object) => void,
) => done(null, { accessToken, refreshToken, profile })

function ask(url: string, headers: Record<string, string>, ca: string | undefined, body: string | undefined) {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const req = request(url, { method, headers, agent: false, ...(ca && { ca }) }, async (res) => {
      const chunks: Buffer[] = []
      for await (const chunk of res) chunks.push(chunk)
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString('utf8') })
    })
    req.on('error', reject).end(body)
  })
}

async function listen(server: http.Server | https.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
}

function closeServer(server: http.Server | https.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
