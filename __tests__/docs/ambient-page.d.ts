// What the code blocks for pages speak of without showing it: scripts of providers, as far as the docs use them. Not part of
// the project's own compilation.

declare module 'dingtalk-jsapi' {
  export function requestAuthCode(params: { corpId: string; clientId: string }): Promise<{ code: string }>
}

declare module '@wecom/jssdk' {
  export function createWWLoginPanel(options: {
    el: string
    params: Record<'login_type' | 'appid' | 'agentid' | 'redirect_uri' | 'redirect_type' | 'state', string>
    onLoginSuccess(result: { code: string }): void
  }): unknown
}

/** WeChat's `wxLogin.js`. */
declare class WxLogin {
  constructor(options: { self_redirect: boolean } & Record<'id' | 'appid' | 'scope' | 'redirect_uri' | 'state', string>)
}
