import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { closeAll, NAMES, providersOf, startAll } from '../support/providers'

test('refused at authorize: authorization_failed at every provider, access_denied for that word, and the next login succeeds', async () => {
  const emulators = await startAll()
  const app = await startRouterApp({ providers: providersOf(emulators), failureRedirect: '/login' })
  try {
    for (const name of NAMES) {
      const browser = new Browser()
      const cameTo = async () => {
        const callback = await emulators[name].approve(await browser.location(`${app.origin}/auth/${name}`))
        return browser.location(callback)
      }
      const end = (code: string) => expect.stringContaining(`/login?error=${code}&provider=${name}`)
      for (const [fault, code] of [
        ['refused', 'authorization_failed'],
        ['refused:invalid_scope', 'authorization_failed'],
        ['refused:access_denied', 'access_denied'],
      ] as const) {
        emulators[name].failNext('authorize', fault)
        expect({ fault, cameTo: await cameTo() }).toEqual({ fault, cameTo: end(code) })
      }
      expect(await cameTo()).not.toContain('error=')
    }
  } finally {
    await app.close()
    await closeAll(emulators)
  }
})
