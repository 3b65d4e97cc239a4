import type { ErrorCode } from '../error-codes'
import type { OAuthError } from '../errors'

/** The texts of the router's pages, in one language. */
export interface PageTexts {
  /** The value of the attribute `lang` (RFC 5646). */
  lang: string
  /** What happened and what to do, for the user. The developer has the JSON and the log. */
  sentence(failure: Pick<OAuthError, 'code' | 'status'>): string
  failed: string
  /** For the person whom the user asks for help. */
  code(failure: Pick<OAuthError, 'code' | 'provider'>): string
  again: string
  start: string
  notFound: string
  noProvider: string
  /** Asked before an account is linked at the request of another site's page. */
  confirm(provider: string): string
  confirmWhy(provider: string): string
  confirmButton: string
  loggedIn: string
  closeWindow: string
}

const en: PageTexts = {
  lang: 'en',
  sentence: ({ code, status }) => (code === 'session_missing' && status === 500 ? EN.config_invalid : EN[code]),
  failed: 'Login failed',
  code: ({ code, provider }) => (provider ? `Code: ${code} (${provider})` : `Code: ${code}`),
  again: 'Try again',
  start: 'Back to the start',
  notFound: 'Not found',
  noProvider: 'There is no such login provider here.',
  confirm: (provider) => `Connect ${provider}?`,
  confirmWhy: (provider) =>
    `Another site sent you here. If you go on, your account at ${provider} is connected to the account that you are logged in with here.`,
  confirmButton: 'Go on',
  loggedIn: 'Logged in',
  closeWindow: 'You can close this window.',
}

const zh: PageTexts = {
  lang: 'zh-CN',
  sentence: ({ code, status }) => (code === 'session_missing' && status === 500 ? ZH.config_invalid : ZH[code]),
  failed: '登录失败',
  code: ({ code, provider }) => (provider ? `错误码：${code}（${provider}）` : `错误码：${code}`),
  again: '重新登录',
  start: '返回首页',
  notFound: '页面不存在',
  noProvider: '这里没有这个登录平台。',
  confirm: (provider) => `关联 ${provider}？`,
  confirmWhy: (provider) => `您是从其他网站来到这里的。继续后，您在 ${provider} 的账号会与当前登录的账号关联。`,
  confirmButton: '继续',
  loggedIn: '登录成功',
  closeWindow: '可以关闭这个窗口了。',
}

/** The languages of the pages; the first one is the default. */
export const PAGE_TEXTS = { en, zh }

const EN: Readonly<Record<ErrorCode, string>> = {
  access_denied: 'You did not allow the login. You can log in again.',
  session_missing: 'Your browser did not send the cookie of this login. Allow cookies for this site, and log in again.',
  store_failed: 'This site cannot log you in at the moment. Please try again soon.',
  state_missing: 'The login came back incomplete. Please log in again.',
  state_unknown: 'This login was not begun in this browser. Please log in again.',
  state_expired: 'The login took too long. Please log in again.',
  state_used: 'This login was tried before, and failed. Please log in again.',
  state_mismatch: 'This login was begun for something or somebody else. Please log in again.',
  callback_invalid: 'The login came back damaged. Please log in again.',
  issuer_mismatch:
    'The login came back from an unexpected place and was stopped. Please tell the people who run this site.',
  authorization_failed: 'The provider did not complete the login. Please log in again.',
  client_rejected: 'The provider does not accept this site. Please tell the people who run it.',
  grant_rejected: 'The provider did not accept this login. Please log in again.',
  refresh_rejected: 'Your login at the provider has ended. Please log in again.',
  token_rejected: 'Your login at the provider is no longer valid. Please log in again.',
  scope_insufficient: 'A permission is missing. Please log in again, and allow all that is asked for.',
  user_unknown: 'The provider does not let this account in here. Please ask those who manage it.',
  rate_limited: 'There were too many logins just now. Please wait a moment, and try again.',
  provider_unavailable: 'The provider is not available at the moment. Please try again soon.',
  provider_unreachable: 'The provider cannot be reached at the moment. Please try again soon.',
  provider_timeout: 'The provider took too long to answer. Please try again soon.',
  provider_redirected: 'The provider’s answer was not what this site expects. Please tell the people who run it.',
  response_too_large: 'The provider’s answer was far too long. Please tell the people who run this site.',
  response_invalid: 'The provider’s answer could not be understood. Please tell the people who run this site.',
  request_invalid: 'The link that began this login is damaged. Please begin the login again.',
  signature_invalid: 'The login came back without proof of where it comes from, and was stopped. Please log in again.',
  provider_error: 'The provider reports an error. Please try again soon.',
  verify_refused: 'This account may not log in here.',
  verify_failed: 'Something went wrong on this site. Please try again soon.',
  internal_error: 'Something on this site failed. Please try again later.',
  config_invalid: 'This site is not set up correctly. Please tell the people who run it.',
}

const ZH: Readonly<Record<ErrorCode, string>> = {
  access_denied: '您没有授权登录。可以重新登录。',
  session_missing: '浏览器没有带回这次登录的 Cookie。请允许本站使用 Cookie，然后重新登录。',
  store_failed: '暂时无法登录，请稍后重试。',
  state_missing: '登录请求不完整，请重新登录。',
  state_unknown: '这次登录不是在当前浏览器里发起的，请重新登录。',
  state_expired: '登录超时，请重新登录。',
  state_used: '这次登录已经尝试过，没有成功。请重新登录。',
  state_mismatch: '登录信息不匹配，请重新登录。',
  callback_invalid: '登录请求有误，请重新登录。',
  issuer_mismatch: '登录响应的来源不符，登录已中止。请联系网站管理员。',
  authorization_failed: '平台未能完成授权，请重新登录。',
  client_rejected: '平台不接受本站的应用配置，请联系网站管理员。',
  grant_rejected: '平台没有接受这次登录，请重新登录。',
  refresh_rejected: '平台登录已结束，请重新登录。',
  token_rejected: '平台登录已失效，请重新登录。',
  scope_insufficient: '缺少所需的授权，请重新登录并同意全部权限。',
  user_unknown: '该账号无法登录此应用，请联系平台管理员。',
  rate_limited: '登录过于频繁，请稍后重试。',
  provider_unavailable: '登录平台暂时不可用，请稍后重试。',
  provider_unreachable: '暂时无法连接登录平台，请稍后重试。',
  provider_timeout: '登录平台响应超时，请稍后重试。',
  provider_redirected: '登录平台的响应与预期不符，请联系网站管理员。',
  response_too_large: '登录平台的响应过大，请联系网站管理员。',
  response_invalid: '登录平台的响应无法识别，请联系网站管理员。',
  request_invalid: '登录链接有误，请重新发起登录。',
  signature_invalid: '登录响应的签名无效，登录已中止。请重新登录。',
  provider_error: '登录平台返回了错误，请稍后重试。',
  verify_refused: '该账号无权登录本站。',
  verify_failed: '登录时出现内部错误，请稍后重试。',
  internal_error: '网站内部错误，请稍后重试。',
  config_invalid: '网站配置有误，请联系网站管理员。',
}
