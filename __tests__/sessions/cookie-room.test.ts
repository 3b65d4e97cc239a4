import cookieSession from 'cookie-session'
import { SessionScene } from '../support/session-scene'

// A session in its cookie has some 4 kB. Any site can cause a login to begin: that pushes nothing out.

const scene = new SessionScene()
const KEY = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

describe.each([
  ['in the clear', {}],
  ['sealed', { encryptionKey: KEY }],
])('tokens in a cookie, %s,', (_title, config) => {
  const start = async () => {
    const middleware = cookieSession({ name: 'session', keys: ['a test session secret'] })
    await scene.start({ providers: scene.only('aihubmix', 'tapd'), ...config }, { middleware })
    await scene.logIn('aihubmix')
    expect(await scene.hasTokens('aihubmix')).toBe(true)
  }
  const begin = (bytes: number) => scene.callbackOf('tapd', { query: `?returnTo=/${'a'.repeat(bytes)}` })

  test.each([0, 1000, 1400, 2000])('are there after a start with a returnTo of %i characters', async (bytes) => {
    await start()
    await begin(bytes)
    expect(await scene.hasTokens('aihubmix')).toBe(true)
    expect(await scene.logins()).toEqual(['aihubmix'])
  })

  test('are there after five starts, of which the last one can be finished', async () => {
    await start()
    const callbacks: string[] = []
    for (let nth = 0; nth < 5; nth++) callbacks.push(await begin(1500))
    expect(await scene.hasTokens('aihubmix')).toBe(true)
    expect((await scene.browser.get(`${callbacks.at(-1)}`)).status).toBe(303)
    expect(await scene.logins()).toEqual(['aihubmix', 'tapd'])
  })

  test('leave a returnTo where it fits (the control)', async () => {
    await start()
    const callback = await scene.callbackOf('tapd', { query: '?returnTo=/short' })
    expect((await scene.browser.get(callback)).headers.get('location')).toBe('/short')
  })
})
