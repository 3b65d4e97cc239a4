import { isDeepStrictEqual } from 'node:util'
import type { EmulatorUser } from '../emulators/index'
import type { DialectProfile, TokenSet } from '../lib/index'
import type { Login, Mount } from './app'
import { type Check, mountsOf, type Settled } from './kit'
import { bodyOf } from './requests'
import { demand } from './say'
import { inWorld, type World } from './world'

/** Logins that succeed: the requests on the wire, and the user. */
export function loginChecks(kit: Settled): Check[] {
  const group = 'a whole login'
  const { redirectURI } = kit
  const under = (mount: Mount, name: string, body: (world: World) => Promise<void>): Check => ({
    group,
    name: `${name}, under ${mount}`,
    run: () => inWorld(kit, mount, body),
  })
  return [
    ...mountsOf(kit).flatMap((mount) => [
      under(mount, 'each user of the emulator logs in, as themselves', eachUserLogsIn),
      under(mount, 'two tabs, finished in the other order, both log in', twoTabs),
    ]),
    ...(kit.inPage ? [under('oauthRouter', 'a page of the app begins it, and nothing else does', pagesAlone)] : []),
    under('oauthRouter', 'the authorization request carries a fresh state, and no secret', freshState),
    ...(redirectURI !== false && kit.endpoints.includes('token')
      ? [
          under('oauthRouter', 'the token request repeats the redirect address letter by letter', (world) =>
            repeatedRedirectURI(world, redirectURI),
          ),
        ]
      : []),
    under('oauthRouter', 'a login makes the calls that the kit tests', knownEndpoints),
    under('oauthRouter', 'the credential of the callback is where the kit looks for it', knownCredential),
  ]
}

async function eachUserLogsIn(world: World): Promise<void> {
  const seen = new Map<string, string>()
  for (const user of world.emulator.users) {
    const { login } = await world.elsewhere().login(user.id)
    demandProfile(world, user, login.profile)
    demandTokens(world, login)
    const other = seen.get(login.profile.id)
    demand(
      other === undefined,
      `${user.name} and ${other} get the same profile.id, ${login.profile.id}: \`profileFields()\` takes it from the wrong member.`,
    )
    seen.set(login.profile.id, user.name)
    const { login: again } = await world.elsewhere().login(user.id)
    demand(
      again.profile.id === login.profile.id,
      `${user.name} gets another profile.id at each login: \`profileFields()\` takes it from the wrong member.`,
    )
  }
}

function demandProfile(world: World, user: EmulatorUser, profile: DialectProfile): void {
  const advice = 'Look at `profileFields()` and `unwrap()`.'
  demand(profile !== undefined, `The login brings no profile. ${advice}`)
  demand(
    typeof profile.id === 'string' && profile.id.trim() !== '',
    `profile.id is ${JSON.stringify(profile.id)}: it must be a non-empty string. ${advice}`,
  )
  for (const [path, text] of textsOf(profile)) {
    demand(
      !/^(undefined|null|NaN|\[object \w+\])$/.test(text),
      `profile.${path} is the text "${text}": a member that is not there was turned into text. Hand the provider's own value on, without String() or a template. ${advice}`,
    )
  }
  demand(
    profile.provider === world.name,
    `profile.provider is ${profile.provider}, not ${world.name}: let \`profileFields()\` return the fields, and \`toProfile()\` make the profile.`,
  )
  demand(
    typeof profile.displayName === 'string',
    `profile.displayName is ${JSON.stringify(profile.displayName)}: it must be text. ${advice}`,
  )
  demand(
    typeof profile._raw === 'string' && typeof profile._json === 'object' && profile._json !== null,
    'profile._raw must be the text of the answer and profile._json its user object: make the profile by `toProfile(user, text)`.',
  )
  for (const [name, list] of Object.entries({ emails: profile.emails, photos: profile.photos })) {
    const fits =
      list === undefined ||
      (Array.isArray(list) && list.length > 0 && list.every(({ value }) => typeof value === 'string' && value !== ''))
    demand(fits, `profile.${name} is ${JSON.stringify(list)}: Passport's shape is [{ value }], or nothing. ${advice}`)
  }
  demand(
    user.email !== undefined || profile.emails === undefined,
    `profile.emails is ${JSON.stringify(profile.emails)}, but the provider gives no e-mail address of ${user.name}: invent none. ${advice}`,
  )
  const expected = { id: user.id, ...world.kit.profile?.(user) }
  for (const [name, value] of Object.entries(expected)) {
    const got: unknown = Reflect.get(profile, name)
    demand(
      isDeepStrictEqual(got, value),
      `profile.${name} is ${JSON.stringify(got)}, but the provider's user has ${JSON.stringify(value)}: \`profileFields()\` takes it from the wrong member, or the app was not granted the scope for it; look at \`scope\` and \`scopeSeparator\`.`,
    )
  }
}

