import type { BuiltInProviders } from 'passport-dialects'
import type { EmulatorOptions } from 'passport-dialects/emulators'
import type { DialectKit } from 'passport-dialects/testing'

/** What the kit must know of a provider beside its strategy and its emulator. */
export interface ProviderKit<Name extends keyof BuiltInProviders> extends Omit<DialectKit, 'strategy' | 'emulator'> {
  /** How its emulator is set up; default as it is. */
  emulation?: EmulatorOptions<Name>
}

/** Every provider of the package, by its name: a row each. */
export const KITS: { readonly [Name in keyof BuiltInProviders]-?: ProviderKit<Name> } = {
  tailchat: {
    requiredOptions: ['baseURL'],
    profile: ({ name }) => ({ displayName: name }),
  },
  tapd: {
    // Refresh tokens are a setting of each app at TAPD.
    emulation: { refresh: true },
    profile: ({ name }) => ({ displayName: name }),
    refresh: true,
  },
  bbscloud: {
    requiredOptions: ['baseURL'],
    // A code before the redirect, the token itself in the callback.
    endpoints: ['code', 'profile'],
    credential: 'token',
    redirectURI: false,
    // The token of the callback is good for five minutes, as often as it is used.
    codes: { usedCode: false, forgedCode: 'token_rejected' },
    profile: ({ name }) => ({ displayName: name }),
  },
  tiktok: {
    profile: ({ name }) => ({ displayName: name }),
    refresh: true,
  },
  aihubmix: {
    profile: ({ username }) => ({ username }),
    refresh: true,
  },
  feishu: {
    options: { scope: ['offline_access', 'contact:user.email:readonly'] },
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
  },
  gitee: {
    profile: ({ name, username }) => ({ displayName: name, username }),
    refresh: true,
  },
  naver: {
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
  },
  wechat: {
    redirectURI: false,
    profile: ({ name, avatar }) => ({ displayName: name, photos: avatar ? [{ value: avatar }] : undefined }),
    refresh: 'extends',
  },
  qq: {
    // By default nothing comes back from who cancels.
    emulation: { refusal: 'usercancel' },
    profile: ({ name }) => ({ displayName: name }),
    refresh: true,
  },
  linkedin: {
    // Refresh tokens are for partners.
    emulation: { refreshTokens: true },
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
    idToken: { nonce: false, required: false },
  },
  notion: {
    // The user stands in the token response.
    endpoints: ['token'],
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
    expires: false,
  },
  x: {
    options: { scope: ['users.read', 'tweet.read', 'users.email', 'offline.access'] },
    profile: ({ name, username, email }) => ({
      displayName: name,
      username,
      emails: email ? [{ value: email }] : undefined,
    }),
    refresh: true,
  },
  dingtalk: {
    // Both names by default: a forged one beside a right one is no refused code, but two credentials.
    emulation: { callbackNames: 'authCode' },
    credential: 'authCode',
    redirectURI: false,
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: 'extends',
  },
  vk: {
    clientSecret: 'none',
    options: { scope: ['vkid.personal_info', 'email'] },
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
  },
  kakao: {
    clientSecret: 'optional',
    profile: ({ name, email, avatar }) => ({
      displayName: name,
      emails: email ? [{ value: email }] : undefined,
      photos: avatar ? [{ value: avatar }] : undefined,
    }),
    refresh: true,
  },
  weibo: {
    profile: ({ name }) => ({ displayName: name }),
  },
  douyin: {
    redirectURI: false,
    profile: ({ name, avatar }) => ({ displayName: name, photos: avatar ? [{ value: avatar }] : undefined }),
    refresh: true,
  },
  huawei: {
    profile: ({ name }) => ({ displayName: name }),
    // HTTP 503 of its token endpoint is flow control.
    faults: { 'http-503@token': 'rate_limited', 'http-503@refresh': 'rate_limited' },
    refresh: true,
    idToken: { nonce: false, required: false },
  },
  line: {
    // The user stands in the id_token.
    endpoints: ['token'],
    profile: ({ name, email, avatar }) => ({
      displayName: name,
      emails: email ? [{ value: email }] : undefined,
      photos: avatar ? [{ value: avatar }] : undefined,
    }),
    refresh: true,
    idToken: { keys: false },
  },
  slack: {
    // Refresh tokens are a setting of each app: token rotation.
    emulation: { tokenRotation: true },
    idToken: {},
    profile: ({ id, name, email, avatar }) => ({
      id: `T0KITES001:${id}`,
      displayName: name,
      emails: email ? [{ value: email }] : undefined,
      photos: avatar ? [{ value: avatar }] : undefined,
    }),
    refresh: true,
  },
  apple: {
    clientSecret: 'none',
    requiredOptions: ['teamID', 'keyID', 'privateKey'],
    callback: 'form_post',
    idToken: {},
    // The user stands in the id_token. The name comes once a person, and the kit logs in everybody twice.
    endpoints: ['token'],
    emulation: { postedUser: 'always' },
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
    refresh: true,
    expires: false,
  },
  shopify: {
    requiredOptions: ['scope'],
    // The person stands in the token response; a code comes alone.
    endpoints: ['token'],
    redirectURI: false,
    // Who cancels stays at Shopify, and the secret signs the callback: another code in it is not what was signed.
    codes: {
      denied: false,
      wrongSecret: 'signature_invalid',
      usedCode: 'signature_invalid',
      forgedCode: 'signature_invalid',
    },
    profile: ({ name, email }) => ({ displayName: name, emails: email ? [{ value: email }] : undefined }),
  },
  alipay: {
    clientSecret: 'none',
    requiredOptions: ['privateKey', 'alipayPublicKey'],
    credential: 'auth_code',
    redirectURI: false,
    profile: ({ name, avatar }) => ({ displayName: name, photos: avatar ? [{ value: avatar }] : undefined }),
    refresh: true,
  },
  wecom: {
    endpoints: ['appToken', 'profile'],
    requiredOptions: ['agentId'],
    redirectURI: false,
    userToken: 'none',
    profile: ({ name }) => ({ displayName: name }),
  },
}

/** The second login of a provider that has two: a kit of its own each. */
export const SECOND_KITS: { readonly [Name in keyof BuiltInProviders]?: ProviderKit<Name> } = {
  dingtalk: {
    emulation: { kind: 'in-app' },
    endpoints: ['appToken', 'profile'],
    inPage: 'only',
    redirectURI: false,
    userToken: 'none',
    // A person who says no stays in DingTalk: its script fails in the page.
    codes: { denied: false },
    profile: ({ name }) => ({ displayName: name }),
  },
}
