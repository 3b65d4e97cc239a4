import type { Request } from 'express'
import {
  AihubmixStrategy,
  BbscloudStrategy,
  type DialectOptions,
  type DialectProfile,
  DialectStrategy,
  FeishuStrategy,
  type JsonObject,
  oauthRouter,
  TailchatStrategy,
  type TapdOptions,
  TapdStrategy,
  TiktokStrategy,
  type VerifyCallback,
  type VerifyFunction,
  type WithRequest,
} from 'passport-dialects'

// Compiled, never run: what a user writes without an annotation, and the types that it gets.

const options = { clientID: 'id', clientSecret: 'secret', callbackURL: '/cb', baseURL: 'https://site.example.com' }
const withRequest = { ...options, passReqToCallback: true } as const

new TapdStrategy(options, (accessToken, refreshToken, profile, done) => {
  same<typeof accessToken, string>(true)
  same<typeof refreshToken, string | undefined>(true)
  same<typeof profile, DialectProfile>(true)
  same<typeof done, VerifyCallback>(true)
  // @ts-expect-error: a slip
  profile.displayname
})
new TapdStrategy(options, async (accessToken, refreshToken, params, profile, done) => {
  same<typeof accessToken, string>(true)
  same<typeof refreshToken, string | undefined>(true)
  same<typeof params, JsonObject>(true)
  same<typeof profile, DialectProfile>(true)
  same<typeof done, VerifyCallback>(true)
})
new TapdStrategy({ ...options, passReqToCallback: true }, (req, accessToken, refreshToken, profile, done) => {
  same<typeof req, Request>(true)
  same<typeof accessToken, string>(true)
  same<typeof refreshToken, string | undefined>(true)
  same<typeof profile, DialectProfile>(true)
  same<typeof done, VerifyCallback>(true)
})
new TapdStrategy(withRequest, async (req, accessToken, refreshToken, params, profile, done) => {
  same<typeof req, Request>(true)
  same<typeof accessToken, string>(true)
  same<typeof refreshToken, string | undefined>(true)
  same<typeof params, JsonObject>(true)
  same<typeof profile, DialectProfile>(true)
  same<typeof done, VerifyCallback>(true)
})

// Every strategy alike.
new TailchatStrategy(options, (_access, _refresh, profile, done) => done(null, profile.id))
new BbscloudStrategy(options, (_access, _refresh, profile, done) => done(null, profile.id))
new TiktokStrategy(options, (_access, _refresh, profile, done) => done(null, profile.id))
new AihubmixStrategy(options, (_access, _refresh, profile, done) => done(null, profile.id))
new FeishuStrategy(options, (_access, _refresh, profile, done) => done(null, profile.id))
new TailchatStrategy(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))
new BbscloudStrategy(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))
new TiktokStrategy(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))
new AihubmixStrategy(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))
new FeishuStrategy(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))

// A subclass of a user, with one constructor and with the overload.
class Plain extends DialectStrategy {
  constructor(options: DialectOptions, verify: VerifyFunction) {
    super('plain', options, verify, { endpoints: ENDPOINTS, scope: [] })
  }
  protected profileFields(user: JsonObject) {
    return { id: user.id }
  }
}
class Overloaded extends Plain {
  constructor(...withRequest: WithRequest<DialectOptions>)
  constructor(options: DialectOptions, verify: VerifyFunction)
  constructor(options: DialectOptions, verify: VerifyFunction) {
    super(options, verify)
  }
}
new Plain(options, (_access, refreshToken, profile, done) => {
  same<typeof refreshToken, string | undefined>(true)
  done(null, profile.displayName)
})
new Plain(options, (_access, _refresh, params, profile, done) => done(null, [params.scope, profile.displayName]))
new Plain(
  withRequest,
  (req: Request, _access: string, _refresh: string, profile: DialectProfile, done: VerifyCallback) =>
    done(null, [req.ip, profile.displayName]),
)
new Plain(withRequest, (req, _access, _refresh, params, profile, done) => done(null, [req.ip, params, profile.id]))
new Overloaded(withRequest, (req, _access, _refresh, profile, done) => done(null, [req.ip, profile.id]))
new Overloaded(options, (_access, _refresh, profile, done) => done(null, profile.id))

// What compiled before it was typed: annotations that ask for less, of passport-oauth2 or of nobody; any function.
new TapdStrategy(options, (_access: string, _refresh: string, _profile: { id: string }, done: Done) => done(null, {}))
new TapdStrategy(options, () => {})
new TapdStrategy(options, (...args) => args.length)
declare const anything: (...args: unknown[]) => void
declare const verify: VerifyFunction
declare const someOptions: TapdOptions
new TapdStrategy(someOptions, verify)
new TapdStrategy(someOptions, anything)
new TapdStrategy(withRequest, verify)
class Cloud extends TapdStrategy {
  constructor(options: TapdOptions, verify: VerifyFunction) {
    super({ ...options, site: 'cloud' }, verify)
  }
}
new Cloud(options, (_access, _refresh, profile, done) => done(null, profile.id))

// @ts-expect-error: nothing of the sort comes first
new TapdStrategy(options, (_accessToken: number) => {})
// @ts-expect-error: no such option
new TapdStrategy({ ...options, siet: 'cloud' as const, site: 'clod' }, anything)

// @ts-expect-error: no callback address, which the router alone can do without
new TapdStrategy({ clientID: 'id', clientSecret: 'secret' }, anything)
// @ts-expect-error: under passReqToCallback too
new TapdStrategy({ clientID: 'id', clientSecret: 'secret', passReqToCallback: true }, anything)

// The router's.
oauthRouter({
  providers: {},
  verify: async ({ profile, req }) => (req.user ? false : { id: profile.id }),
  onLoggedOut: ({ provider, req }) => {
    same<typeof provider, string>(true)
    same<typeof req, Request | undefined>(true)
  },
})
oauthRouter({ providers: {}, verify: ({ profile }) => (profile.emails ? profile : null) })
oauthRouter({ providers: {}, verify: async () => undefined })

type Done = (error: unknown, user?: object | false) => void
declare const ENDPOINTS: { authorizationURL: string; tokenURL: string; userProfileURL: string }

/** Whether two types are one and the same; `any` is the same as nothing else. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function same<A, B>(yes: Same<A, B>): void
