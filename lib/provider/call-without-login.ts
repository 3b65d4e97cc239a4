import { callProvider } from '../http/call'
import { readLimits } from '../http/limits'
import type { ProviderRequest } from '../http/request'
import type { JsonObject } from '../json'
import { type DialectOptions, OptionReader } from '../options'
import { type ResponseDialect, readResponse } from './read-response'
import { secretsOf } from './request-secrets'

/** Makes a call to a provider that belongs to no login. @throws OAuthError of phase `request` */
export async function askWithoutLogin(
  request: ProviderRequest,
  dialect: ResponseDialect,
  provider: string,
  options: Pick<DialectOptions, 'timeout' | 'maxResponseBytes' | 'dispatcher'>,
): Promise<JsonObject> {
  const read = new OptionReader(provider, options)
  const context = { provider, phase: 'request' as const }
  const limits = readLimits({ dispatcher: options.dispatcher }, read)
  return readResponse(await callProvider(request, limits, context), dialect, context, () => secretsOf(request))
}
