import { hex } from './ledger'
import { errorPage } from './page'
import type { Reply } from './reply'

const WORDS: Record<number, string> = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40035: 'invalid parameter',
  40125: 'invalid appsecret',
  40163: 'code been used',
  41001: 'access_token missing',
  41002: 'appid missing',
  41003: 'refresh_token missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  41009: 'missing openid',
  42001: 'access_token expired',
  42002: 'refresh_token expired',
  42003: 'code expired',
  42007: 'access_token and refresh_token exception',
  43001: 'require GET method',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  48001: 'api unauthorized',
  50001: 'user unauthorized',
}

/** A refusal in WeChat's words. The support asks for the number after `rid`. */
export function wordsOf(errcode: number): { errcode: number; errmsg: string } {
  const seconds = Math.floor(Date.now() / 1000).toString(16)
  const errmsg = `${WORDS[errcode] ?? 'refused by the emulator'}, rid: ${seconds}-${hex(4)}-${hex(4)}`
  return { errcode, errmsg }
}

/** JSON with the media type of text, and its slashes escaped. */
export const TEXT = { 'content-type': 'text/plain' }

export function text(json: object): Reply {
  return { headers: TEXT, json, write: (value) => JSON.stringify(value).replaceAll('/', '\\/') }
}

/** Always HTTP 200. */
export function refused(errcode: number): Reply {
  return text(wordsOf(errcode))
}

const ON_THE_PAGE: Record<string, string> = {
  10003: 'redirect_uri 域名与后台配置不一致',
  10005: '该公众号没有这个 scope 的权限',
  10010: 'scope 不能为空',
  10011: 'redirect_uri 不能为空',
  10012: 'appid 不能为空',
  10013: 'state 不能为空',
  10016: '不支持第三方平台的 Appid，请使用公众号的 Appid',
}

/** An error on WeChat's own page, which does not reach the app. */
export function wrong(code: string, why = ON_THE_PAGE[code] ?? `${code} 参数错误`): Reply {
  return errorPage(400, 'WeChat', code, why)
}
