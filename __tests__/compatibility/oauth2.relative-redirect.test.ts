import { selfSigned } from '../support/certificate'
import { agree, type Host } from '../support/plain-provider'
import { bench } from './both'

const at = bench()
const RELATIVE = { callbackURL: '/auth/example/callback' }
const PROXIED = { 'x-forwarded-proto': 'https' }
const PROXIED_HOST = { ...PROXIED, 'x-forwarded-host': 'public.example' }

async function redirectURI(host: Host, headers: Record<string, string> = {}) {
  return (await host.visit('/auth/example', headers)).location.searchParams.get('redirect_uri')
}

/** `trust proxy` as the app sets it. */
const trusting = (trust: unknown) => ({
  before: (_req: object, app: { set(name: string, value: unknown): unknown }) => void app.set('trust proxy', trust),
})

describe('a relative redirect address, as in passport-oauth2', () => {
  test('follows a connection that is not secure, at both legs', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const host = await start(RELATIVE, agree, { callbackPath: RELATIVE.callbackURL })
      const { begun, outcome } = await host.login()
      expect(begun.location.searchParams.get('redirect_uri')).toBe(`${host.origin}/auth/example/callback`)
      expect(at.provider.tokenRequests[0]?.form.redirect_uri).toBe(`${host.origin}/auth/example/callback`)
      expect(outcome?.user).toBeTruthy()
    }
  })

  test('follows a secure connection, at both legs', async () => {
    const tls = selfSigned()
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const host = await start(RELATIVE, agree, { callbackPath: RELATIVE.callbackURL, tls })
      const { begun, outcome } = await host.login()
      expect(host.origin).toMatch(/^https:/)
      expect(begun.location.searchParams.get('redirect_uri')).toBe(`${host.origin}/auth/example/callback`)
      expect(at.provider.tokenRequests[0]?.form.redirect_uri).toBe(`${host.origin}/auth/example/callback`)
      expect(outcome?.user).toBeTruthy()
    }
  })

  test.each([
    ['that the app trusts', PROXIED, {}, true, 'https://HOST'],
    ['that the app trusts, with its host', PROXIED_HOST, {}, true, 'https://public.example'],
    ['that nobody trusts', PROXIED, {}, false, 'http://HOST'],
    ['that nobody trusts, with its host', PROXIED_HOST, {}, false, 'http://HOST'],
    ['that the strategy trusts', PROXIED, { proxy: true }, false, 'https://HOST'],
    ['that the strategy trusts, with its host', PROXIED_HOST, { proxy: true }, false, 'https://public.example'],
  ])('follows a proxy %s', async (_title, headers, options, trust, origin) => {
    for (const start of [at.ours, at.theirs]) {
      const host = await start({ ...RELATIVE, ...options }, agree, trusting(trust))
      const expected = origin.replace('HOST', new URL(host.origin).host)
      expect(await redirectURI(host, headers)).toBe(`${expected}/auth/example/callback`)
    }
  })
})

test('differs: trust proxy counts for the peers that it names, not for everybody', async () => {
  const ours = await at.ours(RELATIVE, agree, trusting('10.0.0.0/8'))
  expect(await redirectURI(ours, PROXIED_HOST)).toBe(`${ours.origin}/auth/example/callback`)
  const theirs = await at.theirs(RELATIVE, agree, trusting('10.0.0.0/8'))
  expect(await redirectURI(theirs, PROXIED_HOST)).toBe('https://public.example/auth/example/callback')
})

test('differs: a relative address begins with a slash', async () => {
  expect(() => at.ours({ callbackURL: 'callback' })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  const theirs = await at.theirs({ callbackURL: 'callback' })
  expect(await redirectURI(theirs)).toBe(`${theirs.origin}/auth/callback`)
})
