import net from 'node:net'
import type { Emulator } from 'passport-dialects/emulators'
import { Agent } from 'undici'

export const BLUE = 'blue-kite.myshopify.com'
export const RED = 'red-lantern.myshopify.com'

/** Every shop in the world, played by one emulator: the strategy has nothing but its own addresses. */
export interface Shops {
  /** Of the strategy: the client's credentials, a scope, and what takes it to the emulator whatever the host. */
  options: { clientID: string; clientSecret: string; scope: string; dispatcher: Agent }
  /** The hosts that were connected to, in order. */
  hosts: string[]
  /** Where the browser goes in place of the shop: the emulator knows it by a parameter. */
  here(address: string): string
  close(): Promise<void>
}

export function shopsAt(emulator: Emulator<'shopify'>): Shops {
  const hosts: string[] = []
  const { hostname, port } = new URL(emulator.origin)
  const dispatcher = new Agent({
    // Without TLS: the certificate would be nobody's.
    connect: ({ hostname: asked }, callback) => {
      hosts.push(asked)
      const socket = net.connect(Number(port), hostname)
      socket.once('connect', () => callback(null, socket))
      socket.once('error', (error) => callback(error, null))
    },
    pipelining: 0, // a connection for each call, so that each is seen
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
