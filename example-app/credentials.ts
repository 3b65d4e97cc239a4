import type { Providers } from 'passport-dialects'
import type { EmulatorName } from 'passport-dialects/emulators'

/** What each provider takes from the environment, by option: `TAPD_CLIENT_ID`, `TAILCHAT_BASE_URL` … */
const SETTINGS: Record<EmulatorName, { required: string[]; optional: string[] }> = {
  tailchat: { required: ['baseURL', 'clientID', 'clientSecret'], optional: ['issuer'] },
  tapd: { required: ['clientID', 'clientSecret'], optional: ['site', 'scope', 'profileSource', 'silentLogin'] },
  bbscloud: { required: ['baseURL', 'clientID', 'clientSecret'], optional: [] },
  tiktok: { required: ['clientID', 'clientSecret'], optional: ['scope'] },
  aihubmix: { required: ['clientID', 'clientSecret'], optional: ['scope', 'baseURL', 'autoAuthorize'] },
  feishu: { required: ['clientID', 'clientSecret'], optional: ['edition', 'scope'] },
}
const FLAGS = new Set(['silentLogin', 'autoAuthorize'])

/**
 * The providers whose credentials are in the environment.
 * @throws Error naming the variable that is missing where credentials are given by half
 */
export function credentialsFrom(env: NodeJS.ProcessEnv): Providers {
  const found: Providers = {}
  for (const [name, { required, optional }] of Object.entries(SETTINGS)) {
    const given = (option: string) => env[variable(name, option)]?.trim() || undefined
    if (![...required, ...optional].some(given)) continue
    const missing = required.find((option) => !given(option))
    if (missing) {
      const all = required.map((option) => variable(name, option)).join(', ')
      throw new Error(`${variable(name, missing)} is missing: ${name} needs ${all}.`)
    }
    const options = [...required, ...optional].flatMap((option) => {
      const value = given(option)
      return value === undefined ? [] : [[option, FLAGS.has(option) ? value === 'true' : value] as const]
    })
    found[name] = Object.fromEntries(options) as Providers[string] // checked by the strategy
  }
  return found
}

/** `tapd`, `clientID` → `TAPD_CLIENT_ID`. */
function variable(name: string, option: string): string {
  return `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase()
}
