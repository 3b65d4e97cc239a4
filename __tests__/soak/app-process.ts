import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { oauthRouter } from '../../lib/index'
import type { Providers } from '../../lib/registry'
import { answerParent } from './messages'

/**
 * express-session's memory store keeps every session for good, so 100,000 logins would be 100,000 sessions, and the
 * heap would show the store. This one forgets the session that was written longest ago, as any real store does.
 */
class BoundedStore extends session.MemoryStore {
  private readonly ids = new Set<string>()

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    this.ids.delete(id)
    this.ids.add(id)
    super.set(id, data, done)
    const [oldest] = this.ids
    if (this.ids.size > ROOM && oldest !== undefined) this.destroy(oldest)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.ids.delete(id)
    super.destroy(id, done)
  }
}
/** More than the crowd that waits at once, less than the first tenth of the logins. */
const ROOM = 3000

/** The app under load, alone in its process: what its heap shows is the library's. */
answerParent({
  async start(providers: Providers): Promise<string> {
    const app = express()
    const store = new BoundedStore()
    app.use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }))
    app.use(oauthRouter({ providers }))
    const server = app.listen(0, '127.0.0.1', 4096)
    server.keepAliveTimeout = 120_000 // a connection that ends while it is taken up again is no failure of a login
    await new Promise((resolve) => server.once('listening', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a TCP server's
  },

  /** Bytes of heap in use, once all that is unreachable is gone. */
  async heap(): Promise<number> {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return process.memoryUsage().heapUsed
  },

  /** Connections that are open, in either direction. */
  sockets(): number {
    return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
  },
})
