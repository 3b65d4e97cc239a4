import { hex } from './ledger'
import type { Reply } from './reply'

const WORDS: Record<number, string> = {
  10001: '系统繁忙，请稍候再试',
  10002: '参数错误',
  10003: 'client_key 错误',
  10004: '应用权限不足，请申请对应的 scope 权限',
  10005: '缺少参数',
  10007: '授权码过期',
  10010: 'refresh_token 过期，需要用户重新授权',
  10013: 'client_key 或者 client_secret 错误',
  10014: 'client_key 与获取 code 时不一致',
  10020: 'refresh_token 刷新次数超过上限',
  28001003: 'access_token 无效',
  28001005: '系统内部错误，请重试',
  28001007: '参数不合法',
  28001008: 'access_token 过期，请刷新或重新授权',
  28001015: 'access_token 与 open_id 不匹配',
  28001018: '应用未获得该能力，或用户未授权',
  28003018: '请求过于频繁，请稍后重试',
}

/** Responses of both generations. All have HTTP 200. */
export class DouyinWords {
  constructor(
    private readonly numbers: 'number' | 'text',
    private readonly userErrors: 'both' | 'new' | 'old',
  ) {}

  /** A number of a token response, in the type of one document or the other. */
  number(value: number): number | string {
    return this.numbers === 'text' ? String(value) : value
  }

  success(members: object): Reply {
    const data = { ...members, description: '', error_code: this.number(0), log_id: logId() }
    return { json: { data, message: 'success' } }
  }

  /** A refusal at the token endpoints. */
  refused(code: number): Reply {
    return { json: { data: this.old(code), message: 'error' } }
  }

  user(members: object): Reply {
    const log_id = logId()
    const data = { ...members, description: '', error_code: '0', log_id }
    return { json: { data, err_no: 0, err_msg: '', log_id } }
  }

  /** A refusal at the API. */
  userRefused(code: number): Reply {
    const fresh = { err_no: code, err_msg: wordOf(code), log_id: logId() }
    if (this.userErrors === 'new') return { json: { data: {}, ...fresh } }
    const old = { data: this.old(code), message: 'error' }
    return { json: this.userErrors === 'old' ? old : { ...old, ...fresh } }
  }

  private old(code: number) {
    const noise = { captcha: '', desc_url: '' }
    return { ...noise, description: wordOf(code), error_code: this.number(code), log_id: logId() }
  }
}

function wordOf(code: number): string {
  return WORDS[code] ?? 'refused by the emulator'
}

function logId(): string {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  return `${time}${hex(9).toUpperCase()}`
}
