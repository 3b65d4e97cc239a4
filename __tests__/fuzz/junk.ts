import fc from 'fast-check'
import { NAMES } from '../support/providers'

/** Whose cookie a request carries. `odd` is a session whose stored content is anything. */
export type Whose = 'victim' | 'nobody' | 'attacker' | 'odd' | 'forged'

/** One request of junk, before the states and cookies of a run are known. */
export interface Junk {
  method: 'GET' | 'HEAD' | 'POST'
  provider: string
  whose: Whose
  /** What stands in the query where `STATE` does. */
  query: string
  cookies: string
  accept: string
}

/** Placeholders, filled in by the test: a state that is pending in a session, of the victim, of the attacker, of an odd one. */
export const STATE = { victim: 'VICTIM_STATE', attacker: 'ATTACKER_STATE', odd: 'ODD_STATE' }

/** Placeholders of an odd session: the fingerprint of the provider's client, and the time. */
export const CLIENT = 'CLIENT'
export const NOW = 1_234_567
/** What an entry has that is, in all else, the attacker's own pending login: only the server can seal one. */
export const REAL = 'REAL'
/** The provider that the victim's login of a run is pending at. */
export const SAME = 'SAME'

const NAMES_OF_PARAMS = [
  ...['code', 'token', 'state', 'login_state', 'error', 'error_description', 'iss', 'scope', 'resource', 'returnTo'],
  ...['access_token', 'id_token', '__proto__', 'constructor', 'code[]', 'state[a]', 'flow', 'flow[leg]', '', 'x'],
]
const anything = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e21,
    '',
    'x',
    '__proto__',
    [],
    {},
    [null],
    [[]],
    { state: 'x' },
    { constructor: 1 },
  ),
  fc.jsonValue({ maxDepth: 1 }),
)
const states = fc.constantFrom(...Object.values(STATE))
const word = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 24 }).map(encoded) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', 'x', 'access_denied', 'null', '0', '%00', '%ff', '%', '%E0%A4%A', '[]', '{}'),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~!*();:@&=+$,/?[]%\'"<>|^`{}\\'), maxLength: 40 }),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4000 }).map((length) => 'a'.repeat(length)) },
)
const value = fc.oneof(
  { weight: 5, arbitrary: word },
  { weight: 6, arbitrary: states },
  // near misses of a state: longer, shorter, in other letters
  { weight: 1, arbitrary: fc.tuple(states, word).map(([state, more]) => state + (more || 'x')) },
  { weight: 1, arbitrary: states.map((state) => `${state}%3Ftoken=x`) },
  { weight: 1, arbitrary: states.map((state) => `cut:${state}`) },
  { weight: 1, arbitrary: states.map((state) => `swapped:${state}`) },
)
const param = fc
  .tuple(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...NAMES_OF_PARAMS) }, word), value)
  // A state that is sent as a code is a secret of this test; who sends it as an error too has shown it himself.
  .map(
    ([name, value]) => [name, name.startsWith('error') && value.includes('_STATE') ? 'server_error' : value] as const,
  )
const query = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(param, { maxLength: 6 }).map((params) => params.map(([k, v]) => `${k}=${v}`).join('&')),
  },
  // what is nearest to the real thing
  { weight: 4, arbitrary: fc.tuple(value, value).map(([code, state]) => `code=${code}&state=${state}`) },
  { weight: 1, arbitrary: fc.tuple(value, value).map(([token, state]) => `token=${token}&login_state=${state}`) },
  { weight: 1, arbitrary: fc.tuple(word, value).map(([error, state]) => `error=${error}&state=${state}`) },
  { weight: 1, arbitrary: word },
)

