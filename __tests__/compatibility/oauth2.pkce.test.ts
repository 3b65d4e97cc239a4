import { createHash } from 'node:crypto'
import { agree } from '../support/plain-provider'
import { bench } from './both'

const at = bench()

const s256 = (verifier: string | undefined) =>
  createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url')

describe.each([
  ['pkce: true', { pkce: true }],
  ["pkce: 'S256'", { pkce: 'S256' }],
  ['pkce: true with store: true', { pkce: true, store: true }],
  ["pkce: 'S256' with store: true", { pkce: 'S256', store: true }],
])('%s', (_title, options) => {
  test('sends a challenge, keeps the verifier in the session and proves it at the token endpoint', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const host = await start(options)
      const { location } = await host.visit('/login')
      const { code_challenge, code_challenge_method, state } = Object.fromEntries(location.searchParams)
      expect(code_challenge_method).toBe('S256')
      const kept = JSON.stringify(await host.session())
      const { outcome } = await host.visit(`/callback?code=a&state=${state}`)
      expect(outcome).toMatchObject({ error: null, user: expect.any(Object), info: {} })
      const verifier = at.provider.tokenRequests[0]?.form.code_verifier
      expect(verifier).toMatch(/^[\w-]{43}$/)
      expect(kept).toContain(verifier)
      expect(s256(verifier)).toBe(code_challenge)
      expect(JSON.stringify(await host.session())).not.toContain(verifier)
    }
  })

  test('hands an object that the app names as state on beside it', async () => {
    const settings = { authenticate: { state: { returnTo: '/cart' } } }
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const { outcome } = await (await start(options, agree, settings)).login()
      expect(outcome?.info).toEqual({ state: { returnTo: '/cart' } })
      expect(at.provider.tokenRequests[0]?.form.code_verifier).toBeTruthy()
    }
  })

  test('asks for nothing where the state is not of this session', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const host = await start(options)
      await host.visit('/login')
      expect((await host.visit('/callback?code=a&state=forged')).outcome?.user).toBe(false)
      expect(at.provider.tokenRequests).toEqual([])
    }
  })

  test('without a session is an error of the app', async () => {
    for (const start of [at.ours, at.theirs]) {
      const host = await start(options, agree, { withoutSession: true })
      expect((await host.visit('/login')).outcome?.error).toBeTruthy()
      expect((await host.visit('/callback?code=a&state=b')).outcome?.error).toBeTruthy()
    }
  })
})
