import {
  AihubmixStrategy,
  BbscloudStrategy,
  FeishuStrategy,
  type StrategyClass,
  TailchatStrategy,
  TapdStrategy,
  TiktokStrategy,
} from 'passport-dialects'
import { type Emulator, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'
import type { ProviderName } from '../support/providers'
import { bareLogin, type LoginResult, type LoginSteps, routerLogin } from '../support/whole-login'

/** One way to log in: the provider's side, ours, and what must come out. */
interface Variant {
  title: string
  name: ProviderName
  emulator?: EmulatorOptions
  options?: Record<string, unknown>
  steps?: LoginSteps
  id: string
  displayName?: string
  email?: string
}

const CLASSES: Record<ProviderName, StrategyClass> = {
  tailchat: TailchatStrategy,
  tapd: TapdStrategy,
  bbscloud: BbscloudStrategy,
  tiktok: TiktokStrategy,
  aihubmix: AihubmixStrategy,
  feishu: FeishuStrategy,
}

const tailchat = { name: 'tailchat', id: '64a0f00d5e97b8b3b2d1aaaa', displayName: '张三' } as const
const tapd = { name: 'tapd', id: '6081', displayName: '张三' } as const
const bbscloud = {
  name: 'bbscloud',
  id: 'c306ffce817b495684db86b0993462cd',
  displayName: '张三',
  email: 'aaa@zzz.com',
} as const
const tiktok = { name: 'tiktok', id: '-000aZhangSan', displayName: '张三' } as const
const aihubmix = { name: 'aihubmix', id: '12345', displayName: '张三', email: 'zhangsan@example.com' } as const

const feishu = { name: 'feishu', id: 'ou_caecc734c2e3328a62489fe0648c4b98', displayName: '张三' } as const

const VARIANTS: Variant[] = [
  { ...tailchat, title: 'with PKCE' },
  { ...tailchat, title: 'without PKCE', options: { pkce: false } },
  { ...tailchat, title: 'whose iss differs from its address', emulator: { issuer: 'http://127.0.0.1:11000' } },
  { ...tailchat, title: 'without a configured issuer', options: { issuer: undefined } },
  {
    ...tailchat,
    title: 'a user without avatar',
    steps: { user: '64a0f00d5e97b8b3b2d1bbbb' },
    id: '64a0f00d5e97b8b3b2d1bbbb',
    displayName: 'Ada Lovelace',
  },
  { ...tapd, title: 'users/info' },
  { ...tapd, title: 'users/info wrapped in User', emulator: { userInfoShape: 'wrapped' } },
  { ...tapd, title: 'users/info as an array of one', emulator: { userInfoShape: 'array' } },
  { ...tapd, title: 'a stray quote after resource', emulator: { strayQuote: true } },
  { ...tapd, title: 'a workspace as resource', emulator: { resource: 'workspace' } },
  { ...tapd, title: 'scopes with #', options: { scope: ['user', 'story#read', 'bug#read'] } },
  {
    ...tapd,
    title: 'profile from resource',
    options: { profileSource: 'resource' },
    id: '10006081',
    displayName: 'zhangsan',
  },
  {
    ...tapd,
    title: 'an id and secret with spaces and colons',
    emulator: { clientID: 'Aladdin', clientSecret: 'open sesame:%é' },
  },
  { ...bbscloud, title: 'a proper merge' },
  { ...bbscloud, title: 'a naive ?token= after our query', emulator: { callbackStyle: 'append' } },
  { ...bbscloud, title: 'an echo of state', emulator: { callbackStyle: 'echo' } },
  { ...bbscloud, title: 'a naive ?token= and an echo', emulator: { callbackStyle: 'append-echo' } },
  { ...bbscloud, title: 'our query dropped, state echoed', emulator: { callbackStyle: 'drop-echo' } },
  { ...bbscloud, title: 'error and type as text', emulator: { errorType: 'string' } },
  {
    ...bbscloud,
    title: 'an empty e-mail',
    steps: { user: 'd417aadf928c5a6795ec97c1aa4573de' },
    id: 'd417aadf928c5a6795ec97c1aa4573de',
    displayName: 'Ada Lovelace',
    email: undefined,
  },
  { ...tiktok, title: 'v2' },
  { ...tiktok, title: 'v2 with hex PKCE', options: { pkce: true }, emulator: { requirePkce: true } },
  {
    ...tiktok,
    title: 'v2, more scopes',
    options: { scope: ['user.info.basic', 'user.info.profile', 'user.info.stats'] },
  },
  {
    ...tiktok,
    title: 'v2, a scope unticked',
    options: { scope: 'user.info.basic,user.info.profile' },
    emulator: { grantedScopes: ['user.info.basic'] },
  },
  {
    ...tiktok,
    title: 'v2, fields beyond what was granted',
    options: { fields: ['open_id', 'username', 'display_name'] },
  },
  { ...tiktok, title: 'v1', emulator: { apiVersion: 'v1' } },
  { ...aihubmix, title: 'consent page' },
  { ...aihubmix, title: 'one click', options: { autoAuthorize: true } },
  { ...aihubmix, title: 'balance', options: { scope: ['profile', 'balance'] } },
  { ...feishu, title: 'with PKCE' },
  { ...feishu, title: 'without PKCE', options: { pkce: false } },
  {
    ...feishu,
    title: 'the e-mail address, where the scope is granted',
    options: { scope: 'contact:user.email:readonly' },
    email: 'zhangsan@example.com',
  },
  { ...feishu, title: 'Lark, with the older token address', emulator: { edition: 'lark' } },
]

function check(result: LoginResult, { id, displayName }: Variant): void {
  expect(result.code).toBeUndefined()
  expect(result.user).toMatchObject({ id, displayName })
}

describe.each(VARIANTS)('$name, $title', (variant) => {
  let emulator: Emulator
  beforeAll(async () => {
    emulator = await startEmulator(variant.name, variant.emulator)
  })
  afterAll(() => emulator.close())

  test('logs in under the router', async () => {
    const options = { ...emulator.options, ...variant.options }
    const result = await routerLogin(emulator, { providers: { [variant.name]: options } }, variant.name, variant.steps)
    check(result, variant)
    expect(result.user?.email).toBe(variant.email)
    expect(result.user?.provider).toBe(variant.name)
  })

  test('logs in under bare Passport', async () => {
    const Strategy = CLASSES[variant.name]
    const verify = (_at: string, _rt: string, params: object, profile: object, done: (e: null, user: object) => void) =>
      done(null, { ...profile, params })
    const build = (callbackURL: string) =>
      new Strategy({ ...emulator.options, ...variant.options, callbackURL }, verify)
    const result = await bareLogin(emulator, build, variant.steps)
    check(result, variant)
    const emails = result.user?.emails as { value: string }[] | undefined
    expect(emails?.[0]?.value).toBe(variant.email)
    expect(result.user).toMatchObject({ params: { access_token: expect.any(String) } })
  })
})
