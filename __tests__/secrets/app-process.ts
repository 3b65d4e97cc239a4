import type { AddressInfo } from 'node:net'
import express, { type Request, type Response } from 'express'
import session from 'express-session'
import { AihubmixStrategy, OAuthError, oauthRouter, type Providers, TokenKeeper } from 'passport-dialects'
import { MemoryTokenStore } from '../review/memory-store'
import { everythingOf } from '../support/canaries/everything'

/** An app that logs as carelessly as apps do; what the test is to see of its errors goes there by another way than its output. */
export interface SecretsAppOptions {
  providers: Providers
  /** The same for a request with the header `x-hasty`: what never answers is not waited for. */
  hasty: Providers
  sessionSecret: string
  encryptionKey: string
}

const { providers, hasty, sessionSecret, encryptionKey }: SecretsAppOptions = JSON.parse(process.argv[2] ?? '{}')
const tokenStore = new MemoryTokenStore()

function tell(what: { dump?: string; origin?: string; mark?: string }): void {
  process.send?.(what)
}

/** As an app would log it, and everything else that can be read off it. */
function careless(error: unknown): void {
  console.error('failed', error)
  console.error('%o %j', error, error)
  tell({ dump: everythingOf(error) })
}

const app = express()
app.use(session({ secret: sessionSecret, resave: false, saveUninitialized: false }))
const router = oauthRouter({
  providers: (req) => (req.get('x-hasty') === undefined ? providers : hasty),
  tokenStore,
  encryptionKey,
  verify: ({ provider, profile, req }) => {
    if (req.get('x-verify') === 'throw') throw new Error('the database is down')
    return req.get('x-verify') === 'refuse' ? false : { provider, id: profile.id }
  },
  onError(error, req, res, next) {
    careless(error)
    if (req.get('x-pages') === undefined) res.status(error.status).json({ error })
    else next(error)
  },
  onLoggedOut: (login) => console.warn('logged out', login.provider),
})
app.use(router)
const { aihubmix } = providers
const strategy = aihubmix && new AihubmixStrategy({ ...aihubmix, callbackURL: '/callback' }, () => {})
const keeper = new TokenKeeper({ providers, tokenStore, encryptionKey })

app.get(
  '/tokens/:provider',
  work(async (req) => {
    const tokens = await req.oauth.tokens(String(req.params.provider))
    return { expiresAt: tokens?.expiresAt }
  }),
)
app.get(
  '/fetch/:provider',
  work(async (req) => {
    const answer = await req.oauth.fetch(String(req.params.provider), String(req.query.path))
    await answer.text()
    console.log(answer)
    return { status: answer.status }
  }),
)
app.get(
  '/profile/:provider',
  work(async (req) => ({ id: (await req.oauth.profile(String(req.params.provider))).id })),
)
app.get(
  '/revoke/:provider',
  work(async (req) => ({ revoked: await req.oauth.revoke(String(req.params.provider)) })),
)
app.get(
  '/objects',
  work(async (req) => {
    for (const object of [req.oauth, router, keeper, strategy]) {
      console.log(object)
      tell({ dump: everythingOf(object) })
    }
    return {}
  }),
)
app.get(
  '/naive',
  work(async (req) => {
    const tokens = await req.oauth.tokens('aihubmix')
    const headers = { authorization: `Bearer ${tokens?.accessToken}` }
    throw Object.assign(new Error('the API said no'), { config: { headers } })
  }),
)

// Behind everything that came before it, by each of the ways to the test.
app.get('/mark/:mark', (req, res) => {
  const { mark } = req.params
  console.log(mark)
  console.error(mark)
  tell({ mark })
  res.end()
})

function work(job: (req: Request) => Promise<object>) {
  return (req: Request, res: Response) => {
    job(req).then(
      (answer) => res.json(answer),
      (error) => {
        careless(error)
        res.status(OAuthError.is(error) ? error.status : 500).json({ error })
      },
    )
  }
}

const server = app.listen(0, '127.0.0.1', () => {
  tell({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }) // a TCP server's
})
