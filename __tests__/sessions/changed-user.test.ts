import type { Express } from 'express'
import session from 'express-session'
import { AihubmixStrategy, BbscloudStrategy, type TokenSet } from 'passport-dialects'
import { Gate } from '../support/gate'
import { SessionScene, slowPage } from '../support/session-scene'

// A page of the app that changes a field of the session's user, "last seen" above all, while something else is at work
// there. The control of each: the same without the change.

const scene = new SessionScene()
const CHANGES: [string, string, object][] = [
  ['changes nothing (the control)', '/kept/name', {}],
  ['changes a field of the user', '/change/name/Anne', { name: 'Anne' }],
  ['changes his role', '/change/role/admin', { role: 'admin' }],
]

/** A user whose role is known: it is one of the words that tell kinds of users apart. */
const verify = ({ provider, profile }: { provider: string; profile: { id: string } }) => ({
  provider,
  id: profile.id,
  role: 'member',
})

describe.each(CHANGES)('a page that %s', (_title, page, changed) => {
  const isStillAnn = async () => {
    expect(await scene.me()).toMatchObject({ provider: 'tapd', ...changed })
    expect(await scene.logins()).toContain('tapd')
  }

  test('while a login begins: it begins, and the user stays logged in', async () => {
    const gate = new Gate()
    class SlowStart extends BbscloudStrategy {
      protected override async prepare(...args: Parameters<BbscloudStrategy['prepare']>) {
        await gate.pass()
        return super.prepare(...args)
      }
    }
    const bbscloud = { ...scene.emulators.bbscloud.options, strategy: SlowStart }
    await scene.start({ providers: { ...scene.only('tapd'), bbscloud }, verify })
    await scene.logIn('tapd')
    const start = scene.browser.get(`${scene.origin}/auth/bbscloud`)
    await gate.reached
    await scene.page(page)
    gate.open()
    const answer = await start
    expect(answer.status).toBe(302)
    await isStillAnn()
    // Whom a role tells apart from the one who began it has to begin anew.
    const callback = await scene.emulators.bbscloud.approve(answer.headers.get('location') ?? '')
    expect((await scene.browser.get(callback)).status).toBe('role' in changed ? 400 : 303)
    expect((await scene.logIn('bbscloud')).status).toBe(303)
    await isStillAnn()
    expect(await scene.logins()).toEqual(['tapd', 'bbscloud'])
  })

  test('while a link is at work: the link lands', async () => {
    const gate = new Gate()
    await scene.start({
      providers: scene.only('tapd', 'aihubmix'),
      verify: async (login) => {
        if (login.provider === 'aihubmix') await gate.pass()
        return verify(login)
      },
    })
    await scene.logIn('tapd')
    const link = scene.browser.get(await scene.callbackOf('aihubmix'))
    await gate.reached
    await scene.page(page)
    gate.open()
    expect((await link).status).toBe(303)
    await isStillAnn()
    expect(await scene.logins()).toEqual(['tapd', 'aihubmix'])
  })

  test('while a slow page is at work: what that one writes is stored', async () => {
    const gate = new Gate()
    const routes = (app: Express) => void app.get('/slow', slowPage(gate))
    await scene.start({ providers: scene.only('tapd'), verify }, { routes })
    await scene.logIn('tapd')
    const slow = scene.page('/slow')
    await gate.reached
    await scene.page(page)
    gate.open()
    await slow
    expect((await scene.page('/kept/note')).info).toBe('written late')
    expect(await scene.me()).toMatchObject({ provider: 'tapd' }) // of one value of the app's the later save wins
  })

  test('while a refresh token is rotated: the new one is stored, for every process', async () => {
    const gate = new Gate()
    class SlowRefresh extends AihubmixStrategy {
      override async refresh(tokens: Parameters<AihubmixStrategy['refresh']>[0]): Promise<TokenSet> {
        await gate.pass()
        return super.refresh(tokens)
      }
    }
    const store = new session.MemoryStore()
    const config = { refreshLeadTime: 1_000_000, verify } // each look at the tokens refreshes them
    const aihubmix = { ...scene.emulators.aihubmix.options, strategy: SlowRefresh }
    await scene.start({ ...config, providers: { aihubmix } }, { store })
    await scene.logIn('aihubmix')
    const asked = scene.hasTokens('aihubmix')
    await gate.reached
    await scene.page(page)
    gate.open()
    expect(await asked).toBe(true)
    // A process that knows nothing but the store: the provider refuses a refresh token that was used up.
    const elsewhere = await scene.startElsewhere({ ...config, providers: scene.only('aihubmix') }, store)
    const there = scene.copy(scene.browser, elsewhere.origin)
    expect(await scene.hasTokens('aihubmix', there, elsewhere.origin)).toBe(true)
  })

  test('while tokens are revoked: they are forgotten, by every process', async () => {
    const gate = new Gate()
    class SlowRevoke extends AihubmixStrategy {
      override async revoke(tokens: Parameters<AihubmixStrategy['revoke']>[0]): Promise<boolean> {
        await gate.pass()
        return super.revoke(tokens)
      }
    }
    const store = new session.MemoryStore()
    const aihubmix = { ...scene.emulators.aihubmix.options, strategy: SlowRevoke }
    await scene.start({ providers: { aihubmix }, verify }, { store })
    await scene.logIn('aihubmix')
    const revoked = scene.page('/revoke/aihubmix')
    await gate.reached
    await scene.page(page)
    gate.open()
    await revoked
    const elsewhere = await scene.startElsewhere({ providers: scene.only('aihubmix') }, store)
    const there = scene.copy(scene.browser, elsewhere.origin)
    expect(await scene.hasTokens('aihubmix', there, elsewhere.origin)).toBe(false)
    expect(await scene.me(there, elsewhere.origin)).toMatchObject({ provider: 'aihubmix' })
  })
})
