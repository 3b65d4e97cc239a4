import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StartApp } from './contestant.js'
import { countCalls, openStore } from './session-store.js'

// One contestant in a process of its own: `app.js CONTESTANT PROVIDER_ORIGIN STORE`. It tells its parent its address,
// and what it has used so far whenever it is asked.

/** The first message: where the app listens, or which package it lacks. */
export type Ready = { origin: string } | { missing: string }

/** What the process has used since it started. */
export interface Usage {
  /** Milliseconds, user and system, of all threads. */
  cpu: number
  rss: number
  heap: number
  storeCalls: number
}

const [contestant = '', provider = '', storeKind = ''] = process.argv.slice(2)

async function main(): Promise<void> {
  const { store, calls } = countCalls(await openStore(storeKind))
  const server = http.createServer({ keepAliveTimeout: 60_000 })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  const origin = `http://127.0.0.1:${port}`
  const { default: start } = (await import(`./apps/${contestant}.js`)) as { default: StartApp } // each file there
  server.on('request', await start({ origin, provider, store }))
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    tell({ cpu: (user + system) / 1000, rss, heap: heapUsed, storeCalls: calls() })
  })
  tell({ origin })
}

function tell(message: Ready | Usage): void {
  process.send?.(message)
}

process.on('disconnect', () => process.exit())
main().catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') {
    tell({ missing: error.message.split('\n', 1)[0] ?? 'a package' })
  } else {
    console.error(error)
    process.exit(1)
  }
})
