import { Browser } from '../support/browser'
import { usually } from '../support/whole'
import { EVIL_TARGETS } from './evil-targets'
import { consent, type Scene, startScene } from './scene'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
})
afterAll(() => scene.close())

/** Where a browser is after a whole login that was begun with `returnTo`. */
async function landing(app: Scene['ours'], query: string): Promise<{ header: string; origin: string }> {
  const browser = new Browser()
  const callback = await consent(app, browser, scene.emulators.aihubmix, { query })
  const header = (await browser.get(callback)).headers.get('location') ?? ''
  const target = URL.canParse(header, callback) ? new URL(header, callback) : undefined
  return { header, origin: target?.origin ?? '' }
}

describe('open redirection by returnTo (RFC 9700 §4.11.1, RFC 6749 §10.15)', () => {
  test(`the list is long enough: ${EVIL_TARGETS.length} strings, each but once`, () => {
    expect(new Set(EVIL_TARGETS).size).toBe(EVIL_TARGETS.length)
    expect(EVIL_TARGETS.length).toBeGreaterThanOrEqual(60)
  })

  const usual = usually(EVIL_TARGETS, (target) => EVIL_TARGETS.indexOf(target) % 3 === 0)
  test('control: the naive app leaves its origin with at least half of them', async () => {
    const landed = await Promise.all(
      usual.map((target) => landing(scene.naive, `?returnTo=${encodeURIComponent(target)}`)),
    )
    const away = landed.filter(({ origin }) => origin !== scene.naive.origin)
    expect(away.length).toBeGreaterThanOrEqual(usual.length / 2)
  }, 120_000)

  test.each(EVIL_TARGETS)('ours ignores %j', async (target) => {
    const { header, origin } = await landing(scene.ours, `?returnTo=${encodeURIComponent(target)}`)
    expect([header, origin]).toEqual(['/', scene.ours.origin])
  })

  test.each([
    '/%2e%2e//evil.example',
    '/./%2e//evil.example',
    '/.%2e/%2f/evil.example',
    '/;/../..//evil.example',
    '/a/..%2f..//evil.example',
  ])('nor %j, of which a proxy that decodes makes another host', async (target) => {
    const { header, origin } = await landing(scene.ours, `?returnTo=${encodeURIComponent(target)}`)
    expect([header, origin]).toEqual(['/', scene.ours.origin])
  })

  // What Express decodes of them is what the tests before send: every fourth one shows that it does.
  const UNENCODED = EVIL_TARGETS.filter((target) => /^[!-~]+$/.test(target) && !target.includes('#'))
  test.each(usually(UNENCODED, (target) => UNENCODED.indexOf(target) % 4 === 0))(
    'nor does it follow %j as it stands, unencoded',
    async (target) => {
      const { origin } = await landing(scene.ours, `?returnTo=${target}`)
      expect(origin).toBe(scene.ours.origin)
    },
  )

  test.each([
    'returnTo[]',
    'returnTo[0]',
    'return_to',
    'next',
    'redirect',
    'successRedirect',
    'successReturnToOrRedirect',
  ])('there is no other parameter that does it: %s', async (name) => {
    const { header } = await landing(scene.ours, `?${name}=https://evil.example`)
    expect(header).toBe('/')
  })

  test('two returnTo are none', async () => {
    expect((await landing(scene.ours, '?returnTo=/a&returnTo=//evil.example')).header).toBe('/')
  })

  test('the callback takes no returnTo of its own', async () => {
    const browser = new Browser()
    const callback = await consent(scene.ours, browser, scene.emulators.aihubmix, { query: '?returnTo=/mine' })
    expect((await browser.get(`${callback}&returnTo=//evil.example`)).headers.get('location')).toBe('/mine')
  })

  test.each([
    '/files/My%20Report.pdf',
    '/search?q=a%20b',
    '/search?next=//@y',
    '/sale-100%25',
    '/a%5Cb',
    '/npm//@scope/x',
    '/a//b',
    '/%E6%96%87%20%E4%BB%B6',
  ])('a path of this app is still where the login goes, as it stands: %s', async (path) => {
    const { header, origin } = await landing(scene.ours, `?returnTo=${encodeURIComponent(path)}`)
    expect([header, origin]).toEqual([path, scene.ours.origin])
  })

  test('a path of this app is still where the login goes', async () => {
    expect((await landing(scene.ours, '?returnTo=/a/b%3Fc%3Dd%23e')).header).toBe('/a/b?c=d#e')
  })
})
