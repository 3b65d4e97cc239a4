import { hash } from 'node:crypto'
import type { ErrorCode } from '../error-codes'
import { type ErrorContext, OAuthError } from '../errors'
import type { CustomStateStore } from '../options'
import type { Endpoints } from '../provider/definition'
import { whoIs } from '../session/identity'
import { cookiesOf, hasSession, noSession, type SessionRequest } from '../session/request'
import { SessionSlot } from '../session/session'
import type { Transaction } from '../session/slot'
import { randomState } from '../util/random'
import { ClientKey } from './client-key'
import { type StateMeta, storeState, verifyState } from './custom-store'
import { type Claim, claimOf, claimState, isOfItsBrowser, type Outcome, settleClaim, shareOf } from './repeats'
import { addPending, endTransaction, findState, isSameCredential, isThereBy, mayFinish } from './transactions'

/** What a dialect reads from a callback. */
export interface CallbackReading {
  state: string | undefined
  /** The code, or what the provider uses instead of it. */
  credential: string | undefined
}

/** A login that begins, as far as its state is concerned. */
export interface BeginningLogin {
  callbackURL: string
  /** The redirect URI for a state: a dialect may put the state into it. */
  redirectURI(state: string): string
  verifier: string | undefined
  /** What the start named: the host, for a dialect with `host`. */
  about: Transaction['about']
  appState: unknown
  returnTo: string | undefined
  popup: boolean | undefined
  /** A page of another site sent the browser here. */
  fromElsewhere: boolean | undefined
  byRouter: boolean | undefined
}

/** What {@link LoginState.recall} needs to know of the request, besides its parameters. */
type Sent = Pick<BeginningLogin, 'callbackURL' | 'redirectURI' | 'byRouter'>

/** The outcome of an earlier callback with the same state. */
export interface AlreadyFinished extends Outcome {
  kind: 'already finished'
  state: string
}

/** A login that failed after its state was known. */
export interface FailedLogin {
  kind: 'failed'
  transaction: Transaction
  error: unknown
}

interface LoginStateOptions {
  /** The key of the session. */
  key: string
  /** Milliseconds that a login may take. */
  lifetime: number
  pkce: boolean
  /** Whether an id_token must bring back a nonce. */
  nonce: boolean
  /** The app's own store, used instead of the session. */
  store: CustomStateStore | undefined
  /** The client, and the endpoints that its code and tokens go to. */
  client: { clientID: string; clientSecret: string; endpoints: Endpoints; fingerprint: string }
}

/** Remembers a login between its two requests: in the session, or in the app's own state store. */
export class LoginState {
  readonly #options: LoginStateOptions
  readonly #key: ClientKey

  constructor(options: LoginStateOptions) {
    this.#options = options
    this.#key = new ClientKey(options.client)
  }

  get needsSession(): boolean {
    return this.#options.store === undefined
  }

  nonceOf(state: string): string | undefined {
    return this.#options.nonce ? this.#key.nonceOf(state) : undefined
  }

  /**
   * Stores a new login; resolves to its state.
   * @throws OAuthError `session_missing`, `store_failed`, `config_invalid`
   */
  async remember(req: SessionRequest, context: ErrorContext, login: BeginningLogin): Promise<string> {
    const { store } = this.#options
    const { verifier, about, appState, returnTo, popup, byRouter } = login
    const told = { verifier, appState, meta: this.meta(login.callbackURL) }
    const state = store ? await storeState(store, req, told, { context, byRouter }) : randomState()
    // The session binds a login of the router to its user, beside the app's own store.
    if (store && !(byRouter && hasSession(req))) return state
    const redirectURI = login.redirectURI(state)
    const begun: Transaction = { state, provider: context.provider, client: '', begunAt: Date.now(), redirectURI }
    if (verifier !== undefined && !store) begun.verifier = verifier
    if (about) begun.about = about
    begun.client = this.#key.macOf(begun)
    if (returnTo !== undefined) begun.returnTo = returnTo
    if (popup) begun.popup = popup
    if (login.fromElsewhere) begun.fromElsewhere = true
    if (appState !== undefined && !store) begun.appState = appState
    await this.slotOf(req, context).updateOrBegin((slot) => {
      // Read now: the session may have become another one while `prepare` called the provider.
      const begunBy = whoIs(req)
      addPending(slot, begunBy === undefined ? begun : { ...begun, begunBy })
    })
    return state
  }

