import { randomBytes } from 'node:crypto'
import { type Asked, consentRoutes, withParams } from './authorize'
import { type Ledger, secret } from './ledger'
import { type Call, type Reply, type Route, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { wrong } from './wechat-words'

export const QR_CONNECT = '/connect/qrconnect'
export const IN_WECHAT = '/connect/oauth2/authorize'

/** How apps differ before there is a code. */
export interface WechatLogins {
  /** The kind of login: a website's QR code, or an official account inside WeChat. Default `website`. */
  kind?: 'website' | 'official-account'
  /**
   * What happens when a person refuses: a callback with only the `state`, a callback with `code=authdeny` (`authdeny`), or
   * a page without a callback (`stays`). Default `state`.
   */
  refusal?: 'state' | 'authdeny' | 'stays'
  /** `snsapi_base` agrees as the first user without a page. If false, a person can choose. Default true. */
  silent?: boolean
  /** Refuse an official account's login to browsers whose `User-Agent` has no `MicroMessenger`. */
  insideOnly?: boolean
}

/** The query of the login inside WeChat: exactly these, in this order. */
const ORDER = ['appid', 'redirect_uri', 'response_type', 'scope', 'state']
const AFTER = ['forcePopup', 'forceSnapShot']

/** The pages of both logins. An app has one kind; the other kind's page does not know it. */
export function wechatPages(origin: string, settings: Settings & WechatLogins, ledger: Ledger): Route[] {
  const { clientID, kind = 'website', refusal = 'state', silent = true } = settings
  const domains = settings.redirectURIs
    ?.filter((address) => URL.canParse(address))
    .map((address) => new URL(address).hostname)

  /** A callback domain has no scheme and no port, and does not cover subdomains. */
  function isAllowed(redirectURI: string): boolean {
    if (!/^https?:\/\/[^#]*$/.test(redirectURI) || !URL.canParse(redirectURI)) return false
    return domains?.includes(new URL(redirectURI).hostname) ?? true
  }

  /** What both pages show. Two official texts contradict each other on where a refusal leads. */
  function asked({ path, query }: Call, scope: string, isSnapshot: boolean): Asked {
    const redirectURI = query.get('redirect_uri') ?? ''
    const state = query.get('state') ?? undefined
    const code = refusal === 'authdeny' ? 'authdeny' : undefined
    return {
      provider: 'WeChat',
      accent: '#087a3e',
      clientID,
      scope: [scope],
      agree: (user) => {
        const seen = scope === 'snsapi_userinfo' && (isSnapshot || user.snapshot) ? virtualUser() : user
        const code = ledger.issueCode({ user: seen, scope: [scope], redirectURI }, secret(24))
        return withParams(redirectURI, { code, state })
      },
      deny: () => (refusal === 'stays' ? `${origin}${path}?${query}` : withParams(redirectURI, { code, state })),
    }
  }

  const website = consentRoutes(QR_CONNECT, settings, (call) => {
    const { query } = call
    const twice = repeated(query)
    if (twice) return wrong(twice)
    if (kind !== 'website' || query.get('appid') !== clientID) return wrong('appid')
    if (!isAllowed(query.get('redirect_uri') ?? '')) return wrong('redirect_uri')
    // WeChat's panel script, wxLogin.js, sends none.
    const isPanel = query.get('login_type') === 'jssdk'
    if ((query.get('response_type') ?? (isPanel ? 'code' : '')) !== 'code') return wrong('response_type')
    if (query.get('scope') !== 'snsapi_login') return wrong('scope', 'Scope 参数错误或没有 Scope 权限')
    if (!['cn', 'en'].includes(query.get('lang') ?? 'cn')) return wrong('lang')
    return { ...asked(call, 'snsapi_login', false), scan: true }
  })

  const inside = consentRoutes(IN_WECHAT, settings, (call) => {
    const { query, headers } = call
    if (settings.insideOnly && !/MicroMessenger/i.test(headers['user-agent'] ?? '')) {
      return wrong('User-Agent', '请在微信客户端打开链接')
    }
    if (!query.get('scope')) return wrong('10010')
    if (!query.get('redirect_uri')) return wrong('10011')
    if (!query.get('appid')) return wrong('10012')
    if (!query.get('state')) return wrong('10013')
    if (kind !== 'official-account') return wrong('10016')
    if (!isInOrder(query)) return BLANK
    if (query.get('appid') !== clientID) return wrong('appid')
    if (!isAllowed(query.get('redirect_uri') ?? '')) return wrong('10003')
    const scope = query.get('scope') ?? ''
    if (!['snsapi_base', 'snsapi_userinfo'].includes(scope)) return wrong('10005')
    return {
      ...asked(call, scope, query.get('forceSnapShot') === 'true'),
      silent: scope === 'snsapi_base' && silent,
    }
  })

  return [...website, ...inside]
}

/** What WeChat shows if the query does not fit its pattern. */
const BLANK: Reply = { html: () => '' }

function isInOrder(query: URLSearchParams): boolean {
  const names = [...query.keys()]
  const after = AFTER.filter((name) => query.has(name))
  return (
    names.join() === [...ORDER, ...after].join() &&
    query.get('response_type') === 'code' &&
    /^[a-zA-Z0-9]{1,128}$/.test(query.get('state') ?? '') &&
    after.every((name) => /^(true|false)$/.test(query.get(name) ?? ''))
  )
}

/** A virtual user: each view of a snapshot page has a new one. */
function virtualUser(): EmulatorUser {
  const id = `oV${randomBytes(13).toString('hex')}`
  return { id, name: '微信用户', avatar: 'https://thirdwx.qlogo.example/mmopen/virtual/132', snapshot: true }
}
