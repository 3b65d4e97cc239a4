import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { DouyinWords } from './douyin-words'
import { type Grant, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { bearerOf, type Call, FORM, formOf, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** The options of the Douyin emulator besides the shared ones. */
export interface DouyinEmulatorOptions {
  /** The type of lifetimes and `error_code`. Default `number`. */
  numbers?: 'number' | 'text'
  /**
   * How the user endpoint and the API report errors: by `err_no` at the top level (`new`), by `error_code` in `data`
   * (`old`), or by both, as during the change from one to the other. Default `both`.
   */
  userErrors?: 'both' | 'new' | 'old'
}

/**
 * Douyin, a website's login, from developer.open-douyin.com/docs/resource/zh-CN/dop/develop (read 2026-11-25):
 * sdk/web-app/web/permission, openapi/account-permission/get-access-token, …/refresh-access-token, …/refresh-token and
 * …/get-account-open-info. Only https comes back, except to loopback.
 */
const USERS: EmulatorUser[] = [
  {
    id: '00000000-aaaa-4bbb-8ccc-000000000001',
    name: '张三',
    avatar: 'https://p3.douyinpic.example/aweme/zhangsan.jpeg',
  },
  { id: '00000000-aaaa-4bbb-8ccc-000000000002', name: 'Ada Lovelace' },
  { id: '00000000-aaaa-4bbb-8ccc-000000000003', name: "O'Brien <script>alert(1)</script>" },
  {
    id: '00000000-aaaa-4bbb-8ccc-000000000004',
    name: '欧阳若曦',
    avatar: 'https://p3.douyinpic.example/aweme/ouyang.jpeg',
  },
]

const AUTHORIZE = '/platform/oauth/connect'
const TOKEN = '/oauth/access_token/'
const REFRESH = '/oauth/refresh_token/'
const RENEW = '/oauth/renew_refresh_token/'
const USER = '/oauth/userinfo/'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + REFRESH,
    userProfileURL: origin + USER,
  }
}

const DAY = 24 * 3600
/** How often a login's refresh token can be renewed. */
const RENEWALS = 5

