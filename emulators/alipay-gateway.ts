import type { KeyObject } from 'node:crypto'
import { isSigned } from './alipay-keys'
import { type Call, FORM, formOf, mediaType, repeated } from './server'

/** Query and form together, because both are signed. */
export function paramsOf(call: Call): URLSearchParams {
  const form = mediaType(call) === FORM ? [...formOf(call)] : []
  return new URLSearchParams([...call.query, ...form])
}

/**
 * What the gateway refuses before it looks at the method, in its own order: a `sub_code`, with a text if it says more
 * than usual. A wrong signature returns everything that was verified.
 * @param appKey the app's public key
 */
export function gatewayProblem(
  params: URLSearchParams,
  appID: string,
  appKey: KeyObject,
): [subCode: string, detail?: string] | undefined {
  const [sign, signType] = [params.get('sign'), params.get('sign_type')]
  const [timestamp, version] = [params.get('timestamp'), params.get('version')]
  if (!params.get('app_id')) return ['isv.missing-app-id']
  if (params.get('app_id') !== appID) return ['isv.invalid-app-id']
  if (repeated(params)) return ['isv.invalid-parameter']
  if (!sign) return ['isv.missing-signature']
  if (!signType) return ['isv.missing-signature-type']
  if (signType !== 'RSA2') return ['isv.invalid-signature-type']
  const text = signedTextOf(params)
  if (!isBase64(sign) || !isSigned(text, sign, appKey)) {
    return ['isv.invalid-signature', `${WRONG_SIGNATURE}，网关生成的验签字符串为：${text}`]
  }
  if (!timestamp) return ['isv.missing-timestamp']
  if (!isTimestamp(timestamp)) return ['isv.invalid-timestamp']
  if (!version) return ['isv.missing-version']
  if (version !== '1.0') return ['isv.invalid-parameter']
  if (params.get('charset')?.toLowerCase() !== 'utf-8') return ['isv.invalid-charset']
  if ((params.get('format') || 'JSON') !== 'JSON') return ['isv.invalid-format']
  return params.get('method') ? undefined : ['isv.missing-method']
}

const WRONG_SIGNATURE = '验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配'

/** All parameters except `sign` and empty ones, sorted by name, not encoded. */
function signedTextOf(params: URLSearchParams): string {
  return [...params]
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** The standard alphabet, padded. */
function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

/** `yyyy-MM-dd HH:mm:ss`, with an existing date. */
function isTimestamp(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return false
  const iso = `${text.replace(' ', 'T')}.000Z`
  const time = new Date(iso)
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso
}
