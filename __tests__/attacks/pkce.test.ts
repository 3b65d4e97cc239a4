import { createHash } from 'node:crypto'
import { AihubmixStrategy, OAuthError, TailchatStrategy, TiktokStrategy } from 'passport-dialects'
import { startRouterApp } from '../support/app'
import { Browser } from '../support/browser'
import { consent, failure, loggedIn, type Scene, startScene } from './scene'

let scene: Scene
beforeAll(async () => {
  scene = await startScene()
})
afterAll(() => scene.close())

describe('PKCE downgrade (RFC 9700 §4.8, RFC 7636 §7.2)', () => {
  const downgrade = '?code_challenge_method=plain&code_challenge=known'

  test('control: the query of the naive app goes on to the provider, challenge and all', async () => {
    const address = new URL(await new Browser().location(`${scene.naive.origin}/auth/tailchat${downgrade}`))
    expect(address.searchParams.get('code_challenge')).toBe('known')
    expect(address.searchParams.get('code_challenge_method')).toBe('plain')
  })

  test('ours sends its own S256 challenge, whatever the query says', async () => {
    const address = new URL(await new Browser().location(`${scene.ours.origin}/auth/tailchat${downgrade}`))
    expect(address.searchParams.getAll('code_challenge_method')).toEqual(['S256'])
    expect(address.searchParams.getAll('code_challenge')).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
  })

  test("a challenge cut out on the way leaves a code that ours cannot redeem (§4.8.2's check at the provider)", async () => {
    const { tailchat } = scene.emulators
    const victim = new Browser()
    const address = new URL(await victim.location(`${scene.ours.origin}/auth/tailchat`))
    for (const name of ['code_challenge', 'code_challenge_method']) address.searchParams.delete(name)
    expect(await failure(victim, await tailchat.approve(address.href))).toBe('grant_rejected')
    expect(new URLSearchParams(tailchat.requests.at(-1)?.body).get('code_verifier')).toMatch(/^[\w-]{43}$/)
    expect(await loggedIn(scene.ours, victim)).toBeNull()
  })

  test('a login begun without PKCE is not finished by a client that has it on', async () => {
    const { options } = scene.emulators.aihubmix
    const of = (pkce: boolean) => ({ chat: { ...options, strategy: AihubmixStrategy, pkce } })
    const [off, on] = [of(false), of(true)]
    const app = await startRouterApp({
      verify: ({ profile }) => ({ provider: profile.provider, id: profile.id, displayName: profile.displayName }),
      providers: (req) => (req.query.pkce === 'on' ? on : off),
    })
    try {
      const browser = new Browser()
      const callback = await consent(app, browser, scene.emulators.aihubmix, { name: 'chat' })
      expect(await failure(browser, `${callback}&pkce=on`)).toBe('state_mismatch')
    } finally {
      await app.close()
    }
  })

  test('there is no option for `plain`, nor for any other method (RFC 7636 §4.2: S256 where the client can)', () => {
    for (const pkce of ['plain', 'PLAIN', 'none', 1, {}]) {
      const build = () =>
        new TailchatStrategy(
          { ...scene.emulators.tailchat.options, callbackURL: '/cb', pkce: pkce as never }, // what no type allows
          () => {},
        )
      expect(build).toThrow(OAuthError)
      expect(build).toThrow('pkce')
    }
  })

  test('each login has a verifier of its own, and it leaves the server at the token endpoint alone', async () => {
    const { tailchat } = scene.emulators
    const verifiers = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const browser = new Browser()
      const address = await browser.location(`${scene.ours.origin}/auth/tailchat`)
      const finished = await browser.get(await tailchat.approve(address))
      const token = tailchat.requests.findLast(({ endpoint }) => endpoint === 'token')
      const verifier = new URLSearchParams(token?.body).get('code_verifier') ?? ''
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      expect(new URL(address).searchParams.get('code_challenge')).toBe(challenge)
      expect(address + finished.headers.get('location') + browser.cookies(scene.ours.origin)).not.toContain(verifier)
      verifiers.add(verifier)
    }
    expect(verifiers.size).toBe(5)
  })

  test("TikTok's S256 in hex is still a hash of the verifier, not the verifier", async () => {
    const { tiktok } = scene.emulators
    const app = await startRouterApp({
      providers: { tiktok: { ...tiktok.options, strategy: TiktokStrategy, pkce: true } },
    })
    try {
      const browser = new Browser()
      const address = new URL(await browser.location(`${app.origin}/auth/tiktok`))
      await browser.get(await tiktok.approve(address.href))
      const token = tiktok.requests.findLast(({ endpoint }) => endpoint === 'token')
      const verifier = new URLSearchParams(token?.body).get('code_verifier') ?? ''
      expect(address.searchParams.get('code_challenge')).toBe(createHash('sha256').update(verifier).digest('hex'))
      expect(await loggedIn(app, browser)).not.toBeNull()
    } finally {
      await app.close()
    }
  })
})
