import { type Asked, consentRoutes, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { halfHash, IdTokenKeys } from './id-token'
import { type Grant, hex, Ledger } from './ledger'
import { refusalPage } from './page'
import { s256 } from './pkce'
import { bearerOf, type Call, formOf, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import { argumentsOf, clientProblem, isRedirectURL, refused, usualError, words } from './slack-call'
import { BOT_USER, claimsOf, ENTERPRISE, memberOf, USERS, WORKSPACES } from './slack-user'
import type { Why } from './texts'
import type { EmulatorProject } from './types'

/** The options of the Slack emulator besides the shared ones. */
export interface SlackEmulatorOptions {
  /** The flow that `options` point to; both are served. Default `signin`. */
  flow?: 'signin' | 'install'
  /** The workspaces where a person can log in; a user's id is the same in each. Default `T0KITES001` and `T0HARBOUR2`. */
  workspaces?: readonly EmulatorProject[]
  /** Access tokens expire after twelve hours, and there are refresh tokens. Without it, no token expires. */
  tokenRotation?: boolean
  /** An installation is for the whole organisation: `team` is null. */
  orgInstall?: boolean
  /** Each method sends a `warning` beside its `ok: true`. */
  warnings?: boolean
  /** How a dead refresh token is refused: with Slack's code, or with RFC 6749's on HTTP 400, as observed. Default `slack`. */
  refreshRefusal?: 'slack' | 'rfc6749'
}

/**
 * Sign in with Slack, and the installation of an app (OAuth v2), from docs.slack.dev/reference/methods/openid.connect.token,
 * …/openid.connect.userInfo, …/oauth.v2.access and docs.slack.dev/authentication/using-token-rotation (read 2026-11-25).
 */
const PATHS = {
  signin: {
    ask: '/openid/connect/authorize',
    token: '/api/openid.connect.token',
    user: '/api/openid.connect.userInfo',
  },
  install: { ask: '/oauth/v2/authorize', token: '/api/oauth.v2.access', user: '/api/users.info' },
} as const

function options(origin: string, { clientID, clientSecret, flow = 'signin' }: Settings & SlackEmulatorOptions) {
  const { ask, token, user } = PATHS[flow]
  return {
    clientID,
    clientSecret,
    flow,
    baseURL: origin,
    authorizationURL: origin + ask,
    tokenURL: origin + token,
    refreshURL: origin + token,
    userProfileURL: origin + user,
    revokeURL: `${origin}/api/auth.revoke`,
    jwksURL: `${origin}/openid/connect/keys`,
  }
}

const YEAR = 365 * 24 * 3600

function provider(_origin: string, settings: Settings & SlackEmulatorOptions): Provider {
  const { clientID, workspaces = WORKSPACES, tokenRotation = false } = settings
  const lifetimes = { code: 600, access: tokenRotation ? 12 * 3600 : 10 * YEAR, refresh: 10 * YEAR }
  const signin = new Ledger(settings, lifetimes)
  // For one installation and one code: the bot's tokens and the user's.
  const [bots, people] = [new Ledger(settings, lifetimes), new Ledger(settings, lifetimes)]
  const keys = new IdTokenKeys()
  const revoked = new Set<string>()

  const wrong = (error: string, why: Why) => refusalPage(400, 'Slack', error, why)
  const teamOf = ({ place }: Grant) => workspaces.find(({ id }) => id === place) ?? { id: '', name: '' }

  /** What both flows check; Slack shows every error on its own page. */
  function consent(query: URLSearchParams, scope: string[], codeFor: (grant: Grant) => string): Asked | Reply {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const twice = repeated(query)
    if (twice) return wrong('invalid_arguments', (texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID) return wrong('invalid_client_id', 'Invalid client_id parameter')
    if (!redirectURI || !isRedirectURL(redirectURI, settings)) {
      return wrong('bad_redirect_uri', 'redirect_uri did not match any configured URIs')
    }
    // A workspace in the request is only preselected.
    const first = workspaces.find(({ id }) => id === query.get('team')) ?? workspaces[0]
    const [challenge, nonce] = [query.get('code_challenge') ?? undefined, query.get('nonce') ?? undefined]
    return {
      provider: 'Slack',
      accent: '#4a154b',
      clientID,
      scope,
      place: { kind: 'workspace', options: workspaces, first: first?.id },
      agree: (user, { place }) => {
        return withParams(redirectURI, { code: codeFor({ user, scope, redirectURI, challenge, nonce, place }), state })
      },
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  }

  const newCode = () => `${Date.now()}.${parseInt(hex(5), 16)}.${hex(32)}`

  const askSignin = consentRoutes(PATHS.signin.ask, settings, ({ query }) => {
    const scope = words(query.get('scope'), /[ ,]+/)
    if (query.get('response_type') !== 'code') {
      return wrong('invalid_arguments', (texts) => texts.wrong.mustBe('response_type', 'code'))
    }
    if (!scope.includes('openid') || !scope.every((name) => ['openid', 'profile', 'email'].includes(name))) {
      return wrong('invalid_scope', 'Invalid permissions requested')
    }
    return consent(query, scope, (grant) => signin.issueCode({ ...grant, challenge: undefined }, newCode()))
  })

  const askInstall = consentRoutes(PATHS.install.ask, settings, ({ query }) => {
    const [bot, person] = [words(query.get('scope'), ','), words(query.get('user_scope'), ',')]
    if (bot.length + person.length === 0) return wrong('no_scopes', 'No scopes requested')
    // Commas separate scopes: no name has a space.
    if (![...bot, ...person].every((name) => /^[a-z][\w.:-]*$/.test(name))) {
      return wrong('invalid_scope', 'Invalid permissions requested')
    }
    if (query.has('code_challenge') && query.get('code_challenge_method') !== 'S256') {
      return wrong('invalid_arguments', (texts) => texts.wrong.mustBe('code_challenge_method', 'S256'))
    }
    return consent(query, [...bot, ...person], (grant) => {
      const code = newCode()
      people.issueCode({ ...grant, scope: person }, code)
      return bots.issueCode({ ...grant, scope: bot }, code)
    })
  })

  /** A token method, which also refreshes. */
  function method(ledgers: readonly Ledger[], exchanged: (code: string, args: URLSearchParams) => Reply) {
    return (call: Call): Reply => {
      const args = argumentsOf(call)
      if (!(args instanceof URLSearchParams)) return args
      const problem = clientProblem(call, args, settings)
      if (problem) return problem
      const grantType = args.get('grant_type') ?? 'authorization_code'
      if (grantType === 'refresh_token') return refreshed(ledgers, args.get('refresh_token') ?? '')
      if (grantType !== 'authorization_code') return refused('invalid_grant_type')
      return exchanged(args.get('code') ?? '', args)
    }
  }

  /** What is wrong with a code of `own`. */
  function codeProblem(own: Ledger, other: Ledger, code: string, args: URLSearchParams): Reply | undefined {
    if (other.lookUpCode(code)) return refused('oauth_authorization_url_mismatch')
    const found = own.lookUpCode(code)
    if (found?.state === 'used') return refused('code_already_used')
    if (found?.state !== 'fresh') return refused('invalid_code')
    if (args.get('redirect_uri') !== found.grant.redirectURI) return refused('bad_redirect_uri')
    const verifier = args.get('code_verifier')
    const proof = verifier === null ? undefined : s256(verifier)
    return proof === found.grant.challenge ? undefined : refused('invalid_code')
  }

  function signedIn(code: string, args: URLSearchParams): Reply {
    // The method does not document it.
    if (args.has('code_verifier')) return refused('invalid_arguments')
    const problem = codeProblem(signin, bots, code, args)
    const grant = signin.lookUpCode(code)?.grant
    if (problem || !grant) return problem ?? refused('invalid_code')
    signin.useCode(code)
    const tokens = issued(signin, grant)
    const claims = { iss: 'https://slack.com', aud: clientID, nonce: grant.nonce, ...claimsOf(grant, teamOf(grant)) }
    return fine({ ...tokens, id_token: keys.issue({ ...claims, at_hash: halfHash(tokens.access_token) }, 300) })
  }

  function installed(code: string, args: URLSearchParams): Reply {
    const problem = codeProblem(bots, signin, code, args)
    const [bot, person] = [bots.lookUpCode(code)?.grant, people.lookUpCode(code)?.grant]
    if (problem || !bot || !person) return problem ?? refused('invalid_code')
    for (const ledger of [bots, people]) ledger.useCode(code)
    const own = person.scope.length > 0 ? issued(people, person) : {}
    const top = bot.scope.length > 0 ? { ...issued(bots, bot), bot_user_id: BOT_USER } : {}
    return fine({ ...top, ...whereOf(bot), authed_user: { id: bot.user.id, ...own } })
  }

  /** Issues a new refresh token each time; the old one dies. */
  function refreshed(ledgers: readonly Ledger[], old: string): Reply {
    const ledger = ledgers.find((one) => one.refreshGrant(old))
    const grant = ledger?.refreshGrant(old)
    if (!ledger || !grant) {
      const isRfc = settings.refreshRefusal === 'rfc6749'
      return isRfc ? { status: 400, json: { error: 'invalid_grant' } } : refused('invalid_refresh_token')
    }
    ledger.dropRefresh(old)
    const more = ledger === signin ? {} : { ...whereOf(grant), ...(ledger === bots && { bot_user_id: BOT_USER }) }
    return fine({ ...issued(ledger, grant), ...more })
  }

  function issued(ledger: Ledger, grant: Grant) {
    const kind = ledger === bots ? 'xoxb' : 'xoxp'
    const token = `${tokenRotation ? 'xoxe.' : ''}${kind}-${hex(24)}`
    const scope = ledger === signin ? {} : { scope: grant.scope.join(',') }
    const end = tokenRotation
      ? { expires_in: ledger.accessSeconds, refresh_token: ledger.issueRefresh(grant, `xoxe-1-${hex(32)}`) }
      : {}
    const token_type = ledger === signin ? 'Bearer' : ledger === bots ? 'bot' : 'user'
    return { access_token: ledger.issueAccess(grant, token), token_type, ...scope, ...end }
  }

  function whereOf(grant: Grant): object {
    const { orgInstall = false } = settings
    const where = orgInstall ? { team: null, enterprise: ENTERPRISE } : { team: teamOf(grant), enterprise: null }
    return { app_id: 'A0EMULATED', ...where, is_enterprise_install: orgInstall }
  }

  function fine(json: object): Reply {
    const warning = { warning: 'emulated_warning', response_metadata: { warnings: ['emulated_warning'] } }
    return { json: { ok: true, ...json, ...(settings.warnings && warning) } }
  }

  function holder(call: Call): Grant | Reply {
    // Apps created after February 2021 must not send it there.
    if (call.query.has('token')) return refused('invalid_auth')
    const token = bearerOf(call) ?? formOf(call).get('token') ?? undefined
    if (token === undefined) return refused('not_authed')
    const all = [signin, bots, people]
    const grant = all.map((ledger) => ledger.accessGrant(token)).find((one) => one !== undefined)
    if (grant) return grant
    if (revoked.has(token)) return refused('token_revoked')
    return refused(all.some((ledger) => ledger.isExpiredAccess(token)) ? 'token_expired' : 'invalid_auth')
  }

  /** An API method that requires one scope. */
  function api(needed: string, show: (grant: Grant, call: Call) => Reply): (call: Call) => Reply {
    return (call) => {
      const grant = holder(call)
      if (!('user' in grant)) return grant
      if (grant.scope.includes(needed)) return show(grant, call)
      return refused('missing_scope', { needed, provided: grant.scope.join(',') })
    }
  }

  const userInfo = api('openid', (grant) => fine(claimsOf(grant, teamOf(grant))))
  const usersInfo = api('users:read', (grant, call) => {
    const wanted = call.query.get('user') ?? formOf(call).get('user')
    const user = settings.users.find(({ id }) => id === wanted)
    return user ? fine({ user: memberOf(user, teamOf(grant)) }) : refused('user_not_found')
  })
  const identity = api('identity.basic', (grant) => {
    const { id, name, email } = grant.user
    const mail = grant.scope.includes('identity.email') ? { email } : {}
    return fine({ user: { id, name, ...mail }, team: { id: teamOf(grant).id } })
  })

  /** Revokes only this token: the other one of an installation stays valid. */
  function revoke(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    grant.revoked = true
    revoked.add(bearerOf(call) ?? formOf(call).get('token') ?? '')
    return fine({ revoked: true })
  }

  const post = { method: 'POST', endpoint: 'token', refreshes: true } as const
  return {
    routes: [
      ...askSignin,
      ...askInstall,
      { ...post, path: PATHS.signin.token, handle: method([signin], signedIn) },
      { ...post, path: PATHS.install.token, handle: method([bots, people], installed) },
      { method: 'GET', path: '/openid/connect/keys', endpoint: 'keys', handle: () => keys.keySet() },
      // Each API method accepts GET and POST.
      ...['GET', 'POST'].flatMap((verb) => [
        { method: verb, path: PATHS.signin.user, endpoint: 'profile' as const, handle: userInfo },
        { method: verb, path: PATHS.install.user, endpoint: 'profile' as const, handle: usersInfo },
        { method: verb, path: '/api/users.identity', endpoint: 'profile' as const, handle: identity },
        { method: verb, path: '/api/auth.revoke', endpoint: 'revoke' as const, handle: revoke },
      ]),
    ],
    ledgers: [signin, bots, people],
    idTokenKeys: keys,
    holder,
    essential: ['id_token', 'keys', 'authed_user', 'https://slack.com/user_id', 'https://slack.com/team_id'],
    refuse: (endpoint, status, code) => ({ ok: false, error: code ?? usualError(endpoint, status) }),
    refuseHeaders: (_endpoint, status): Record<string, string> => (status === 429 ? { 'retry-after': '30' } : {}),
  }
}

export const slack = {
  title: 'Slack',
  users: USERS,
  own: {
    flow: ['signin', 'install'],
    workspaces: 'list',
    tokenRotation: 'flag',
    orgInstall: 'flag',
    warnings: 'flag',
    refreshRefusal: ['slack', 'rfc6749'],
  },
  options,
  provider,
} satisfies EmulatorKind<SlackEmulatorOptions>
