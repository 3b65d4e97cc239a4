import { hex } from './ledger'
import type { Reply } from './server'

const WORDS: Record<number, string> = {
  [-1]: 'system busy',
  40001: 'invalid credential',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40035: 'invalid parameter',
  40056: 'invalid agentid',
  40058: 'invalid request parameter',
  40078: 'code expired',
  40091: 'secret is invalid',
  41001: 'access_token missing',
  41002: 'corpid missing',
  41004: 'corpsecret missing',
  41008: 'code missing',
  41011: 'agentid missing',
  42001: 'access_token expired',
  45009: 'api freq out of limit',
  45033: 'api concurrent out of limit',
  46004: 'user not exist',
  48002: 'api forbidden',
  50001: 'redirect_uri host is not a trusted domain',
  50002: 'user not in the visible range of the application',
  50003: 'application is disabled',
  60011: 'no privilege to access/modify contact/party/agent',
  60020: 'not allow to access from your ip',
  60111: 'userid not found',
  84014: 'user ticket expired',
  84015: 'invalid user ticket',
  84025: 'invalid state',
  301002: 'no privilege to use this application',
}

/** A refusal in WeCom's words. The support asks for the hint. */
export function wordsOf(errcode: number): { errcode: number; errmsg: string } {
  const hint = `${Math.floor(Date.now() / 1000)}_7_${hex(16)}`
  const more = `https://open.work.weixin.qq.com/devtool/query?e=${errcode}`
  const errmsg = `${shortWords(errcode)}, hint: [${hint}], from ip: 127.0.0.1, more info at ${more}`
  return { errcode, errmsg }
}

/** The same without the hint, for a page. */
export function shortWords(errcode: number): string {
  return WORDS[errcode] ?? 'refused by the emulator'
}

/** Always HTTP 200. */
export function refused(errcode: number): Reply {
  return { json: wordsOf(errcode) }
}
