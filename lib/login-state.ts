import { hash } from 'node:crypto'
import { type StateMeta, storeState, verifyState } from './custom-state-store'
import { OAuthError } from './errors'
import type { CustomStateStore } from './options'
import type { Dialect } from './provider-client'
import type { SessionRequest, Where } from './session'
import {
  beginTransaction,
  type Finished,
  finishTransaction,
  newState,
  release,
  type Transaction,
  takeTransaction,
  takeUnsolicited,
} from './transactions'

/** What a dialect reads out of a callback. */
export interface CallbackReading {
  state: string | undefined
  /** The code, or whatever stands for it. */
  credential: string | undefined
}

/** A login that begins, as far as its state is concerned. */
export interface BeginningLogin {
  callbackURL: string
  /** The redirect address for a state: one dialect carries the state in it. */
  redirectURI(state: string): string
  verifier: string | undefined
  appState: unknown
  returnTo: string | undefined
  popup: boolean | undefined
}

interface LoginStateOptions {
  /** The key of the session. */
  key: string
  /** Milliseconds that a login may take. */
  lifetime: number
  pkce: boolean
  /** The app's own store, in place of the session. */
  store: CustomStateStore | undefined
  /** Whose login it is, and where it, its code and its tokens go. */
  client: { clientID: string; clientSecret: string; endpoints: Dialect['endpoints']; fingerprint: string }
}

/** What a strategy remembers of a login between its two legs: in the session, or in the app's own state store. */
export class LoginState {
  private readonly fingerprint: string
  private readonly sealKey: string

  constructor(private readonly options: LoginStateOptions) {
    const { fingerprint, clientSecret } = options.client
    this.fingerprint = fingerprint
    this.sealKey = hash('sha256', JSON.stringify([fingerprint, clientSecret]), 'base64url')
  }

  get needsSession(): boolean {
    return this.options.store === undefined
  }

  /** Keeps a login that begins; resolves to its state. @throws OAuthError `session_missing`, `config_invalid` */
  async remember(req: SessionRequest, where: Where, login: BeginningLogin): Promise<string> {
    const { store, key } = this.options
    const { verifier, appState, returnTo, popup } = login
    if (store) {
      const state = await storeState(store, req, { verifier, appState, meta: this.meta(login.callbackURL) })
      if (state !== '') return state
      throw new OAuthError('config_invalid', { ...where, message: 'The `store` of the strategy gave no state.' })
    }
    const state = newState()
    const { provider } = where
    const begun: Transaction = {
      state,
      provider,
      client: '',
      begunAt: Date.now(),
      redirectURI: login.redirectURI(state),
    }
    if (verifier !== undefined) begun.verifier = verifier
    begun.client = this.sealOf(begun)
    if (returnTo !== undefined) begun.returnTo = returnTo
    if (popup) begun.popup = popup
    if (appState !== undefined) begun.appState = appState
    await beginTransaction(req, key, where, begun)
    return state
  }

  /** The login that a callback's state belongs to, for this request alone. @throws OAuthError `session_missing`, `state_*` */
  async recall(
    req: SessionRequest,
    where: Where,
    { state, credential }: CallbackReading,
    addressed: () => Pick<BeginningLogin, 'callbackURL' | 'redirectURI'>,
  ): Promise<Transaction> {
    const { store, key, lifetime, pkce } = this.options
    if (!store) {
      const sealOf = (begun: Transaction) => this.sealOf(begun)
      const expected = { client: this.fingerprint, sealOf, lifetime, credential }
      const transaction = await takeTransaction(req, key, where, state, expected)
      if (!pkce || transaction.verifier !== undefined) return transaction
      await this.settle(req, where, transaction, { ok: false })
      throw new OAuthError('state_mismatch', where) // RFC 9700 §4.8.2: no downgrade
    }
    if (state === undefined) throw new OAuthError('state_missing', where)
    const address = addressed()
    const known = await verifyState(store, req, state, this.meta(address.callbackURL))
    if (!known.ok || (pkce && known.verifier === undefined)) throw new OAuthError('state_unknown', where)
    return {
      state,
      provider: where.provider,
      client: this.fingerprint,
      begunAt: Date.now(),
      redirectURI: address.redirectURI(state),
      ...(known.verifier !== undefined && { verifier: known.verifier }),
      ...(known.appState !== undefined && { appState: known.appState }),
    }
  }

  /** The login of a code that the provider sent unasked. @throws OAuthError `state_used` */
  unsolicited(req: SessionRequest, where: Where, code: string, redirectURI: string): Transaction {
    return takeUnsolicited(req, where, this.fingerprint, redirectURI, code)
  }

  /** Marks a login as used. */
  async settle(req: SessionRequest, where: Where, login: Transaction, finished: Finished): Promise<void> {
    if (this.options.store) release(login.state, finished)
    else await finishTransaction(req, this.options.key, where, login, finished)
  }

  /**
   * Ties a pending login to this client and to what was sent to the provider. A session's content is data from outside:
   * what somebody else wrote there is never sent on. The key stands on both sides, so nothing can be appended.
   */
  private sealOf({ provider, state, redirectURI, verifier }: Transaction): string {
    const told = JSON.stringify([provider, state, redirectURI, verifier])
    return hash('sha256', `${this.sealKey}${told}${this.sealKey}`, 'base64url').slice(0, 22)
  }

  private meta(callbackURL: string): StateMeta {
    const { clientID, endpoints } = this.options.client
    return { authorizationURL: endpoints.authorizationURL, tokenURL: endpoints.tokenURL, clientID, callbackURL }
  }
}