function demandTokens(world: World, { accessToken, tokens }: Login): void {
  if (world.kit.userToken === 'none') {
    demand(
      accessToken === undefined && tokens === undefined,
      "`verify` gets a token, but the kit is told `userToken: 'none'`: say so in the dialect too, and hand no token of the application on.",
    )
    return
  }
  demand(
    typeof accessToken === 'string' && accessToken !== '',
    '`verify` gets no access token. Look at `unwrap()` and `exchange()`.',
  )
  if (!tokens) return
  demand(
    tokens.expiresAt === undefined || tokens.expiresAt.getTime() > Date.now(),
    'The access token is over before it is used: is the lifetime in seconds? Look at `unwrap()` and `exchange()`.',
  )
  demandLifetime(world, tokens, 'A login')
  const brings = tokens.refreshToken !== undefined
  const says = Boolean(world.kit.refresh)
  demand(
    brings === says,
    brings
      ? 'The provider gives a refresh token: tell the kit `refresh: true`, so that it tries it.'
      : 'The kit is told `refresh: true`, but a login brings no refresh token: ask for the scope that brings one, in `options`, or look at `unwrap()`.',
  )
}

/** Without an expiry, an access token is used until the provider refuses it, and never refreshed early. */
export function demandLifetime({ kit }: World, { expiresAt }: TokenSet, what: string): void {
  const says = kit.expires !== false
  demand(
    (expiresAt !== undefined) === says,
    says
      ? `${what} brings no \`expiresAt\`: nobody would know when the access token ends. Let \`unwrap()\` return the lifetime as \`expires_in\`, in seconds; or tell the kit \`expires: false\` where the provider says nothing of it.`
      : `The kit is told \`expires: false\`, but ${what.toLowerCase()} brings \`expiresAt\`: leave \`expires\` out.`,
  )
}

/** All texts of a profile except the provider's own, with their paths. */
function textsOf(profile: DialectProfile): [string, string][] {
  const { _raw, _json, ...own } = profile
  const walk = (value: unknown, path: string): [string, string][] => {
    if (typeof value === 'string') return [[path, value]]
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([name, inner]) => walk(inner, path ? `${path}.${name}` : name))
  }
  return walk(own, '')
}

async function twoTabs(world: World): Promise<void> {
  const first = await world.begin()
  const second = await world.begin()
  const [user, other = user] = world.emulator.users
  const callbacks = [await world.approve(second, other?.id), await world.approve(first, user?.id)]
  for (const [nth, callback] of callbacks.entries()) {
    const { login, error } = await world.get(callback)
    const advice =
      'Keep nothing of one login in the strategy object: it serves all of them. What belongs to a login goes through `prepare()` and the callback.'
    demand(
      login,
      `Of two logins begun in one browser, the one finished ${nth === 0 ? 'first' : 'last'} fails. ${advice} It came to: ${String(error)}`,
    )
    const whose = nth === 0 ? other : user
    const expected = whose && { id: whose.id, ...world.kit.profile?.(whose) }.id
    demand(
      login.profile.id === expected,
      `Of two logins begun in one browser, one is logged in as the user of the other. ${advice}`,
    )
  }
}

