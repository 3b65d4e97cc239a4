import { startEmulator } from 'passport-dialects/emulators'
import { jump } from '../support/clock'
import { LINE, loginWith, ours, type Signer, SLACK, verify } from '../support/oidc-login'
import { DecodingStrategy } from '../support/oidc-strategy'

let slack: Signer
let lineByKey: Signer
let lineBySecret: Signer
beforeAll(async () => {
  slack = { emulator: await startEmulator('slack'), rules: SLACK }
  lineByKey = { emulator: await startEmulator('line', { idTokenAlg: 'ES256' }), rules: LINE }
  lineBySecret = { emulator: await startEmulator('line'), rules: LINE }
})
afterAll(() => Promise.all([slack, lineByKey, lineBySecret].map(({ emulator }) => emulator.close())))
afterEach(() => jest.restoreAllMocks())

function asks({ emulator }: Signer): number {
  return emulator.requests.filter(({ endpoint }) => endpoint === 'keys').length
}

describe('the key set', () => {
  test('is asked for once, by any number of logins at once, and then never again', async () => {
    const strategy = ours(slack)
    const before = asks(slack)
    const logins = await Promise.all([1, 2, 3, 4].map(() => loginWith(strategy, slack)))
    expect(logins.every(({ id }) => id !== undefined)).toBe(true)
    await loginWith(strategy, slack)
    expect(asks(slack) - before).toBe(1)
  })

  test('is asked for again where a new key signs, and the login goes on', async () => {
    const strategy = ours(lineByKey)
    await loginWith(strategy, lineByKey)
    const before = asks(lineByKey)
    lineByKey.emulator.rotateKeys()
    expect((await loginWith(strategy, lineByKey)).id).toBeTruthy()
    expect((await loginWith(strategy, lineByKey)).id).toBeTruthy()
    expect(asks(lineByKey) - before).toBe(1)
  })

  test('is asked for once a minute because of keys that nobody has, the first ask not counted', async () => {
    const strategy = ours(slack)
    const before = asks(slack)
    slack.emulator.forgeNext('unknown-kid', 4)
    for (const asked of [2, 2, 2]) {
      expect((await loginWith(strategy, slack)).code).toBe('signature_invalid')
      expect(asks(slack) - before).toBe(asked)
    }
    jump(61)
    expect((await loginWith(strategy, slack)).code).toBe('signature_invalid')
    expect(asks(slack) - before).toBe(3)
  })

  test('is not believed for longer than an hour', async () => {
    const strategy = ours(slack)
    await loginWith(strategy, slack)
    const before = asks(slack)
    jump(3601)
    await loginWith(strategy, slack)
    expect(asks(slack) - before).toBe(1)
  })

  test('is asked for by HS256 never', async () => {
    const before = asks(lineBySecret)
    expect((await loginWith(ours(lineBySecret), lineBySecret)).id).toBeTruthy()
    expect(asks(lineBySecret) - before).toBe(0)
  })

  test.each([
    ['http-500', 'provider_unavailable'],
    ['http-429', 'rate_limited'],
    ['reset', 'provider_unreachable'],
    ['redirect', 'provider_redirected'],
    ['oversize', 'response_too_large'],
    ['gzip-bomb', 'response_too_large'],
    ['html', 'response_invalid'],
    ['wrong-types', 'response_invalid'],
    ['deep', 'response_invalid'],
  ] as const)(
    'that comes to %s is %s, logs nobody in, and is asked for anew by the next login',
    async (fault, code) => {
      const strategy = ours(slack)
      slack.emulator.failNext('keys', fault)
      expect(await loginWith(strategy, slack)).toMatchObject({ id: undefined, code, phase: 'token' })
      expect((await loginWith(strategy, slack)).id).toBeTruthy()
    },
  )

  test.each(['http-500', 'oversize', 'silent', 'redirect'] as const)(
    'control: a client that only decodes misses no key set that comes to %s: a token of nobody’s logs in',
    async (fault) => {
      slack.emulator.failNext('keys', fault)
      slack.emulator.forgeNext('other-key')
      const before = asks(slack)
      expect((await loginWith(new DecodingStrategy(slack.emulator.options, verify), slack)).id).toBeTruthy()
      expect(asks(slack)).toBe(before)
      await fetch(slack.emulator.options.jwksURL, { redirect: 'manual', signal: AbortSignal.timeout(300) }).catch(
        () => {},
      ) // takes the fault away
    },
  )

  test('control: fetch reads on in the huge one, and waits for the slow one longer than ours does', async () => {
    const { jwksURL } = slack.emulator.options
    slack.emulator.failNext('keys', 'oversize')
    let read = 0
    for await (const chunk of (await fetch(jwksURL)).body ?? []) {
      read += chunk.byteLength
      if (read > 4_000_000) break
    }
    expect(read).toBeGreaterThan(4_000_000)
    slack.emulator.failNext('keys', 'silent')
    await expect(fetch(jwksURL, { signal: AbortSignal.timeout(900) })).rejects.toThrow(/timeout/)
  })

  test('that comes too slowly is provider_timeout', async () => {
    const strategy = ours(slack, { timeout: 300 })
    slack.emulator.failNext('keys', 'silent')
    expect(await loginWith(strategy, slack)).toMatchObject({ id: undefined, code: 'provider_timeout', phase: 'token' })
  })
})
