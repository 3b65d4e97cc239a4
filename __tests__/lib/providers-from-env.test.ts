import { generateKeyPairSync } from 'node:crypto'
import { OAuthError, oauthRouter, type ProvidersFromEnvOptions, providersFromEnv } from 'passport-dialects'
import { type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import type { DialectKit } from 'passport-dialects/testing'
import { BUILT_IN } from '../../lib/registry'
import { KITS } from '../conformance/kits'
import { rsaPair } from '../support/rsa-keys'
import { routerLogin } from '../support/whole-login'

const kits: Readonly<Record<string, Pick<DialectKit, 'profile'>>> = KITS
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
  [{ TAPD_CLIENT_ID: 'id' }, /TAPD_CLIENT_SECRET is required/],
  [{ TAPD_CLIENT_SECRET: SECRET }, /TAPD_CLIENT_ID is required/],
  [{ TAPD_CLIENT_ID: 'id', TAPD_CLIENT_SECRET: ' ' }, /TAPD_CLIENT_SECRET is required/],
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
  [{ ...TAPD, TAPD_SCOPES: 'user' }, 'TAPD_SCOPES'],
  [{ ...TAPD, TAPD_BASEURL: SECRET }, 'TAPD_BASEURL'],
  [{ ...TAPD, TAPD_EXPORT_DIR: '/tmp' }, 'TAPD_EXPORT_DIR'],
  [{ TIKTOK_CLIENT_KEY: 'key', TIKTOK_CLIENT_SECRET: SECRET }, 'TIKTOK_CLIENT_KEY'],
  [{ ...TAPD, TAPD_CLOUD_CLIENT_ID: 'id' }, 'TAPD_CLOUD_CLIENT_ID'],
])('an unknown variable of a provider that is configured is refused by its name (%#)', (env, variable) => {
  const message = refusal(env)
  expect(message).toContain(`${variable} is no option of this provider; there are `)
  expect(message).toMatch(/TAPD_SCOPE|TIKTOK_CLIENT_ID/) // the right ones
  expect(message).toContain('`ignore`')
  // None that would be refused in its turn.
  expect(message).not.toMatch(/_STORE\b|_DISPATCHER|_CUSTOM_HEADERS|_SESSION_KEY/)
})

test('a variable in `ignore` belongs to something else', () => {
  const providers = providersFromEnv({ ...TAPD, TAPD_EXPORT_DIR: '/tmp' }, { ignore: ['TAPD_EXPORT_DIR'] })
  expect(Object.keys(providers)).toEqual(['tapd'])
})

test('the token by which applications are registered is no option, and no stranger', () => {
  const env = {
    AIHUBMIX_CLIENT_ID: 'id',
    AIHUBMIX_CLIENT_SECRET: 'a canary secret',
    AIHUBMIX_DEVELOPER_TOKEN: 'mine-1234567',
  }
  expect(Object.keys(providersFromEnv(env).aihubmix ?? {}).sort()).toEqual(['clientID', 'clientSecret'])
})

test("no stranger's variable keeps an app from starting, of a provider that is not configured", () => {
  const bots = { FEISHU_APP_ID: 'cli_1', FEISHU_APP_SECRET: SECRET, TAPD_CLEINT_ID: 'id', TIKTOK_PIXEL_CODE: 'C0FFEE' }
  expect(providersFromEnv({ ...bots, TAPDANCE: '1', TAILCHAT_BASE_URL: 'nowhere' })).toEqual({})
  expect(Object.keys(providersFromEnv({ ...TAPD, FEISHU_APP_ID: 'cli_1' }))).toEqual(['tapd'])
})

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))

const rsa = rsaPair('test')
const ALIPAY_KEYS = {
  ALIPAY_PRIVATE_KEY: rsa.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  ALIPAY_ALIPAY_PUBLIC_KEY: rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
}

