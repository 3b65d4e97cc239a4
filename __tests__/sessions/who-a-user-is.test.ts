import { identityOf } from '../../lib/session/identity'
import { told } from '../support/browser'
import { ObjectId, passportOf, SessionScene } from '../support/session-scene'

const scene = new SessionScene()
const ROW = '507f1f77bcf86cd799439011'

/** As a session's store gives it back. */
const stored = (user: unknown) => JSON.parse(JSON.stringify(user))

describe('an id that is an object', () => {
  /** A session that keeps the id alone, and an app whose users are of one database row. */
  const startRows = (idOf: (providersID: string) => string) => {
    const passport = passportOf(
      (user) => Reflect.get(user, '_id'),
      (kept) => ({ _id: new ObjectId(String(kept)), row: String(kept) }),
    )
    const verify = ({ profile }: { profile: { id: string } }) => ({ _id: new ObjectId(idOf(profile.id)) })
    return scene.start({ providers: scene.only('tapd', 'aihubmix'), passport, verify })
  }

  test('control: before and after the store it is no equal value, and no equal text by itself', () => {
    const id = new ObjectId(ROW)
    expect(Object.is(id, stored(id))).toBe(false)
    expect(String(new ObjectId(ROW))).toBe(String(new ObjectId('another row')))
  })

  test('and is the whole serialised user has the tokens of its login, and links', async () => {
    await startRows(() => ROW)
    expect((await scene.logIn('aihubmix')).status).toBe(303)
    expect(await scene.me()).toMatchObject({ row: ROW })
    expect(await scene.hasTokens('aihubmix')).toBe(true)
    await scene.logIn('tapd')
    expect(await scene.logins()).toEqual(['aihubmix', 'tapd'])
    expect(await scene.hasTokens('aihubmix')).toBe(true)
  })

  test('keeps what the app had for its user when he logs in anew', async () => {
    await startRows(() => ROW)
    await scene.logIn('tapd')
    await scene.page('/keep/cart/full')
    await scene.logIn('tapd')
    expect((await scene.page('/kept/cart')).info).toBe('full')
  })

  test('does not keep it for the next one, who takes his place at the same provider', async () => {
    await startRows((id) => id)
    await scene.logIn('tapd')
    await scene.page('/keep/cart/full')
    await scene.logIn('tapd', { user: 1 })
    expect(await scene.me()).toMatchObject({ row: scene.emulators.tapd.users[1]?.id })
    expect((await scene.page('/kept/cart')).info).toBeNull()
  })

  test('inside a user is his id', async () => {
    const verify = ({ profile }: { profile: { id: string } }) => ({ _id: new ObjectId(profile.id), name: 'Ann' })
    await scene.start({ providers: scene.only('tapd', 'aihubmix'), verify, linking: false })
    await scene.logIn('tapd')
    expect(await scene.hasTokens('tapd')).toBe(true)
    await scene.logIn('aihubmix') // another person, by another id
    expect([await scene.hasTokens('tapd'), await scene.hasTokens('aihubmix')]).toEqual([false, true])
  })
})

describe('a page of the app that changes the user in the session', () => {
  const verify = ({ profile }: { profile: { id: string } }) => ({ id: profile.id, role: 'member', name: 'Ann' })

  test.each([
    ['a field', 'name', 'Anne'],
    ['his role, which tells kinds of users apart', 'role', 'admin'],
  ])('by %s leaves him his tokens and his place', async (_title, field, value) => {
    await scene.start({ providers: scene.only('tapd', 'aihubmix'), verify })
    await scene.logIn('aihubmix')
    await scene.page(`/change/${field}/${value}`)
    expect(await scene.me()).toMatchObject({ [field]: value })
    expect(await scene.hasTokens('aihubmix')).toBe(true)
    expect(await scene.logins()).toEqual(['aihubmix'])
  })

  test('lets nobody else have it: Bob, who logs in at the same provider, takes Ann’s place', async () => {
    await scene.start({ providers: scene.only('tapd'), verify })
    await scene.logIn('tapd')
    const ann = await scene.me()
    await scene.page('/change/role/admin')
    await scene.page('/keep/cart/full')
    await scene.logIn('tapd', { user: 1 })
    const bob = await scene.me()
    expect([bob?.id === ann?.id, bob?.role]).toEqual([false, 'member'])
    expect((await scene.page('/kept/cart')).info).toBeNull()
  })

  test('to another id has his tokens no more (the control)', async () => {
    await scene.start({ providers: scene.only('aihubmix'), verify })
    await scene.logIn('aihubmix')
    await scene.page('/change/id/somebody')
    expect(await scene.hasTokens('aihubmix')).toBe(false)
  })
})

