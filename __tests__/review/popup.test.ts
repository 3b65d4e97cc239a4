import type { OAuthRouterConfig } from 'passport-dialects'
import { type RunningApp, startRouterApp } from '../support/app'

let app: RunningApp
afterEach(() => app.close())

/** A popup login at an app whose tenants cannot be looked up. */
async function beginAt(config: Partial<OAuthRouterConfig>): Promise<Response> {
  const providers = () => Promise.reject(new Error('the database is down'))
  app = await startRouterApp({ providers, verify: () => false, ...config })
  return fetch(`${app.origin}/auth/aihubmix?popup=1`, { redirect: 'manual' })
}

test.each([{}, { failureRedirect: '/login' }])(
  'a popup that cannot even begin tells its opener: %j',
  async (config) => {
    expect(await (await beginAt(config)).text()).toContain('data-code="internal_error"')
  },
)

test('onError has the last word in a popup too', async () => {
  const answer = await beginAt({ onError: (error, _req, res) => void res.status(418).json({ code: error.code }) })
  expect([answer.status, await answer.json()]).toEqual([418, { code: 'internal_error' }])
})
