import type { Told } from './browser'
import { connections, LightBrowser } from './light-browser'
import { type Emulators, NAMES } from './providers'
import { seeded, shuffled } from './random'

export const agent = connections(16)

export async function told(browser: LightBrowser, path: string): Promise<Told> {
  return JSON.parse((await browser.get(path)).text)
}

/** A tab as a list of two steps, so that the steps of many tabs can be mixed. */
export function tab(browser: LightBrowser, name: keyof Emulators, nth: number) {
  let callback = ''
  return [
    async () => {
      const address = await browser.follow(`/auth/${name}?returnTo=/done/${nth}`)
      callback = await browser.follow(address)
    },
    async () => {
      return (await browser.get(callback)).location
    },
  ]
}

/** Eight tabs, begun and finished in this many random orders, all of which must log in. */
export async function randomOrders(origin: string, rounds: number): Promise<void> {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = seeded(seed)
  for (let round = 0; round < rounds; round++) {
    const browser = new LightBrowser(origin, agent)
    const tabs = Array.from({ length: 8 }, (_, nth) => {
      const name = NAMES[Math.floor(random() * NAMES.length)] ?? 'tapd'
      return { nth, name, steps: tab(browser, name, nth) }
    })
    // Each tab appears twice: its first appearance begins the login, its second finishes it.
    for (const { nth, name, steps } of shuffled([...tabs, ...tabs], random)) {
      const landed = await steps.shift()?.()
      if (landed !== undefined && landed !== `/done/${nth}`) {
        throw new Error(`seed ${seed}, round ${round}, ${name} in tab ${nth} landed at ${landed}`)
      }
    }
    const known = await told(browser, '/auth/session')
    expect(known.user).not.toBeNull()
    expect(new Set(known.providers.map(({ name }) => name))).toEqual(new Set(tabs.map(({ name }) => name)))
  }
}
