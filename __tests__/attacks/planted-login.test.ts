import session from 'express-session'
import type { Strategy } from 'passport'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { appWith, ours, plain } from '../controls/support'
import { Browser } from '../support/browser'

// Whoever can write to the session's store (another app beside this one, an injection) must not choose what this app
// sends to the provider under its own credentials: the verifier binds the code to the browser that began the login
// (RFC 7636 §4.5), the redirect address to the place it was sent to (RFC 6749 §4.1.3).

const PLANTED = 'planted-verifier-of-forty-three-characters-x'
let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator('aihubmix')
})
afterAll(() => emulator.close())

/** Begins a login, changes what the store holds of it, and finishes it: what the token endpoint got. */
async function finishPlanted(
  build: (provider: string, options: object) => (callbackURL: string) => Strategy,
  plant: (stored: string) => string,
) {
  const { authorizationURL, tokenURL, userProfileURL, clientID, clientSecret } = emulator.options
  const options = { authorizationURL, tokenURL, userProfileURL, clientID, clientSecret, pkce: true, state: true }
  const store = new session.MemoryStore()
  const app = await appWith(build(new URL(tokenURL).origin, options), store)
  try {
    const browser = new Browser()
    const callback = await emulator.approve(await browser.location(`${app.origin}/login`))
    const sessions = await new Promise<object>((done) => store.all?.((_error, all) => done(Object(all))))
    for (const [id, content] of Object.entries(sessions)) {
      const before = JSON.stringify(content)
      expect(plant(before)).not.toBe(before)
      store.set(id, JSON.parse(plant(before)))
    }
    const seen = emulator.requests.length
    const told = (await (await browser.get(callback)).json()) as { user: object | null; code?: string }
    const [request] = emulator.requests.slice(seen).filter(({ endpoint }) => endpoint === 'token')
    return { ...told, sent: request && new URLSearchParams(request.body) }
  } finally {
    await app.close()
  }
}

const verifier = (stored: string) => stored.replace(/((?:code_)?verifier\\?":\\?")[\w-]{43,}/, `$1${PLANTED}`)
const address = (stored: string) => stored.replace(/(redirectURI\\?":\\?")[^"\\]+/, '$1https://evil.example/callback')

test('control: plain passport-oauth2 sends the verifier that somebody wrote into the session', async () => {
  const { sent } = await finishPlanted(plain, verifier)
  expect(sent?.get('code_verifier')).toBe(PLANTED)
})

test('ours sends nothing of a pending login that it did not write: verifier or redirect address', async () => {
  for (const plant of [verifier, address]) {
    const { user, code, sent } = await finishPlanted(ours, plant)
    expect({ user, code, sent }).toEqual({ user: null, code: 'state_mismatch', sent: undefined })
  }
})

test('an untouched login of the same app goes through', async () => {
  const { user } = await finishPlanted(ours, (stored) => stored.replace('"cookie"', ' "cookie"'))
  expect(user).toMatchObject({ id: '12345' })
})
