import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SlowLane {
  url: string
  /** The number of requests that arrived, handed on or not. */
  asked(): number
  close(): void
}

/**
 * A URL of a slow provider.
 * @param target where requests are handed on to
 * @param hold awaited before that; gets the number of the request, from 0
 */
export async function startSlowLane(target: string, hold: (nth: number) => Promise<unknown>): Promise<SlowLane> {
  let asked = 0
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    try {
      await hold(asked++)
      const headers = { 'content-type': req.headers['content-type'] ?? 'text/plain' }
      const response = await fetch(target, { method: 'POST', headers, body: Buffer.concat(chunks) })
      res.writeHead(response.status, { 'content-type': response.headers.get('content-type') ?? 'text/plain' })
      res.end(await response.text())
    } catch {
      res.destroy() // the test reports why
    }
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // a TCP server
  return {
    url: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    asked: () => asked,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
