import type express from 'express'
import type { NextFunction, Request, RequestHandler, Response, Router } from 'express'
import { callbackParams } from './callback-params'
import { OAuthError } from './errors'
import type { Flow, Login } from './legs'
import { log, logFailure } from './log'
import { protect, sendFailure, sendPopupResult, sendRedirect, sendUnknownProvider } from './pages'
import { sessionRequest, userKeeper } from './restore-user'
import { safeReturnTo } from './return-to'
import { type Asked, addressReader } from './router-address'
import {
  buildEntries,
  type Entry,
  type OAuthRouterConfig,
  type Providers,
  readConfig,
  tenantError,
} from './router-config'
import { runStrategy } from './run-strategy'
import { adoptSession, hasSession } from './session'
import { guardSlot } from './session-guard'
import { defaultUser, loginsNow, signIn, signOut } from './sign-in'
import { setupCheck } from './startup-check'
import { TokenDesk } from './tokens/desk'
import { RequestOAuth } from './tokens/request-oauth'
import { replayOf } from './transactions'

/**
 * An Express router (4.18 and later, 5) that logs users in at any number of providers:
 * `GET /auth/:provider`, `GET /auth/:provider/callback`, `POST /auth/logout`, `GET /auth/session`.
 * Mount it after the session middleware and before the routes that read `req.user`.
 *
 * @throws OAuthError `config_invalid`, naming the option
 */
