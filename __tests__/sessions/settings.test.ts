import { type OAuthError, oauthRouter, TapdStrategy } from 'passport-dialects'
import { told } from '../support/browser'
import { jump } from '../support/clock'
import { SessionScene } from '../support/session-scene'

const scene = new SessionScene()
afterEach(() => jest.restoreAllMocks())

/** What building something came to. */
function refusalOf(build: () => unknown): Pick<OAuthError, 'code' | 'message'> | undefined {
  try {
    build()
    return undefined
  } catch (error) {
    return error as OAuthError // what a constructor of ours throws
  }
}

/** The router with an option, and the strategy alone. */
const BUILDERS: [string, (options: object) => unknown][] = [
  ['the router', (options) => oauthRouter({ providers: scene.only('tapd'), ...options })],
  [
    'a strategy',
    (options) => {
      const callbackURL = 'http://127.0.0.1/callback'
      return new TapdStrategy({ ...scene.emulators.tapd.options, callbackURL, ...options }, () => {})
    },
  ],
]

describe.each(BUILDERS)('%s', (_title, build) => {
  test.each(['passport', 'cookie', '__proto__', 'constructor', 'id', 'req', 'save', 'reload', 'regenerate', 'isNew'])(
    'takes no sessionKey %s, which the session has for itself',
    (sessionKey) => {
      const refusal = refusalOf(() => build({ sessionKey }))
      expect([refusal?.code, refusal?.message]).toEqual(['config_invalid', expect.stringContaining('sessionKey')])
    },
  )

  test('takes any other (the control)', () => {
    expect(refusalOf(() => build({ sessionKey: 'logins' }))).toBeUndefined()
  })

  test.each([
    ['a day', 86_400, undefined],
    ['more than a day', 86_401, 'config_invalid'],
    ['nothing', 0, 'config_invalid'],
  ])('takes a stateLifetime of %s: %i seconds, %s', (_words, stateLifetime, code) => {
    const refusal = refusalOf(() => build({ stateLifetime }))
    expect(refusal?.code).toBe(code)
    if (code !== undefined) expect(refusal?.message).toContain('stateLifetime')
  })
})

describe('a stateLifetime of two hours', () => {
  /** A login that another one of the same session follows after so many minutes, and that is finished then. */
  const finishedAfter = async (minutes: number, stateLifetime?: number) => {
    await scene.start({ providers: scene.only('tapd', 'aihubmix'), ...(stateLifetime && { stateLifetime }) })
    const address = await scene.browser.location(`${scene.origin}/auth/tapd`)
    jump(minutes * 60)
    await scene.browser.location(`${scene.origin}/auth/aihubmix`)
    const callback = await scene.emulators.tapd.approve(address)
    const answer = await scene.browser.get(callback, { accept: 'application/json' })
    return answer.status === 303 ? 'logged in' : (await told(answer)).error.code
  }

  test('holds while another login begins', async () => {
    expect(await finishedAfter(61, 7200)).toBe('logged in')
    expect(await scene.me()).toMatchObject({ provider: 'tapd' })
  })

  test('is over after them', async () => {
    expect(await finishedAfter(121, 7200)).toBe('state_expired')
  })

  test('is not what holds where nobody sets it (the control)', async () => {
    expect(await finishedAfter(61)).toBe('state_expired')
  })
})
