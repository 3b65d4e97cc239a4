import {
  AihubmixStrategy,
  PROVIDER_NAMES,
  type ProviderConfig,
  type Providers,
  providersFromEnv,
} from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'

/** The providers of the example: all built-in ones. */
export const NAMES: readonly EmulatorName[] = PROVIDER_NAMES

/** The providers of the example, and the emulators for those without credentials. */
export interface ExampleProviders {
  providers: Providers
  emulators: Emulator[]
}

/** AIHubMix again, as an instance that shows no consent page. */
export const ONE_CLICK = 'aihubmix-one-click'

/**
 * Real credentials from the environment replace an emulator, one provider at a time.
 * @throws OAuthError naming the variable that is missing or wrong
 */
export async function providersFrom(env: NodeJS.ProcessEnv, emulation = SHORT_TOKENS): Promise<ExampleProviders> {
  const given = providersFromEnv(env)
  const started = await Promise.all(
    NAMES.map(
      async (name) =>
        given[name] ? undefined : startEmulator(name, { ...emulation, ...(TO_SHOW[name] as EmulatorOptions) }), // its own options, by name
    ),
  )
  const providers: Record<string, ProviderConfig> = {}
  for (const [at, name] of NAMES.entries()) {
    const emulator = started[at]
    const options = (emulator ? { ...EXTRAS[name], ...emulator.options } : given[name]) as ProviderConfig // one of the two is there
    providers[name] = options
    if (!emulator) continue
    if (name === 'tapd') providers[name] = { ...options, silentLogin: true }
    if (name === 'aihubmix') {
      providers[ONE_CLICK] = { ...options, strategy: AihubmixStrategy, autoAuthorize: true }
    }
  }
  return { providers, emulators: started.filter((emulator) => emulator !== undefined) }
}

/** Tokens are refreshed five minutes before they expire: with these, that happens half a minute after the login. */
const SHORT_TOKENS: EmulatorOptions = { accessTokenLifetime: 330 }
const TO_SHOW: { readonly [Name in EmulatorName]?: EmulatorOptions<Name> } = {
  tapd: { refresh: true },
  // So that the "Deny" button leads back: by default, the page stays.
  qq: { refusal: 'usercancel' },
}

/** More than a login needs, to have something to show. A real application may not be approved for it. */
const EXTRAS: Partial<Record<EmulatorName, Record<string, unknown>>> = {
  aihubmix: { scope: ['profile', 'balance'] },
  tiktok: { scope: ['user.info.basic', 'user.info.profile'] },
  feishu: { scope: ['contact:user.email:readonly', 'offline_access'] },
  tailchat: { scope: ['openid', 'profile', 'offline_access'] },
}
