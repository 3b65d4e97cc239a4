import { clientOptionsOf } from './client-options'
import { checkOptions, type EmulatorKind, type OptionRule } from './definition'
import { FAULTS } from './fault-names'
import type { Fault } from './faults'
import { ID_TOKEN_FORGERIES, type IdTokenForgery } from './forgery'
import type { FormPost } from './form-post'
import { hex } from './ledger'
import { type Button, DENY, formOfChoice, press, pressForm } from './press'
import {
  type ClientOptionsOf,
  EMULATOR_NAMES,
  type EmulatorName,
  type EmulatorOptions,
  kindOf,
  OWN_OPTIONS,
} from './registry'
import { resourceRoutes } from './resource'
import { EmulatorServer, type Provider } from './server'
import type { Settings } from './settings'
import { CALLBACK_FORGERIES, type CallbackForgery } from './shopify-signing'
import type {
  Choice,
  ClientOptions,
  EmulatorProject,
  EmulatorRequest,
  EmulatorUser,
  FaultEndpoint,
  FewerClientOptions,
  SharedOptions,
} from './types'

// How Alipay's responses can be forged.
export { ALIPAY_FORGERIES, type AlipayForgery } from './alipay-response'
// The parts for your own emulator.
export { type Asked, type Chosen, consentRoutes, isRegistered, withParams } from './authorize'
export type { Place } from './consent-page'
export type { TokenNames } from './faults'
export { IdTokenKeys } from './id-token'
export { type Grant, Ledger } from './ledger'
export { errorPage } from './page'
export {
  bearerOf,
  type Call,
  formOf,
  jsonOf,
  mediaType,
  type Provider,
  type Refuse,
  type Reply,
  type Route,
  repeated,
} from './server'
export type { Settings } from './settings'
export type { Language } from './texts'
export type {
  CallbackForgery,
  Choice,
  ClientOptions,
  ClientOptionsOf,
  EmulatorKind,
  EmulatorName,
  EmulatorOptions,
  EmulatorProject,
  EmulatorRequest,
  EmulatorUser,
  Fault,
  FaultEndpoint,
  FewerClientOptions,
  Forgery,
  FormPost,
  IdTokenForgery,
  OptionRule,
  SharedOptions,
}
export { CALLBACK_FORGERIES, EMULATOR_NAMES, FAULTS, ID_TOKEN_FORGERIES }

/** The ways in which a provider's signature can be forged. */
type Forgery = IdTokenForgery | CallbackForgery

/** A running emulator of a provider. */
export interface Emulator<Name extends string = string> {
  readonly name: Name
  /** The provider's name as the provider writes it. */
  readonly title: string
  /** The emulator's origin: `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** The client id, the client secret and every endpoint. Spread it into the strategy's options. */
  readonly options: Name extends EmulatorName ? ClientOptionsOf<Name> : ClientOptions
  readonly users: readonly EmulatorUser[]
  /** The requests that arrived, in order. */
  readonly requests: readonly EmulatorRequest[]
  /** Makes the next `times` requests at `endpoint` fail in this way. Default once. */
  failNext(endpoint: FaultEndpoint, fault: Fault, times?: number): void
  /**
   * Acts as the browser: opens the consent page, makes the choice and agrees.
   * Resolves to the callback address that the provider redirects to, without following it.
   * @throws Error if the provider refuses the authorization request, its page has no such choice, or it posts its
   * callback
   */
  approve(authorizationURL: string, choice?: Choice): Promise<string>
  /** Like {@link Emulator.approve}, but presses "Deny". */
  deny(authorizationURL: string): Promise<string>
  /**
   * Like {@link Emulator.approve}, for a provider that posts its callback (`response_mode=form_post`). Resolves to the
   * redirect URI and the fields that a browser would post there, without posting them.
   * @throws Error if the provider refuses the authorization request, its page has no such choice, or it redirects
   * with its callback
   */
  approveForm(authorizationURL: string, choice?: Choice): Promise<FormPost>
  /** Like {@link Emulator.approveForm}, but presses "Deny". */
  denyForm(authorizationURL: string): Promise<FormPost>
  /**
   * A code that arrives without a redirect. TAPD: a code that its silent login sends to the app's entry address;
   * `GET /entry` on the emulator sends a browser there. DingTalk: a code that a page inside its app gets;
   * `GET /emulator/request-auth-code` returns it to a script, with the parameters `corpId` and `user`.
   * @param choice the id of a user. Default: the first user
   * @throws Error for every other provider
   */
  entryCode(choice?: { user?: string }): string
  /**
   * Shopify: the app's start URL as Shopify's admin opens it, signed and with the shop's name. `GET /entry` on the
   * emulator sends a browser there.
   * @param startURL the app's start URL, such as `http://127.0.0.1:3000/auth/shopify`
   * @param shop the shop's name. Default: the first shop
   * @throws Error for every other provider
   */
  signedStart(startURL: string, shop?: string): string
  /**
   * Forges the next `times` things that the provider signs in this way: id_tokens, or Shopify's callbacks. Default once.
   * @throws TypeError if this provider has no such forgery; Error if it signs nothing
   */
  forgeNext(forgery: Forgery, times?: number): void
  /**
   * Signs id_tokens with a new key from now on. The previous key stays in the key set until the next rotation.
   * @throws Error if the provider has no keys
   */
  rotateKeys(): void
  /** Expires every access token now: the next API call with one gets the provider's own refusal. */
  expireTokens(): void
  /** Ends every refresh token now. Access tokens stay valid. */
  revokeGrants(): void
  /** Expires every application token now: the next call with one gets the provider's own refusal. */
  expireAppTokens(): void
  /** Stops listening and closes every open connection. */
  close(): Promise<void>
}

