import {
  type CallbackReading,
  type DialectOptions,
  DialectStrategy,
  isObject,
  type Json,
  type JsonObject,
  OptionReader,
  type Phase,
  type ProfileFields,
  type ProviderRequest,
  type Refusal,
  type TokenGrant,
  textOf,
  type VerifyFunction,
} from 'passport-dialects'
import {
  bearerOf,
  type Call,
  consentRoutes,
  createEmulator,
  errorPage,
  type Grant as Granted,
  isRegistered,
  jsonOf,
  Ledger,
  type Provider,
  type Reply,
  type Settings,
  withParams,
} from 'passport-dialects/emulators'

/** A provider, as many are in China: `{ code, msg, data }`, and camelCase in every request and answer. */
export class LotusStrategy extends DialectStrategy {
  constructor(options: DialectOptions, verify: VerifyFunction) {
    const site = new OptionReader('lotus', options).base('baseURL', 'https://lotus.example')
    super('lotus', options, verify, {
      endpoints: {
        authorizationURL: `${site}/connect`,
        tokenURL: `${site}/token`,
        userProfileURL: `${site}/me`,
      },
      scope: ['basic'],
      clientIDName: 'appId',
      authorizationNames: { response_type: 'responseType', redirect_uri: 'redirectUri', state: 'stateKey' },
      credentials: ['authCode'],
    })
  }

  protected override readCallback(params: URLSearchParams): CallbackReading {
    return { state: params.get('stateKey') ?? undefined, credential: params.get('authCode') ?? undefined }
  }

  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { grant_type: grantType, code: authCode, redirect_uri: redirectUri, refresh_token: refreshToken } = grant
    const client = { appId: this.clientID, appSecret: this.clientSecret }
    return {
      method: 'POST',
      url: this.tokenEndpoint(grant),
      json: { ...client, grantType, authCode, redirectUri, refreshToken },
    }
  }

  override refusal({ code, msg }: JsonObject): Refusal | undefined {
    if (code === 0) return undefined
    const codes = { 1: 'client_rejected', 2: 'grant_rejected', 3: 'token_rejected' } as const
    return { code: code === 1 || code === 2 || code === 3 ? codes[code] : undefined, providerMessage: textOf(msg) }
  }

  override unwrap({ data }: JsonObject, phase: Phase): Json | undefined {
    if (phase === 'profile' || !isObject(data)) return data
    const { accessToken, tokenType, expiresIn, refreshToken } = data
    return { access_token: accessToken, token_type: tokenType, expires_in: expiresIn, refresh_token: refreshToken }
  }

  protected profileFields(user: JsonObject): ProfileFields {
    return { id: user.userId, displayName: user.nickName }
  }
}

export function startLotus(change: (provider: Provider) => Provider = (same) => same) {
  return createEmulator({
    name: 'lotus',
    users: [
      { id: 'u1', name: '张三' },
      { id: 'u2', name: 'Ada Lovelace' },
    ],
    options: (origin, { clientID, clientSecret }) => ({
      clientID,
      clientSecret,
      baseURL: origin,
      authorizationURL: `${origin}/connect`,
      tokenURL: `${origin}/token`,
      userProfileURL: `${origin}/me`,
    }),
    provider: (_origin, settings) => change(lotus(settings)),
  })
}

function lotus(settings: Settings): Provider {
  const ledger = new Ledger(settings, { code: 300, access: 3600, refresh: 86_400 })

  const connect = consentRoutes('/connect', settings, ({ query }) => {
    const redirectURI = query.get('redirectUri')
    const stateKey = query.get('stateKey') ?? undefined
    const wrong = (what: string) => errorPage(400, 'Lotus', '1', `${what} is wrong`)
    const strange = [...query.keys()].find((name) => !KNOWN.includes(name))
    if (strange !== undefined) return wrong(strange)
    if (query.get('appId') !== settings.clientID) return wrong('appId')
    if (query.get('responseType') !== 'code') return wrong('responseType')
    if (!isRegistered(settings, redirectURI)) return wrong('redirectUri')
    return {
      provider: 'Lotus',
      clientID: settings.clientID,
      scope: ['basic'],
      agree: (user) =>
        withParams(redirectURI, { authCode: ledger.issueCode({ user, scope: ['basic'], redirectURI }), stateKey }),
      deny: () => withParams(redirectURI, { error: 'access_denied', stateKey }),
    }
  })

  function token(call: Call): Reply {
    const { appId, appSecret, grantType, authCode, redirectUri, refreshToken } = jsonOf(call)
    if (appId !== settings.clientID || appSecret !== settings.clientSecret) return refused(1)
    if (grantType === 'refresh_token') {
      const grant = ledger.refreshGrant(String(refreshToken))
      return grant ? issued(grant) : refused(2)
    }
    const found = ledger.lookUpCode(String(authCode))
    if (found?.state !== 'fresh' || found.grant.redirectURI !== redirectUri) return refused(2)
    ledger.useCode(String(authCode))
    return issued(found.grant)
  }

  function issued(grant: Granted): Reply {
    const accessToken = ledger.issueAccess(grant)
    const data = { accessToken, tokenType: 'Bearer', expiresIn: 3600, refreshToken: ledger.issueRefresh(grant) }
    return { json: { code: 0, msg: 'ok', data } }
  }

  function me(call: Call): Reply {
    const grant = ledger.accessGrant(bearerOf(call))
    if (!grant) return refused(3)
    return { json: { code: 0, msg: 'ok', data: { userId: grant.user.id, nickName: grant.user.name } } }
  }

  return {
    routes: [
      ...connect,
      { method: 'POST', path: '/token', endpoint: 'token', refreshes: 'grantType', handle: token },
      { method: 'GET', path: '/me', endpoint: 'profile', handle: me },
    ],
    refuse: (_endpoint, _status, code = '1') => ({ code: Number(code), msg: 'refused' }),
    essential: ['userId'],
    tokenNames: { access_token: 'accessToken', token_type: 'tokenType', expires_in: 'expiresIn' },
  }
}

const KNOWN = ['appId', 'responseType', 'redirectUri', 'scope', 'stateKey']

function refused(code: number): Reply {
  return { json: { code, msg: 'refused', data: null } }
}
