import { startEmulator } from 'passport-dialects/emulators'
import { createClient } from 'redis'
import { en } from '../../example-app/texts-en'
import { Browser } from '../support/browser'
import { describeWith, SERVICES } from '../support/services'
import { Started } from './start'

afterEach(() => Started.killAll())

describeWith('Redis', 'REDIS_URL', () => {
  test('a login outlives the app, and its tokens are not in the session', async () => {
    const redis = createClient({ url: SERVICES.Redis.url })
    await redis.connect()
    const keys = async () => new Set((await redis.keys('example:*')).map(String))
    const before = await keys()
    // One that outlives the app, as a provider does: tokens belong to the client that they were issued to.
    const tapd = await startEmulator('tapd')
    try {
      const env = {
        ...variablesOf('TAPD', tapd.options),
        REDIS_URL: SERVICES.Redis.url,
        SESSION_SECRET: 'a secret of the tests',
      }
      const first = new Started(env, { alone: true })
      const origin = await first.address()
      const browser = new Browser()
      await logIn(browser, origin)
      const made = [...(await keys())].filter((key) => !before.has(key))
      expect(made.map((key) => key.split(':')[1]).sort()).toEqual(['session', 'tokens'])
      const session = await redis.get(made.find((key) => key.startsWith('example:session:')) ?? '')
      expect(session).toContain('张三')
      expect(session).not.toMatch(/access_?token/i)
      await first.stop()

      const second = new Started({ ...env, PORT: new URL(origin).port }, { alone: true })
      expect(await second.address()).toBe(origin)
      expect(second.printed).toContain('in Redis')
      const home = await (await browser.get(origin)).text()
      expect(home).toContain(en.signOut)
      expect(home).toContain('<code>user</code>')
    } finally {
      const left = [...(await keys())].filter((key) => !before.has(key))
      if (left.length > 0) await redis.del(left)
      await redis.close()
      await tapd.close()
    }
  })
})

async function logIn(browser: Browser, origin: string): Promise<void> {
  const consent = await browser.location(`${origin}/auth/tapd`)
  const agreed = await browser.post(consent, { user: '6081' })
  const back = await browser.get(agreed.headers.get('location') ?? '')
  expect(back.headers.get('location')).toBe('/')
}

/** `TAPD`, `clientID` → `TAPD_CLIENT_ID`. */
function variablesOf(prefix: string, options: object): Record<string, string> {
  const name = (option: string) => `${prefix}_${option.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}`
  return Object.fromEntries(Object.entries(options).map(([option, value]) => [name(option), String(value)]))
}
