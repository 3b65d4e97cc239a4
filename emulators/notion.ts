import { createHash, randomUUID } from 'node:crypto'
import { consentRoutes, isRegistered, withParams } from './authorize'
import type { EmulatorKind } from './definition'
import { type Grant, Ledger, secret } from './ledger'
import { apiRefused, apiWords, codeOf, oauthRefused, oauthWords } from './notion-words'
import { refusalPage } from './page'
import { bearerOf, type Call, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import type { Why } from './texts'
import type { EmulatorUser } from './types'

/** The options of the Notion emulator besides the shared ones. */
export interface NotionEmulatorOptions {
  /** What the app may read of people: everything, everything except the e-mail address, or only the id. Default `with-email`. */
  userInformation?: 'with-email' | 'without-email' | 'none'
  /** The owner of the token: a person, or a whole workspace; then the response has no person. Default `user`. */
  ownerType?: 'user' | 'workspace'
  /** Whether a login issues a refresh token. If false, `refresh_token` is null, as it once was. Default true. */
  refreshTokens?: boolean
  /** The error codes of the token endpoint for a refused client or grant: RFC 6749's, or those of Notion's API. Default `oauth`. */
  tokenErrors?: 'oauth' | 'api'
}

/**
 * Notion's public connections, from developers.notion.com: reference/create-a-token, refresh-a-token, revoke-token,
 * status-codes and the guide on authorization (read 2026-11-26). Two texts word a refusal of the token endpoint in two
 * ways, hence a switch. Inferred: how long codes and tokens live, what a refusal at the start looks like, that a
 * `Notion-Version` that is no date is a `validation_error`, and that revoking one token takes the other along.
 */
const USERS: EmulatorUser[] = [
  {
    id: '11111111-2222-4333-8444-555555550001',
    name: '张三',
    email: 'zhangsan@example.com',
    avatar: 'https://s3-us-west-2.amazonaws.example/public.notion-static.com/zhangsan.jpg',
  },
  { id: '11111111-2222-4333-8444-555555550002', name: 'Ada Lovelace' },
  {
    id: '11111111-2222-4333-8444-555555550003',
    name: "O'Brien <script>alert(1)</script>",
    email: 'obrien@example.com',
  },
  { id: '11111111-2222-4333-8444-555555550004', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const AUTHORIZE = '/v1/oauth/authorize'
const TOKEN = '/v1/oauth/token'
const REVOKE = '/v1/oauth/revoke'
const ME = '/v1/users/me'

function options(origin: string, { clientID, clientSecret }: Settings) {
  return {
    clientID,
    clientSecret,
    baseURL: origin,
    authorizationURL: origin + AUTHORIZE,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    revokeURL: origin + REVOKE,
    userProfileURL: origin + ME,
  }
}

const WORKSPACE = { workspace_id: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', workspace_name: 'Example Workspace' }
const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & NotionEmulatorOptions): Provider {
  const { clientID, clientSecret, redirectURIs, ownerType = 'user', refreshTokens = true } = settings
  const ledger = new Ledger(settings, { code: 600, access: 365 * DAY, refresh: 3650 * DAY })

  const authorize = consentRoutes(AUTHORIZE, settings, ({ query }) => {
    const given = query.get('redirect_uri')
    // If the app has only one, it may be left out.
    const redirectURI = given ?? (redirectURIs?.length === 1 ? (redirectURIs[0] ?? null) : null)
    const state = query.get('state') ?? undefined
    const wrong = (why: Why) => refusalPage(400, 'Notion', 'invalid_request', why)
    const twice = repeated(query)
    if (twice) return wrong((texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID) return wrong('Missing or invalid client_id.')
    if (!isRegistered(settings, redirectURI)) return wrong('Missing or invalid redirect_uri.')
    if (query.get('response_type') !== 'code') return wrong('Missing or invalid response_type.')
    if (query.get('owner') !== 'user') return wrong('Missing or invalid owner.')
    return {
      provider: 'Notion',
      accent: '#37352f',
      clientID,
      scope: [],
      agree: (user) => {
        const code = ledger.issueCode({ user, scope: [], ...(given !== null && { redirectURI: given }) }, randomUUID())
        return withParams(redirectURI, { code, state })
      },
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  /** What every request needs: the version header, and JSON if there is a body. */
  function requestProblem(call: Call): Reply | undefined {
    const version = call.headers['notion-version']
    if (version === undefined) return apiRefused('missing_version')
    if (!/^\d{4}-\d{2}-\d{2}$/.test(String(version))) {
      return apiRefused('validation_error', 'Notion-Version header failed validation.')
    }
    return call.method === 'POST' && mediaType(call) !== 'application/json' ? apiRefused('invalid_json') : undefined
  }

  /** Credentials are accepted only by Basic. */
  function clientProblem(call: Call): Reply | undefined {
    const problem = requestProblem(call)
    if (problem) return problem
    const basic = `Basic ${Buffer.from(`${clientID}:${clientSecret}`).toString('base64')}`
    return call.headers.authorization === basic ? undefined : refused('invalid_client')
  }

  function token(call: Call): Reply {
    const problem = clientProblem(call)
    if (problem) return problem
    const { grant_type, code, refresh_token, redirect_uri } = jsonOf(call)
    if (grant_type === 'refresh_token') return refreshed(refresh_token)
    if (grant_type !== 'authorization_code') return apiRefused('validation_error', invalid('grant_type'))
    return exchanged(code, redirect_uri)
  }

  /** The redirect URI is required exactly if the authorization request had one. */
  function exchanged(code: unknown, redirectURI: unknown): Reply {
    if (typeof code !== 'string') return apiRefused('validation_error', invalid('code'))
    if (redirectURI !== undefined && typeof redirectURI !== 'string') {
      return apiRefused('validation_error', invalid('redirect_uri'))
    }
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused('invalid_grant')
    if (redirectURI !== found.grant.redirectURI) return refused('invalid_grant', 'Invalid redirect_uri.')
    ledger.useCode(code)
    return issued(found.grant)
  }

  function refreshed(old: unknown): Reply {
    if (typeof old !== 'string') return apiRefused('validation_error', invalid('refresh_token'))
    const grant = ledger.refreshGrant(old)
    if (!grant) return refused('invalid_grant', 'Invalid refresh token.')
    ledger.dropRefresh(old)
    return issued(grant)
  }

  function issued(grant: Grant): Reply {
    return {
      json: {
        access_token: ledger.issueAccess(grant, `ntn_${secret(34)}`),
        token_type: 'bearer',
        refresh_token: refreshTokens ? ledger.issueRefresh(grant, `nrt_${secret(34)}`) : null,
        bot_id: botOf(grant),
        workspace_icon: null,
        ...WORKSPACE,
        owner: ownerOf(grant),
        duplicated_template_id: null,
        request_id: randomUUID(),
      },
    }
  }

  function ownerOf({ user }: Grant) {
    if (ownerType === 'workspace') return { type: 'workspace', workspace: true }
    const { id, name, avatar, email } = user
    const { userInformation = 'with-email' } = settings
    if (userInformation === 'none') return { type: 'user', user: { object: 'user', id } }
    const person = userInformation === 'with-email' && email !== undefined ? { email } : {}
    return { type: 'user', user: { object: 'user', id, name, avatar_url: avatar ?? null, type: 'person', person } }
  }

  function revoke(call: Call): Reply {
    const problem = clientProblem(call)
    if (problem) return problem
    const { token: given } = jsonOf(call)
    if (typeof given !== 'string') return apiRefused('validation_error', invalid('token'))
    const grant = ledger.accessGrant(given) ?? ledger.refreshGrant(given)
    if (grant) grant.revoked = true
    return { json: { request_id: randomUUID() } }
  }

  /** The caller is a bot; the person is its owner. */
  function me(call: Call): Reply {
    const grant = holder(call)
    if (!('user' in grant)) return grant
    const bot = { owner: ownerOf(grant), workspace_name: WORKSPACE.workspace_name }
    const about = { object: 'user', id: botOf(grant), name: 'Example Connection', avatar_url: null, type: 'bot' }
    return { json: { ...about, bot, request_id: randomUUID() } }
  }

  function holder(call: Call): Grant | Reply {
    const grant = ledger.accessGrant(bearerOf(call))
    if (!grant) return apiRefused('unauthorized')
    return call.headers['notion-version'] === undefined ? apiRefused('missing_version') : grant
  }

  function refused(code: string, message?: string): Reply {
    return settings.tokenErrors === 'api' ? apiRefused(code, message) : oauthRefused(code, message)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: REVOKE, endpoint: 'revoke', handle: revoke },
      { method: 'GET', path: ME, endpoint: 'profile', handle: me },
    ],
    ledgers: [ledger],
    holder,
    essential: ['bot_id'],
    refuse: (endpoint, status, code) => {
      const known = code ?? codeOf(status)
      if (endpoint === 'profile' || endpoint === 'request') return apiWords(known ?? 'unauthorized', undefined, status)
      if (code === undefined && known !== undefined) return apiWords(known, undefined, status)
      const usual = known ?? (endpoint === 'refresh' ? 'invalid_grant' : 'invalid_client')
      return settings.tokenErrors === 'api' ? apiWords(usual, undefined, status) : oauthWords(usual)
    },
    refuseHeaders: (_endpoint, status) => ({ ...(status === 429 && { 'retry-after': '30' }) }),
  }
}

/** A person has one bot of the app in a workspace. */
function botOf({ user }: Grant): string {
  const hash = createHash('sha256').update(`${WORKSPACE.workspace_id} ${user.id}`).digest('hex')
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}

function invalid(member: string): string {
  return `body failed validation: body.${member} should be defined, and a text that fits.`
}

export const notion = {
  title: 'Notion',
  users: USERS,
  own: {
    userInformation: ['with-email', 'without-email', 'none'],
    ownerType: ['user', 'workspace'],
    refreshTokens: 'flag',
    tokenErrors: ['oauth', 'api'],
  },
  options,
  provider,
} satisfies EmulatorKind<NotionEmulatorOptions>
