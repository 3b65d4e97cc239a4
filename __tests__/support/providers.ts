import type { Providers } from 'passport-dialects'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'

export const NAMES: readonly EmulatorName[] = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix', 'feishu']

export type Emulators = Record<EmulatorName, Emulator>

/** Every provider on loopback. */
export async function startAll(): Promise<Emulators> {
  const [tailchat, tapd, bbscloud, tiktok, aihubmix, feishu] = await Promise.all([
    startEmulator('tailchat', { port: 0 }),
    startEmulator('tapd', { port: 0 }),
    startEmulator('bbscloud', { port: 0 }),
    startEmulator('tiktok', { port: 0 }),
    startEmulator('aihubmix', { port: 0 }),
    startEmulator('feishu', { port: 0 }),
  ])
  return { tailchat, tapd, bbscloud, tiktok, aihubmix, feishu }
}

export async function closeAll(emulators: Emulators): Promise<void> {
  await Promise.all(NAMES.map((name) => emulators[name].close()))
}

/** The router's `providers` for running emulators. */
export function providersOf(emulators: Emulators): Providers {
  return Object.fromEntries(NAMES.map((name) => [name, { ...emulators[name].options }])) as Providers
}

/** How often the provider's server was called by ours (not by the browser). */
export function backChannelCalls(emulators: Emulators): number {
  return NAMES.reduce(
    (sum, name) => sum + emulators[name].requests.filter(({ endpoint }) => endpoint !== 'authorize').length,
    0,
  )
}