/**
 * Starts the emulator of a provider on loopback. It refuses what the provider refuses, in the provider's words.
 * @throws TypeError naming the option that is unknown or malformed; Error if the port is taken
 *
 * @example
 * ```ts
 * const wechat = await startEmulator('wechat')
 * app.use(oauthRouter({ providers: { wechat: wechat.options } }))
 * wechat.failNext('token', 'http-503') // the next exchange fails as if WeChat were down
 * await wechat.close()
 * ```
 */
export async function startEmulator<Name extends EmulatorName>(
  name: Name,
  options?: EmulatorOptions<Name>,
): Promise<Emulator<Name>> {
  const kind = kindOf(name)
  if (!kind) throw new TypeError(`There is no emulator named ${name}; there are ${EMULATOR_NAMES.join(', ')}.`)
  return createEmulator({ name, ...kind }, options)
}

/** The provider's name in English and in Chinese. If it has no Chinese name, both are the same. */
export function titlesOf(name: EmulatorName): { en: string; zh: string } {
  const kind = kindOf(name)
  const en = kind?.title ?? name
  return { en, zh: kind?.chineseTitle ?? en }
}

/** Your own provider, as {@link createEmulator} takes it. */
export interface EmulatorDefinition<Name extends string = string> extends Omit<EmulatorKind, 'title' | 'options'> {
  name: Name
  /** The provider's name as the provider writes it. Default: `name`. */
  title?: string
  /**
   * The options for the strategy's constructor. Default: the client id and secret, the emulator's origin as `baseURL`, and
   * the address of each route as the option of its endpoint: `token` as `tokenURL`, `profile` as `userProfileURL`.
   */
  options?: EmulatorKind['options']
}

/**
 * Starts an emulator of your own provider. You write the routes, from the provider's documentation. The package adds the
 * server, the request log, the faults and the consent page.
 * @throws TypeError naming the option that is unknown or malformed; Error if the port is taken
 */
export async function createEmulator<Name extends string>(
  kind: EmulatorDefinition<Name>,
  options: SharedOptions = {},
): Promise<Emulator<Name>> {
  const { name, own = {} } = kind
  checkOptions(name, options, own, OWN_OPTIONS)
  const server = new EmulatorServer(options.onRequest?.bind(options))
  const settings: Settings = {
    ...options,
    users: options.users ?? kind.users,
    clientID: options.clientID ?? `${name}-client-${hex(4)}`,
    clientSecret: options.clientSecret ?? `${name} secret/${hex(12)}+=`,
    failNext: (endpoint, fault) => server.failNext(endpoint, fault, 1),
    steps: () => server.steps(),
  }
  try {
    const provider = await server.listen(options.port ?? 0, options.host ?? '127.0.0.1', (origin) => {
      const own = kind.provider(origin, settings)
      return { ...own, routes: [...own.routes, ...resourceRoutes(own)] }
    })
    return controlsOf(kind, settings, server, provider)
  } catch (problem) {
    await server.close()
    throw problem
  }
}

/** What a test has of a running emulator. */
function controlsOf<Name extends string>(
  kind: EmulatorDefinition<Name>,
  settings: Settings,
  server: EmulatorServer,
  provider: Provider,
): Emulator<Name> {
  const { name } = kind
  const { origin, requests } = server
  const first = settings.users[0]?.id ?? ''
  const buttonOf = (choice?: Choice): Button => ({
    form: formOfChoice({ ...choice, user: choice?.user ?? first }),
    isChosen: choice !== undefined,
  })
  return {
    name,
    title: kind.title ?? name,
    origin,
    // For a name in the registry, these are that provider's own options.
    options: (kind.options?.(origin, settings) ??
      clientOptionsOf(origin, settings, provider)) as Emulator<Name>['options'],
    users: settings.users,
    requests,
    failNext: (endpoint, fault, times = 1) => server.failNext(endpoint, fault, times),
    approve: (address, choice) => press(address, buttonOf(choice), settings.redirectURIs),
    deny: (address) => press(address, DENY, settings.redirectURIs),
    approveForm: (address, choice) => pressForm(address, buttonOf(choice), settings.redirectURIs),
    denyForm: (address) => pressForm(address, DENY, settings.redirectURIs),
    signedStart: (startURL, shop) => {
      if (!provider.signedStart) throw new Error(`${name} signs no start of a login; only shopify does.`)
      return provider.signedStart(startURL, shop)
    },
    forgeNext: (forgery, times = 1) => {
      const forgeries = provider.forgeries ?? provider.idTokenKeys?.forgeries
      if (!forgeries) throw new Error(`${name} signs neither id_tokens nor callbacks.`)
      forgeries.plan(forgery, times)
    },
    rotateKeys: () => {
      if (!provider.idTokenKeys) throw new Error(`${name} has no keys to rotate.`)
      provider.idTokenKeys.rotate()
    },
    entryCode: ({ user = first } = {}) => {
      if (!provider.entryCode)
        throw new Error(`${name} sends no code that an app has not asked for; only tapd and dingtalk do.`)
      const known = settings.users.find(({ id }) => id === user)
      if (!known) throw new Error(`There is no user ${user} here.`)
      return provider.entryCode(known)
    },
    expireTokens: () => {
      for (const ledger of provider.ledgers ?? []) ledger.expireAccess()
    },
    revokeGrants: () => {
      for (const ledger of provider.ledgers ?? []) ledger.expireRefresh()
    },
    expireAppTokens: () => provider.expireAppTokens?.(),
    close: () => server.close(),
  }
}
