import { createHash } from 'node:crypto'
import { consentRoutes, isRegistered } from './authorize'
import type { EmulatorKind } from './definition'
import { ForgeryQueue } from './forgery'
import { type Grant, hex, Ledger } from './ledger'
import { errorPage, page, refusalPage } from './page'
import { s256 } from './pkce'
import { type Call, FORM, formOf, jsonOf, mediaType, type Provider, type Reply, repeated } from './server'
import type { Settings } from './settings'
import { CALLBACK_FORGERIES, signedURL } from './shopify-signing'
import type { Why } from './texts'
import type { EmulatorProject, EmulatorUser } from './types'

/** The options of the Shopify emulator besides the shared ones. `accessTokenLifetime` is that of tokens that end. */
export interface ShopifyEmulatorOptions {
  /** The shops. Default `blue-kite.myshopify.com` and `red-lantern.myshopify.com`. */
  shops?: readonly EmulatorProject[]
  /** Sign the plain values instead of the encoded ones, as earlier pages of Shopify's describe it. */
  hmacOverRawValues?: boolean
  /** Signed callbacks have an undocumented parameter, with many reserved characters in its value. */
  extraParameter?: boolean
}

/**
 * Shopify's authorization code grant, from shopify.dev/docs/apps/build/authentication-authorization/access-tokens/
 * authorization-code-grant and …/authenticate-standalone-apps (read 2026-11-25), and Shopify's own library. It plays
 * every shop: which one, the `Host` header says (`blue-kite.myshopify.com`, `blue-kite.localhost`), or a parameter
 * `shop`; on bare loopback a person chooses. At another shop than the first, a person's id is another.
 */
const USERS: EmulatorUser[] = [
  { id: '700000000001', name: '张三', email: 'zhangsan@example.com' },
  { id: '700000000002', name: 'Ada Lovelace' },
  { id: '700000000003', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: '700000000004', name: '欧阳若曦', email: 'ouyang@example.com' },
]

const SHOPS: readonly EmulatorProject[] = [
  { id: 'blue-kite.myshopify.com', name: 'Blue Kite' },
  { id: 'red-lantern.myshopify.com', name: 'Red Lantern' },
]

const TOKEN = '/admin/oauth/access_token'

function options(origin: string, { clientID, clientSecret, shops = SHOPS }: Settings & ShopifyEmulatorOptions) {
  return {
    clientID,
    clientSecret,
    shop: shops[0]?.id ?? '',
    // There is no default scope, and a scope is required.
    scope: 'read_products',
    authorizationURL: `${origin}/admin/oauth/authorize`,
    tokenURL: origin + TOKEN,
    refreshURL: origin + TOKEN,
    userProfileURL: `${origin}/admin/api/2025-10/graphql.json`,
  }
}

const DAY = 24 * 3600

