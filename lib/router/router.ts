import type { NextFunction, Request, Response, Router } from 'express'
import { OAuthError, type Phase, unexpectedError } from '../errors'
import { sendPostingPage } from '../form-post/page'
import { log, logFailure } from '../log'
import type { Login } from '../login/conversation'
import { noteDelivered } from '../login/repeats'
import type { AlreadyFinished, FailedLogin } from '../login/state'
import { printable } from '../redact'
import type { Entry } from '../registry'
import { noteContent } from '../session/content'
import { whoIs } from '../session/identity'
import { guardSession } from '../session/late-saves'
import { sessionRequest } from '../session/request'
import { SessionSlot } from '../session/session'
import type { AuthenticateOptions, RouterLogin } from '../strategy'
import { SessionTokens } from '../tokens/session-tokens'
import { type OAuthRouterConfig, readConfig } from './config'
import { entryLookUp } from './entries'
import { routerWith } from './fast-path'
import { isFromElsewhere, isFromOwnOrigin, isNavigation, isSpeculative } from './fetch-metadata'
import { logIn } from './log-in'
import { ownRoutes } from './own-routes'
import {
  protect,
  sendConfirmation,
  sendCrossSite,
  sendFailure,
  sendFailureToScript,
  sendNoNavigation,
  sendPopupResult,
  sendRedirect,
  sendUnknownProvider,
} from './pages'
import { isLoggedIn, userKeeper } from './passport-user'
import { paramOf, withQuery } from './query'
import { RequestOAuth } from './request-oauth'
import { returnToReader, safeReturnTo } from './return-to'
import { type Asked, addressReader, methodsAt } from './routes'
import { callbackLock, runStrategy } from './run-strategy'
import { setupCheck } from './setup-warnings'
import { verified } from './verify'

/**
 * An Express router (4.18 and later, 5) that logs users in at any number of providers. Its routes are
 * `GET /auth/:provider`, `GET /auth/:provider/callback` (POST, if the provider posts its callback), `POST /auth/logout`,
 * `GET /auth/session`, and `POST /auth/:provider/entry` for providers where a page may begin a login.
 * Mount it after the session middleware and before the routes that read `req.user`.
 *
 * @throws OAuthError `config_invalid`, naming the option
 *
 * @example
 * ```ts
 * app.use(session({ secret, resave: false, saveUninitialized: false }))
 * app.use(
 *   oauthRouter({
 *     baseURL: 'https://app.example.com',
 *     providers: { tiktok: { clientID, clientSecret } },
 *     failureRedirect: '/login',
 *   }),
 * )
 * app.get('/', (req, res) => res.send(req.user ? 'logged in' : '<a href="/auth/tiktok">Log in</a>'))
 * ```
 */
