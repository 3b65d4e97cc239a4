import type { ErrorContext } from '../errors'
import type { SessionRequest } from '../session/request'
import { SessionSlot } from '../session/session'
import { tokenStoreFailure } from '../tokens/store-record'
import type { LoginSettings } from './log-in'

/**
 * Ends every login of the session, and the session itself. Whatever else fails, no login is left.
 * @param revoke revokes a login at its provider
 * @throws OAuthError `store_failed`: then nobody is logged out
 */
export async function endLogins(
  req: SessionRequest,
  { sessionKey, tokens }: Pick<LoginSettings, 'sessionKey' | 'tokens'>,
  context: ErrorContext,
  revoke?: (provider: string) => Promise<unknown>,
): Promise<void> {
  const session = new SessionSlot(req, sessionKey, context)
  if (revoke) await Promise.allSettled(Object.keys(session.own?.tokens ?? {}).map(revoke))
  const ended = await session.end()
  req.user = undefined
  const forgotten = await Promise.allSettled(ended.map((slot) => tokens.forget(slot)))
  // Nothing refers to those tokens any more; they expire in the store.
  for (const result of forgotten) {
    if (result.status === 'rejected') process.emitWarning(tokenStoreFailure(context, result.reason))
  }
}
