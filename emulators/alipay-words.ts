import { hex } from './ledger'

/** A refusal: Alipay's two codes with their texts. */
export interface AlipayRefusal {
  code: string
  msg: string
  sub_code?: string
  sub_msg: string
}

const MESSAGES: Record<string, string> = {
  20000: 'Service Currently Unavailable',
  20001: 'Insufficient Token Permissions',
  40001: 'Missing Required Arguments',
  40002: 'Invalid Arguments',
  40003: 'Insufficient Conditions',
  40004: 'Business Failed',
  40005: 'Call Limited',
  40006: 'Insufficient Permissions',
}

/** By `sub_code`: the `code` above it, and its text. */
const SUB_CODES: Record<string, [code: string, says: string]> = {
  'isp.unknow-error': ['20000', '系统繁忙'],
  'aop.unknow-error': ['20000', '系统繁忙'],
  'aop.invalid-auth-token': ['20001', '无效的访问令牌'],
  'aop.auth-token-time-out': ['20001', '访问令牌已过期'],
  'aop.invalid-app-auth-token': ['20001', '无效的应用授权令牌'],
  'aop.no-product-reg-by-partner': ['20001', '商户未签约任何产品'],
  'isv.missing-method': ['40001', '缺少方法名参数'],
  'isv.missing-signature': ['40001', '缺少签名参数'],
  'isv.missing-signature-type': ['40001', '缺少签名类型参数'],
  'isv.missing-app-id': ['40001', '缺少AppID参数'],
  'isv.missing-timestamp': ['40001', '缺少时间戳参数'],
  'isv.missing-version': ['40001', '缺少版本参数'],
  'isv.missing-app-cert-sn': ['40001', '缺少应用公钥证书序列号'],
  'isv.invalid-parameter': ['40002', '参数无效'],
  'isv.invalid-method': ['40002', '不存在的方法名'],
  'isv.invalid-format': ['40002', '无效的数据格式'],
  'isv.invalid-signature-type': ['40002', '无效的签名类型'],
  'isv.invalid-signature': ['40002', '无效签名'],
  'isv.invalid-app-id': ['40002', '无效的AppID参数'],
  'isv.invalid-timestamp': ['40002', '非法的时间戳参数'],
  'isv.invalid-charset': ['40002', '字符集错误'],
  'isv.app-cert-expired': ['40002', '应用公钥证书已过期'],
  'isv.grant-type-invalid': ['40002', '授权类型无效'],
  'isv.code-invalid': ['40002', '授权码code无效'],
  'isv.refresh-token-invalid': ['40002', '刷新令牌refresh_token无效'],
  'isv.refresh-token-time-out': ['40002', '刷新令牌refresh_token已过期'],
  'isv.refreshed-token-invalid': ['40002', '刷新令牌refresh_token已被使用'],
  'not-online-app': ['40002', '应用未上线'],
  'isv.missing-signature-config': ['40003', '未配置公钥或证书'],
  'isv.app-call-limited': ['40005', '应用调用次数超限'],
  'isv.method-call-limited': ['40005', 'API调用次数超限'],
  'isv.insufficient-isv-permissions': ['40006', 'ISV权限不足'],
  'isv.insufficient-user-permissions': ['40006', '用户权限不足'],
}

/**
 * A refusal in Alipay's words; its `sub_msg` ends in an address with a trace id.
 * @param code a `sub_code`, or only a `code`
 * @param detail replaces the usual text before the address
 */
export function wordsOf(code: string, detail?: string): AlipayRefusal {
  const [number, says] = SUB_CODES[code] ?? [/^\d{5}$/.test(code) ? code : '40004', 'refused by the emulator']
  const trace = `https://open.alipay.com/api/detail?traceId=${hex(15)}`
  const sub_msg = `${detail ?? says}，问题排查：${trace}`
  const msg = MESSAGES[number] ?? 'Business Failed'
  return { code: number, msg, ...(code !== number && { sub_code: code }), sub_msg }
}