export function oauthRouter(config: OAuthRouterConfig): Router {
  const settings = readConfig(config)
  const { baseURL, mountPath, successRedirect, failureRedirect, sessionKey } = settings
  const tokens = new SessionTokens({ ...settings.tokens, sessionKey })
  const keeper = userKeeper(config.passport, config.verify !== undefined)
  const loginSettings = { authenticator: keeper.authenticator, sessionKey, tokens, linking: settings.linking }
  const entriesOf = entryLookUp(config.providers, settings)
  const checkFirst = setupCheck({ ...settings, passport: config.passport !== undefined })
  const readAddress = addressReader(mountPath)
  const returnToOf = returnToReader(readAddress, entriesOf)
  const lock = callbackLock(settings.tokens.store)
  const own = ownRoutes(settings, loginSettings, (error, req, res, next) => fail(error, undefined, req, res, next))

  return routerWith((req, res, next) => {
    guardSession(sessionRequest(req), sessionKey)
    const asked = readAddress(req)
    const earlier: RequestOAuth | undefined = req.oauth // another router of the same app
    req.oauth = new RequestOAuth(req, tokens, entriesOf, earlier)
    keeper.restore(req, res, (error?: unknown) => {
      // A user who cannot be loaded can still log out.
      if (error && asked?.page !== 'logout') next(error)
      else if (asked) respond(asked, req, res, next)
      else next()
    })
  })

  function respond({ page, provider }: Asked, req: Request, res: Response, next: NextFunction): void {
    req.params.provider = provider
    if (page === 'callback' || page === 'entry') noteContent(sessionRequest(req))
    if (page === 'session') void own.showSession(req, res, next)
    else if (page === 'logout') void own.logOut(req, res, next)
    else if (page === 'in-page') void beginInPage(provider, req, res, next)
    else void converse(page, provider, req, res, next)
  }

  /** Handles one request of a login. */
  async function converse(
    leg: RouterLogin['leg'],
    name: string,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<void> {
    const popup = leg === 'begin' && paramOf(req, 'popup') === '1'
    let again = true
    try {
      const entry = await entryAt(leg, name, req, res, next)
      if (!entry) return
      again = entry.strategy.startsAlone
      protect(res)
      // The browser then requests it again when the user really goes there.
      if (isSpeculative(req)) return void res.status(503).end()
      if (leg === 'begin' && !startIsAllowed(name, req, res)) return
      if (leg === 'entry' && !isNavigation(req, { anyFrame: true })) return sendNoNavigation(res)
      if (leg === 'begin') checkFirst(req, entry.callbackURL, entry.strategy.takesPost)
      if (leg !== 'callback') keeper.demandSerialisers(name)
      const login: RouterLogin = { leg, popup }
      if (lock) login.lock = (state) => lock(state, entry.strategy.patience)
      if (leg === 'begin' && isFromElsewhere(req, baseURL)) login.fromElsewhere = true
      if (leg !== 'callback') login.returnTo = await returnToOf(req)
      if (leg === 'entry' && whoIs(sessionRequest(req)) !== undefined)
        return res.redirect(303, login.returnTo ?? successRedirect)
      await act(entry, { callbackURL: callbackOf(entry, req), login }, req, res, next)
    } catch (error) {
      fail(error, name, req, res, next, { popup, again, phase: leg === 'begin' ? 'authorize' : 'callback' })
    }
  }

  /** A page of this app begins a login: it gets the state, and later sends it to the callback with the code. */
  async function beginInPage(name: string, req: Request, res: Response, next: NextFunction): Promise<void> {
    try {
      const entry = await entryAt('in-page', name, req, res, next)
      if (!entry) return
      protect(res)
      if (!isFromOwnOrigin(req, baseURL)) return sendCrossSite(res, 'A page of this app begins this login.')
      checkFirst(req, entry.callbackURL, false)
      keeper.demandSerialisers(name)
      const returnTo = await returnToOf(req)
      const popup = paramOf(req, 'popup') === '1'
      const request = { req: sessionRequest(req), callbackURL: callbackOf(entry, req), returnTo, popup }
      res.json(await entry.strategy.beginInPage(request))
    } catch (error) {
      fail(error, name, req, res, next, { script: true, phase: 'authorize' })
    }
  }

  /**
   * The provider, if its route accepts this request; otherwise the response is sent, or the app's own routes continue.
   */
  async function entryAt(
    page: Parameters<typeof methodsAt>[0],
    name: string,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<Entry | undefined> {
    const entry = (await entriesOf(req)).get(name)
    const methods = entry ? methodsAt(page, entry.strategy) : []
    if (methods.includes(req.method)) return entry
    if (methods.length > 0) res.status(405).set('Allow', methods.join(', ')).end()
    // At the root, every page of the app looks like a provider.
    else if (mountPath + req.baseUrl === '') next()
    else sendUnknownProvider(req, res, successRedirect)
    return undefined
  }

  function callbackOf({ name, callbackURL }: Entry, req: Request): string {
    const own = callbackURL ?? `${req.baseUrl}${mountPath}/${name}/callback`
    return own.startsWith('/') ? `${baseURL ?? ''}${own}` : own
  }

  /**
   * Whether a login may start; if not, the response is sent. Another site may send a user here, but must not link an
   * account.
   */
  function startIsAllowed(name: string, req: Request, res: Response): boolean {
    if (!isNavigation(req)) {
      sendNoNavigation(res)
      return false
    }
    if (whoIs(sessionRequest(req)) === undefined || !isFromElsewhere(req, baseURL)) return true
    sendConfirmation(req, res, { provider: name, action: req.originalUrl, start: successRedirect })
    return false
  }

  /** Acts on the result of one request of a login. */
  async function act(
    entry: Entry,
    options: AuthenticateOptions,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<void> {
    const { name, strategy } = entry
    const again = strategy.startsAlone
    const result = await runStrategy(strategy, sessionRequest(req), options)
    if (result.kind === 'redirect') sendRedirect(res, 302, result.location)
    else if (result.kind === 'page') sendPostingPage(res, result)
    else if (result.kind === 'passed') next()
    else if (result.kind === 'refused') fail(result.info, name, req, res, next, { popup: options.login?.popup })
    else if (result.kind === 'failed') fail(result.error, name, req, res, next, { ...result.transaction, again })
    else if (result.kind === 'already finished') await repeat(name, result, req, res, next)
    else await completeLogin(entry, result, options, req, res, next)
  }

  /** Calls the app's `verify`, then stores the login. */
  async function completeLogin(
    { name, strategy }: Entry,
    login: Login,
    options: AuthenticateOptions,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<void> {
    const context = { provider: name, phase: 'callback' as const }
    const { state, returnTo, popup } = login.transaction
    const unsolicited = options.login?.leg === 'entry'
    let failed: FailedLogin | undefined
    try {
      const user = await verified(config.verify, login, req, context)
      if (!user) throw new OAuthError('verify_refused', context)
      await logIn(sessionRequest(req), loginSettings, context, login, user, { unsolicited })
    } catch (error) {
      failed = await strategy.refuse(sessionRequest(req), login, error)
    } finally {
      await login.unlock()
    }
    if (failed) return fail(failed.error, name, req, res, next, { popup, again: strategy.startsAlone })
    res.once('finish', () => noteDelivered(state))
    redirectAfterLogin(req, res, name, returnTo, popup === true)
  }

  /** A repeated callback: reports success to the browser that has the login, or gives it the login. */
  async function repeat(
    provider: string,
    { state, ok, session, returnTo, popup, error }: AlreadyFinished,
    req: Request,
    res: Response,
    next: NextFunction,
  ): Promise<void> {
    if (!ok) return fail(error, provider, req, res, next, { popup })
    const context = { provider, phase: 'callback' as const }
    const usedUp = () => fail(new OAuthError('state_used', context), provider, req, res, next, { popup })
    const slot = new SessionSlot(sessionRequest(req), sessionKey, context)
    if (session && 'content' in session) slot.adoptContent(session.content)
    if (session && 'id' in session && !(await slot.adopt(session.id))) return usedUp()
    // A popup reports success to its opener only if this browser itself is logged in at that provider.
    const isHere = session !== undefined || (isLoggedIn(req) && slot.own?.logins.includes(provider))
    if (popup && !isHere) return usedUp()
    res.once('finish', () => noteDelivered(state))
    redirectAfterLogin(req, res, provider, returnTo, popup === true)
  }

  function redirectAfterLogin(
    req: Request,
    res: Response,
    provider: string,
    returnTo: string | undefined,
    popup: boolean,
  ): void {
    log.login('%s: logged in', provider)
    if (popup) sendPopupResult(req, res, { provider, ok: true })
    else sendRedirect(res, 303, safeReturnTo(returnTo) ?? successRedirect)
  }

  function fail(
    failure: unknown,
    provider: string | undefined,
    req: Request,
    res: Response,
    next: NextFunction,
    {
      popup,
      script,
      again = true,
      phase = 'callback',
    }: { popup?: boolean | undefined; script?: boolean; again?: boolean; phase?: Phase } = {},
  ): void {
    const error = OAuthError.is(failure) ? failure : unexpectedError(failure, provider, phase)
    logFailure(error, printable(provider ?? 'session')) // it may be a name that somebody put into the address
    try {
      if (res.headersSent) next(error)
      else if (config.onError) Promise.resolve(config.onError(error, req, res, next)).catch(next)
      else if (script) sendFailureToScript(res, error)
      else if (popup && provider !== undefined) sendPopupResult(req, res, { provider, ok: false, code: error.code })
      else if (failureRedirect !== undefined) {
        res.redirect(303, withQuery(failureRedirect, { error: error.code, provider: provider ?? 'session' }))
      } else {
        const login = again && provider ? `${req.baseUrl}${mountPath}/${encodeURIComponent(provider)}` : undefined
        sendFailure(req, res, error, { again: login, start: successRedirect })
      }
    } catch (problem) {
      next(problem)
    }
  }
}
