import type { RequestListener } from 'node:http'
import type session from 'express-session'

/** What an app's process is given. */
export interface Setup {
  /** The app's own address. */
  origin: string
  provider: string
  /** The store for those who use express-session; its calls are counted. */
  store: session.Store
}

/** What each file in `apps/` exports: the app of one contestant, as its documentation recommends. */
export type StartApp = (setup: Setup) => Promise<RequestListener> | RequestListener

/** The names, in the order of the table; each is a file in `apps/`. */
export const CONTESTANTS = [
  'floor',
  'hand',
  'router',
  'strategy',
  'router-before',
  'strategy-before',
  'passport-oauth2',
  'grant',
  'openid-client',
  'fastify-oauth2',
  'auth-express',
  'better-auth',
] as const
export type Contestant = (typeof CONTESTANTS)[number]

export const CLIENT = { id: 'bench-client', secret: 'the-secret' }

/** Endpoints of the plain dialect that all speak: form token request, JSON answers, Bearer header. */
export function endpointsOf(provider: string) {
  return {
    authorize: `${provider}/api/oauth2/authorize`,
    token: `${provider}/api/oauth2/token`,
    user: `${provider}/api/oauth2/userinfo`,
  }
}

export const SESSION = { secret: 'a session secret of the benchmark', resave: false, saveUninitialized: false }
