import { AIHUBMIX_USERS, aihubmix, aihubmixOptions } from './aihubmix'
import { BBSCLOUD_USERS, bbscloud, bbscloudOptions } from './bbscloud'
import { FAULTS } from './fault-names'
import type { Fault } from './faults'
import { FEISHU_USERS, feishu, feishuOptions } from './feishu'
import { hex } from './ledger'
import { formOfChoice, press } from './press'
import { resourceRoutes } from './resource'
import { EmulatorServer, type Provider } from './server'
import type { Settings } from './settings'
import { TAILCHAT_USERS, tailchat, tailchatOptions } from './tailchat'
import { TAPD_USERS, tapd, tapdOptions } from './tapd'
import { TIKTOK_USERS, tiktok, tiktokOptions } from './tiktok'
import type {
  Choice,
  ClientOptions,
  EmulatorName,
  EmulatorOptions,
  EmulatorProject,
  EmulatorRequest,
  EmulatorUser,
  FaultEndpoint,
} from './types'

// What an emulator of one's own is made of.
export { type Asked, type Chosen, consentRoutes, isRegistered, withParams } from './authorize'
export type { Place } from './consent-page'
export type { TokenNames } from './faults'
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
  Choice,
  ClientOptions,
  EmulatorName,
  EmulatorOptions,
  EmulatorProject,
  EmulatorRequest,
  EmulatorUser,
  Fault,
  FaultEndpoint,
}
export { FAULTS }

/** A running provider. */
export interface Emulator<Name extends string = EmulatorName> {
  readonly name: Name
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** Client id, client secret and every endpoint: spread it into the strategy's options. */
  readonly options: ClientOptions
  readonly users: readonly EmulatorUser[]
  /** What arrived, in order. */
  readonly requests: readonly EmulatorRequest[]
  /** The next `times` requests at `endpoint` go wrong in this way. Default once. */
  failNext(endpoint: FaultEndpoint, fault: Fault, times?: number): void
  /**
   * Plays the browser: asks for the consent page, makes the choice and agrees.
   * Resolves to the callback address that the provider redirects to, without following it.
   * @throws Error where the provider refuses the authorization request, or its page has no such choice
   */
  approve(authorizationURL: string, choice?: Choice): Promise<string>
  /** Like {@link Emulator.approve}, pressing "Deny". */
  deny(authorizationURL: string): Promise<string>
  /**
   * TAPD: a code that no one asked for, as its silent login sends it to the app's entry address. `GET /entry` on the
   * emulator sends a browser there.
   * @param choice the id of a user, default the first
   * @throws Error at every other provider
   */
  entryCode(choice?: { user?: string }): string
  /** Every access token dies now: the next API call with one gets the provider's own refusal. */
  expireTokens(): void
  /** Every refresh token dies now; access tokens live on. */
  revokeGrants(): void
  /** Stops listening and cuts what is still open. */
  close(): Promise<void>
}

/**
 * Starts the emulator of a provider on loopback. It refuses what the provider refuses, in the provider's words.
 * @throws Error where the port is taken
 */
export async function startEmulator(name: EmulatorName, options: EmulatorOptions = {}): Promise<Emulator> {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined
  if (!kind) throw new TypeError(`There is no emulator named ${name}; there are ${Object.keys(KINDS).join(', ')}.`)
  return createEmulator({ name, ...kind }, options)
}

/** A provider of one's own, as {@link createEmulator} takes it. */
export interface EmulatorDefinition<Name extends string = string> {
  name: Name
  /** Who can log in where `options` name nobody: at least two, one of them without an e-mail address. */
  users: readonly EmulatorUser[]
  /** What the strategy's constructor takes: the client's credentials and every endpoint. */
  options(origin: string, settings: Settings): ClientOptions
  /** The provider's routes, its words for a refusal, and what an answer of it can't do without. */
  provider(origin: string, settings: Settings): Provider
}

/**
 * Starts an emulator of a provider that this package does not know: its routes from its documentation; the server,
 * the log, the faults and the consent page from here.
 * @throws Error where the port is taken
 */
export async function createEmulator<Name extends string>(
  kind: EmulatorDefinition<Name>,
  options: EmulatorOptions = {},
): Promise<Emulator<Name>> {
  const { name } = kind
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
    origin,
    options: kind.options(origin, settings),
    users: settings.users,
    requests,
    failNext: (endpoint, fault, times = 1) => server.failNext(endpoint, fault, times),
    approve: (address, choice) => press(address, formOfChoice({ user: first, ...choice })),
    deny: (address) => press(address, new URLSearchParams({ deny: '1' })),
    entryCode: ({ user = first } = {}) => {
      if (!provider.entryCode) throw new Error(`${name} sends no code that an app has not asked for; only tapd does.`)
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
    close: () => server.close(),
  }
}

const KINDS: Record<EmulatorName, Kind> = {
  tailchat: { users: TAILCHAT_USERS, options: tailchatOptions, provider: tailchat },
  tapd: { users: TAPD_USERS, options: tapdOptions, provider: tapd },
  bbscloud: { users: BBSCLOUD_USERS, options: bbscloudOptions, provider: bbscloud },
  tiktok: { users: TIKTOK_USERS, options: tiktokOptions, provider: tiktok },
  aihubmix: { users: AIHUBMIX_USERS, options: aihubmixOptions, provider: aihubmix },
  feishu: { users: FEISHU_USERS, options: feishuOptions, provider: feishu },
}

type Kind = Omit<EmulatorDefinition, 'name'>
