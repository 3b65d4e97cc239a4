import { randomBytes } from 'node:crypto'
import { consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import {
  DEAD_REFRESH,
  refused,
  shortWords,
  TEXT,
  text,
  verdict,
  verdictOf,
  verdictWords,
  wordsOf,
} from './huawei-words'
import { IdTokenKeys } from './id-token'
import { type Grant, Ledger } from './ledger'
import { errorPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/**
 * HUAWEI ID, OAuth version 3, from its pages below developer.huawei.com/consumer/cn/doc (read 2026-11-25):
 * HMSCore-References/server-error-codes-0000001062371380, harmonyos-references-V13/account-api-obtain-refresh-token-V13,
 * HMS-2-References/hmssdk_jointOper_api_reference_queryUser and …_getTokenInfo. Every host on one origin.
 * The first and the last user's ids differ in the case of one letter.
 */
const USERS: EmulatorUser[] = [
  {
    id: 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0ZQ',
    name: '张三',
    avatar: 'https://upfile.hwcloud.example/zhangsan.jpg',
  },
  { id: 'MDFAMTAwMDAwMDAyQGExYjJjM2Q0ZQ', name: 'Ada Lovelace' },
  { id: 'MDFAMTAwMDAwMDAzQGExYjJjM2Q0ZQ', name: "O'Brien <script>alert(1)</script>" },
  { id: 'MDFAMTAwMDAwMDAxQGExYjJjM2Q0Zq', name: '欧阳若曦', avatar: 'https://upfile.hwcloud.example/ouyang.jpg' },
]

const TOKEN = '/oauth2/v3/token'
const REVOKE = '/oauth2/v3/revoke'
const REST = '/rest.php'
const GET_INFO = 'GOpen.User.getInfo'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: `${origin}/oauth2/v3/authorize`,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: `${origin}${REST}?nsp_svc=${GET_INFO}`,
  }
}

const PROFILE_SCOPES = ['profile', 'https://www.huawei.com/auth/account/base.profile']
/** Without any scope at all, at a refresh. */
const NO_SCOPE = 'NO_SCOPE'
const DAY = 24 * 3600

