import type { Choice, Emulator } from 'passport-dialects/emulators'
import {
  type Answer,
  ask,
  basic,
  bearer,
  brought,
  CALLBACK,
  encoded,
  members,
  type Params,
  post,
  postJson,
} from './conversation'

/** Every turn of a conversation, at whichever emulator. */

export interface Tokens {
  access: string
  refresh: string | undefined
  raw: Record<string, unknown>
}

/** Where the client id has another name. */
const RENAMED = { client_id: undefined, response_type: undefined }

/** An authorization address that the provider has nothing against. */
export async function authorizationAt(of: Emulator, over: Params = {}): Promise<string> {
  const { clientID, clientSecret, authorizationURL, codeURL = '' } = of.options
  const usual = { redirect_uri: CALLBACK, response_type: 'code', state: 's', client_id: clientID }
  const own: Record<Emulator['name'], () => Promise<Params> | Params> = {
    tailchat: () => ({ scope: 'openid profile offline_access', prompt: 'consent' }),
    tapd: () => ({ scope: 'user story#read', auth_by: 'user' }),
    bbscloud: async () => {
      const asked = { client_id: clientID, client_secret: clientSecret, response_type: 'code' }
      return { code: String(members(await postJson(codeURL, asked)).data) }
    },
    tiktok: () => ({ client_id: undefined, client_key: clientID, scope: 'user.info.basic,user.info.profile' }),
    aihubmix: () => ({ scope: 'profile balance' }),
    feishu: () => ({ scope: 'offline_access contact:user.email:readonly' }),
    wecom: () => ({ ...RENAMED, appid: clientID, agentid: '1000002', login_type: 'CorpApp' }),
    wechat: () => ({ ...RENAMED, appid: clientID, response_type: 'code', scope: 'snsapi_login' }),
    qq: () => ({ scope: 'get_user_info' }),
    weibo: () => ({ scope: 'email' }),
    douyin: () => ({ client_id: undefined, client_key: clientID, scope: 'user_info' }),
    line: () => ({ scope: 'profile openid email' }),
    slack: () => ({ scope: 'openid profile email' }),
    alipay: () => ({ ...RENAMED, app_id: clientID, scope: 'auth_user' }),
    gitee: () => ({ scope: 'user_info' }),
    huawei: () => ({ scope: 'openid profile', access_type: 'offline' }),
    dingtalk: () => ({ scope: 'openid', prompt: 'consent' }),
    linkedin: () => ({ scope: 'openid profile email' }),
    notion: () => ({ owner: 'user' }),
    vk: () => ({
      scope: 'email',
      state: 's'.repeat(32),
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 's256',
    }),
    x: () => ({ scope: 'users.read tweet.read', code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' }),
  }
  return `${authorizationURL}?${encoded({ ...usual, ...(await own[of.name]?.()), ...over })}`
}

/** The tokens of what the callback brought. */
export async function tokensFor(of: Emulator, callback: Record<string, string>): Promise<Tokens> {
  if (of.name === 'bbscloud') return { access: callback.token ?? '', refresh: undefined, raw: callback }
  const grant = { grant_type: 'authorization_code', code: callback.code, redirect_uri: CALLBACK }
  return read(of, await asClient(of, of.options.tokenURL, grant))
}

export async function loginAt(of: Emulator, choice: Choice = {}): Promise<Tokens> {
  return tokensFor(of, brought(await of.approve(await authorizationAt(of), choice)))
}

export function refreshAt(of: Emulator, refresh_token: string | undefined): Promise<Answer> {
  return asClient(of, of.options.refreshURL ?? of.options.tokenURL, { grant_type: 'refresh_token', refresh_token })
}

export function revokeAt(of: Emulator, token: string): Promise<Answer> {
  return asClient(of, of.options.revokeURL ?? `${of.origin}/revoke`, { token })
}

/** The user, asked in the provider's way. */
export function profileAt(of: Emulator, token: string): Promise<Answer> {
  const { userProfileURL } = of.options
  if (of.name === 'bbscloud') return ask(`${userProfileURL}?access_token=${token}`)
  return ask(of.name === 'tiktok' ? `${userProfileURL}?fields=open_id` : userProfileURL, { headers: bearer(token) })
}

/** The API that every emulator has. */
export function resourceAt(of: Emulator, token: string, init: RequestInit = {}): Promise<Answer> {
  return ask(`${of.origin}/emulator/resource?a=1`, { ...init, headers: { ...bearer(token), ...init.headers } })
}

export function read(of: Emulator, answer: Answer): Tokens {
  const raw = of.name === 'tapd' ? members(answer, 'data') : members(answer)
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return { access: text(raw.access_token) ?? '', refresh: text(raw.refresh_token), raw }
}

/** A form by POST, with the app's credentials where the provider wants them. */
function asClient(of: Emulator, url: string, params: Params): Promise<Answer> {
  const { clientID, clientSecret } = of.options
  if (of.name === 'tapd') return post(url, params, basic(clientID, clientSecret))
  const id = of.name === 'tiktok' ? 'client_key' : 'client_id'
  return post(url, { [id]: clientID, client_secret: clientSecret, ...params })
}
