import http, { type IncomingMessage, type RequestListener } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A server between a client and an emulator, for tests of connections and bodies in transit. */
export interface Front {
  port: number
  /** The number of open connections, as the server counts them. */
  open(): number
  /** The number of all connections so far. */
  accepted(): number
  close(): Promise<void>
}

/** Listens on loopback; with a certificate, by TLS. */
export async function startFront(listener: RequestListener, tls?: { key: string; cert: string }): Promise<Front> {
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener)
  const sockets = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {}) // the tests close connections
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: portOf(server),
    open: () => sockets.size,
    accepted: () => accepted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Sends a client's request on to the emulator. */
export async function forward(req: IncomingMessage, origin: string): Promise<{ status: number; body: Buffer }> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const headers = Object.entries(req.headers).filter(([name]) => name === 'authorization' || name === 'content-type')
  const answer = await fetch(`${origin}${req.url}`, {
    method: req.method ?? 'GET',
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    ...(body.length > 0 && { body }),
  })
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port // a TCP server
}
