import session from 'express-session'
import { startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { eventually } from '../support/eventually'
import { backChannelCalls, closeAll, type Emulators, providersOf, startAll } from '../support/providers'

let emulators: Emulators

beforeAll(async () => {
  emulators = await startAll()
})
afterAll(() => closeAll(emulators))

/** A store whose answer to the second `get` waits until the session is gone. */
class LateStore extends session.MemoryStore {
  late = false
  private asked = 0
  private waiting: (() => void) | undefined

  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    const second = this.late && ++this.asked === 2
    if (second) this.waiting = () => super.get(id, done)
    else super.get(id, done)
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    this.late = false
    super.destroy(id, done)
    this.waiting?.()
  }
}

test('a second click that reads the session after the first took it away lands where the first did', async () => {
  const store = new LateStore()
  const app = await startRouterApp({ providers: providersOf(emulators) }, { store })
  try {
    const browser = new Browser()
    const callback = await emulators.tapd.approve(await browser.location(`${app.origin}/auth/tapd?returnTo=/in`))
    const before = backChannelCalls(emulators)
    store.late = true
    const answers = await Promise.all([browser.get(callback), browser.get(callback)])
    expect(answers.map(({ headers }) => headers.get('location'))).toEqual(['/in', '/in'])
    expect(backChannelCalls(emulators) - before).toBe(2)
    expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tapd' })
  } finally {
    await app.close()
  }
})

test.each([
  ['without the code gets no session of it', 'stolen', null],
  ['with the code, which is a double click, gets the session (the control)', undefined, 'tapd'],
])('whoever knows the session before a login and asks during it %s', async (_title, code, provider) => {
  let arrived: (() => void) | undefined
  const verifying = new Promise<void>((resolve) => {
    arrived = resolve
  })
  let goOn: (() => void) | undefined
  const open = new Promise<void>((resolve) => {
    goOn = resolve
  })
  let callbacks = 0
  const app = await startRouterApp(
    {
      providers: providersOf(emulators),
      verify: async ({ provider, profile }) => {
        arrived?.()
        await open
        return { provider, id: profile.id }
      },
    },
    {
      before: (req, _res, next) => {
        if (req.path.endsWith('/callback')) callbacks++
        next()
      },
    },
  )
  try {
    // The attacker begins a login and plants his session and its address in the victim's browser.
    const attacker = new Browser()
    const address = await attacker.location(`${app.origin}/auth/tapd`)
    const victim = new Browser()
    for (const pair of attacker.cookies(app.origin).split('; ')) {
      const at = pair.indexOf('=')
      victim.setCookie(app.origin, pair.slice(0, at), pair.slice(at + 1))
    }
    const callback = new URL(await emulators.tapd.approve(address))
    const login = victim.get(callback.href)
    await verifying
    if (code !== undefined) callback.searchParams.set('code', code)
    const asked = attacker.get(callback.href)
    await eventually(() => expect(callbacks).toBe(2))
    // From there to where it waits takes turns of this process's event loop, not time.
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    goOn?.()
    await Promise.all([login, asked])
    expect((await told(victim.get(`${app.origin}/me`))).user).toMatchObject({ provider: 'tapd' })
    const { user } = await told(attacker.get(`${app.origin}/me`))
    expect(user?.provider ?? null).toBe(provider)
  } finally {
    await app.close()
  }
})