  /**
   * The login of a callback's state, claimed for this request: no other gets it. Then call {@link settle}, or renew the
   * session and call {@link settleClaim}.
   *
   * @returns a failure if it was this browser's, but is used, too old or another user's: a popup then tells its opener
   * @throws OAuthError `session_missing`, `state_missing`, `state_unknown`, `state_mismatch`
   */
  async recall(
    req: SessionRequest,
    context: ErrorContext,
    reading: CallbackReading,
    sent: () => Sent,
  ): Promise<Transaction | AlreadyFinished | FailedLogin> {
    const { state } = reading
    if (state === undefined) throw new OAuthError('state_missing', context)
    const nonce = this.nonceOf(state)
    const { pkce, store } = this.#options
    if (store) return withNonce(await this.recallFromStore(store, req, context, state, sent()), nonce)
    const recalled = await this.recallFromSession(req, context, state, reading.credential)
    if ('kind' in recalled) return recalled
    if (!pkce || recalled.verifier !== undefined) return withNonce(recalled, nonce)
    const error = new OAuthError('state_mismatch', context) // RFC 9700 §4.8.2: no downgrade
    await this.settle(req, context, recalled, reading.credential, { ok: false, error })
    return { kind: 'failed', transaction: recalled, error }
  }

  /** The login of an unsolicited code; only the code identifies it. */
  async unsolicited(
    req: SessionRequest,
    context: ErrorContext,
    code: string,
    redirectURI: string,
  ): Promise<Transaction | AlreadyFinished> {
    const state = `${UNSOLICITED}${hash('sha256', code, 'base64url')}`
    const claim = claimState(state, req, code)
    if (claim) return this.repeatOf(claim, req, context, state, code)
    return {
      state,
      provider: context.provider,
      client: this.#options.client.fingerprint,
      begunAt: Date.now(),
      redirectURI,
    }
  }