export function oauthRouter(config: OAuthRouterConfig): Router {
  const settings = readConfig(config)
  const { baseURL, mountPath, successRedirect, failureRedirect, sessionKey } = settings
  const desk = new TokenDesk({ ...settings.tokens, sessionKey })
  const { authenticator, restore, demandSerialisers } = userKeeper(config.passport)
  const entriesOf = entryLookUp(config.providers, settings)
  const checkFirst = setupCheck(settings)
  const readAddress = addressReader(mountPath)

  return routerWith((req, res, next) => {
    req.oauth = new RequestOAuth(req, desk, entriesOf)
    guardSlot(sessionRequest(req), sessionKey)
    const asked = readAddress(req)
    restore(req, res, asked ? (error?: unknown) => (error ? next(error) : answer(asked, req, res, next)) : next)
  })

  function answer({ page, provider }: Asked, req: Request, res: Response, next: NextFunction): void {
    req.params.provider = provider
    if (page === 'session') void showSession(req, res, next)
    else if (page === 'logout') void logOut(req, res, next)
    else void converse(page, provider, req, res, next)
  }

  /** One leg of a login. */
  async function converse(
    leg: Flow['leg'],
    name: string,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<void> {
    const flow: Flow = { leg, popup: leg === 'begin' && asksForPopup(req) }
    try {
      const entry = (await entriesOf(req)).get(name)
      if (!entry || (leg === 'entry' && !entry.strategy.takesUnsolicited)) {
        // At the root of the app every page of its own looks like a provider.
        return mountPath + req.baseUrl === '' ? next() : sendUnknownProvider(req, res, successRedirect)
      }
      // Express answers HEAD with GET's route; a link scanner's HEAD must not use up a code.
      if (req.method !== 'GET') return void res.status(405).set('Allow', 'GET').end()
      protect(res)
      if (leg === 'begin') checkFirst(req, entry.callbackURL)
      if (leg !== 'callback') {
        demandSerialisers(name)
        flow.returnTo = returnToOf(req)
      }
      flow.conclude = (login) => conclude(entry, login, req)
      // An unasked code never takes the place of a login that is there.
      const isLate = leg === 'entry' && req.user !== undefined && req.user !== null
      if (isLate) return res.redirect(303, flow.returnTo ?? successRedirect)
      const callbackURL = entry.callbackURL ?? `${baseURL ?? ''}${req.baseUrl}${mountPath}/${name}/callback`
      const outcome = await runStrategy(entry.strategy, sessionRequest(req), { flow, callbackURL })
      if (outcome.kind === 'redirect') sendRedirect(res, 302, outcome.location)
      else if (outcome.kind === 'success')
        arrive(req, res, name, outcome.user as Concluded) // conclude's own
      else if (outcome.kind === 'passed') next()
      else fail(outcome.info, name, req, res, next, flow.popup)
    } catch (error) {
      fail(error, name, req, res, next, flow.popup)
    }
  }

  /** The app's `verify`, then the session; resolves to where the browser goes next. */
  async function conclude(entry: Entry, login: Login, req: Request): Promise<Concluded> {
    const where = { provider: entry.name, phase: 'callback' as const }
    const user = await verified(login, req, where)
    if (!user) throw new OAuthError('verify_refused', where)
    await signIn(sessionRequest(req), { authenticator, key: sessionKey, where, desk }, login, user)
    const { returnTo, popup } = login.transaction
    return { goTo: safeReturnTo(returnTo) ?? successRedirect, popup: popup === true }
  }

  async function verified(login: Login, req: Request, where: { provider: string; phase: 'callback' }) {
    const { profile, tokens } = login
    if (!config.verify && profile) return defaultUser(profile)
    try {
      if (!config.verify || !profile) throw new Error('A login without a profile needs a `verify` of its own.')
      return await config.verify({ provider: where.provider, profile, tokens, req })
    } catch (cause) {
      throw OAuthError.is(cause) ? cause : new OAuthError('verify_failed', { ...where, cause })
    }
  }

  function arrive(req: Request, res: Response, provider: string, { goTo, popup }: Concluded): void {
    log.login('%s: logged in', provider)
    if (popup) sendPopupResult(req, res, { provider, ok: true })
    else sendRedirect(res, 303, goTo)
  }

  function fail(
    failure: unknown,
    provider: string,
    req: Request,
    res: Response,
    next: NextFunction,
    popup?: boolean,
  ): void {
    const error = OAuthError.is(failure) ? failure : unexpected(failure, provider)
    answerFailure(error, provider, req, res, next, popup === true).catch(next)
  }

  async function answerFailure(
    error: OAuthError,
    provider: string,
    req: Request,
    res: Response,
    next: NextFunction,
    popup: boolean,
  ) {
    const finished = await replayOf(error)?.finished
    if (finished?.ok) {
      const { sessionID, returnTo } = finished
      if (sessionID !== undefined && sessionID !== sessionRequest(req).sessionID)
        await adoptSession(sessionRequest(req), sessionID)
      const goTo = safeReturnTo(returnTo) ?? successRedirect
      return arrive(req, res, provider, { goTo, popup: finished.popup === true })
    }
    const shown = finished && OAuthError.is(finished.error) ? finished.error : error
    logFailure(shown, provider)
    if (res.headersSent) return next(shown)
    if (config.onError) return config.onError(shown, req, res, next)
    if (popup || finished?.popup) return sendPopupResult(req, res, { provider, ok: false, code: shown.code })
    if (failureRedirect === undefined) {
      const begin = `${req.baseUrl}${mountPath}/${encodeURIComponent(provider)}`
      const again = provider === AT_SESSION.provider ? undefined : begin
      return sendFailure(req, res, shown, { again, start: successRedirect })
    }
    res.redirect(303, withQuery(failureRedirect, { error: shown.code, provider }))
  }

  async function showSession(req: Request, res: Response, next: NextFunction): Promise<void> {
    protect(res)
    try {
      const user = req.user === undefined || req.user === null ? null : withoutTokens(req.user)
      const providers = user === null ? [] : await loginsNow(sessionRequest(req), sessionKey, desk)
      res.json({ user, providers })
    } catch (error) {
      fail(error, 'session', req, res, next)
    }
  }

  async function logOut(req: Request, res: Response, next: NextFunction): Promise<void> {
    protect(res)
    // A form on another site must not log anyone out; browsers that know the header say where it came from.
    if (req.get('sec-fetch-site') === 'cross-site') {
      res.status(403).json({ error: { code: 'cross_site', message: 'Log out from a page of this app.' } })
      return
    }
    const revoke = settings.revokeOnLogout ? (provider: string) => req.oauth.revoke(provider) : undefined
    try {
      if (hasSession(sessionRequest(req)))
        await signOut(sessionRequest(req), { key: sessionKey, where: AT_SESSION, desk }, revoke)
      if (req.accepts(['html', 'json']) === 'json') res.json({ user: null, providers: [] })
      else res.redirect(303, config.logoutRedirect ?? successRedirect)
    } catch (error) {
      fail(error, 'session', req, res, next)
    }
  }
}

/**
 * An Express router that does `work` before its layers, whose first one would cost every page of the app more than the
 * work itself: Express leaves a router one turn of the event loop after its last layer.
 */
function routerWith(work: RequestHandler): Router {
  const { Router } = require('express') as typeof express // what stands there: it takes longer than all the rest to load
  const router = Router()
  const layers: RequestHandler = Reflect.get(router, 'handle')
  const handle: RequestHandler = (req, res, next) => {
    work(req, res, (error) => {
      if (error || router.stack.length === 0) next(error)
      else layers.call(router, req, res, next)
    })
  }
  Reflect.set(router, 'handle', handle)
  return router
}

const AT_SESSION = { provider: 'session', phase: 'callback' } as const

/** What a finished callback hands through its strategy to the response, in the place of a user. */
interface Concluded {
  goTo: string
  /** The opener of this window is told; the browser goes nowhere. */
  popup: boolean
}

/** The strategies of a config: built once, or for each object that the app's function returns. */
function entryLookUp(
  providers: OAuthRouterConfig['providers'],
  shared: Parameters<typeof buildEntries>[1],
): (req: Request) => Promise<ReadonlyMap<string, Entry>> {
  if (typeof providers !== 'function') {
    const entries = Promise.resolve(buildEntries(providers, shared))
    return () => entries
  }
  const built = new WeakMap<Providers, ReadonlyMap<string, Entry>>()
  return async (req) => {
    try {
      const current = await providers(req)
      const entries = built.get(current) ?? buildEntries(current, shared)
      built.set(current, entries)
      return entries
    } catch (error) {
      throw tenantError(error)
    }
  }
}

function returnToOf(req: Request): string | undefined {
  const asked = callbackParams(sessionRequest(req)).getAll('returnTo')
  return asked.length === 1 ? safeReturnTo(asked[0]) : undefined
}

function asksForPopup(req: Request): boolean {
  return callbackParams(sessionRequest(req)).get('popup') === '1'
}

function withQuery(address: string, params: Record<string, string>): string {
  const [rest = '', hash] = address.split('#', 2)
  const query = new URLSearchParams(params).toString()
  return `${rest}${rest.includes('?') ? '&' : '?'}${query}${hash === undefined ? '' : `#${hash}`}`
}

/** The user as JSON, without what an app may have kept in it of tokens. */
function withoutTokens(user: object): unknown {
  return JSON.parse(JSON.stringify(user, (name, value) => (SECRET_NAME.test(name) ? undefined : value)))
}
const SECRET_NAME = /token|secret|password|^_raw$|^_json$/i

function unexpected(cause: unknown, provider: string): OAuthError {
  const message = 'The login failed for a reason that no code describes; see `cause`.'
  return new OAuthError('provider_error', { provider, phase: 'callback', status: 500, message, cause })
}
