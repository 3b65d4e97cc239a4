import {
  bearerOf,
  consentRoutes,
  createEmulator,
  errorPage,
  formOf,
  isRegistered,
  Ledger,
  withParams,
} from 'passport-dialects/emulators'

/** Plays Acme, as its documentation describes it: https://acme.example/docs. Copy nothing from the strategy. */
export function startAcme(options) {
  return createEmulator({ name: 'acme', users, provider }, options)
}

const users = [
  { id: '7001', name: '张三', email: 'zhangsan@example.com' },
  { id: '7002', name: 'Ada Lovelace' },
]

function provider(_origin, settings) {
  const { clientID, clientSecret } = settings
  const ledger = new Ledger(settings, { code: 600, access: 3600 }) // seconds

  const authorize = consentRoutes('/authorize', settings, ({ query }) => {
    const redirectURI = query.get('redirect_uri')
    const state = query.get('state') ?? undefined
    const scope = (query.get('scope') ?? '').split(' ')
    const wrong = (what) => errorPage(400, 'Acme', 'invalid_request', `${what} is missing or wrong`)
    if (query.get('client_id') !== clientID) return wrong('client_id')
    if (query.get('response_type') !== 'code') return wrong('response_type')
    if (!isRegistered(settings, redirectURI)) return wrong('redirect_uri')
    return {
      provider: 'Acme',
      clientID,
      scope,
      agree: (user) => withParams(redirectURI, { code: ledger.issueCode({ user, scope, redirectURI }), state }),
      deny: () => withParams(redirectURI, { error: 'access_denied', state }),
    }
  })

  function token(call) {
    const form = formOf(call)
    const isClient = form.get('client_id') === clientID && form.get('client_secret') === clientSecret
    if (!isClient) return refused(401, 'invalid_client')
    if (form.get('grant_type') !== 'authorization_code') return refused(400, 'unsupported_grant_type')
    const code = form.get('code') ?? ''
    const found = ledger.lookUpCode(code)
    if (found?.state !== 'fresh') return refused(400, 'invalid_grant')
    if (form.get('redirect_uri') !== found.grant.redirectURI) return refused(400, 'invalid_grant')
    ledger.useCode(code)
    const access_token = ledger.issueAccess(found.grant)
    const scope = found.grant.scope.join(' ')
    return { json: { access_token, token_type: 'Bearer', expires_in: ledger.accessSeconds, scope } }
  }

  function user(call) {
    const grant = ledger.accessGrant(bearerOf(call))
    if (!grant) return refused(401, 'invalid_token')
    const { id, name, email, avatar } = grant.user
    return { json: { id, name, email: grant.scope.includes('email') ? email : undefined, picture: avatar } }
  }

  return {
    ledgers: [ledger], // for expireTokens() and revokeGrants()
    routes: [
      ...authorize,
      { method: 'POST', path: '/token', endpoint: 'token', handle: token },
      { method: 'GET', path: '/user', endpoint: 'profile', handle: user },
    ],
    // How Acme words the refusals that a test asks for.
    refuse: (_endpoint, _status, error = 'invalid_client') => ({ error }),
  }
}

function refused(status, error) {
  return { status, json: { error } }
}
