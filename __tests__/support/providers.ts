import type { ProviderConfig } from 'passport-dialects'
import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'

/**
 * Six providers with the six shapes that the engine must support; tests of the engine need no others. Tests of every
 * provider (the kit, options, variables) use the registry.
 */
export const NAMES = [
  'tailchat',
  'tapd',
  'bbscloud',
  'tiktok',
  'aihubmix',
  'feishu',
] as const satisfies readonly EmulatorName[]

export type ProviderName = (typeof NAMES)[number]

export type Emulators = Record<ProviderName, Emulator>

/** Every provider on loopback. */
export async function startAll(options: EmulatorOptions = {}): Promise<Emulators> {
  const [tailchat, tapd, bbscloud, tiktok, aihubmix, feishu] = await Promise.all([
    startEmulator('tailchat', options),
    startEmulator('tapd', options),
    startEmulator('bbscloud', options),
    startEmulator('tiktok', options),
    startEmulator('aihubmix', options),
    startEmulator('feishu', options),
  ])
  return { tailchat, tapd, bbscloud, tiktok, aihubmix, feishu }
}

export async function closeAll(emulators: Emulators): Promise<void> {
  await Promise.all(NAMES.map((name) => emulators[name].close()))
}

/** The router's `providers` for running emulators. */
export function providersOf(emulators: Emulators): Record<string, ProviderConfig> {
  return Object.fromEntries(NAMES.map((name) => [name, { ...emulators[name].options }]))
}

/** How often the provider's server was called by ours (not by the browser). */
export function backChannelCalls(emulators: Emulators): number {
  return NAMES.reduce(
    (sum, name) => sum + emulators[name].requests.filter(({ endpoint }) => endpoint !== 'authorize').length,
    0,
  )
}
