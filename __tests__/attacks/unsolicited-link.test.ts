import { Browser, told } from '../support/browser'
import { SessionScene } from '../support/session-scene'

// A page of another site sends the browser to the start of a login, before the person has logged in. The pending login
// waits in the session; when the person has logged in, its callback would link the attacker's account.

const scene = new SessionScene()
const ELSEWHERE = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }
const OWN = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }

test.each([
  ['that another site caused links nothing to whoever came in meanwhile', ELSEWHERE, ['tapd']],
  ['of this site’s own links (the control)', OWN, ['tapd', 'tailchat']],
])('a start %s', async (_title, headers, logins) => {
  await scene.start({ providers: scene.only('tapd', 'tailchat') })
  await scene.callbackOf('tapd') // there is a session
  const callback = await scene.callbackOf('tailchat', { headers })
  await scene.logIn('tapd')
  const answer = await scene.browser.get(callback, { accept: 'application/json' })
  if (logins.length === 1) expect((await told(answer)).error.code).toBe('state_mismatch')
  expect(await scene.logins()).toEqual(logins)
  expect(await scene.me()).toMatchObject({ provider: 'tapd' })
})

test('a start that another site caused logs in whoever is nobody until then: it is an ordinary link to this site', async () => {
  await scene.start({ providers: scene.only('tapd', 'tailchat') })
  const callback = await scene.callbackOf('tailchat', { headers: ELSEWHERE })
  expect((await scene.browser.get(callback)).status).toBe(303)
  expect(await scene.me()).toMatchObject({ provider: 'tailchat' })
})

test('nor does it take the place of the person, where a second provider does not link', async () => {
  await scene.start({ providers: scene.only('tapd', 'tailchat'), linking: false })
  await scene.callbackOf('tapd')
  const callback = await scene.callbackOf('tailchat', { headers: ELSEWHERE })
  await scene.logIn('tapd')
  await scene.browser.get(callback)
  expect(await scene.me()).toMatchObject({ provider: 'tapd' })
})

describe('TAPD’s entry, which takes a code that nobody asked for, loaded by a page of another site', () => {
  const enter = async (dest: string, mode: string) => {
    await scene.start({ providers: { tapd: { ...scene.emulators.tapd.options, silentLogin: true } } })
    const browser = new Browser()
    const code = scene.emulators.tapd.entryCode()
    const headers = { 'sec-fetch-dest': dest, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode }
    const { status } = await browser.get(`${scene.origin}/auth/tapd/entry?code=${code}`, headers)
    return [status, (await scene.me(browser)) !== null]
  }

  test.each(['image', 'script', 'style', 'empty', 'object'])('as %s logs nobody in', async (dest) => {
    expect(await enter(dest, 'no-cors')).toEqual([403, false])
  })

  test.each(['document', 'iframe'])('as %s logs in: TAPD opens apps in its own pages (the control)', async (dest) => {
    expect(await enter(dest, 'navigate')).toEqual([303, true])
  })
})
