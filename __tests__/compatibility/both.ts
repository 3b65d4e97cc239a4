import type { DialectOptions, VerifyFunction } from 'passport-dialects'
import OAuth2Strategy from 'passport-oauth2'
import {
  agree,
  type Host,
  type PlainProvider,
  PlainStrategy,
  startHost,
  startPlainProvider,
} from '../support/plain-provider'

/** What a file of these tests needs: the provider, and hosts that are closed after each test. */
export interface Bench {
  provider: PlainProvider
  /** A host with our strategy. */
  ours(options?: object, verify?: VerifyFunction, settings?: Settings): Promise<Host>
  /** A host with passport-oauth2's own strategy and the same options: the control of each difference. */
  theirs(options?: object, verify?: VerifyFunction, settings?: Settings): Promise<Host>
  /** A host with a subclass. */
  host: typeof startHost
}

type Settings = Parameters<typeof startHost>[1]

export function bench(): Bench {
  const hosts: Host[] = []
  let provider: PlainProvider | undefined
  const host: typeof startHost = async (strategy, settings) => {
    const started = await startHost(strategy, settings)
    hosts.push(started)
    return started
  }
  beforeAll(async () => {
    provider = await startPlainProvider()
  })
  afterEach(async () => {
    provider?.reset()
    await Promise.all(hosts.splice(0).map((open) => open.close()))
  })
  afterAll(() => provider?.close())
  const known = () => {
    if (!provider) throw new Error('asked before beforeAll')
    return provider
  }
  return {
    get provider() {
      return known()
    },
    host,
    ours: (options, verify = agree, settings) =>
      host(new PlainStrategy({ ...known().options, ...options } as DialectOptions, verify), settings), // a test may break an option on purpose
    theirs: (options, verify = agree, settings) => {
      const all = { ...known().options, state: true, ...options } as OAuth2Strategy.StrategyOptions // as above
      return host(new OAuth2Strategy(all, verify as OAuth2Strategy.VerifyFunction), settings) // told apart by arity in both
    },
  }
}

/** What a test asks of an error of either library. */
export function told(error: unknown): Record<string, unknown> {
  if (typeof error !== 'object' || error === null) return { said: error }
  const { name, code, status, message, phase, providerCode, providerStatus, cause } = error as Record<string, unknown>
  return { name, code, status, message, phase, providerCode, providerStatus, cause }
}
