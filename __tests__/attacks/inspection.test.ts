import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { type InspectOptions, inspect } from 'node:util'
import { DialectStrategy, type JsonObject, oauthRouter, TokenKeeper } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import OAuth2Strategy from 'passport-oauth2'
import { BUILT_IN } from '../../lib/registry'

// Whoever prints a strategy, or what holds one, shows no secret: with console.dir, which asks no custom inspection, and with
// `showHidden`, which shows what is not enumerable.

const SECRET = 'canary-secret-of-the-client-0123456789'
const HEADER = 'canary-gateway-key-0123456789'
const ALL: InspectOptions = { depth: Number.POSITIVE_INFINITY }

/** What `console.dir` prints. */
function dir(value: unknown, options?: InspectOptions): string {
  let text = ''
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  new Console(stdout).dir(value, options)
  return text
}

/** Every way to print it that Node has; of a copy of its own properties too. */
const WAYS: Record<string, (value: object) => string> = {
  'console.dir': (value) => dir(value, ALL),
  'console.dir, hidden too': (value) => dir(value, { ...ALL, showHidden: true }),
  inspect: (value) => inspect(value, ALL),
  'inspect, hidden too': (value) => inspect(value, { ...ALL, showHidden: true }),
  'inspect, hidden too, no custom inspection': (value) =>
    inspect(value, { ...ALL, showHidden: true, customInspect: false }),
  'what Passport makes of it': (value) =>
    inspect(Object.create(value), { ...ALL, showHidden: true, customInspect: false }),
  'inside another object': (value) => inspect({ value }, { ...ALL, showHidden: true, customInspect: false }),
  'a copy of its properties': (value) => inspect({ ...value }, { ...ALL, showHidden: true, customInspect: false }),
  JSON: (value) => JSON.stringify({ value }),
}

/** The ways that show one of them. */
const leaks = (value: object, secrets = [SECRET, HEADER]) =>
  Object.keys(WAYS).filter((way) => secrets.some((secret) => WAYS[way]?.(value).includes(secret)))

/** Options of each built-in strategy that it takes: those that its emulator gives. */
async function optionsOf(name: string): Promise<{ clientID: string; clientSecret?: string }> {
  const emulator = await startEmulator(name as Parameters<typeof startEmulator>[0]) // the registry's names are theirs
  await emulator.close()
  return { ...emulator.options }
}

test('control: passport-oauth2 shows both by most of them', () => {
  const strategy = new OAuth2Strategy(
    {
      authorizationURL: 'https://provider.example/authorize',
      tokenURL: 'https://provider.example/token',
      clientID: 'a client',
      clientSecret: SECRET,
      customHeaders: { 'x-gateway-key': HEADER },
    },
    () => {},
  )
  expect(leaks(strategy, [SECRET])).toEqual(Object.keys(WAYS))
  expect(leaks(strategy, [HEADER])).toEqual(Object.keys(WAYS))
})

test.each(Object.keys(BUILT_IN))('%s: no way to print the strategy shows the client’s secret', async (name) => {
  const own = await optionsOf(name)
  const secrets = [SECRET, HEADER]
  // What an app gives in place of a secret is one too.
  for (const value of Object.values(own)) {
    if (typeof value === 'string' && value.includes('PRIVATE KEY')) secrets.push(`${value.split('\n')[1]}`)
  }
  const given = 'clientSecret' in own ? { ...own, clientSecret: SECRET } : own
  const options = { ...given, callbackURL: 'https://app.example.com/callback', customHeaders: { 'x-key': HEADER } }
  const Strategy = BUILT_IN[name]
  if (!Strategy) throw new Error(`${name} has no class`)
  expect(leaks(new Strategy(options, () => {}), secrets)).toEqual([])
})

test('nor does one of an app’s own, whose id_tokens the secret verifies', () => {
  class Mine extends DialectStrategy {
    constructor(options: ConstructorParameters<typeof DialectStrategy>[1]) {
      const endpoints = {
        authorizationURL: 'https://provider.example/authorize',
        tokenURL: 'https://provider.example/token',
        userProfileURL: 'https://provider.example/user',
        jwksURL: 'https://provider.example/keys',
      }
      const idToken = { issuer: 'https://provider.example', algorithms: ['HS256', 'RS256'] as const }
      super('mine', options, () => {}, { endpoints, scope: [], idToken })
    }
    protected profileFields(user: JsonObject) {
      return { id: user.id }
    }
  }
  const callbackURL = 'https://app.example.com/callback'
  expect(leaks(new Mine({ clientID: 'a client', clientSecret: SECRET, callbackURL }))).toEqual([])
})

test('nor does what holds strategies: a router, a TokenKeeper', () => {
  const providers = {
    aihubmix: { clientID: 'a client', clientSecret: SECRET, customHeaders: { 'x-gateway-key': HEADER } },
  }
  const tokenStore = { get: async () => undefined, set: async () => true, delete: async () => true }
  expect(leaks(oauthRouter({ providers }))).toEqual([])
  expect(leaks(new TokenKeeper({ providers, tokenStore }))).toEqual([])
})
