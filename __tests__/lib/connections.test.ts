import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { callProvider } from '../../lib/http/call'

test('a call that follows an answer at once uses its connection', async () => {
  let connections = 0
  const server = createServer((_req, res) => void res.end('{}')).on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server's
  const call = () =>
    callProvider({ method: 'GET', url }, { timeout: 5000, maxResponseBytes: 1000 }, { provider: 'p', phase: 'token' })
  try {
    for (let login = 0; login < 3; login++) {
      await call()
      await call()
    }
    expect(connections).toBe(1)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