function provider(_origin: string, settings: Settings): Provider {
  const ledger = new Ledger(settings, { code: 300, access: 3600, refresh: 180 * DAY })
  const keys = new IdTokenKeys()

  const authorize = consentRoutes('/oauth2/v3/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const challenge = query.get('code_challenge') ?? undefined
    const scope = scopesOf(query.get('scope'))
    const wrong = (subError: number, why = shortWords(subError)) =>
      errorPage(400, 'HUAWEI ID', `1101 / ${subError}`, why)
    const twice = repeated(query)
    if (twice) return wrong(20086, twice)
    if (!query.get('client_id')) return wrong(20002)
    if (query.get('client_id') !== settings.clientID) return wrong(20003)
    if (!redirectURI) return wrong(20022)
    if (!isAbsolute(redirectURI)) return wrong(20023)
    if (!isRegisteredWithQuery(settings, redirectURI)) return wrong(20024)
    if (query.get('response_type') !== 'code') return wrong(20086, 'response_type')
    if (!scope.every((name) => /^(openid|profile|https:\/\/www\.huawei\.com\/\S+)$/.test(name)) || !scope.length) {
      return wrong(20086, 'scope')
    }
    if (!['online', 'offline'].includes(query.get('access_type') ?? 'online')) return wrong(20086, 'access_type')
    if (!['page', 'mobile'].includes(query.get('display') ?? 'page')) return wrong(20086, 'display')
    if (challenge && query.get('code_challenge_method') !== 'S256') return wrong(20086, 'code_challenge_method')
    const offline = query.get('access_type') === 'offline'
    const nonce = query.get('nonce') ?? undefined
    return {
      provider: 'HUAWEI ID',
      accent: '#cf0a2c',
      clientID: settings.clientID,
      scope,
      agree: (user) => {
        const grant = { user, scope, redirectURI, challenge, offline, nonce }
        return withParams(redirectURI, { code: ledger.issueCode(grant, base64('CF', 48)), state })
      },
      // Undocumented: RFC 6749 §4.1.2.1.
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  function token(call: Call): Reply {
    const form = formOf(call)
    if (mediaType(call) !== FORM || repeated(form)) return refused(20086)
    const problem = clientProblem(form)
    if (problem) return refused(problem)
    const grantType = form.get('grant_type')
    if (grantType === 'refresh_token') return refreshed(form)
    return grantType === 'authorization_code' ? exchanged(form) : refused(20182)
  }

  function clientProblem(form: URLSearchParams): number | undefined {
    if (!form.get('client_id')) return 20002
    if (form.get('client_id') !== settings.clientID) return 20003
    if (!form.get('client_secret')) return 20171
    return form.get('client_secret') === settings.clientSecret ? undefined : 12304
  }

  function exchanged(form: URLSearchParams): Reply {
    const code = form.get('code') ?? ''
    // A code that was not percent-encoded arrives with spaces where it had a plus sign.
    if (!/^[A-Za-z0-9+/]+=*$/.test(code)) return refused(20152)
    const redirectURI = form.get('redirect_uri')
    if (!redirectURI) return refused(20022)
    const found = ledger.lookUpCode(code)
    if (!found) return refused(20158)
    if (found.state !== 'fresh') return refused(found.state === 'used' ? 20156 : 20155)
    const { grant } = found
    if (redirectURI !== grant.redirectURI) return refused(22023)
    const verifier = form.get('code_verifier')
    const proof = verifier ? s256(verifier) : undefined
    if (proof !== grant.challenge) return refused(20086)
    ledger.useCode(code)
    return issued(grant, grant.offline ? ledger.issueRefresh(grant, base64('DAFB', 64)) : undefined)
  }

  /** A refresh may request fewer scopes than were granted. */
  function refreshed(form: URLSearchParams): Reply {
    const old = form.get('refresh_token')
    if (!old) return refused(20191)
    if (!/^[A-Za-z0-9+/]+=*$/.test(old)) return refused(20192)
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused(DEAD_REFRESH)
    const asked = form.get('scope')
    const scope = asked === null ? grant.scope : scopesOf(asked === NO_SCOPE ? '' : asked)
    if (!scope.every((name) => grant.scope.includes(name))) return refused(20182)
    if (settings.refreshStyle === 'omit') return issued({ ...grant, scope }, undefined)
    if (settings.refreshStyle === 'repeat') return issued({ ...grant, scope }, old)
    ledger.dropRefresh(old)
    return issued({ ...grant, scope }, ledger.issueRefresh(grant, base64('DAFB', 64)))
  }

  function issued(grant: Grant, refresh_token: string | undefined): Reply {
    return {
      json: {
        access_token: ledger.issueAccess(grant, base64('DAEB', 64)),
        expires_in: ledger.accessSeconds,
        refresh_token,
        id_token: grant.scope.includes('openid') ? idToken(grant) : undefined,
        scope: grant.scope.join(' '),
        token_type: 'Bearer',
      },
    }
  }

  function idToken({ user: { id, name, avatar }, scope, nonce }: Grant): string | undefined {
    const claims = { iss: 'https://accounts.huawei.com', aud: settings.clientID, sub: unionIDOf(id), openid: id, nonce }
    const shown = scope.some((known) => PROFILE_SCOPES.includes(known)) ? { nickname: name, picture: avatar } : {}
    return keys.issue({ ...claims, ...shown }, 3600)
  }

  /** `rest.php` always responds with HTTP 200, and accepts only a form by POST. */
  function rest(call: Call): Reply {
    const form = formOf(call)
    const service = call.query.get('nsp_svc')
    if (mediaType(call) !== FORM || repeated(form) || repeated(call.query)) return verdict(105)
    if (service !== GET_INFO && service !== 'huawei.oauth2.user.getTokenInfo') return verdict(70001201)
    const token = form.get('access_token')
    if (!token) return verdict(105)
    const grant = ledger.accessGrant(token)
    if (!grant) return dead(token)
    return service === GET_INFO ? userInfo(grant, form.get('getNickName') ?? '0') : tokenInfo(grant)
  }

  function userInfo({ user: { id, name, avatar }, scope }: Grant, getNickName: string): Reply {
    if (!['0', '1'].includes(getNickName)) return verdict(105)
    const ids = { openID: id, unionID: unionIDOf(id) }
    if (!scope.some((known) => PROFILE_SCOPES.includes(known))) return text(ids)
    const shown =
      getNickName === '1'
        ? { displayName: name, displayNameFlag: 0 }
        : { displayName: '186****0001', displayNameFlag: 1 }
    return text({ ...ids, ...shown, headPictureURL: avatar ?? '' })
  }

  function tokenInfo({ user: { id }, scope }: Grant): Reply {
    const expire_in = ledger.accessSeconds
    return text({
      client_id: settings.clientID,
      expire_in,
      scope: scope.join(' '),
      open_id: id,
      union_id: unionIDOf(id),
    })
  }

  function holder(call: Call): Grant | Reply {
    const token = bearerOf(call) ?? formOf(call).get('access_token') ?? ''
    return ledger.accessGrant(token) ?? dead(token)
  }

  function dead(token: string): Reply {
    return verdict(ledger.isExpiredAccess(token) ? 6 : 102)
  }

  /** An unknown token gets the same response as a dead one. */
  function revoke(call: Call): Reply {
    const token = formOf(call).get('token')
    if (mediaType(call) !== FORM || !token) return refused(20086)
    const grant = ledger.accessGrant(token) ?? ledger.refreshGrant(token)
    if (grant) grant.revoked = true
    return { json: {} }
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'GET', path: '/oauth2/v3/certs', endpoint: 'keys', handle: () => keys.keySet() },
      { method: 'POST', path: REST, endpoint: 'profile', handle: rest },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: revoke },
    ],
    ledgers: [ledger],
    idTokenKeys: keys,
    holder,
    essential: ['openID', 'unionID'],
    refuse: (endpoint, status, code) => {
      if (endpoint === 'profile' || endpoint === 'request') return { error: verdictWords(verdictOf(status, code)) }
      if (status >= 500 && code === undefined) return { error: 1203, error_description: 'server error' }
      return wordsOf(Number(code ?? (endpoint === 'refresh' ? DEAD_REFRESH : 12304)))
    },
    // A status other than 200 is that of a gateway before `rest.php`, unless a code is requested.
    refuseHeaders: (endpoint, status, code): Record<string, string> => {
      const atRest = endpoint === 'profile' || endpoint === 'request'
      return atRest && (status === 200 || code) ? { ...TEXT, NSP_STATUS: String(verdictOf(status, code)) } : {}
    },
  }
}

function scopesOf(scope: string | null): string[] {
  return (scope ?? '').split(' ').filter((name) => name !== '')
}

function isAbsolute(redirectURI: string): boolean {
  return /^https?:\/\//.test(redirectURI) && URL.canParse(redirectURI) && !redirectURI.includes('#')
}

/** The registered URI, possibly with more query parameters. */
function isRegisteredWithQuery({ redirectURIs }: Settings, redirectURI: string): boolean {
  const without = redirectURI.split('?', 1)[0]
  return redirectURIs?.some((known) => known === redirectURI || known === without) ?? true
}

/** Codes and tokens contain characters that a form must encode. */
function base64(prefix: string, bytes: number): string {
  return `${prefix}${randomBytes(bytes).toString('base64').replace(/=+$/, '')}+/==`
}

/** Belongs to one developer; `openID` belongs to one app. */
function unionIDOf(id: string): string {
  return `MDE${id.slice(3)}`
}

export const huawei = {
  title: 'HUAWEI ID',
  chineseTitle: '华为账号',
  users: USERS,
  options,
  provider,
} satisfies EmulatorKind
