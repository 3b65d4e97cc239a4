import {
  AihubmixStrategy,
  PROVIDER_NAMES,
  type ProviderConfig,
  type Providers,
  providersFromEnv,
} from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'

/** The providers of the example: every one that the package has. */
export const NAMES: readonly EmulatorName[] = PROVIDER_NAMES

/** The providers of the example, and the emulators that stand in for those without credentials. */
export interface ExampleProviders {
  providers: Providers
  emulators: Emulator[]
}

/** AIHubMix again, as an instance that asks its users nothing. */
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
        given[name] ? undefined : startEmulator(name, { ...emulation, ...(TO_SHOW[name] as EmulatorOptions) }), // its own, by its name
    ),
  )
  const providers: Record<string, ProviderConfig> = {}
  for (const [at, name] of NAMES.entries()) {
    const emulator = started[at]
    const options = { ...EXTRAS[name], ...emulator?.options, ...given[name] } as ProviderConfig // one of the two is whole
    providers[name] = options
    if (!emulator) continue
    if (name === 'tapd') providers[name] = { ...options, silentLogin: true }
    if (name === 'aihubmix') {
      providers[ONE_CLICK] = { ...options, strategy: AihubmixStrategy, autoAuthorize: true }
    }
  }
  return { providers, emulators: started.filter((emulator) => emulator !== undefined) }
}

/** Tokens are renewed five minutes before they end: of these one sees it half a minute after the login. */
const SHORT_TOKENS: EmulatorOptions = { accessTokenLifetime: 330 }
const TO_SHOW: { readonly [Name in EmulatorName]?: EmulatorOptions<Name> } = {
  tapd: { refresh: true },
  // As its buttons would have it: by itself the page stays where somebody says no.
  qq: { refusal: 'usercancel' },
}

/** More than a login needs, to have something to show. */
const EXTRAS: Partial<Record<EmulatorName, Record<string, unknown>>> = {
  aihubmix: { scope: ['profile', 'balance'] },
  tiktok: { scope: ['user.info.basic', 'user.info.profile'] },
  feishu: { scope: ['contact:user.email:readonly', 'offline_access'] },
  tailchat: { scope: ['openid', 'profile', 'offline_access'] },
}
