import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, hex, Ledger, secret } from './ledger'
import { errorPage } from './page'
import { type Call, FORM, formOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'
import { ApiRefusals, loginWords, refused } from './weibo-words'

/** The options of the Weibo emulator besides the shared ones. */
export interface WeiboEmulatorOptions {
  /** The type of `error_code` in a refusal of the API. Default `text`. */
  errorCode?: 'text' | 'number'
  /** Whether the app has the right to e-mail addresses, which it needs besides the scope `email`. Default true. */
  emailRight?: boolean
  /** The form of the response with the e-mail address. Default `array`. */
  emailForm?: 'array' | 'object'
  /** The ids of an unreviewed app's test accounts; the API refuses every other user with 21321. */
  testAccounts?: readonly string[]
  /** The id of the user that `users/show` returns, whichever user is requested. */
  shownUser?: string
}

/**
 * Weibo, from open.weibo.com/wiki according to old copies (read 2026-11-25): Oauth2/authorize, Oauth2/access_token,
 * Oauth2/error, 2/users/show, 2/account/profile/email and OAuth2/revokeoauth2. The API returns anybody's public data.
 */
const USERS: EmulatorUser[] = [
  {
    id: '7000000001',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://tvax1.sinaimg.example/zhangsan.jpg',
  },
  { id: '7000000002', name: 'Ada Lovelace' },
  { id: '1000000003', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: '9999999999', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const AUTHORIZE = '/oauth2/authorize'
const TOKEN = '/oauth2/access_token'
const REVOKE = '/oauth2/revokeoauth2'
const SHOW = '/2/users/show.json'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: origin + SHOW,
  }
}

const DISPLAYS = ['default', 'mobile', 'wap', 'client']
const FIVE_YEARS = 157_679_999

function provider(_origin: string, settings: Settings & WeiboEmulatorOptions): Provider {
  const { clientID, clientSecret, emailRight = true, testAccounts } = settings
  const ledger = new Ledger(settings, { code: 600, access: FIVE_YEARS })
  const api = new ApiRefusals(settings.errorCode ?? 'text')

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const scope = (query.get('scope') ?? '').split(',').filter((name) => name !== '')
    const wrong = (code: number, why: string) => errorPage(400, 'Weibo', String(code), why)
    const twice = repeated(query)
    if (twice) return wrong(21323, twice)
    if (query.get('client_id') !== clientID) return wrong(21324, 'client_id')
    if (!isRegistered(settings, redirectURI)) return wrong(21322, 'redirect_uri')
    const refuse = (given: string | number) => {
      const { error, error_description, error_uri } = loginWords(Number(given), AUTHORIZE)
      return withParams(redirectURI, { error, error_code: String(given), error_description, error_uri, state })
    }
    if ((query.get('response_type') ?? 'code') !== 'code') return { location: refuse(21329) }
    if (!DISPLAYS.includes(query.get('display') ?? 'default')) return { location: refuse(21323) }
    if (!/^(true|false)$/.test(query.get('forcelogin') ?? 'false')) return { location: refuse(21323) }
    if (!scope.every((name) => /^[a-z_]+$/.test(name))) return { location: refuse(21323) }
    return {
      provider: 'Weibo',
      accent: '#b8202a',
      clientID,
      scope,
      ticked: scope,
      agree: (user, chosen) => {
        const code = ledger.issueCode({ user, scope: chosen.scope, redirectURI }, hex(16))
        return withParams(redirectURI, { state, code })
      },
      deny: () => refuse(21330),
      refuse,
    }
  })

  /** A form or a query; every refusal is HTTP 400, and that of a code quotes the code. */
  function token(call: Call): Reply {
    const params = mediaType(call) === FORM ? formOf(call) : call.query
    if (repeated(params)) return refused(21323, TOKEN)
    if (params.get('client_id') !== clientID || params.get('client_secret') !== clientSecret) {
      return refused(21324, TOKEN)
    }
    if (params.get('grant_type') !== 'authorization_code') return refused(21328, TOKEN)
    const code = params.get('code')
    if (!code) return refused(21323, TOKEN)
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(21325, TOKEN, `invalid authorization code:${code}`)
    const { grant } = found
    if (params.get('redirect_uri') !== grant.redirectURI) return refused(21322, TOKEN)
    ledger.useCode(code)
    const { accessSeconds } = ledger
    return {
      json: {
        access_token: ledger.issueAccess(grant, `2.00${secret(21)}`),
        remind_in: String(accessSeconds),
        expires_in: accessSeconds,
        uid: grant.user.id,
        isRealName: 'true',
      },
    }
  }

  function tokenInfo(call: Call): Reply {
    const { access_token, grant } = grantIn(formOf(call))
    if (!grant) return api.reply(deadCode(access_token), call.path)
    const { user, scope } = grant
    const { accessSeconds: expire_in } = ledger
    return { json: { uid: Number(user.id), appkey: clientID, scope: scope.join(','), expire_in } }
  }

  function revoke(call: Call): Reply {
    const { access_token, grant } = grantIn(call.method === 'GET' ? call.query : formOf(call))
    if (!grant) return api.reply(deadCode(access_token), call.path)
    grant.revoked = true
    return { json: { result: 'true' } }
  }

  function grantIn(params: URLSearchParams) {
    const access_token = params.get('access_token') ?? undefined
    return { access_token, grant: ledger.accessGrant(access_token) }
  }

  function deadCode(token: string | undefined): number {
    if (token === undefined) return 10006
    return ledger.isExpiredAccess(token) ? 21327 : 21332
  }

  /** Returns any requested user: the app compares the id with its token's. */
  function show(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const uid = call.query.get('uid')
    if (!uid) return api.reply(10016, SHOW)
    const user = settings.users.find(({ id }) => id === (settings.shownUser ?? uid))
    if (!user) return api.reply(20003, SHOW)
    const { id, name, avatar = 'https://tvax1.sinaimg.example/default.jpg' } = user
    const sized = (size: string) => avatar.replace(/\/([^/]*)$/, `/${size}/$1`)
    return {
      json: {
        id: Number(id),
        idstr: id,
        screen_name: name,
        name,
        profile_image_url: sized('50'),
        avatar_large: sized('180'),
        avatar_hd: sized('1024'),
        gender: 'm',
        location: '',
        description: '',
        url: '',
        profile_url: `u/${id}`,
        domain: '',
        verified: false,
      },
    }
  }

  function email(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const mayAsk = grant.scope.includes('email') || grant.scope.includes('all')
    if (!mayAsk || !emailRight) return api.reply(10014, call.path)
    const entry = { email: grant.user.email }
    return { json: settings.emailForm === 'object' ? entry : [entry] }
  }

  /** In the query, or in a header whose scheme is not Bearer. */
  function holder(call: Call): Grant | Reply {
    const inHeader = /^OAuth2 ([^ ]+)$/i.exec(call.headers.authorization ?? '')?.[1]
    const given = call.query.get('access_token') ?? inHeader
    const grant = ledger.accessGrant(given)
    if (!grant) return api.reply(deadCode(given), call.path)
    return (testAccounts?.includes(grant.user.id) ?? true) ? grant : api.reply(21321, call.path)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', handle: token },
      { method: 'GET', path: SHOW, endpoint: 'profile', handle: show },
      { method: 'GET', path: '/2/account/profile/email.json', endpoint: 'profile', handle: email },
      { method: 'POST', path: '/oauth2/get_token_info', endpoint: 'request', handle: tokenInfo },
      { method: 'GET', path: REVOKE, endpoint: 'revoke', handle: revoke },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: revoke },
    ],
    ledgers: [ledger],
    holder,
    essential: ['uid', 'idstr'],
    refuse: (endpoint, status, code, { path }) => {
      if (endpoint === 'token') return loginWords(Number(code ?? (status >= 500 ? 21331 : 21324)), path)
      const byStatus = status >= 500 ? 10001 : status === 429 ? 10023 : status === 403 ? 10014 : 21332
      return api.words(Number(code ?? byStatus), path)
    },
  }
}

export const weibo = {
  title: 'Weibo',
  chineseTitle: '微博',
  users: USERS,
  own: {
    errorCode: ['text', 'number'],
    emailRight: 'flag',
    emailForm: ['array', 'object'],
    testAccounts: 'list',
    shownUser: 'text',
  },
  options,
  provider,
} satisfies EmulatorKind<WeiboEmulatorOptions>
