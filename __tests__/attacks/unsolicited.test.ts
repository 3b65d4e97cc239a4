import { type RunningApp, startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { rawGet } from './raw'
import { consent, failure, loggedIn, type Scene, startScene } from './scene'

let scene: Scene
let silent: RunningApp
beforeAll(async () => {
  scene = await startScene()
  const { tapd, aihubmix } = scene.emulators
  silent = await startRouterApp({
    providers: { tapd: { ...tapd.options, silentLogin: true }, aihubmix: { ...aihubmix.options } },
  })
})
afterAll(async () => {
  await silent.close()
  await scene.close()
})

/** A code of the attacker's own account, for the app at `app`. */
async function attackersCode(app: { origin: string }): Promise<string> {
  const callback = await consent({ ...app, close: async () => {} }, new Browser(), scene.emulators.tapd, {
    user: '6082',
  })
  return new URL(callback).searchParams.get('code') ?? ''
}

describe("a code that nobody asked for: login CSRF at TAPD's entry (RFC 6749 §10.12)", () => {
  test('control: with silentLogin on, whoever has a code can log a stranger in to his account', async () => {
    const victim = new Browser()
    await victim.get(`${silent.origin}/auth/tapd/entry?code=${await attackersCode(silent)}`)
    expect(await loggedIn(silent, victim)).toBe('6082')
  })

  test('it is off unless the app says so: there is no such route, and the provider is not asked', async () => {
    const code = await attackersCode(scene.ours)
    const before = scene.calls()
    for (const name of ['tapd', 'aihubmix', 'bbscloud', 'tailchat']) {
      const { status, location } = await rawGet(scene.ours.origin, `/auth/${name}/entry?code=${code}&token=${code}`)
      expect([status, location]).toEqual([404, undefined])
    }
    expect((await rawGet(silent.origin, `/auth/aihubmix/entry?code=${code}`)).status).toBe(404)
    expect(scene.calls()).toBe(before)
  })

  test('where it is on, it never takes the place of a login that is there', async () => {
    const code = await attackersCode(silent)
    const victim = new Browser()
    await victim.get(await consent(silent, victim, scene.emulators.aihubmix))
    const before = scene.calls()
    const answer = await victim.get(`${silent.origin}/auth/tapd/entry?code=${code}&returnTo=//evil.example`)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(await loggedIn(silent, victim)).toBe('12345')
    expect(scene.calls()).toBe(before)
  })

  test('the address it leads to is without the code, and of this origin', async () => {
    const code = await attackersCode(silent)
    const { location } = await rawGet(silent.origin, `/auth/tapd/entry?code=${code}&returnTo=https://evil.example`)
    expect(location).toBe('/')
  })

  test('the callback takes no unsolicited code even so', async () => {
    const code = await attackersCode(silent)
    const victim = new Browser()
    await consent(silent, victim, scene.emulators.tapd)
    expect(await failure(victim, `${silent.origin}/auth/tapd/callback?code=${code}`)).toBe('state_missing')
  })
})