/** One login before all other checks: if it fails, most of them fail too, and mislead. */
export function firstLogin(kit: Settled): Promise<void> {
  return inWorld(kit, 'oauthRouter', async (world) => {
    const request = await world.begin()
    demandWayBack(world, request)
    await world.follow(request)
  })
}

async function pagesAlone(world: World): Promise<void> {
  const turn = await world.get(world.app.beginAt())
  world.demandFailure(turn, ['config_invalid'], 'Where a browser is sent to a login that a page must begin')
  const elsewhere = await world.startInPage(undefined, 'https://elsewhere.example')
  demand(
    elsewhere.status === 403 && elsewhere.location === undefined,
    "A page of another origin is given a state: it could log anybody in to its own account. Say `inPage: 'only'` in the dialect.",
  )
}

const LEAVE_STATE =
  'The engine sends `state`; leave it alone in `authorizationParams()` and `prepare()`, and tell the kit `state` where `authorizationNames` renames it.'

function demandWayBack({ kit, app }: World, request: URL): void {
  const state = request.searchParams.get(kit.state)
  demand(
    state && state.length >= 22,
    `The authorization request carries no unguessable \`${kit.state}\`: ${state}. ${LEAVE_STATE}`,
  )
  demand(
    kit.inPage || redirectURIOf(request, app),
    `The authorization request does not say where to come back to: no parameter begins with ${app.callbackAt()}. Look at \`redirectURI()\`.`,
  )
}

function redirectURIOf({ searchParams }: URL, app: World['app']): string | undefined {
  return [...searchParams.values()].find((value) => value.startsWith(app.callbackAt()))
}

async function freshState(world: World): Promise<void> {
  const [one, two] = [await world.begin(), await world.begin()]
  demandWayBack(world, one)
  const [first, second] = [one, two].map(({ searchParams }) => searchParams.get(world.kit.state))
  demand(first !== second, `Two logins carry the same \`${world.kit.state}\`. ${LEAVE_STATE}`)
  const { clientSecret } = world.emulator.options
  const leaked = [...one.searchParams].find(([, value]) => clientSecret !== undefined && value.includes(clientSecret))
  demand(
    !leaked,
    `The client secret stands in the address that the browser is sent to, as \`${leaked?.[0]}\`: it belongs into \`tokenRequest()\` alone.`,
  )
}

async function repeatedRedirectURI(world: World, redirectURI: string): Promise<void> {
  const { request } = await world.login()
  const token = world.backChannel().findLast(({ endpoint }) => endpoint === 'token')
  demand(
    token,
    'No token request arrived at the emulator: is `endpoints.tokenURL` the one that the emulator names in its options?',
  )
  const sent = { ...token.query, ...bodyOf(token) }[redirectURI]
  const asked = redirectURIOf(request, world.app)
  demand(
    sent === asked,
    `The token request says \`${redirectURI}\` ${JSON.stringify(sent)}, the authorization request ${JSON.stringify(asked)} (RFC 6749 §4.1.3 wants them identical). Hand all of \`grant\` on in \`tokenRequest()\`; or tell the kit \`redirectURI: '<its name>'\` where the provider calls it otherwise, \`false\` where it has none.`,
  )
}

async function knownEndpoints(world: World): Promise<void> {
  await world.login()
  // The engine requests and keeps the keys of id_tokens itself.
  const calls = world.backChannel().filter(({ endpoint }) => endpoint !== 'keys')
  const made = [...new Set(calls.map(({ endpoint }) => endpoint))].sort()
  const tested = [...world.kit.endpoints].sort()
  demand(
    isDeepStrictEqual(made, tested),
    `A login calls ${made.join(', ')} at the emulator, but the kit is told ${tested.join(', ')}: name the calls in \`endpoints\`. A call to \`request\` is one to an address that the emulator does not know.`,
  )
}

async function knownCredential(world: World): Promise<void> {
  const { callback } = await world.login()
  const { credential } = world.kit
  demand(
    new URL(callback).searchParams.has(credential),
    `The provider's callback has no parameter \`${credential}\`, but ${[...new URL(callback).searchParams.keys()].join(', ')}: name the one that carries the code in \`credential\`.`,
  )
}
