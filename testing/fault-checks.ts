import { FAULTS, type Fault, type FaultEndpoint } from '../emulators/index'
import { ERROR_CODES, type ErrorCode, type OAuthError } from '../lib/index'
import type { Check, Outcome, Settled } from './kit'
import { demand, told } from './say'
import { inWorld, LONG, outcomes, type Turn, type World } from './world'

/** Every fault at every endpoint that a login uses. */
export function faultChecks(kit: Settled): Check[] {
  const endpoints: FaultEndpoint[] = [...kit.endpoints]
  if (kit.idToken && kit.idToken.keys !== false) endpoints.push('keys')
  return endpoints.flatMap((endpoint) =>
    FAULTS.map((fault) => {
      const expected = expectedOf(kit, fault, endpoint)
      return {
        group: 'faults',
        name: `${fault} at ${endpoint} → ${summary(expected)}`,
        run: () =>
          inWorld(
            kit,
            'oauthRouter',
            (world) => strike(world, endpoint, fault, expected),
            { timeout: LONG },
            SLOW.has(fault) ? SHORT : undefined,
          ),
      }
    }),
  )
}

/** The allowed outcomes of a fault at an endpoint. */
export function expectedOf(kit: Settled, fault: Fault, endpoint: FaultEndpoint): readonly Outcome[] {
  const own = kit.faults?.[`${fault}@${endpoint}`] ?? kit.faults?.[fault]
  const usual =
    ABOUT_TOKENS.has(fault) && !BRINGS_TOKENS.has(endpoint)
      ? ['ok' as const]
      : fault === 'refused' && endpoint === 'keys'
        ? ['response_invalid' as const] // a key set has no refusal
        : USUAL[fault]
  return outcomes(own, usual ?? REFUSED)
}

/**
 * A failed request must end in an OAuthError with a known code and the right phase, in time and without a credential.
 */
export function demandFaultError(
  world: World,
  turn: Turn,
  where: { fault: Fault; endpoint: FaultEndpoint; timeout: number },
  expected: readonly Outcome[],
): OAuthError {
  const { fault, endpoint, timeout } = where
  const when = `Where the answer of \`${endpoint}\` is ${MEANS[fault] ?? fault}`
  const error = world.demandFailure(turn, expected, when)
  demand(Object.hasOwn(ERROR_CODES, error.code), `${when}, the code \`${error.code}\` is none of ERROR_CODES.`)
  // A key set is requested because of a token response.
  const phase = endpoint === 'keys' || endpoint === 'appToken' ? 'token' : endpoint
  demand(
    error.phase === phase,
    `${when}, the error's phase is \`${error.phase}\`, not \`${phase}\`: hand the phase on to \`ask()\` and \`failure()\`.`,
  )
  demand(
    turn.took < timeout + GRACE,
    `${when}, the failure takes ${Math.round(turn.took)} ms where \`timeout\` is ${timeout}: ask the provider by \`this.ask()\` alone, and only once.`,
  )
  return error
}

async function strike(
  world: World,
  endpoint: FaultEndpoint,
  fault: Fault,
  expected: readonly Outcome[],
): Promise<void> {
  const timeout = SLOW.has(fault) ? SHORT : LONG
  const turn = await untilStruck(world, fault, (planned) => struckLogin(world, endpoint, fault, { planned }))
  const isPolluted = Reflect.get({}, 'polluted') !== undefined
  Reflect.deleteProperty(Object.prototype, 'polluted') // the checks that follow look anew
  demand(!isPolluted, 'The answer changed Object.prototype: never copy an answer member by member.')
  if (turn.error === undefined) {
    demand(
      expected.includes('ok'),
      `Where the answer of \`${endpoint}\` is ${MEANS[fault] ?? fault}, the login succeeds all the same. It must come to ${summary(expected)}. ${adviceOn(fault)}`,
    )
    demand(
      turn.login,
      `Where the answer of \`${endpoint}\` is ${MEANS[fault] ?? fault}, there is neither a login nor an error.`,
    )
  } else {
    demandFaultError(world, turn, { fault, endpoint, timeout }, expected)
  }
  const next = await struckLogin(world, endpoint)
  demand(
    next.login,
    `After \`${fault}\` at \`${endpoint}\`, the next login of the same browser fails with ${told(next.error)}. Keep nothing of a failed login in the strategy object.`,
  )
}

/**
 * The turn that a fault struck. If the machine pauses, the short deadline may end a turn before its call, and the fault
 * still waits: then it is tried again.
 * @param take takes a turn; `planned` if the fault is already set
 */
export async function untilStruck(
  { emulator }: World,
  fault: Fault,
  take: (planned: boolean) => Promise<Turn>,
): Promise<Turn> {
  const known = emulator.requests.length
  const hasStruck = () => emulator.requests.slice(known).some((request) => request.fault === fault)
  let turn = await take(false)
  for (let tries = 1; tries < TRIES && SLOW.has(fault) && !hasStruck(); tries++) turn = await take(true)
  return turn
}

