import type { CustomStateStore } from '../options'
import type { SessionRequest } from '../session/request'

/** What passport-oauth2 passes to a state store about the login. */
export interface StateMeta {
  authorizationURL: string
  tokenURL: string
  clientID: string
  callbackURL: string
}

/** Stores a state in a store with passport-oauth2's interface. Its arity selects one of four forms, as there. */
export function storeState(
  store: CustomStateStore,
  req: SessionRequest,
  login: { verifier: string | undefined; appState: unknown; meta: StateMeta },
): Promise<string> {
  const { verifier, appState, meta } = login
  return new Promise((resolve, reject) => {
    const stored = (error: unknown, state?: unknown) =>
      error ? reject(error) : resolve(typeof state === 'string' ? state : '')
    if (store.store.length === 5) store.store(req, verifier, appState, meta, stored)
    else if (store.store.length === 4) store.store(req, appState, meta, stored)
    else if (store.store.length === 3) store.store(req, meta, stored)
    else store.store(req, stored)
  })
}

/** Verifies a callback's state with the store. Under PKCE the store answers with the verifier itself. */
export function verifyState(
  store: CustomStateStore,
  req: SessionRequest,
  state: string,
  meta: StateMeta,
): Promise<{ ok: boolean; verifier: string | undefined; appState: unknown }> {
  return new Promise((resolve, reject) => {
    const loaded = (error: unknown, ok?: unknown, appState?: unknown) =>
      error ? reject(error) : resolve({ ok: Boolean(ok), verifier: typeof ok === 'string' ? ok : undefined, appState })
    if (store.verify.length === 4) store.verify(req, state, meta, loaded)
    else store.verify(req, state, loaded)
  })
}
