import { type Emulator, startEmulator } from '../../emulators/index'
import { answerParent } from './messages'

const emulators: Record<string, Emulator> = {}

/** The providers, in a process of their own. They agree to every login without a page. */
answerParent({
  async start(names: ('aihubmix' | 'tiktok')[]): Promise<Record<string, object>> {
    for (const name of names) emulators[name] = await startEmulator(name, { consent: 'auto' })
    return Object.fromEntries(Object.entries(emulators).map(([name, { options }]) => [name, options]))
  },

  /** The next `times` token requests of this provider are never answered. */
  hang({ name, times }: { name: string; times: number }): void {
    emulators[name]?.failNext('token', 'silent', times)
  },

  /** How many token requests have arrived. */
  tokenRequests(name: string): number {
    return emulators[name]?.requests.filter(({ endpoint }) => endpoint === 'token').length ?? 0
  },
})
