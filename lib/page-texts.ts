import { ERROR_CODES, type ErrorCode } from './errors'

/** What the pages of the router say, in one language. */
export interface PageTexts {
  /** For the attribute `lang` (RFC 5646). */
  lang: string
  /** The fixed sentence of a code. */
  sentence(code: ErrorCode): string
  failed: string
  code(code: ErrorCode): string
  again: string
  start: string
  notFound: string
  noProvider: string
  loggedIn: string
  closeWindow: string
}

const en: PageTexts = {
  lang: 'en',
  sentence: (code) => ERROR_CODES[code].message.replaceAll('`', ''),
  failed: 'Login failed',
  code: (code) => `Code: ${code}`,
  again: 'Try again',
  start: 'Back to the start',
  notFound: 'Not found',
  noProvider: 'There is no such login provider here.',
  loggedIn: 'Logged in',
  closeWindow: 'You can close this window.',
}

const zh: PageTexts = {
  lang: 'zh-CN',
  sentence: (code) => SENTENCES[code],
  failed: '登录失败',
  code: (code) => `错误码：${code}`,
  again: '重新登录',
  start: '返回首页',
  notFound: '页面不存在',
  noProvider: '这里没有这个登录平台。',
  loggedIn: '登录成功',
  closeWindow: '可以关闭这个窗口了。',
}

/** The languages of the pages; the first one where a browser asks for neither. */
export const PAGE_TEXTS = { en, zh }

/** What happened in the words of the Chinese README's table, then what to do. */
const SENTENCES: Readonly<Record<ErrorCode, string>> = {
  access_denied: '用户拒绝了授权。可以重新登录。',
  session_missing:
    '会话 cookie 没有回来；没有会话中间件；会话存储失败。会话中间件要放在登录路由之前；cookie 要用 SameSite=Lax，Secure 只用于 https，始终用同一主机名。',
  state_missing: '回调没有 state。请重新登录。',
  state_unknown: '登录不是在这个会话里开始的。请在同一浏览器里重新登录。',
  state_expired: '登录用时过长。请重新登录，或调大 stateLifetime。',
  state_used: '这个回调已经用过，而且那次失败了。请重新登录。',
  state_mismatch: '登录是为另一个平台、实例或用户开始的。请重新登录。',
  callback_invalid: '回调的参数重复或为空，或没有任何凭证。请重新登录。',
  issuer_mismatch: 'iss 与配置的 issuer 不同。请逐字核对 issuer。',
  authorization_failed: '平台向回调返回了其他错误。请检查 scope 与平台上的应用。',
  client_rejected: '平台拒绝这个应用。请检查 clientID 和 clientSecret。',
  grant_rejected: '平台拒绝 code 或回调地址。请重新登录；仍然失败时，请核对 callbackURL 与平台上登记的地址。',
  refresh_rejected: '刷新令牌已失效。请重新登录。',
  token_rejected: '平台拒绝访问令牌，或没有人在该平台登录。请重新登录。',
  scope_insufficient: '令牌无权做这件事。请申请所需的 scope，再重新登录。',
  user_unknown: '平台没有这个用户。',
  rate_limited: '调用过于频繁。请稍后再试。',
  provider_unavailable: '平台不可用。请稍后再试。',
  provider_unreachable: 'DNS、TCP 或 TLS 失败，或连接中断。请检查地址、网络和 dispatcher。',
  provider_timeout: '没有按时得到完整响应。请再试，或调大 timeout（毫秒）。',
  provider_redirected: '服务器之间的调用被重定向。请检查端点地址。',
  response_too_large: '响应超过 maxResponseBytes。请检查端点地址。',
  response_invalid: '平台的响应不是 JSON、不是 UTF-8，或不是文档写的结构。请检查端点地址。',
  provider_error: '平台报告了失败。',
  verify_refused: '应用的 verify 拒绝了这个用户。',
  verify_failed: '应用的 verify 抛出了错误，见 cause。',
  config_invalid: '选项缺失或格式不对。',
}
