import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * An address that hands each request on to `target` after `delay` milliseconds, the next one after `more` on top, and so
 * on: a provider that takes its time.
 */
export async function startSlowLane(target: string, delay: number, more = 0): Promise<{ url: string; close(): void }> {
  let wait = delay
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const mine = wait
    wait += more
    await sleep(mine)
    const headers = { 'content-type': req.headers['content-type'] ?? 'text/plain' }
    const answer = await fetch(target, { method: 'POST', headers, body: Buffer.concat(chunks) })
    res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    res.end(await answer.text())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  return {
    url: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
