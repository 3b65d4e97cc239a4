import { clientOptionsOf } from './client-options'
import { checkOptions, type EmulatorKind, type OptionRule } from './definition'
import { FAULTS } from './fault-names'
import type { Fault } from './faults'
import { ID_TOKEN_FORGERIES, type IdTokenForgery } from './forgery'
import type { FormPost } from './form-post'
import { hex } from './ledger'
import { formOfChoice, press, pressForm } from './press'
import {
  type ClientOptionsOf,
  EMULATOR_NAMES,
  type EmulatorName,
  type EmulatorOptions,
  kindOf,
  OWN_OPTIONS,
} from './registry'
import { resourceRoutes } from './resource'
import { EmulatorServer } from './server'
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
// What an emulator of one's own is made of.
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

/** What a provider's signature can be in place of the right one. */
type Forgery = IdTokenForgery | CallbackForgery

/** A running provider. */
export interface Emulator<Name extends string = string> {
  readonly name: Name
  /** The provider's name as it writes it. */
  readonly title: string
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** Client id, client secret and every endpoint: spread it into the strategy's options. */
  readonly options: Name extends EmulatorName ? ClientOptionsOf<Name> : ClientOptions
  readonly users: readonly EmulatorUser[]
  /** What arrived, in order. */
  readonly requests: readonly EmulatorRequest[]
  /** The next `times` requests at `endpoint` go wrong in this way. Default once. */
  failNext(endpoint: FaultEndpoint, fault: Fault, times?: number): void
  /**
   * Plays the browser: asks for the consent page, makes the choice and agrees.
   * Resolves to the callback address that the provider redirects to, without following it.
   * @throws Error where the provider refuses the authorization request, its page has no such choice, or it posts its
   * callback
   */
  approve(authorizationURL: string, choice?: Choice): Promise<string>
  /** Like {@link Emulator.approve}, pressing "Deny". */
  deny(authorizationURL: string): Promise<string>
  /**
   * Like {@link Emulator.approve}, at a provider that posts its callback (`response_mode=form_post`). Resolves to the
   * redirect URI and what a browser would post there, without posting it.
   * @throws Error where the provider refuses the authorization request, its page has no such choice, or it redirects
   * with its callback
   */
  approveForm(authorizationURL: string, choice?: Choice): Promise<FormPost>
  /** Like {@link Emulator.approveForm}, pressing "Deny". */
  denyForm(authorizationURL: string): Promise<FormPost>
  /**
   * A code that came by no redirect. TAPD: as its silent login sends it to the app's entry address; `GET /entry` on the
   * emulator sends a browser there. DingTalk: as a page inside its app gets it; `GET /emulator/request-auth-code` gives
   * it to a script, by the parameters `corpId` and `user`.
   * @param choice the id of a user, default the first
   * @throws Error at every other provider
   */
  entryCode(choice?: { user?: string }): string
  /**
   * Shopify: the app's start URL as Shopify's admin opens it, with the shop's name and signed. `GET /entry` on the
   * emulator sends a browser there.
   * @param startURL the app's own, as `http://127.0.0.1:3000/auth/shopify`
   * @param shop default the first
   * @throws Error at every other provider
   */
  signedStart(startURL: string, shop?: string): string
  /**
   * The next `times` things that the provider signs are forged in this way: id_tokens, or Shopify's callbacks. Default
   * once.
   * @throws TypeError where there is no such forgery at this provider; Error where it signs nothing
   */
  forgeNext(forgery: Forgery, times?: number): void
  /**
   * A new key signs the id_tokens from now on. The one before stays in the key set until the next time.
   * @throws Error where a provider has no keys
   */
  rotateKeys(): void
  /** Every access token dies now: the next API call with one gets the provider's own refusal. */
  expireTokens(): void
  /** Every refresh token dies now; access tokens live on. */
  revokeGrants(): void
  /** Every application token dies now: the next call with one gets the provider's own refusal. */
  expireAppTokens(): void
  /** Stops listening and cuts what is still open. */
  close(): Promise<void>
}

/**
 * Starts the emulator of a provider on loopback. It refuses what the provider refuses, in the provider's words.
 * @throws TypeError naming the option that is unknown or malformed; Error where the port is taken
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

/** How an emulator's provider is written: in English, and in Chinese where it has a name of its own there. */
export function titlesOf(name: EmulatorName): { en: string; zh: string } {
  const kind = kindOf(name)
  const en = kind?.title ?? name
  return { en, zh: kind?.chineseTitle ?? en }
}

/** A provider of one's own, as {@link createEmulator} takes it. */
export interface EmulatorDefinition<Name extends string = string> extends Omit<EmulatorKind, 'title' | 'options'> {
  name: Name
  /** Default the name. */
  title?: string
  /**
   * What the strategy's constructor takes. Default the client id and secret, the emulator's origin as `baseURL`, and the
   * address of each route as the option of its endpoint: `token` as `tokenURL`, `profile` as `userProfileURL`.
   */
  options?: EmulatorKind['options']
}

/**
 * Starts an emulator of a provider that this package does not know: its routes from its documentation; the server,
 * the log, the faults and the consent page from here.
 * @throws TypeError naming the option that is unknown or malformed; Error where the port is taken
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
  const provider = await server.listen(options.port ?? 0, options.host ?? '127.0.0.1', (origin) => {
    const own = kind.provider(origin, settings)
    return { ...own, routes: [...own.routes, ...resourceRoutes(own)] }
  })
  const { origin, requests } = server
  const first = settings.users[0]?.id ?? ''
  return {
    name,
    title: kind.title ?? name,
    origin,
    // Of a name that the registry has, these are that provider's own.
    options: (kind.options?.(origin, settings) ??
      clientOptionsOf(origin, settings, provider)) as Emulator<Name>['options'],
    users: settings.users,
    requests,
    failNext: (endpoint, fault, times = 1) => server.failNext(endpoint, fault, times),
    approve: (address, choice) => press(address, formOfChoice({ user: first, ...choice }), settings.redirectURIs),
    deny: (address) => press(address, new URLSearchParams({ deny: '1' }), settings.redirectURIs),
    approveForm: (address, choice) =>
      pressForm(address, formOfChoice({ user: first, ...choice }), settings.redirectURIs),
    denyForm: (address) => pressForm(address, new URLSearchParams({ deny: '1' }), settings.redirectURIs),
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