test('the keys of Alipay are read as its console hands them out, and each is told by its variable', () => {
  const ALIPAY = { ALIPAY_CLIENT_ID: '2021000000000001', ...ALIPAY_KEYS, ALIPAY_ID_SOURCE: 'user_id' }
  const { ALIPAY_PRIVATE_KEY: privateKey, ALIPAY_ALIPAY_PUBLIC_KEY: alipayPublicKey } = ALIPAY_KEYS
  expect(providersFromEnv(ALIPAY)).toEqual({
    alipay: { clientID: '2021000000000001', privateKey, alipayPublicKey, idSource: 'user_id' },
  })
  expect(refusal({ ...ALIPAY, ALIPAY_PRIVATE_KEY: '' })).toMatch(/ALIPAY_PRIVATE_KEY is required/)
  expect(refusal({ ...ALIPAY, ALIPAY_PRIVATE_KEY: SECRET })).toMatch(/ALIPAY_PRIVATE_KEY must be a private key/)
  expect(refusal({ ...ALIPAY, ALIPAY_ALIPAY_PUBLIC_KEY: privateKey })).toMatch(
    /ALIPAY_ALIPAY_PUBLIC_KEY must be a public/,
  )
  expect(refusal({ ...ALIPAY, ALIPAY_ALIPAY_PUBLIC_KEY: '' })).toMatch(/ALIPAY_ALIPAY_PUBLIC_KEY is required/)
})

describe('a private key', () => {
  const base64 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
  const APPLE = { APPLE_CLIENT_ID: 'com.example.web', APPLE_TEAM_ID: 'TEAM0EMULA', APPLE_KEY_ID: 'KEY00EMULA' }

  test.each([
    ['as it is', pem, pem.trim()],
    ['with line breaks written out', pem.replaceAll('\n', '\\n'), pem],
    ['in base64', base64, base64],
  ])('%s is read, with lists and texts beside it', (_how, APPLE_PRIVATE_KEY, read) => {
    const env = {
      ...APPLE,
      APPLE_PRIVATE_KEY,
      APPLE_AUDIENCE: 'com.example.app com.example.mac',
      APPLE_ISSUER: 'https://a.example',
    }
    expect(providersFromEnv(env)).toEqual({
      apple: {
        clientID: 'com.example.web',
        teamID: 'TEAM0EMULA',
        keyID: 'KEY00EMULA',
        privateKey: read,
        audience: 'com.example.app com.example.mac',
        issuer: 'https://a.example',
      },
    })
  })

  test('that is missing, or none, is told by its variable and never shown', () => {
    expect(refusal(APPLE)).toMatch(/APPLE_PRIVATE_KEY is required/)
    expect(refusal({ ...APPLE, APPLE_PRIVATE_KEY: SECRET })).toMatch(/APPLE_PRIVATE_KEY must be a private key/)
    expect(refusal({ ...APPLE, APPLE_PRIVATE_KEY: pem, APPLE_TEAM_ID: '' })).toMatch(/APPLE_TEAM_ID is required/)
    expect(refusal({ ...APPLE, APPLE_PRIVATE_KEY: pem, APPLE_CLIENT_SECRET: SECRET })).toMatch(
      /APPLE_CLIENT_SECRET is no option/,
    )
  })
})

describe.each(Object.keys(BUILT_IN))('%s', (name) => {
  const variableOf = (option: string) => `${name}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase()

  test('a flag of its own is read, and a malformed one is told by its variable', () => {
    const has = (option: string) => BUILT_IN[name]?.options?.[option] !== 'none'
    const env = {
      [variableOf('clientID')]: 'id',
      ...(name === 'apple' && { APPLE_TEAM_ID: 'TEAM0EMULA', APPLE_KEY_ID: 'KEY00EMULA', APPLE_PRIVATE_KEY: pem }),
      ...(name === 'alipay' && ALIPAY_KEYS),
      ...(name === 'wecom' && { WECOM_AGENT_ID: '1000002' }),
      ...(has('clientSecret') && { [variableOf('clientSecret')]: SECRET }),
      // What one of them or the other cannot be without.
      ...(has('baseURL') && { [variableOf('baseURL')]: 'https://provider.example' }),
      [variableOf('scope')]: 'a-scope',
    }
    const flags = Object.entries(BUILT_IN[name]?.options ?? {}).filter(([, kind]) => kind === 'flag')
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
      const [first] = emulator.users
      const shown = first && { id: first.id, ...kits[name]?.profile?.(first) } // where the id is more than that
      expect(user).toMatchObject({ provider: name, id: shown?.id })
    } finally {
      await emulator.close()
    }
  })
})
