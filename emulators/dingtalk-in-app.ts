import { AppToken } from './app-token'
import { ok, oldWords, refused, refusedOld } from './dingtalk-words'
import { hex, Ledger } from './ledger'
import { type Call, jsonOf, type Reply, type Route } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

interface InAppSettings extends Settings {
  deadAppToken?: '40014' | '42001' | '88'
  appTokenLifetime?: number
  appTokenLimit?: number
}

interface InApp {
  routes: Route[]
  entryCode(user: EmulatorUser): string
  expireAppTokens(): void
}

/** DingTalk inside its app: the application token, and the calls that need one. */
export function inAppLogin(settings: InAppSettings, corpId: string): InApp {
  const { clientID, clientSecret } = settings
  /** Codes of the browser login are separate: neither kind works in the other's place. */
  const codes = new Ledger(settings, { code: 300, access: 0 })
  const appToken = new AppToken(settings.appTokenLifetime ?? 7200, settings.appTokenLimit ?? 10)

  /** The application token, at each of its three addresses. */
  function appTokenRoutes(): Route[] {
    const current: Route = {
      method: 'POST',
      path: '/v1.0/oauth2/accessToken',
      endpoint: 'appToken',
      handle: (call) => {
        const { appKey, appSecret } = jsonOf(call)
        if (appKey !== clientID || appSecret !== clientSecret) return refused(400, 'invalidClientIdOrSecret')
        const asked = appToken.ask()
        if (!asked) return refused(403, 'Forbidden.AccessDenied.QpsLimitForApi')
        return { json: { accessToken: asked.token, expireIn: asked.seconds } }
      },
    }
    const newest: Route = {
      method: 'POST',
      path: `/v1.0/oauth2/${corpId}/token`,
      endpoint: 'appToken',
      handle: (call) => {
        const { client_id, client_secret, grant_type } = jsonOf(call)
        if (grant_type !== 'client_credentials') return refused(400, 'invalidParameter.grantType')
        if (client_id !== clientID || client_secret !== clientSecret) return refused(400, 'invalidClientIdOrSecret')
        const asked = appToken.ask()
        if (!asked) return refused(403, 'Forbidden.AccessDenied.QpsLimitForApi')
        return { json: { access_token: asked.token, expires_in: asked.seconds } }
      },
    }
    const old: Route = {
      method: 'GET',
      path: '/gettoken',
      endpoint: 'appToken',
      handle: ({ query }) => {
        const isKnown = query.get('appkey') === clientID && query.get('appsecret') === clientSecret
        if (!isKnown) return refusedOld(40096)
        const asked = appToken.ask()
        return asked ? ok({ access_token: asked.token, expires_in: asked.seconds }) : refusedOld(90018)
      },
    }
    return [current, newest, old]
  }

  /** Checks the application token first: a dead one does not use up the code. */
  function asApp(handle: (params: Record<string, unknown>) => Reply): (call: Call) => Reply {
    return (call) => {
      const token = call.query.get('access_token') ?? ''
      const state = appToken.stateOf(token)
      if (state === 'live') return handle(jsonOf(call))
      return refusedOld(Number(settings.deadAppToken ?? (state === 'expired' ? 42001 : 40014)))
    }
  }

  function getUserInfo({ code }: Record<string, unknown>): Reply {
    if (typeof code !== 'string' || code === '') return refusedOld(41026)
    const found = codes.lookUpCode(code)
    if (found?.state !== 'fresh') return refusedOld(40078)
    codes.useCode(code)
    const { id, name, username } = found.grant.user
    const device = { device_id: 'd0c1b2a3948576', sys: false, sys_level: 0 }
    return ok({ result: { userid: username ?? id, name, unionid: id, ...device } })
  }

  function getByUnionID({ unionid }: Record<string, unknown>): Reply {
    const user = settings.users.find(({ id, external }) => id === unionid && !external)
    return user ? ok({ result: { contact_type: 0, userid: user.username ?? user.id } }) : refusedOld(60121)
  }

  function entryCode(user: EmulatorUser): string {
    return codes.issueCode({ user, scope: ['openid'] }, hex(16))
  }

  /** What `requestAuthCode` of DingTalk's script gives to a page inside the app; undocumented. */
  function requestAuthCode({ query }: Call): Reply {
    const wanted = query.get('user')
    const user = wanted === null ? settings.users[0] : settings.users.find(({ id }) => id === wanted)
    const headers = { 'access-control-allow-origin': '*', 'cache-control': 'no-store' }
    if (!user || query.get('corpId') !== corpId) return { status: 400, headers, json: oldWords(40078) }
    return { headers, json: { code: entryCode(user) } }
  }

  return {
    routes: [
      ...appTokenRoutes(),
      { method: 'POST', path: '/topapi/v2/user/getuserinfo', endpoint: 'profile', handle: asApp(getUserInfo) },
      { method: 'POST', path: '/topapi/user/getbyunionid', endpoint: 'profile', handle: asApp(getByUnionID) },
      { method: 'GET', path: '/emulator/request-auth-code', endpoint: 'authorize', handle: requestAuthCode },
    ],
    entryCode,
    expireAppTokens: () => appToken.expire(),
  }
}
