import { randomUUID } from 'node:crypto'
import { hex } from './ledger'
import type { Reply } from './reply'

/** The permission without which no user is returned. */
export const MAY_READ = 'Contact.User.Read'

const DENIED = 'Forbidden.AccessDenied.AccessTokenPermissionDenied'

const MESSAGES: Record<string, string> = {
  'invalidParameter.authCode.notFound': '不合法的临时授权码',
  'invalidParameter.refreshToken.notFound': '不合法的 refreshToken',
  'Forbidden.AccessDenied.QpsLimitForApi': '请求超过该接口的 QPS 限制',
  [DENIED]: '应用尚未开通所需的权限',
  InvalidAuthentication: '不合法的access_token',
  ServiceUnavailable: 'The request has failed due to a temporary failure of the server.',
  invalidClientIdOrSecret: '无效的clientId或者clientSecret',
}

/** A refusal of `api.dingtalk.com`: a word for a code. */
export function words(code: string): object {
  const message = MESSAGES[code] ?? `${code}: refused by the emulator`
  const detail = code === DENIED ? { accessdenieddetail: { requiredScopes: [MAY_READ] } } : {}
  return { code, message, requestid: randomUUID().toUpperCase(), ...detail }
}

export function refused(status: number, code: string): Reply {
  return { status, json: words(code) }
}

const OLD_MESSAGES: Record<number, string> = {
  [-1]: '系统繁忙',
  40014: '不合法的access_token',
  40078: '不存在的临时授权码',
  40096: '不合法的appKey或appSecret',
  41026: '缺少参数code',
  42001: 'access_token已过期',
  60121: '找不到该用户',
  90018: '您的服务器调用钉钉开放平台所有接口的请求都被暂时禁用了',
}

/** A refusal of `oapi.dingtalk.com`: a number for a code. 88 has its meaning in a sub code. */
export function oldWords(errcode: number): object {
  const message = OLD_MESSAGES[errcode] ?? 'refused by the emulator'
  const request_id = hex(6)
  if (errcode !== 88) return { errcode, errmsg: message, request_id }
  const [sub_code, sub_msg] = ['40014', OLD_MESSAGES[40014]]
  return { errcode, sub_code, sub_msg, errmsg: `ding talk error[subcode=${sub_code},submsg=${sub_msg}]`, request_id }
}

/** Always HTTP 200. */
export function refusedOld(errcode: number): Reply {
  return { json: oldWords(errcode) }
}

export function ok(members: object): Reply {
  return { json: { errcode: 0, errmsg: 'ok', ...members, request_id: hex(6) } }
}
