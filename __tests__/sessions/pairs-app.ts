import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import cookieSession from 'cookie-session'
import express, { type ErrorRequestHandler } from 'express'
import session from 'express-session'
import type { DialectOptions, JsonObject, Params, TokenStore, VerifyFunction } from 'passport-dialects'
// By their files: the package under its name is one for all of a test file, and each process has its own.
import { OAuthError } from '../../lib/errors'
import { oauthRouter } from '../../lib/router/router'
import { DialectStrategy } from '../../lib/strategy'

/** Stops one request at the nth of the places where it waits for something. */
export class Held {
  /** The places that it came by. */
  readonly places: string[] = []
  readonly stopped: Promise<void>
  private stop: () => void = () => {}
  private goOn: () => void = () => {}
  private readonly released: Promise<void>

  constructor(private readonly nth: number) {
    this.stopped = new Promise((resolve) => {
      this.stop = resolve
    })
    this.released = new Promise((resolve) => {
      this.goOn = resolve
    })
  }

  async pass(place: string): Promise<void> {
    if (this.places.push(place) - 1 !== this.nth) return
    this.stop()
    await this.released
  }

  release(): void {
    this.goOn()
  }
}

/** The request that is held, for whatever is done in its name. */
class Gates {
  readonly #held = new AsyncLocalStorage<Held>()
  next: Held | undefined

  /** The next request that carries the mark is held. */
  run(isMarked: boolean, work: () => void): void {
    const { next } = this
    if (isMarked && next) this.#held.run(next, work)
    else work()
  }

  async pass(place: string): Promise<void> {
    await this.#held.getStore()?.pass(place)
  }
}

type Done = (error?: unknown, data?: session.SessionData | null) => void
/** What a store is asked; MemoryStore and connect-redis have all of it. */
export type Inner = Pick<session.Store, 'get' | 'set' | 'destroy' | 'touch'>

/** One process of the app: a router and a session middleware of its own, over a store that others may have too. */
export interface Instance {
  origin: string
  gates: Gates
  close(): Promise<void>
}

/** @param inner `undefined`: cookie-session */
export async function startInstance(
  provider: string,
  inner: Inner | undefined,
  tokenStore?: TokenStore,
): Promise<Instance> {
  const gates = new Gates()

  /** Holds each call before it is made and after it is done. */
  class GatedStore extends session.Store {
    override get(id: string, done: Done): void {
      this.call('get', (told) => inner?.get(id, told), done)
    }
    override set(id: string, data: session.SessionData, done?: Done): void {
      // The store's copy is that of the moment of the call.
      const copy = JSON.parse(JSON.stringify(data))
      this.call('set', (told) => inner?.set(id, copy, told), done)
    }
    override destroy(id: string, done?: Done): void {
      this.call('destroy', (told) => inner?.destroy(id, told), done)
    }
    override touch(id: string, data: session.SessionData, done?: () => void): void {
      this.call('touch', (told) => inner?.touch?.(id, data, () => told()), done)
    }
    private call(name: string, work: (told: Done) => void, done: Done = () => {}): void {
      const act = async () => {
        await gates.pass(`before ${name}`)
        const results = await new Promise<Parameters<Done>>((resolve) => work((...told) => resolve(told)))
        await gates.pass(`after ${name}`)
        done(...results)
      }
      act().catch(done)
    }
  }

  class SlowStrategy extends DialectStrategy {
    constructor(options: DialectOptions, verify: VerifyFunction) {
      const { authorizationURL = '', tokenURL = '', userProfileURL = '' } = options
      super('slow', options, verify, { endpoints: { authorizationURL, tokenURL, userProfileURL }, scope: [] })
    }
    protected profileFields(user: JsonObject) {
      return { id: user.id, displayName: user.name }
    }
    protected override async prepare(): Promise<Params> {
      await gates.pass('prepare')
      return {}
    }
  }

  const secret = 'a test session secret'
  const app = express()
  app.use((req, _res, next) => gates.run(req.headers['x-held'] === '1', next))
  app.use(
    inner
      ? session({ secret, resave: false, saveUninitialized: false, store: new GatedStore() })
      : cookieSession({ name: 'session', keys: [secret] }),
  )
  const one = {
    strategy: SlowStrategy,
    clientID: 'a client',
    clientSecret: 'a client secret',
    authorizationURL: `${provider}/authorize`,
    tokenURL: `${provider}/token`,
    userProfileURL: `${provider}/me`,
  }
  app.use(
    oauthRouter({
      ...(tokenStore && { tokenStore }),
      ...(!inner && { encryptionKey: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff' }), // a cookie can be read
      providers: { one, two: { ...one, clientID: 'another client' } },
      verify: async ({ provider: name, profile }) => {
        await gates.pass('verify')
        return { provider: name, id: profile.id }
      },
    }),
  )
  app.get('/me', (req, res) => {
    const { user } = req
    const id: unknown = user && Reflect.get(user, 'id')
    res.json({ id, note: req.session && Reflect.get(req.session, 'note') })
  })
  app.get('/page', async (req, res) => {
    await gates.pass('page')
    Reflect.set(req.session, 'note', req.query.note)
    await gates.pass('page, written')
    res.json({})
  })
  app.get('/refresh', (req, res, next) => {
    req.oauth.tokens('one').then((tokens) => res.json({ there: tokens !== undefined }), next)
  })
  app.get('/destroy', async (req, res, next) => {
    await gates.pass('destroy')
    if (inner) return void req.session.destroy((error) => (error ? next(error) : void res.json({})))
    Reflect.set(req, 'session', null)
    res.json({})
  })
  app.get('/req.login', async (req, res, next) => {
    await gates.pass('req.login')
    const user = { provider: 'app', id: 'carl' }
    req.logIn(user, (error) => (error ? next(error) : void res.json({})))
  })
  app.get('/req.logout', async (req, res, next) => {
    await gates.pass('req.logout')
    req.logout((error) => (error ? next(error) : void res.json({})))
  })
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    const code = OAuthError.is(error) ? error.code : String(error)
    res.status(OAuthError.is(error) ? error.status : 500).json({ error: { code } })
  }
  app.use(onError)
  const server = http.createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  return {
    origin: `http://127.0.0.1:${port}`,
    gates,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A provider whose codes say whose they are: `ann.X` logs Ann in. A first token is about to expire, a refreshed one is not. */
export async function startCodeProvider(): Promise<{ origin: string; codes: string[]; close(): Promise<void> }> {
  const codes: string[] = []
  const server = http.createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const say = (body: object) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (req.url !== '/token') {
      const id = req.headers.authorization?.replace('Bearer ', '').split('.')[0]
      return say({ id, name: id })
    }
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    const refreshed = form.get('refresh_token')
    if (refreshed === null) codes.push(`${form.get('code')}`)
    const given = `${refreshed ?? form.get('code')}`
    const token = { access_token: `${given}.access`, refresh_token: `${given}.refresh`, token_type: 'bearer' }
    say({ ...token, expires_in: refreshed === null ? 60 : 3600 })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  return {
    origin: `http://127.0.0.1:${port}`,
    codes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
