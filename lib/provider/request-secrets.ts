import type { ProviderRequest } from '../http/request'
import type { Json } from '../json'

/**
 * The parts of a request that may be credentials, which no error may quote.
 * @param customHeaders the app's own: a proxy's password, a gateway's key
 */
export function secretsOf(
  { form, query, json, basic, bearer, headers }: ProviderRequest,
  customHeaders: Readonly<Record<string, string>> = {},
): string[] {
  const named = Object.entries({ ...query, ...form, ...json }).filter(([name]) => !PUBLIC_NAMES.has(name))
  const header = basic && Buffer.from(`${basic.user}:${basic.password}`).toString('base64')
  const inHeaders = Object.entries({ ...customHeaders, ...headers }).filter(
    ([name]) => !PUBLIC_NAMES.has(name.toLowerCase()),
  )
  const given = [...named.flatMap(([, value]) => textsIn(value)), basic?.password, header, bearer]
  return [...given, ...inHeaders.flatMap(([, value]) => [value, value?.replace(/^\w+ /, '')])].filter(
    (value) => value !== undefined,
  )
}

/** Names of values that are public: they appear in addresses and documentation. */
const PUBLIC_NAMES = new Set(
  `accept accept-language app_id appId appid charset client_id clientId client_key content-type corpid device_id fields fmt
  format grant_type grantType lang method oauth_consumer_key redirect_uri redirectUri response_type responseType scope
  secure_resource sign_type timestamp user-agent user.fields version`.split(/\s+/),
)

/** The texts of a JSON value. */
function textsIn(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