  /** Ends a login, and releases the repeats of its callback. If it succeeded, the app saves the session. */
  async settle(
    req: SessionRequest,
    context: ErrorContext,
    transaction: Transaction,
    credential: string | undefined,
    outcome: Outcome,
  ): Promise<void> {
    const slot = this.slotOf(req, context)
    try {
      if (!slot.exists) return
      if (this.#options.store && !(slot.own && findState(slot.own, transaction.state).pending)) return
      if (outcome.ok) {
        await slot.keep((kept) => endTransaction(kept, transaction, true, credential))
        slot.carryPending()
      } else await slot.update((kept) => endTransaction(kept, transaction, false, credential))
    } finally {
      settleClaim(transaction.state, outcome)
    }
  }

  /** Checks that no other process has finished a login meanwhile. @throws OAuthError `state_used` */
  async demandPending(req: SessionRequest, context: ErrorContext, { state }: Transaction): Promise<void> {
    if (this.#options.store || state.startsWith(UNSOLICITED)) return
    const slot = await this.slotOf(req, context).newest({ newest: true })
    if (!slot || !findState(slot, state).pending) throw new OAuthError('state_used', context)
  }

  private async recallFromSession(
    req: SessionRequest,
    context: ErrorContext,
    state: string,
    credential: string | undefined,
  ): Promise<Transaction | AlreadyFinished | FailedLogin> {
    const { fingerprint } = this.#options.client
    const session = this.slotOf(req, context)
    if (!session.exists) throw noSession(context)
    const slot = await session.newest()
    const { pending, used } = slot ? findState(slot, state) : { pending: undefined, used: undefined }
    const claim = claimOf(state)
    if (!used && !pending) {
      // The first of two clicks has finished and replaced the session before the second could read it.
      if (claim && shareOf(claim, req, credential) !== 'nothing')
        return this.repeatOf(claim, req, context, state, credential)
      if (claim && isOfItsBrowser(claim, req)) return usedUp(state, context, (await claim.outcome).popup)
      const cookieless = slot === undefined && cookiesOf(req) === undefined
      throw new OAuthError(cookieless ? 'session_missing' : 'state_unknown', context)
    }
    const succeeded = ({ returnTo, popup }: Pick<Outcome, 'returnTo' | 'popup'>): AlreadyFinished => {
      return { kind: 'already finished', state, ok: true, returnTo, popup }
    }
    const isOurs = used
      ? used.provider === context.provider && used.client === fingerprint
      : pending?.provider === context.provider && pending.client === this.#key.macOf(pending)
    if (!isOurs) throw new OAuthError('state_mismatch', context)
    if (used || !pending) {
      // Only a repeat of the very callback that succeeded, in the session that is logged in, is a success.
      const isRepeat = used?.ok === true && !slot?.left && isSameCredential(used, credential)
      if (!isRepeat) return usedUp(state, context, used?.popup)
      return succeeded(used)
    }
    if (claim) return this.repeatOf(claim, req, context, state, credential, pending.popup)
    const failed = (code: ErrorCode): FailedLogin => {
      return { kind: 'failed', transaction: pending, error: new OAuthError(code, context) }
    }
    if (!mayFinish(pending, whoIs(req))) return isThereBy(slot, pending) ? succeeded(pending) : failed('state_mismatch')
    if (Date.now() - pending.begunAt > this.#options.lifetime) return failed('state_expired')
    claimState(state, req, credential)
    return { ...pending, client: fingerprint }
  }

  private async recallFromStore(
    store: CustomStateStore,
    req: SessionRequest,
    context: ErrorContext,
    state: string,
    { callbackURL, redirectURI, byRouter }: Sent,
  ): Promise<Transaction | FailedLogin> {
    const { pkce, client } = this.#options
    const known = await verifyState(store, req, state, this.meta(callbackURL), { context, byRouter })
    if (!known.ok || (pkce && known.verifier === undefined)) throw new OAuthError('state_unknown', context)
    const slot = byRouter ? await this.slotOf(req, context).newest() : undefined
    const begun = slot && findState(slot, state).pending
    const pending = begun && begun.client === this.#key.macOf(begun) ? begun : undefined
    const ours = { state, provider: context.provider, client: client.fingerprint, redirectURI: redirectURI(state) }
    const transaction: Transaction = { begunAt: Date.now(), ...pending, ...ours }
    const { verifier, appState } = known
    Object.assign(transaction, verifier !== undefined && { verifier }, appState !== undefined && { appState })
    // Nobody who is logged in gets a login that somebody else began, or that this session does not know.
    const user = byRouter ? whoIs(req) : undefined
    if (pending ? mayFinish(pending, user) : user === undefined) return transaction
    return { kind: 'failed', transaction, error: new OAuthError('state_mismatch', context) }
  }

  /** The first callback's outcome for the same browser's second click; else `state_used`. `popup`: it began in one. */
  private async repeatOf(
    claim: Claim,
    req: SessionRequest,
    context: ErrorContext,
    state: string,
    credential: string | undefined,
    popup?: true,
  ): Promise<AlreadyFinished> {
    const share = shareOf(claim, req, credential)
    const outcome = share === 'nothing' ? undefined : await claim.outcome
    // A popup may tell its opener of a success only with the login itself.
    const saysTooMuch = share === 'path' && outcome?.ok === true && outcome.popup === true
    if (!outcome || saysTooMuch) return usedUp(state, context, popup ?? outcome?.popup)
    return { kind: 'already finished', state, ...outcome, ...(share === 'path' && { session: undefined }) }
  }

  private slotOf(req: SessionRequest, context: ErrorContext): SessionSlot {
    return new SessionSlot(req, this.#options.key, context)
  }

  private meta(callbackURL: string): StateMeta {
    const { clientID, endpoints } = this.#options.client
    const { authorizationURL, tokenURL = '' } = endpoints
    return { authorizationURL, tokenURL, clientID, callbackURL }
  }
}

function usedUp(state: string, context: ErrorContext, popup: boolean | undefined): AlreadyFinished {
  return { kind: 'already finished', state, ok: false, error: new OAuthError('state_used', context), popup }
}

function withNonce<Recalled extends Transaction | FailedLogin>(
  recalled: Recalled,
  nonce: string | undefined,
): Recalled {
  return nonce === undefined || 'kind' in recalled ? recalled : { ...recalled, nonce }
}

const UNSOLICITED = 'unsolicited:'