function provider(_origin: string, settings: Settings & ShopifyEmulatorOptions): Provider {
  const { clientID, clientSecret, shops = SHOPS } = settings
  const online = new Ledger(settings, { code: 60, access: DAY - 1 })
  const expiring = new Ledger(settings, { code: 60, access: 3600, refresh: 90 * DAY })
  const endless = new Ledger({ ...settings, accessTokenLifetime: 3650 * DAY }, { code: 60, access: 0 })
  const forgeries = new ForgeryQueue(CALLBACK_FORGERIES)
  /** For each new token, the refresh token that dies at its first use. */
  const predecessors = new Map<string, string>()

  /** The shop of a request; `null` if it does not exist; `undefined` if the request names none. */
  function shopOf({ headers, query }: Call): string | null | undefined {
    const host = /^([a-z0-9-]+)\.(?:myshopify\.com|localhost)(?::\d+)?$/i.exec(headers.host ?? '')?.[1]
    const name = host ? `${host.toLowerCase()}.myshopify.com` : query.get('shop')
    if (name === null) return undefined
    return shops.some(({ id }) => id === name) ? name : null
  }

  const authorize = consentRoutes('/admin/oauth/authorize', settings, (call) => {
    const { query } = call
    const redirectURI = query.get('redirect_uri')
    const shop = shopOf(call)
    const wrong = (error: string, why: Why) => refusalPage(400, 'Shopify', error, why)
    const options = new URLSearchParams([...query].filter(([name]) => name !== 'grant_options[]'))
    const twice = repeated(options)
    if (shop === null) return NO_SHOP
    if (twice) return wrong('invalid_request', (texts) => texts.wrong.repeated(twice))
    if (query.get('client_id') !== clientID)
      return wrong('application_cannot_be_found', 'Could not find Shopify API application')
    if (!isRegistered(settings, redirectURI)) {
      return wrong('invalid_request', 'The redirect_uri is not whitelisted')
    }
    const scope = (query.get('scope') ?? '').split(',')
    if (!scope.every((name) => /^(unauthenticated_|customer_)?(read|write)_[a-z_]+$/.test(name))) {
      return wrong('invalid_scope', (texts) => texts.wrong.scopesByComma)
    }
    const modes = query.getAll('grant_options[]').filter((mode) => mode !== '')
    if (!modes.every((mode) => mode === 'per-user')) {
      return wrong('invalid_request', (texts) => texts.wrong.notValid('grant_options[]'))
    }
    const challenge = query.get('code_challenge') ?? undefined
    return {
      provider: 'Shopify',
      accent: '#1a6b45',
      clientID,
      scope,
      ...(shop === undefined && { place: { kind: 'shop' as const, options: shops, first: shops[0]?.id } }),
      agree: (user, chosen) => {
        const place = shop ?? chosen.place ?? ''
        const grant = { user, scope: granted(scope), redirectURI, challenge, offline: modes.length === 0, place }
        return signed(redirectURI, place, {
          code: online.issueCode(grant, hex(16)),
          state: query.get('state') ?? undefined,
        })
      },
      deny: () =>
        page('Shopify', (texts) => ({ heading: texts.title('Shopify'), body: `<p>${texts.stays('Shopify')}</p>` })),
    }
  })

  /** A signed address, for a callback or a start. */
  function signed(address: string, shop: string, params: Record<string, string | undefined>): string {
    const otherShop = shops.find(({ id }) => id !== shop)?.id ?? 'other.myshopify.com'
    const host = Buffer.from(`${shop}/admin`).toString('base64').replace(/=+$/, '')
    const timestamp = String(Math.floor(Date.now() / 1000))
    const extra = settings.extraParameter ? { note: "a b/ç+&=%?'*~" } : {}
    const signer = { secret: clientSecret, raw: settings.hmacOverRawValues ?? false, otherShop }
    return signedURL(address, { ...params, host, shop, timestamp, ...extra }, signer, forgeries.next())
  }

  function token(call: Call): Reply {
    const shop = shopOf(call)
    const args = argumentsOf(call)
    if (shop === null) return NO_SHOP
    if (!args || repeated(args)) return refused(call, 'invalid_request')
    if (args.get('client_id') !== clientID) return refused(call, 'application_cannot_be_found')
    if (args.get('client_secret') !== clientSecret) return refused(call, 'invalid_client', undefined, 401)
    if (args.get('grant_type') === 'refresh_token') return refreshed(call, args.get('refresh_token') ?? '', shop)
    const code = args.get('code')
    if (!code) return refused(call, 'invalid_request')
    const found = online.lookUpCode(code)
    // It works only at its own shop.
    if (found?.state !== 'fresh' || (shop && shop !== found.grant.place)) return refused(call, 'invalid_request', GONE)
    const verifier = args.get('code_verifier')
    const proof = verifier === null ? undefined : s256(verifier)
    if (proof !== found.grant.challenge) return refused(call, '', 'code_verifier is invalid.')
    online.useCode(code)
    return found.grant.offline ? offlineToken(found.grant, args.get('expiring') === '1') : onlineToken(found.grant)
  }

  function onlineToken(grant: Grant): Reply {
    const { user, place } = grant
    const [first_name = '', ...rest] = user.name.split(' ')
    const at = shops.findIndex(({ id }) => id === place)
    const person = { id: Number(user.id) + Math.max(at, 0) * 1_000_000, first_name, last_name: rest.join(' ') }
    const mail = user.email === undefined ? {} : { email: user.email, email_verified: true }
    const role = { account_owner: user === settings.users[0], locale: 'en', collaborator: false }
    return {
      json: {
        access_token: online.issueAccess(grant, `shpua_${hex(16)}`),
        scope: grant.scope.join(','),
        expires_in: online.accessSeconds,
        associated_user_scope: grant.scope.join(','),
        associated_user: { ...person, ...mail, ...role },
      },
    }
  }

  function offlineToken(grant: Grant, isExpiring: boolean, old?: string): Reply {
    const scope = grant.scope.join(',')
    if (!isExpiring) return { json: { access_token: endless.issueAccess(grant, `shpat_${hex(16)}`), scope } }
    const access_token = expiring.issueAccess(grant, `shpat_${hex(16)}`)
    const refresh_token = expiring.issueRefresh(grant, `shprt_${hex(16)}`)
    if (old !== undefined) for (const made of [access_token, refresh_token]) predecessors.set(made, old)
    const ends = { expires_in: expiring.accessSeconds, refresh_token_expires_in: expiring.refreshSeconds }
    return { json: { access_token, scope, refresh_token, ...ends } }
  }

  /** The old refresh token stays valid until one of the new tokens is used. */
  function refreshed(call: Call, old: string, shop: string | undefined): Reply {
    const grant = expiring.refreshGrant(old)
    if (!grant || (shop && shop !== grant.place)) return refused(call, 'invalid_grant')
    used(old)
    return offlineToken(grant, true, old)
  }

  function used(made: string): void {
    const old = predecessors.get(made)
    if (old !== undefined) expiring.dropRefresh(old)
    predecessors.delete(made)
  }

  function holder(call: Call): Grant | Reply {
    const header = call.headers['x-shopify-access-token']
    const made = typeof header === 'string' ? header : undefined
    const grant = [online, expiring, endless].map((ledger) => ledger.accessGrant(made)).find((one) => one !== undefined)
    const shop = shopOf(call)
    if (shop === null) return NO_SHOP
    if (!grant || (shop && shop !== grant.place)) return { status: 401, json: { errors: DEAD } }
    used(made ?? '')
    return grant
  }

  /** The admin API, as far as a login uses it. */
  function api(show: (shop: EmulatorProject, call: Call) => object): (call: Call) => Reply {
    return (call) => {
      const grant = holder(call)
      if (!('user' in grant)) return grant
      return { json: show(shops.find(({ id }) => id === grant.place) ?? { id: '', name: '' }, call) }
    }
  }

  const graphql = api(({ id, name }, call) => {
    if (!/\bshop\b/.test(String(jsonOf(call).query))) return { errors: [{ message: 'The emulator knows shop alone.' }] }
    const shop = { id: `gid://shopify/Shop/${numberOf(id)}`, name, email: `owner@${id}`, myshopifyDomain: id }
    return { data: { shop } }
  })
  const shopJson = api(({ id, name }) => {
    return { shop: { id: numberOf(id), name, email: `owner@${id}`, domain: id, myshopify_domain: id } }
  })

  const signedStart = (startURL: string, shop = shops[0]?.id ?? '') => signed(startURL, shop, {})

  /** `GET /entry?redirect=<the app's start URL>&shop=<name>`: the app is opened from the admin. */
  function entry({ query }: Call): Reply {
    const redirect = query.get('redirect') ?? ''
    const isAddress = /^https?:\/\//.test(redirect) && URL.canParse(redirect)
    if (isAddress) return { location: signedStart(redirect, query.get('shop') ?? undefined) }
    return refusalPage(400, 'Shopify', 'redirect', ({ wrong }) => wrong.startAddress)
  }

  return {
    routes: [
      ...authorize,
      { method: 'POST', path: TOKEN, endpoint: 'token', refreshes: true, handle: token },
      { method: 'POST', path: /^\/admin\/api\/[\w-]+\/graphql\.json$/, endpoint: 'profile', handle: graphql },
      { method: 'GET', path: /^\/admin\/api\/[\w-]+\/shop\.json$/, endpoint: 'profile', handle: shopJson },
      { method: 'GET', path: '/entry', endpoint: 'authorize', handle: entry },
    ],
    ledgers: [online, expiring, endless],
    holder,
    forgeries,
    signedStart,
    essential: ['associated_user', 'myshopifyDomain', 'myshopify_domain'],
    refuse: (endpoint, status, code) => {
      if (endpoint === 'token') return { error: code ?? (status >= 500 ? 'server_error' : 'invalid_request') }
      if (endpoint === 'refresh') return { error: code ?? (status >= 500 ? 'server_error' : 'invalid_grant') }
      // GraphQL has a list of errors, on HTTP 200.
      return { errors: code === undefined ? DEAD : [{ message: code, extensions: { code } }] }
    },
    refuseHeaders: (_endpoint, status): Record<string, string> => (status === 429 ? { 'retry-after': '2.0' } : {}),
  }
}

