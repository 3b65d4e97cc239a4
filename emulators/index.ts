import { AIHUBMIX_USERS, aihubmix, aihubmixOptions } from './aihubmix'
import type { Settings } from './authorize'
import { BBSCLOUD_USERS, bbscloud, bbscloudOptions } from './bbscloud'
import { FAULTS, type Fault } from './faults'
import { FEISHU_USERS, feishu, feishuOptions } from './feishu'
import { hex } from './ledger'
import { EmulatorServer, type Provider } from './server'
import { TAILCHAT_USERS, tailchat, tailchatOptions } from './tailchat'
import { TAPD_USERS, tapd, tapdOptions } from './tapd'
import { TIKTOK_USERS, tiktok, tiktokOptions } from './tiktok'
import type {
  ClientOptions,
  EmulatorName,
  EmulatorOptions,
  EmulatorRequest,
  EmulatorUser,
  FaultEndpoint,
} from './types'

// What an emulator of one's own is made of.
export { type Asked, consentRoutes, isRegistered, type Settings, withParams } from './authorize'
export { errorPage } from './consent-page'
export { type Grant, Ledger } from './ledger'
export {
  bearerOf,
  type Call,
  formOf,
  jsonOf,
  mediaType,
  type Provider,
  type Reply,
  type Route,
  repeated,
} from './server'
export type { ClientOptions, EmulatorName, EmulatorOptions, EmulatorRequest, EmulatorUser, Fault, FaultEndpoint }
export { FAULTS }

/** A running provider. */
export interface Emulator<Name extends string = EmulatorName> {
  readonly name: Name
  readonly origin: string
  /** Client id, client secret and every endpoint: spread it into the strategy's options. */
  readonly options: ClientOptions
  readonly users: readonly EmulatorUser[]
  /** What arrived, in order. */
  readonly requests: readonly EmulatorRequest[]
  /** The next `times` requests at `endpoint` go wrong in this way. Default once. */
  failNext(endpoint: FaultEndpoint, fault: Fault, times?: number): void
  /**
   * Plays the browser: asks for the consent page and agrees as `user` (default the first).
   * Resolves to the callback address that the provider redirects to, without following it.
   * @throws Error where the provider refuses the authorization request
   */
  approve(authorizationURL: string, choice?: { user?: string }): Promise<string>
  /** Like {@link Emulator.approve}, pressing "Deny". */
  deny(authorizationURL: string): Promise<string>
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
  const settings: Settings = {
    ...options,
    users: options.users ?? kind.users,
    clientID: options.clientID ?? `${name}-client-${hex(4)}`,
    clientSecret: options.clientSecret ?? `${name} secret/${hex(12)}+=`,
  }
  const server = new EmulatorServer()
  await server.listen(options.port ?? 0, options.host ?? '127.0.0.1', (origin) => kind.provider(origin, settings))
  const { origin, requests } = server
  return {
    name,
    origin,
    options: kind.options(origin, settings),
    users: settings.users,
    requests,
    failNext: (endpoint, fault, times = 1) => server.failNext(endpoint, fault, times),
    approve: (address, { user } = {}) => press(address, { user: user ?? settings.users[0]?.id ?? '' }),
    deny: (address) => press(address, { deny: '1' }),
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

async function press(address: string, form: Record<string, string>): Promise<string> {
  const shown = await fetch(address, { redirect: 'manual' })
  const answer =
    shown.status === 200
      ? await fetch(address, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' })
      : shown
  const location = answer.headers.get('location')
  if (location !== null) return new URL(location, address).href
  const text = (await answer.text())
    .replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  throw new Error(`The provider refuses this authorization request (${answer.status}): ${text}`)
}
