import { Agent } from 'undici'
import { callProvider } from '../../lib/http/call'

test('the deadline holds while no connection has come about', async () => {
  const dispatcher = new Agent({ connect: () => {} }) // a connection that neither opens nor fails
  const limits = { timeout: 100, maxResponseBytes: 1000, dispatcher }
  const call = callProvider({ method: 'GET', url: 'http://127.0.0.1:9/' }, limits, { provider: 'p', phase: 'token' })
  await expect(call).rejects.toMatchObject({ code: 'provider_timeout', phase: 'token', status: 504 })
})

test('what opens or fails after the deadline harms nobody', async () => {
  let opened: (() => void) | undefined
  const dispatcher = new Agent({
    connect: (_options, done) => {
      opened = () => done(new Error('too late'), null)
    },
  })
  const limits = { timeout: 100, maxResponseBytes: 1000, dispatcher }
  const call = callProvider({ method: 'GET', url: 'http://127.0.0.1:9/' }, limits, { provider: 'p', phase: 'token' })
  await expect(call).rejects.toMatchObject({ code: 'provider_timeout' })
  opened?.()
  expect(opened).toBeDefined()
})
