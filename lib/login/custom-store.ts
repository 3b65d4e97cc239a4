import { type ErrorContext, OAuthError } from '../errors'
import { foreignError } from '../foreign-error'
import type { CustomStateStore } from '../options'
import type { SessionRequest } from '../session/request'

/** What passport-oauth2 passes to a state store about the login. */
export interface StateMeta {
  authorizationURL: string
  tokenURL: string
  clientID: string
  callbackURL: string
}

/** Who calls the store: under bare Passport its errors stay as they are, as in passport-oauth2. */
interface Host {
  context: ErrorContext
  byRouter: boolean | undefined
}

/**
 * Stores a state in a store with passport-oauth2's interface. Its arity selects one of four forms, as there.
 * @throws OAuthError `config_invalid` for what is no state; under the router `store_failed`
 */
export async function storeState(
  store: CustomStateStore,
  req: SessionRequest,
  login: { verifier: string | undefined; appState: unknown; meta: StateMeta },
  host: Host,
): Promise<string> {
  const { verifier, appState, meta } = login
  const asked = new Promise<string>((resolve, reject) => {
    const stored = (error: unknown, state?: unknown) =>
      error ? reject(error) : resolve(typeof state === 'string' ? state : '')
    if (store.store.length === 5) store.store(req, verifier, appState, meta, stored)
    else if (store.store.length === 4) store.store(req, appState, meta, stored)
    else if (store.store.length === 3) store.store(req, meta, stored)
    else store.store(req, stored)
  })
  const state = await asked.catch((cause) => {
    throw storeError(cause, host, [verifier ?? ''])
  })
  if (STATE.test(state)) return state
  const message = 'The `store` of the strategy must give a state of letters and digits, at most 128 of them.'
  throw new OAuthError('config_invalid', { ...host.context, message })
}

/** What every provider takes as a state. */
const STATE = /^[A-Za-z0-9]{1,128}$/

/**
 * Verifies a callback's state with the store. Under PKCE the store answers with the verifier itself.
 * @throws OAuthError under the router, `store_failed`
 */
export function verifyState(
  store: CustomStateStore,
  req: SessionRequest,
  state: string,
  meta: StateMeta,
  host: Host,
): Promise<{ ok: boolean; verifier: string | undefined; appState: unknown }> {
  return new Promise<Awaited<ReturnType<typeof verifyState>>>((resolve, reject) => {
    const loaded = (error: unknown, ok?: unknown, appState?: unknown) =>
      error ? reject(error) : resolve({ ok: Boolean(ok), verifier: typeof ok === 'string' ? ok : undefined, appState })
    if (store.verify.length === 4) store.verify(req, state, meta, loaded)
    else store.verify(req, state, loaded)
  }).catch((cause) => {
    throw storeError(cause, host, [state])
  })
}

/** The error may quote the call's arguments. */
function storeError(cause: unknown, { context, byRouter }: Host, secrets: readonly string[]): unknown {
  if (!byRouter || OAuthError.is(cause)) return cause
  const message = 'The `store` of the strategy failed. See `cause`; the login can be tried again.'
  return new OAuthError('store_failed', { ...context, message, cause: foreignError(cause, secrets) })
}