/** One login, with a fault at the endpoint if one is given; `planned` if the fault is already set. */
async function struckLogin(
  world: World,
  endpoint: FaultEndpoint,
  fault?: Fault,
  { planned = false } = {},
): Promise<Turn> {
  const before = endpoint === 'code'
  if (fault && before && !planned) world.emulator.failNext(endpoint, fault)
  const begun = await world.start(undefined, { hurried: fault !== undefined && before })
  if (begun.location === undefined) return begun
  const callback = await world.approve(new URL(begun.location))
  if (fault && !before && !planned) world.emulator.failNext(endpoint, fault)
  return world.get(callback, { hurried: fault !== undefined && !before })
}

/** Where to look if a fault had no effect: it may have damaged nothing. */
function adviceOn(fault: Fault): string {
  if (ABOUT_TOKENS.has(fault)) {
    return "Let `unwrap()` rename this member to RFC 6749's name (token_type, expires_in). Where it is called otherwise on the wire, the emulator must say so beside its `routes`, as in `tokenNames: { access_token: 'accessToken', token_type: 'tokenType', expires_in: 'expiresIn' }`, or the fault spoils nothing."
  }
  if (ABOUT_MEMBERS.has(fault)) {
    return 'Take the token and the id from the answer alone; and let the emulator name these members in `essential` or `tokenNames`, or the fault spoils nothing.'
  }
  return 'Look at `refusal()` and `unwrap()`: HTTP 200 alone is no success.'
}

function summary(expected: readonly Outcome[]): string {
  return expected === REFUSED ? 'a refusal' : expected.join(' or ')
}

/** In milliseconds. */
export const SHORT = 400
const GRACE = 2_000
const TRIES = 10

export const SLOW: ReadonlySet<string> = new Set(['silent', 'slow-headers', 'drip'])
const ABOUT_MEMBERS: ReadonlySet<string> = new Set(['wrong-types', 'missing-token'])
const BRINGS_TOKENS: ReadonlySet<string> = new Set(['token', 'refresh', 'appToken'])
const ABOUT_TOKENS: ReadonlySet<string> = new Set(['token-type-mac', 'expires-text', 'expires-negative'])

/** The codes for a refusal whose cause only the provider's documentation tells. */
const REFUSED: readonly ErrorCode[] = [
  'client_rejected',
  'grant_rejected',
  'refresh_rejected',
  'token_rejected',
  'scope_insufficient',
  'user_unknown',
  'access_denied',
  'provider_error',
]

const USUAL: Partial<Record<string, readonly Outcome[]>> = {
  reset: ['provider_unreachable'],
  silent: ['provider_timeout'],
  'slow-headers': ['provider_timeout'],
  drip: ['provider_timeout'],
  truncated: ['provider_unreachable'],
  'wrong-length': ['provider_unreachable'],
  empty: ['response_invalid'],
  html: ['response_invalid'],
  'not-json': ['response_invalid'],
  bom: ['ok'],
  'invalid-utf8': ['response_invalid'],
  'split-utf8': ['ok'],
  proto: ['ok'],
  deep: ['response_invalid'],
  'wrong-types': ['response_invalid'],
  'missing-token': ['response_invalid'],
  'token-type-mac': ['response_invalid'],
  'expires-text': ['response_invalid'],
  'expires-negative': ['response_invalid'],
  'expires-missing': ['ok'],
  'expires-huge': ['ok'],
  oversize: ['response_too_large'],
  'gzip-bomb': ['response_too_large'],
  redirect: ['provider_redirected'],
  'http-429': ['rate_limited'],
  'http-500': ['provider_unavailable'],
  'http-503': ['provider_unavailable'],
}

/** Descriptions of faults whose names do not say enough. */
const MEANS: Partial<Record<string, string>> = {
  reset: 'a connection that is cut',
  silent: 'silence',
  'slow-headers': 'headers without end',
  drip: 'a body that drips',
  truncated: 'cut in the middle',
  empty: 'empty',
  html: 'a page of HTML',
  'not-json': 'broken JSON',
  'wrong-types': 'of wrong types (an object where a token or an id should be)',
  'missing-token': 'without its token or id',
  'token-type-mac': 'a token of another type than Bearer',
  'expires-text': 'a lifetime that is a word',
  'expires-negative': 'a lifetime below zero',
  'http-401': 'a refusal with HTTP 401',
  'http-403': 'a refusal with HTTP 403',
  'http-429': 'a refusal with HTTP 429',
  'http-500': 'a failure with HTTP 500',
  'http-503': 'a failure with HTTP 503',
  refused: 'a refusal in the provider’s own words',
}
