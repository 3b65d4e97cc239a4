import { hash } from 'node:crypto'
import { cookiesOf, type SessionRequest, type StoredSession } from '../session/request'
import { TtlMap } from '../util/ttl-map'

/** The outcome of a callback, for its repeats. */
export interface Outcome {
  ok: boolean
  returnTo?: string | undefined
  popup?: boolean | undefined
  /** Where the login is stored: a session id, or the content of a session that lives in its cookie. */
  session?: { id: string } | { content: StoredSession } | undefined
  error?: unknown
}

/** A callback that this process is handling, or handled a moment ago. */
export interface Claim {
  /** Identifies the browser: a second click comes from the same one, with the same credential. */
  readonly browser: string
  readonly credential: string | undefined
  readonly outcome: Promise<Outcome>
  /** The browser has received the response; later repeats are judged by their own session. */
  delivered: boolean
  /** The first callback is still being handled. */
  atWork: boolean
}

/**
 * Claims a state for one request. A second request with the same state waits for the first, and does not call the
 * provider.
 * @returns the existing claim, if there is one
 */
export function claimState(state: string, req: SessionRequest, credential: string | undefined): Claim | undefined {
  const known = claims.get(state)
  if (known) return known
  const browser = browserOf(req)
  let settle: (outcome: Outcome) => void = () => {}
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve
  })
  claims.set(state, { browser, credential, outcome, settle, delivered: false, atWork: true })
  return undefined
}

/** The existing claim of a state, if any. */
export function claimOf(state: string): Claim | undefined {
  return claims.get(state)
}

/** Gives the outcome to the waiting repeats. */
export function settleClaim(state: string, outcome: Outcome): void {
  const claim = claims.get(state)
  if (!claim) return
  claim.atWork = false
  claim.settle(outcome)
  claims.set(state, claim) // the time to remember it starts now
}

/** The response to the first callback has reached its browser. */
export function noteDelivered(state: string): void {
  const claim = claims.get(state)
  if (claim) claim.delivered = true
}

/**
 * What a repeat gets of the first callback's outcome. `login`: the second click of the same browser, which never
 * received the first response; it gets the login. `path`: it looks like that but comes late, so it may come from
 * somebody who read the address; it is only redirected. `nothing`: another code or other cookies.
 */
export function shareOf(
  claim: Claim,
  req: SessionRequest,
  credential: string | undefined,
): 'login' | 'path' | 'nothing' {
  if (claim.credential !== credential || claim.browser !== browserOf(req)) return 'nothing'
  // Without a cookie, the browser's second click looks the same as a request of somebody who has seen the address.
  if (cookiesOf(req) === undefined) return claim.atWork ? 'path' : 'nothing'
  return claim.delivered ? 'path' : 'login'
}

/** Whether a request comes from the browser that sent the first callback, with any code. */
export function isOfItsBrowser(claim: Claim, req: SessionRequest): boolean {
  return cookiesOf(req) !== undefined && claim.browser === browserOf(req)
}

/** Identifies a browser by traits that somebody elsewhere with a planted cookie is unlikely to share. */
function browserOf(req: SessionRequest): string {
  const { headers, socket } = req
  const traits = ['user-agent', 'accept-language', 'sec-ch-ua', 'x-forwarded-for', 'forwarded'].map(
    (name) => headers?.[name],
  )
  return hash('sha256', JSON.stringify([cookiesOf(req), socket?.remoteAddress, traits]), 'base64url')
}

const REMEMBERED_MS = 30_000
const claims = new TtlMap<Claim & { settle: (outcome: Outcome) => void }>(REMEMBERED_MS, ({ atWork }) => atWork)