const plain: fc.Arbitrary<Junk> = fc.record({
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constant('GET' as const) },
    { weight: 1, arbitrary: fc.constantFrom('HEAD' as const, 'POST' as const) },
  ),
  provider: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom<string>(SAME, SAME, SAME, ...NAMES) },
    { weight: 1, arbitrary: word.map(encoded) },
  ),
  whose: fc.constantFrom<Whose>('victim', 'nobody', 'attacker', 'odd', 'odd', 'forged'),
  query,
  cookies: fc.oneof(fc.constant(''), fc.string({ unit: fc.constantFrom(...'abc=;, %:."'), maxLength: 24 })),
  accept: fc.constantFrom('text/html', 'application/json', '*/*', 'image/png', ';;;', ''),
})

/** The real thing in all but the code: what it meets is decided by the odd session's content alone. */
const nearlyReal: fc.Arbitrary<Junk> = fc.record({
  method: fc.constant('GET' as const),
  provider: fc.constant(SAME),
  whose: fc.constant<Whose>('odd'),
  query: fc
    .tuple(
      fc.constantFrom('code=', 'token=', 'error='),
      word,
      fc.constantFrom('&state=', '&login_state='),
      fc.constantFrom(STATE.odd, STATE.attacker),
    )
    .map(([credential, value, name, state]) => `${credential}${value || 'x'}${name}${state}`),
  cookies: fc.constant(''),
  accept: fc.constantFrom('text/html', 'application/json'),
})

export const junk = fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: nearlyReal })

/** The content of a session as a broken, old or foreign writer may have left it. */
export const oddContent: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    'passport-dialects': fc.oneof(
      { weight: 1, arbitrary: anything },
      {
        weight: 6,
        arbitrary: fc.record(
          {
            version: sometimes(fc.nat()),
            pending: fc.oneof({ weight: 5, arbitrary: fc.array(entry(), { minLength: 1, maxLength: 4 }) }, anything),
            used: fc.oneof({ weight: 5, arbitrary: fc.array(entry(), { minLength: 1, maxLength: 4 }) }, anything),
            logins: anything,
            owner: anything,
          },
          { requiredKeys: ['version'] },
        ),
      },
    ),
    passport: fc.constantFrom(null, 7, 'x', [], {}, { user: undefined }),
    other: anything,
  },
  { requiredKeys: ['passport-dialects'] },
)

function sometimes(usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 8, arbitrary: usual }, { weight: 1, arbitrary: anything })
}

function entry(): fc.Arbitrary<unknown> {
  const record = fc.record(
    {
      state: sometimes(fc.constantFrom(STATE.odd, STATE.odd, 'x', '')),
      provider: sometimes(fc.constantFrom(SAME, SAME, SAME, ...NAMES, '__proto__')),
      client: sometimes(fc.constantFrom(CLIENT, CLIENT, CLIENT, 'x')),
      begunAt: sometimes(fc.constantFrom(NOW, NOW, NOW, 0, -1, 8.64e15)),
      at: sometimes(fc.constantFrom(NOW, 0)),
      redirectURI: sometimes(fc.constantFrom('http://127.0.0.1/cb', '', 'javascript:alert(1)')),
      verifier: fc.oneof(fc.constant('v'.repeat(43)), anything),
      returnTo: fc.oneof(
        fc.constantFrom('/in', '/%2F[', '/%2F:99999', '//evil.example', 'https://evil.example', '/\\evil.example'),
        anything,
      ),
      begunBy: fc.oneof(fc.constant('x'), anything),
      appState: anything,
      ok: fc.oneof(fc.boolean(), anything),
      sessionID: fc.oneof(fc.constant('x'), anything),
    },
    { requiredKeys: ['state', 'provider', 'client', 'redirectURI'] },
  )
  const sealed = record.map((entry) => ({ ...entry, real: REAL }))
  return fc.oneof(
    { weight: 5, arbitrary: record },
    { weight: 3, arbitrary: sealed },
    { weight: 1, arbitrary: anything },
  )
}

function encoded(text: string): string {
  return [...text].map((char) => (/^[\ud800-\udfff]$/.test(char) ? '%ED%A0%80' : encodeURIComponent(char))).join('')
}