const DEAD = '[API] Invalid API key or access token (unrecognized login or wrong password)'
const GONE = 'The authorization code was not found or was already used'
const NO_SHOP = errorPage(404, 'Shopify', '404', 'Sorry, this shop is currently unavailable.')

/** An HTML page, unless the client requests JSON. */
function refused({ headers }: Call, error: string, error_description?: string, status = 400): Reply {
  if (/application\/json/.test(headers.accept ?? '')) return { status, json: { error, error_description } }
  return errorPage(status, 'Shopify', error, error_description ?? 'Oauth error')
}

/** Form or JSON; a number in JSON counts as its text. */
function argumentsOf(call: Call): URLSearchParams | undefined {
  if (mediaType(call) === FORM) return formOf(call)
  if (mediaType(call) !== 'application/json') return undefined
  return new URLSearchParams(
    Object.entries(jsonOf(call)).map(([name, value]): [string, string] => [name, String(value)]),
  )
}

/** A write scope includes its read scope. */
function granted(scope: readonly string[]): string[] {
  return scope.filter((name) => !name.includes('read_') || !scope.includes(name.replace('read_', 'write_')))
}

function numberOf(shop: string): number {
  return Number.parseInt(createHash('sha256').update(shop).digest('hex').slice(0, 8), 16)
}

export const shopify = {
  title: 'Shopify',
  users: USERS,
  own: { shops: 'list', hmacOverRawValues: 'flag', extraParameter: 'flag' },
  options,
  provider,
} satisfies EmulatorKind<ShopifyEmulatorOptions>
