import { createEmulator, startEmulator } from 'passport-dialects/emulators'
import { inTime } from '../../testing/stopwatch'

test('a fault may strike for ever, and a number of times that is none is refused', async () => {
  const emulator = await startEmulator('gitee')
  const { tokenURL } = emulator.options
  emulator.failNext('token', 'http-503', Number.POSITIVE_INFINITY)
  for (let nth = 0; nth < 5; nth++) expect((await fetch(tokenURL, { method: 'POST' })).status).toBe(503)
  for (const times of [Number.NaN, -1, 1.5]) {
    expect(() => emulator.failNext('token', 'http-503', times)).toThrow(/number of times/)
  }
  await emulator.close()
})

test('where a provider is agreed to by itself, a test may still say no or be another user', async () => {
  const emulator = await startEmulator('gitee', { consent: 'auto' })
  const { authorizationURL, clientID } = emulator.options
  const query = { client_id: clientID, redirect_uri: 'http://127.0.0.1/cb', response_type: 'code', state: 's' }
  const address = `${authorizationURL}?${new URLSearchParams(query)}`
  expect(new URL(await emulator.deny(address)).searchParams.get('error')).toBe('access_denied')
  await expect(emulator.approve(address, { user: 'nobody' })).rejects.toThrow(/nobody|no such user/i)
  expect(new URL(await emulator.approve(address)).searchParams.get('code')).toEqual(expect.any(String))
  await emulator.close()
})

test.each(['provider', 'options'] as const)('an emulator whose `%s` throws listens no longer', async (what) => {
  let at = ''
  const broken = () => {
    throw new Error('a mistake of the author')
  }
  const made = createEmulator({
    name: 'own',
    users: [],
    provider: (origin) => {
      at = origin
      return what === 'provider' ? broken() : { routes: [], refuse: () => ({}) }
    },
    ...(what === 'options' && { options: broken }),
  })
  await expect(made).rejects.toThrow('a mistake of the author')
  await expect(fetch(at)).rejects.toThrow()
})

test('the kit waits for no method for ever', async () => {
  await expect(inTime(new Promise(() => {}), 100)).rejects.toThrow(/may never settle/)
  expect(await inTime(Promise.resolve(1), 100)).toBe(1)
})
