import type { Providers } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'

/** The providers of the example, and the emulators that stand in for those without credentials. */
export interface ExampleProviders {
  providers: Providers
  emulators: Emulator[]
}

/** What each provider takes from the environment, by option: `TAPD_CLIENT_ID`, `TAILCHAT_BASE_URL` … */
const SETTINGS: Record<EmulatorName, { required: string[]; optional: string[] }> = {
  tailchat: { required: ['baseURL', 'clientID', 'clientSecret'], optional: ['issuer'] },
  tapd: { required: ['clientID', 'clientSecret'], optional: ['site', 'scope', 'profileSource'] },
  bbscloud: { required: ['baseURL', 'clientID', 'clientSecret'], optional: [] },
  tiktok: { required: ['clientID', 'clientSecret'], optional: ['scope'] },
  aihubmix: { required: ['clientID', 'clientSecret'], optional: ['scope', 'baseURL'] },
  feishu: { required: ['clientID', 'clientSecret'], optional: ['edition', 'scope'] },
}

const NAMES: readonly EmulatorName[] = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix']

/**
 * Real credentials from the environment replace an emulator, one provider at a time.
 * @throws Error naming the variable that is missing where credentials are given by half
 */
export async function providersFrom(env: NodeJS.ProcessEnv): Promise<ExampleProviders> {
  const real = NAMES.map((name) => [name, credentialsOf(name, env)] as const)
  const emulators: Emulator[] = []
  const providers: Providers = {}
  for (const [name, credentials] of real) {
    const emulator = credentials ? undefined : await startEmulator(name)
    if (emulator) emulators.push(emulator)
    providers[name] = { ...EXTRAS[name], ...emulator?.options, ...credentials } as Providers[string] // checked by the strategy
  }
  return { providers, emulators }
}

/** More than a login needs, to have something to show. */
const EXTRAS: Partial<Record<EmulatorName, Record<string, unknown>>> = {
  aihubmix: { scope: ['profile', 'balance'] },
  tiktok: { scope: ['user.info.basic', 'user.info.profile'] },
}

function credentialsOf(name: EmulatorName, env: NodeJS.ProcessEnv): Record<string, string> | undefined {
  const { required, optional } = SETTINGS[name]
  const given = (option: string) => env[variable(name, option)]?.trim() || undefined
  if (![...required, ...optional].some(given)) return undefined
  const missing = required.find((option) => !given(option))
  if (missing)
    throw new Error(
      `${variable(name, missing)} is missing: ${name} needs ${required.map((o) => variable(name, o)).join(', ')}.`,
    )
  const options = [...required, ...optional].flatMap((option) => {
    const value = given(option)
    return value === undefined ? [] : [[option, value] as const]
  })
  return Object.fromEntries(options)
}

/** `tapd`, `clientID` → `TAPD_CLIENT_ID`. */
function variable(name: string, option: string): string {
  return `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase()
}
