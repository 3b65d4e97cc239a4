import { createServer } from 'node:net'

/** Below the ports that systems assign automatically (RFC 6335 §6: from 49152, Linux: from 32768). */
const FIRST = 15_000
const COUNT = 17_000

/**
 * A free port of loopback that no `listen(0)` or connection of another test gets meanwhile, because systems do not
 * assign it automatically.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
