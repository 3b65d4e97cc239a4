import type { DialectProfile, Providers, TokenSet } from 'passport-dialects'
import {
  type Emulator,
  type EmulatorName,
  type EmulatorOptions,
  type EmulatorRequest,
  type FaultEndpoint,
  startEmulator,
} from 'passport-dialects/emulators'
import { BUILT_IN } from '../../lib/registry'
import { ask, loggedIn, startTokenApp } from './token-app'
import { bareLogin, type LoginResult, type LoginSteps, routerLogin } from './whole-login'

/** The result of a login under the router, and its requests. */
export interface OneLogin extends LoginResult {
  /** The parameters of the authorization request. */
  query: Record<string, string>
  profile: DialectProfile | undefined
  tokens: TokenSet | undefined
  /** The last request at an endpoint. */
  sent(endpoint: FaultEndpoint): EmulatorRequest | undefined
  /** The members of the last form at an endpoint. */
  form(endpoint: FaultEndpoint): Record<string, string>
}

/** Runs `body` with an emulator, and closes it afterwards. */
export async function withEmulator<Name extends EmulatorName, Result>(
  name: Name,
  knobs: EmulatorOptions<Name>,
  body: (emulator: Emulator<Name>) => Promise<Result>,
): Promise<Result> {
  const emulator = await startEmulator<Name>(name, knobs)
  try {
    return await body(emulator)
  } finally {
    await emulator.close()
  }
}

/** One login at a running emulator, under the router. */
export async function logInAt(emulator: Emulator, options: object = {}, steps: LoginSteps = {}): Promise<OneLogin> {
  const { name } = emulator
  const providers: Providers = { [name]: { ...emulator.options, ...options } }
  let profile: DialectProfile | undefined
  let tokens: TokenSet | undefined
  const verify = (login: { profile: DialectProfile; tokens: TokenSet | undefined }) => {
    profile = login.profile
    tokens = login.tokens
    return { id: login.profile.id }
  }
  const result = await routerLogin(emulator, { providers, verify }, name, steps)
  const sent = (endpoint: FaultEndpoint) => emulator.requests.findLast((arrived) => arrived.endpoint === endpoint)
  const form = (endpoint: FaultEndpoint) => Object.fromEntries(new URLSearchParams(sent(endpoint)?.body))
  return { ...result, query: Object.fromEntries(result.request.searchParams), profile, tokens, sent, form }
}

/** The tokens of one login that must succeed. */
export async function tokensAt(emulator: Emulator, options: object = {}): Promise<TokenSet> {
  const { tokens } = await logInAt(emulator, options)
  if (!tokens) throw new Error('The login failed.')
  return tokens
}

/** A browser that has logged in at an app, and the responses of the app's routes. */
export async function inApp(
  emulator: Emulator,
  options: object,
  body: (get: (path: string) => ReturnType<typeof ask>) => unknown,
): Promise<void> {
  const { name } = emulator
  const providers: Providers = { [name]: { ...emulator.options, ...options } }
  const app = await startTokenApp({ providers })
  try {
    const browser = await loggedIn(app, name, emulator)
    await body((path) => ask(browser, app.origin + path))
  } finally {
    await app.close()
  }
}

/** The members of the last form that arrived. */
export function lastForm(emulator: Emulator): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(emulator.requests.at(-1)?.body))
}

/** One login at a running emulator, under the app's own Passport; the user is the profile. */
export function bareLoginAt(emulator: Emulator, options: object = {}, steps: LoginSteps = {}): Promise<LoginResult> {
  const verify = (_at: string, _rt: string, profile: object, done: (error: null, user: object) => void) =>
    done(null, profile)
  return bareLogin(emulator, (callbackURL) => strategyAt(emulator, { ...options, callbackURL }, verify), steps)
}

/** A new strategy for a running emulator, for calls after a login. */
export function strategyAt(emulator: Emulator, options: object = {}, verify: unknown = () => {}) {
  const Strategy = BUILT_IN[emulator.name]
  if (!Strategy) throw new Error(`${emulator.name} has no strategy.`)
  return new Strategy({ ...emulator.options, callbackURL: 'http://127.0.0.1/callback', ...options }, verify)
}
