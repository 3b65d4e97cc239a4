import { hash } from 'node:crypto'
import { cookiesOf, type SessionRequest, type StoredSession } from '../session/request'
import { TtlMap } from '../util/ttl-map'

/** What became of a callback, for its repeat. */
export interface Outcome {
  ok: boolean
  returnTo?: string | undefined
  popup?: boolean | undefined
  /** Where the login is: the id of the session, or the content of one that lives in its cookie. */
  session?: { id: string } | { content: StoredSession } | undefined
  error?: unknown
}

/** The callback of one state that is at work, or was a moment ago, in this process. */
export interface Claim {
  /** Who sent it, and with what: the same browser's second click brings the same credential. */
  readonly browser: string
  readonly credential: string | undefined
  readonly outcome: Promise<Outcome>
  /** The browser has the response; whoever comes after that is judged by its own session. */
  delivered: boolean
  /** The first one is still at work. */
  atWork: boolean
}

/**
 * Claims a state for one request. A second one with the same state waits for the first and asks the provider nothing.
 * @returns the claim that is there already, where there is one
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

/** The claim of a state, without making one. */
export function claimOf(state: string): Claim | undefined {
  return claims.get(state)
}

/** Lets the repeats of a callback go on. */
export function settleClaim(state: string, outcome: Outcome): void {
  const claim = claims.get(state)
  if (!claim) return
  claim.atWork = false
  claim.settle(outcome)
  claims.set(state, claim) // from now on it is remembered
}

/** The response to the first callback has reached its browser. */
export function noteDelivered(state: string): void {
  const claim = claims.get(state)
  if (claim) claim.delivered = true
}

/**
 * What a repeat may have of the first one's outcome. `login`: it is the same browser's second click, whose first response
 * never reached it. `path`: it looks like one, but comes late, and may be sent by whoever read the address somewhere: it
 * is led to where the login goes, as whoever it is. `nothing`: anybody else, with another code or other cookies.
 */
export function shareOf(
  claim: Claim,
  req: SessionRequest,
  credential: string | undefined,
): 'login' | 'path' | 'nothing' {
  if (claim.credential !== credential || claim.browser !== browserOf(req)) return 'nothing'
  // Without a cookie nothing tells the browser's second click from somebody who has seen the address.
  if (cookiesOf(req) === undefined) return claim.atWork ? 'path' : 'nothing'
  return claim.delivered ? 'path' : 'login'
}

/** Whether a request comes from the browser that sent the first one, with whatever code. */
export function isOfItsBrowser(claim: Claim, req: SessionRequest): boolean {
  return cookiesOf(req) !== undefined && claim.browser === browserOf(req)
}

/** By whatever a second click of one browser has in common, and somebody elsewhere with a planted cookie rather has not. */
function browserOf(req: SessionRequest): string {
  const { headers, socket } = req
  const traits = ['user-agent', 'accept-language', 'sec-ch-ua', 'x-forwarded-for', 'forwarded'].map(
    (name) => headers?.[name],
  )
  return hash('sha256', JSON.stringify([cookiesOf(req), socket?.remoteAddress, traits]), 'base64url')
}

const REMEMBERED_MS = 30_000
const claims = new TtlMap<Claim & { settle: (outcome: Outcome) => void }>(REMEMBERED_MS, ({ atWork }) => atWork)