describe('two users of one number', () => {
  /** What the second of two users finds who took the first one's place. */
  const found = async (field: string) => {
    const verify = ({ provider }: { provider: string }) => ({ id: 1, [field]: provider })
    await scene.start({ providers: scene.only('tapd', 'aihubmix'), linking: false, verify })
    await scene.logIn('tapd')
    await scene.page('/keep/isAdmin/yes')
    await scene.logIn('aihubmix')
    return [await scene.hasTokens('tapd'), (await scene.page('/kept/isAdmin')).info]
  }

  test.each(['org', 'orgId', 'tenant_id', 'realm', 'userType', 'accountType', 'workspace', 'shop', 'provider'])(
    'told apart by %s are two: nothing of the first is left to the second',
    async (field) => {
      expect(await found(field)).toEqual([false, null])
    },
  )

  test('that differ in another member are one, with a newer row (the control)', async () => {
    expect(await found('lastLoginBy')).toEqual([true, 'yes'])
  })

  test.each([
    ...['kind', 'type', 'userType', 'user_type', 'accountType', 'role', 'model', 'table', 'collection', '__typename'],
    ...['tenant', 'tenantId', 'tenant_id', 'org', 'orgId', 'org_id', 'organization', 'organizationId', 'realm'],
    ...['domain', 'workspace', 'workspaceId', 'team', 'teamId', 'company', 'companyId', 'shop', 'site', 'account'],
    ...['accountId', 'provider'],
  ])('are two by `%s`', (field) => {
    expect(identityOf({ id: 1, [field]: 'a' })).not.toBe(identityOf({ id: 1, [field]: 'b' }))
    expect(identityOf({ id: 1, [field]: { id: 1 } })).not.toBe(identityOf({ id: 1, [field]: { id: 2 } }))
    expect(identityOf({ id: 1, [field]: 'a' })).toBe(identityOf({ seen: 5, [field]: 'a', id: 1 }))
  })
})

describe('a user without an id', () => {
  const startWith = (second: object) => {
    let logins = 0
    const verify = () => (logins++ === 0 ? { motto: 'Ah', name: 'Ann' } : second)
    return scene.start({ providers: scene.only('tapd'), verify })
  }

  test.each([
    ['is the same, whatever the order of his members', { name: 'Ann', motto: 'Ah' }, 'full'],
    ['is another one by any of them (the control)', { name: 'Ann', motto: 'Oh' }, null],
  ])('%s', async (_title, second, kept) => {
    await startWith(second)
    await scene.logIn('tapd')
    await scene.page('/keep/cart/full')
    await scene.logIn('tapd')
    expect((await scene.page('/kept/cart')).info).toBe(kept)
  })
})

/** Users of this class are all `{}` in a session. */
class Reserved {
  readonly #id: string
  constructor(id: string) {
    this.#id = id
  }
  get id(): string {
    return this.#id
  }
}

test.each<[string, (id: string) => object]>([
  ['{}, as a class has it whose fields are private', (id) => new Reserved(id)],
  ['null', (id) => ({ id, toJSON: () => null })],
  ['an empty list', () => []],
  ['an empty text', (id) => ({ id, toJSON: () => '' })],
])('a user whose JSON is %s is refused, and nobody is logged in', async (_title, user) => {
  await scene.start({ providers: scene.only('tapd'), verify: ({ profile }) => user(profile.id) })
  const callback = await scene.callbackOf('tapd')
  const answer = await told(scene.browser.get(callback, { accept: 'application/json' }))
  expect(answer.error.code).toBe('verify_failed')
  expect(await scene.me()).toBeNull()
})
