import { log } from '../log'
import type { DialectProfile } from '../profile'
import { type ApiCallInit, canReplay, judge, responseOf, sendWithToken } from './authorised-fetch'
import { type Care, demandTokens, freshTokens, withTokens } from './keeping'

/**
 * A call to the provider's API with the login's access token: refreshed ahead, and once more after the provider refuses
 * it, where the body can be sent twice. Never after 403.
 */
export async function fetchWith(care: Care, path: string, init: ApiCallInit = {}): Promise<Response> {
  const call = care.client.openAPI(path, init)
  const tokens = await demandTokens(care)
  const sent = await sendWithToken(call, tokens.accessToken)
  if (tokens.refreshToken === undefined || !canReplay(init.body)) return responseOf(call, sent)
  const { refused, answer } = await judge(call, sent)
  const response = responseOf(call, answer)
  if (!refused) return response
  const renewed = await freshTokens(care, tokens.accessToken).catch(async (error) => {
    await response.body?.cancel() // what nobody reads would hold its connection
    throw error
  })
  if (!renewed || renewed.accessToken === tokens.accessToken) return response
  await response.body?.cancel()
  return responseOf(call, await sendWithToken(call, renewed.accessToken))
}

/** The profile, asked for now. */
export function profileWith(care: Care): Promise<DialectProfile> {
  return withTokens(care, (tokens) => care.client.profileOf(tokens))
}

export function topupWith(care: Care): Promise<string> {
  return withTokens(care, (tokens) => care.client.topup(tokens))
}

/** Revokes at the provider where it can, and forgets here in any case. Resolves to whether the provider did: not where it has no way. */
export async function revokeWith(care: Care): Promise<boolean> {
  const kept = await care.place.read()
  if (!kept) return false
  try {
    // A dead access token revokes nothing; one that can't be renewed is tried as it is.
    const tokens = await freshTokens(care).catch(() => undefined)
    return await care.client.revoke(tokens ?? kept.tokens)
  } finally {
    await care.place.clear()
    log.tokens('%s: login forgotten', care.client.name)
  }
}
