import net from 'node:net'
import type { Emulator } from 'passport-dialects/emulators'
import { Agent } from 'undici'

export const BLUE = 'blue-kite.myshopify.com'
export const RED = 'red-lantern.myshopify.com'

/** One emulator that plays every shop: the strategy has only its own addresses. */
export interface Shops {
  /**
   * The strategy's options: the client's credentials, a scope, and a dispatcher that leads to the emulator for any
   * host.
   */
  options: { clientID: string; clientSecret: string; scope: string; dispatcher: Agent }
  /** The hosts of the connections, in order. */
  hosts: string[]
  /** The address for the browser instead of the shop's: the emulator gets the shop by a parameter. */
  here(address: string): string
  close(): Promise<void>
}

export function shopsAt(emulator: Emulator<'shopify'>): Shops {
  const hosts: string[] = []
  const { hostname, port } = new URL(emulator.origin)
  const dispatcher = new Agent({
    // Without TLS: no certificate would fit.
    connect: ({ hostname: asked }, callback) => {
      hosts.push(asked)
      const socket = net.connect(Number(port), hostname)
      socket.once('connect', () => callback(null, socket))
      socket.once('error', (error) => callback(error, null))
    },
    pipelining: 0, // one connection per call, to see each
  })
  const { clientID, clientSecret, scope } = emulator.options
  return {
    options: { clientID, clientSecret, scope: String(scope), dispatcher },
    hosts,
    here(address) {
      const url = new URL(address)
      if (url.protocol !== 'https:') throw new Error(`${address} is no shop's.`)
      const shown = new URL(url.pathname + url.search, emulator.origin)
      shown.searchParams.set('shop', url.hostname)
      return shown.href
    },
    close: () => dispatcher.close(),
  }
}
