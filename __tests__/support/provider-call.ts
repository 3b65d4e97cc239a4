import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { callProvider, openProvider } from '../../lib/http/call'
import type { CallLimits } from '../../lib/http/limits'
import { ProviderResponse } from '../../lib/http/response'

const WHERE = { provider: 'p', phase: 'request' } as const

/** A server on loopback that responds as `respond` currently says. */
export interface Responder {
  url: string
  respond: (res: ServerResponse) => void
  server: Server
  close(): void
}

export async function startResponder(): Promise<Responder> {
  const server = createServer((req, res) => {
    req.resume().on('end', () => responder.respond(res))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server
  const responder: Responder = {
    url: `http://127.0.0.1:${port}/`,
    respond: (res) => void res.end('{}'),
    server,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return responder
}

function limitsOf(limits: Partial<CallLimits> = {}): CallLimits {
  return { timeout: 10_000, maxResponseBytes: 100_000, dispatcher: new Agent(), ...limits }
}

/** A whole call, as for a token or a profile. */
export function call(url: string, limits: Partial<CallLimits> = {}, method: 'GET' | 'POST' = 'GET') {
  return callProvider({ method, url, ...(method === 'POST' && { form: { a: 'b' } }) }, limitsOf(limits), WHERE)
}

/** A call as by `req.oauth.fetch`. */
export async function fetched(url: string, limits: Partial<CallLimits> = {}): Promise<ProviderResponse> {
  const request = { url: new URL(url), method: 'GET', headers: {}, body: undefined, signal: undefined }
  return new ProviderResponse(await openProvider(request, limitsOf(limits), WHERE), WHERE)
}