function provider(_origin: string, settings: Settings & DouyinEmulatorOptions): Provider {
  const { clientID, clientSecret, userErrors = 'both' } = settings
  const ledger = new Ledger(settings, { code: 600, access: 15 * DAY, refresh: 30 * DAY })
  const words = new DouyinWords(settings.numbers ?? 'number', userErrors)
  const renewals = new WeakMap<Grant, number>()

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const needed = namesIn(query.get('scope'))
    const optional = optionalIn(query.get('optionalScope'))
    const wrong = (what: string) => errorPage(400, 'Douyin', what, `${what} 参数错误`)
    const twice = repeated(query)
    if (twice) return wrong(twice)
    if (query.get('client_key') !== clientID) return wrong('client_key')
    if (redirectURI === null || !isSafe(redirectURI)) return wrong('redirect_uri')
    // The fragment is not compared.
    if (!isRegistered(settings, redirectURI.split('#', 1)[0] ?? null)) return wrong('redirect_uri')
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (needed.length === 0 || !needed.every(isScope)) return wrong('scope')
    if (!optional?.every(({ name }) => isScope(name))) return wrong('optionalScope')
    const scope = [...needed, ...optional.map(({ name }) => name)]
    const ticked = [...needed, ...optional.filter(({ first }) => first).map(({ name }) => name)]
    return {
      provider: 'Douyin',
      accent: '#161823',
      clientID,
      scope,
      ...(optional.length > 0 && { ticked }),
      scan: true,
      agree: (user, chosen) => {
        // Scopes that are not optional cannot be left out.
        const granted = scope.filter((name) => needed.includes(name) || chosen.scope.includes(name))
        const code = ledger.issueCode({ user, scope: granted, redirectURI }, secret(32))
        return withParams(redirectURI, { code, state, scopes: granted.join(',') })
      },
      // A refusal is not documented: this is TikTok's, a related API.
      deny: () => withParams(redirectURI, { error: 'access_denied', errCode: '-4', state }),
    }
  })

  /** The form, if it has our `client_key`; otherwise the number of the error. */
  function formIn(call: Call, needed: readonly string[]): URLSearchParams | number {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return 10002
    if (!['client_key', ...needed].every((name) => form.get(name))) return 10005
    return form.get('client_key') === clientID ? form : 10003
  }

  function token(call: Call): Reply {
    const form = formIn(call, ['client_secret', 'code', 'grant_type'])
    if (typeof form === 'number') return words.refused(form)
    if (form.get('client_secret') !== clientSecret) return words.refused(10013)
    if (form.get('grant_type') !== 'authorization_code') return words.refused(10002)
    const code = form.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return words.refused(10007)
    ledger.useCode(code)
    const { grant } = found
    return issued(grant, ledger.issueRefresh(grant, `rft.${secret(24)}`), ledger.refreshSeconds)
  }

  /** Takes no secret. The refresh token stays the same, and so does its expiry. */
  function refresh(call: Call): Reply {
    const form = formIn(call, ['grant_type', 'refresh_token'])
    if (typeof form === 'number') return words.refused(form)
    if (form.get('grant_type') !== 'refresh_token' || form.has('client_secret')) return words.refused(10002)
    const old = form.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    return grant ? issued(grant, old, Math.floor(ledger.refreshSecondsLeft(old))) : words.refused(10010)
  }

  /** A new refresh token with a new lifetime, a few times. */
  function renew(call: Call): Reply {
    const form = formIn(call, ['refresh_token'])
    if (typeof form === 'number') return words.refused(form)
    const old = form.get('refresh_token') ?? ''
    const grant = ledger.refreshGrant(old)
    if (!grant) return words.refused(10010)
    if (!grant.scope.includes('renew_refresh_token')) return words.refused(10004)
    const times = renewals.get(grant) ?? 0
    if (times >= RENEWALS) return words.refused(10020)
    renewals.set(grant, times + 1)
    ledger.dropRefresh(old)
    const refresh_token = ledger.issueRefresh(grant, `rft.${secret(24)}`)
    return words.success({ refresh_token, expires_in: words.number(ledger.refreshSeconds) })
  }

  function issued(grant: Grant, refresh_token: string, refreshSeconds: number): Reply {
    return words.success({
      access_token: ledger.issueAccess(grant, `act.${secret(24)}`),
      captcha: '',
      desc_url: '',
      expires_in: words.number(ledger.accessSeconds),
      open_id: grant.user.id,
      refresh_expires_in: words.number(refreshSeconds),
      refresh_token,
      scope: grant.scope.join(','),
    })
  }

  /** A form, as in the page's example, or JSON, as in its table. */
  function userInfo(call: Call): Reply {
    const body = paramsOf(call)
    if (!body) return words.userRefused(28001007)
    const { access_token, open_id } = body
    if (typeof access_token !== 'string' || typeof open_id !== 'string') return words.userRefused(28001007)
    const grant = grantOf(access_token)
    if (!('user' in grant)) return grant
    if (open_id !== grant.user.id) return words.userRefused(28001015)
    if (!grant.scope.includes('user_info')) return words.userRefused(28001018)
    const { id, name, avatar = '' } = grant.user
    const user = { avatar, client_key: clientID, e_account_role: '', nickname: name, open_id: id }
    return words.user({ ...user, union_id: `11111111-dddd${id.slice(13)}` })
  }

  function paramsOf(call: Call): Record<string, unknown> | undefined {
    if (mediaType(call) === 'application/json') return jsonOf(call)
    const form = formOf(call)
    return mediaType(call) === FORM && !repeated(form) ? Object.fromEntries(form) : undefined
  }

  function grantOf(token: string | undefined): Grant | Reply {
    const isOver = token !== undefined && ledger.isExpiredAccess(token)
    return ledger.accessGrant(token) ?? words.userRefused(isOver ? 28001008 : 28001003)
  }

  /** Some pages have the token in a header, others in the query. */
  function holder(call: Call): Grant | Reply {
    const named = call.headers['access-token']
    const inHeader = typeof named === 'string' ? named : bearerOf(call)
    return grantOf(inHeader ?? call.query.get('access_token') ?? undefined)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', handle: token },
      { method: 'POST', path: REFRESH, endpoint: 'refresh', handle: refresh },
      { method: 'POST', path: RENEW, endpoint: 'request', handle: renew },
      { method: 'POST', path: USER, endpoint: 'profile', handle: userInfo },
    ],
    ledgers: [ledger],
    holder,
    essential: ['union_id'],
    refuse: (endpoint, status, code) => {
      if (endpoint === 'token' || endpoint === 'refresh') {
        const byCall = endpoint === 'refresh' ? 10010 : 10013
        return words.refused(Number(code ?? (status >= 500 ? 10001 : byCall))).json
      }
      const byStatus = { 403: 28001018, 429: 28003018 }[status] ?? 28001003
      return words.userRefused(Number(code ?? (status >= 500 ? 28001005 : byStatus))).json
    },
  }
}

function isSafe(redirectURI: string): boolean {
  if (!URL.canParse(redirectURI)) return false
  const { protocol, hostname } = new URL(redirectURI)
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}

function isScope(name: string): boolean {
  return /^[a-z_.]+$/.test(name)
}

function namesIn(text: string | null): string[] {
  return (text ?? '').split(',').filter((name) => name !== '')
}

/** `name,1,name,0`: which scopes are ticked at first. */
function optionalIn(text: string | null): { name: string; first: boolean }[] | undefined {
  const parts = text ? text.split(',') : []
  const names = parts.filter((_, at) => at % 2 === 0)
  const flags = parts.filter((_, at) => at % 2 === 1)
  if (names.length !== flags.length || !flags.every((flag) => flag === '0' || flag === '1')) return undefined
  return names.map((name, at) => ({ name, first: flags[at] === '1' }))
}

export const douyin = {
  title: 'Douyin',
  chineseTitle: '抖音',
  users: USERS,
  own: {
    numbers: ['number', 'text'],
    userErrors: ['both', 'new', 'old'],
  },
  options,
  provider,
} satisfies EmulatorKind<DouyinEmulatorOptions>
