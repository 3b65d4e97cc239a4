import { type AnswerDialect, readAnswer } from './answers'
import { readLimits } from './call-bounds'
import { type DialectOptions, OptionReader } from './options'
import { callProvider, type JsonObject, type ProviderRequest } from './provider-call'
import { secretsOf } from './provider-request'

/** One call to a provider that belongs to no login. @throws OAuthError of phase `request` */
export async function askOnce(
  request: ProviderRequest,
  dialect: AnswerDialect,
  provider: string,
  options: Pick<DialectOptions, 'timeout' | 'maxResponseBytes' | 'dispatcher'>,
): Promise<JsonObject> {
  const read = new OptionReader(provider, options)
  const where = { provider, phase: 'request' as const }
  const limits = readLimits({ dispatcher: options.dispatcher }, read)
  return readAnswer(await callProvider(request, limits, where), dialect, where, () => secretsOf(request))
}
