import { OAuthError, oauthRouter, type ProvidersFromEnvOptions, providersFromEnv } from 'passport-dialects'
import { type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { BUILT_IN, OWN_OPTIONS } from '../../lib/providers'
import { routerLogin } from '../support/whole-login'

const SECRET = 'a-secret-nobody-may-see'
const TAPD = { TAPD_CLIENT_ID: 'id', TAPD_CLIENT_SECRET: SECRET }

function refusal(env: Record<string, string | undefined>, options?: ProvidersFromEnvOptions): string {
  try {
    providersFromEnv(env, options)
  } catch (error) {
    if (!OAuthError.is(error)) throw error
    expect(error.code).toBe('config_invalid')
    expect(JSON.stringify(error) + error.stack).not.toContain(SECRET)
    return error.message
  }
  throw new Error('nothing was refused')
}

test('only the providers with credentials are there, each with its own options in their own types', () => {
  expect(
    providersFromEnv({
      ...TAPD,
      TAPD_SITE: 'cloud',
      TAPD_SCOPE: 'user story#read',
      TIKTOK_CLIENT_ID: 'key',
      TIKTOK_CLIENT_SECRET: SECRET,
      TIKTOK_API_VERSION: 'v1',
      TIKTOK_FIELDS: 'open_id,display_name',
      TIKTOK_DISABLE_AUTO_AUTH: '1',
      AIHUBMIX_CLIENT_ID: 'id',
      AIHUBMIX_CLIENT_SECRET: SECRET,
      AIHUBMIX_AUTO_AUTHORIZE: 'true',
      AIHUBMIX_TIMEOUT: '5000',
      AIHUBMIX_MAX_RESPONSE_BYTES: '4096',
      AIHUBMIX_AUTHORIZATION_URL: 'https://proxy.example/authorize',
      AIHUBMIX_PKCE: 'S256',
      AIHUBMIX_ALLOW_INSECURE_HTTP: 'FALSE',
      PATH: '/bin',
    }),
  ).toEqual({
    tapd: { clientID: 'id', clientSecret: SECRET, site: 'cloud', scope: 'user story#read' },
    tiktok: {
      clientID: 'key',
      clientSecret: SECRET,
      apiVersion: 'v1',
      fields: 'open_id,display_name',
      disableAutoAuth: true,
    },
    aihubmix: {
      clientID: 'id',
      clientSecret: SECRET,
      autoAuthorize: true,
      timeout: 5000,
      maxResponseBytes: 4096,
      authorizationURL: 'https://proxy.example/authorize',
      pkce: true,
      allowInsecureHttp: false,
    },
  })
})

test('an environment without credentials gives no provider, which the router takes', () => {
  expect(providersFromEnv({})).toEqual({})
  expect(typeof oauthRouter({ providers: providersFromEnv({}) })).toBe('function')
})

test('a blank variable counts as not given, and white space around a value is cut', () => {
  const env = { ...TAPD, TAPD_SITE: '  ', TAPD_TYPO: '', TIKTOK_CLIENT_ID: '', TAPD_SCOPE: ' user\n' }
  expect(providersFromEnv(env)).toEqual({ tapd: { clientID: 'id', clientSecret: SECRET, scope: 'user' } })
})

test.each([
  [{ TAPD_CLIENT_ID: 'id' }, /TAPD_CLIENT_SECRET is missing/],
  [{ TAPD_CLIENT_SECRET: SECRET }, /TAPD_CLIENT_ID is missing/],
  [{ TAPD_CLIENT_ID: 'id', TAPD_CLIENT_SECRET: ' ' }, /TAPD_CLIENT_SECRET is missing/],
  [{ ...TAPD, TAPD_SILENT_LOGIN: 'yes please' }, /TAPD_SILENT_LOGIN must be true or false/],
  [{ ...TAPD, TAPD_TIMEOUT: '5s' }, /TAPD_TIMEOUT must be a whole number/],
  [{ ...TAPD, TAPD_TIMEOUT: '0' }, /`?TAPD_TIMEOUT`? must be a positive number of milliseconds/],
  [{ ...TAPD, TAPD_PKCE: 'plain' }, /TAPD_PKCE must be true, false or S256/],
  [{ ...TAPD, TAPD_SITE: 'moon' }, /TAPD_SITE must be one of 'internal', 'cloud'/],
  [{ ...TAPD, TAPD_TOKEN_URL: 'http://tapd.example/token' }, /TAPD_TOKEN_URL must be https/],
  [{ ...TAPD, TAPD_STORE: 'redis' }, /TAPD_STORE cannot be given in the environment/],
  [{ TAILCHAT_CLIENT_ID: 'id', TAILCHAT_CLIENT_SECRET: SECRET }, /TAILCHAT_BASE_URL is required/],
])('what is wrong is told by the variable (%#)', (env, message) => {
  expect(refusal(env)).toMatch(message)
})

test.each([
  [{ ...TAPD, TAPD_SCOPES: 'user' }, /TAPD_SCOPES .*did you mean TAPD_SCOPE\?/],
  [{ ...TAPD, TAPD_BASEURL: SECRET }, /TAPD_BASEURL .*did you mean TAPD_BASE_URL\?/],
  [{ ...TAPD, TAPD_EXPORT_DIR: '/tmp' }, /TAPD_EXPORT_DIR .*the nearest known is TAPD_[A-Z_]+\./],
  [{ TAPD_CLEINT_ID: 'id' }, /TAPD_CLEINT_ID .*did you mean TAPD_CLIENT_ID\?/],
  [{ FEISHU_APP_ID: 'id', FEISHU_APP_SECRET: SECRET }, /FEISHU_APP_ID .*did you mean FEISHU_CLIENT_ID\?/],
  [{ TIKTOK_CLIENT_KEY: 'key' }, /TIKTOK_CLIENT_KEY .*did you mean TIKTOK_CLIENT_ID\?/],
  [{ BBSCLOUD_APP_SECRET: SECRET }, /BBSCLOUD_APP_SECRET .*did you mean BBSCLOUD_CLIENT_SECRET\?/],
  [{ TAPD_SECRET: SECRET }, /TAPD_SECRET .*did you mean TAPD_CLIENT_SECRET\?/],
  [{ TIKTOK_CLIENT_KEY: 'key', TIKTOK_CLIENT_SECRET: SECRET }, /TIKTOK_CLIENT_KEY .*did you mean TIKTOK_CLIENT_ID\?/],
  [{ TAPD_CLOUD_CLIENT_ID: 'id' }, /TAPD_CLOUD_CLIENT_ID .*TAPD_CLIENT_ID\?.*second instance/],
])('a typo is not silent (%#)', (env, message) => {
  expect(refusal(env)).toMatch(message)
})

test('what belongs to something else passes: named in `ignore`, or of a provider that is not used', () => {
  expect(Object.keys(providersFromEnv({ ...TAPD, TAPD_EXPORT_DIR: '/tmp' }, { ignore: ['TAPD_EXPORT_DIR'] }))).toEqual([
    'tapd',
  ])
  expect(providersFromEnv({ TIKTOK_PIXEL_CODE: 'C0FFEE', TIKTOK_STORE_ID: '7', TAPDANCE: '1' })).toEqual({})
})

describe.each(Object.keys(BUILT_IN))('%s', (name) => {
  const variableOf = (option: string) => `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase()

  test('a flag of its own is read, and a malformed one is told by its variable', () => {
    const env = {
      [variableOf('clientID')]: 'id',
      [variableOf('clientSecret')]: SECRET,
      [variableOf('baseURL')]: 'https://provider.example',
    }
    const flags = Object.entries(OWN_OPTIONS[name] ?? {}).filter(([, kind]) => kind === 'flag')
    for (const [option] of flags) {
      expect(providersFromEnv({ ...env, [variableOf(option)]: 'true' })[name]).toMatchObject({ [option]: true })
      expect(refusal({ ...env, [variableOf(option)]: 'maybe' })).toContain(variableOf(option))
    }
    expect(Object.keys(providersFromEnv(env))).toEqual([name])
  })

  test('logs in with nothing but variables', async () => {
    const emulator = await startEmulator(name as EmulatorName, { port: 0 }) // every built-in strategy has its emulator
    try {
      const options = Object.entries(emulator.options).map(([option, value]) => [variableOf(option), String(value)])
      const providers = providersFromEnv(Object.fromEntries(options))
      const { user, code } = await routerLogin(emulator, { providers }, name)
      expect(code).toBeUndefined()
      expect(user).toMatchObject({ provider: name, id: emulator.users[0]?.id })
    } finally {
      await emulator.close()
    }
  })
})
