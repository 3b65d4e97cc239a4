import type { ErrorCode } from 'passport-dialects'
import {
  type EmulatorName,
  type EmulatorOptions,
  type Fault,
  type FaultEndpoint,
  startEmulator,
} from 'passport-dialects/emulators'
import { type LoginSteps, routerLogin } from '../support/whole-login'

interface Refusal {
  name: EmulatorName
  title: string
  code: ErrorCode
  emulator?: EmulatorOptions
  options?: Record<string, unknown>
  fault?: [FaultEndpoint, Fault]
  steps?: LoginSteps
  /** What else the error tells. */
  tells?: Record<string, unknown>
}

const wrongSecret = {
  options: { clientSecret: 'not the secret' },
  title: 'a wrong client secret',
  code: 'client_rejected',
} as const
const wrongClient = { title: 'the client is gone at the token request', code: 'client_rejected' } as const
const expired = { emulator: { codeLifetime: 0 }, title: 'an expired code', code: 'grant_rejected' } as const
const denied = { steps: { deny: true }, title: 'the user says no', code: 'access_denied' } as const
const noToken = {
  emulator: { accessTokenLifetime: 0 },
  title: 'an access token that is dead already',
  code: 'token_rejected',
} as const
const forged = (callback: string) => {
  const url = new URL(callback)
  url.searchParams.set(url.searchParams.has('token') ? 'token' : 'code', 'forged')
  return url.href
}
const forgedCode = { steps: { callback: forged }, title: 'a forged code', code: 'grant_rejected' } as const
const providerError = (error: string) => (callback: string) => {
  const url = new URL(callback)
  url.searchParams.delete('code')
  url.searchParams.set('error', error)
  return url.href
}

const REFUSALS: Refusal[] = [
  { name: 'tailchat', ...wrongSecret, tells: { providerCode: 'invalid_client', providerStatus: 401 } },
  { name: 'tailchat', ...expired, tells: { providerCode: 'invalid_grant', providerStatus: 400 } },
  { name: 'tailchat', ...forgedCode },
  { name: 'tailchat', ...denied },
  { name: 'tailchat', ...noToken, tells: { providerStatus: 401, phase: 'profile' } },
  {
    name: 'tailchat',
    title: 'a token without the scope openid',
    options: { scope: 'profile' },
    code: 'scope_insufficient',
  },
  {
    name: 'tailchat',
    title: 'another issuer',
    options: { issuer: 'https://other.example.com' },
    code: 'issuer_mismatch',
  },
  {
    name: 'tailchat',
    title: 'a missing issuer',
    steps: { callback: (url) => url.replace(/&iss=[^&]*/, '') },
    code: 'issuer_mismatch',
  },
  {
    name: 'tailchat',
    title: 'a refused grant on HTTP 200',
    fault: ['token', 'refused:invalid_grant'],
    code: 'grant_rejected',
  },
  { name: 'tailchat', title: 'a server error', fault: ['profile', 'http-500'], code: 'provider_unavailable' },
  {
    name: 'tailchat',
    title: 'login_required',
    steps: { callback: providerError('login_required') },
    code: 'authorization_failed',
    tells: { providerCode: 'login_required' },
  },

  { name: 'tapd', ...wrongSecret },
  { name: 'tapd', ...expired, tells: { providerMessage: 'The authorization code has expired', providerCode: '-1' } },
  { name: 'tapd', ...forgedCode, tells: { requestId: expect.any(String) } },
  { name: 'tapd', ...denied },
  { name: 'tapd', ...noToken, tells: { providerStatus: 422, phase: 'profile' } },
  {
    name: 'tapd',
    title: 'a token without the scope user',
    options: { scope: 'story#read' },
    code: 'scope_insufficient',
    tells: { providerStatus: 403 },
  },
  {
    name: 'tapd',
    title: 'a mistyped token address',
    options: { tokenURL: 'PATH/tokens/request_tokens' },
    code: 'response_invalid',
    tells: { phase: 'token' },
  },
  {
    name: 'tapd',
    title: 'a mistyped user address',
    options: { userProfileURL: 'PATH/user/info' },
    code: 'response_invalid',
    tells: { phase: 'profile' },
  },
  {
    name: 'tapd',
    title: 'a workspace where the user is taken from resource',
    emulator: { resource: 'workspace' },
    options: { profileSource: 'resource' },
    code: 'response_invalid',
  },
  { name: 'tapd', title: '422 inside HTTP 200', fault: ['profile', 'refused'], code: 'token_rejected' },
  { name: 'tapd', title: '401 of the user call', fault: ['profile', 'http-401'], code: 'token_rejected' },
  { name: 'tapd', title: 'the rate limit', fault: ['profile', 'http-429'], code: 'rate_limited' },

  { name: 'bbscloud', ...wrongSecret, tells: { phase: 'code', providerMessage: 'client_id或client_secret不正确' } },
  { name: 'bbscloud', ...denied },
  { name: 'bbscloud', ...noToken, tells: { providerCode: '-2' } },
  {
    name: 'bbscloud',
    title: 'a forged token',
    steps: { callback: forged },
    code: 'token_rejected',
    tells: { providerCode: '-2' },
  },
  {
    name: 'bbscloud',
    title: 'error -1, an edition without third-party login',
    fault: ['profile', 'refused:-1'],
    code: 'provider_error',
    tells: { providerCode: '-1' },
  },
  { name: 'bbscloud', title: 'error -2', fault: ['profile', 'refused:-2'], code: 'token_rejected' },
  { name: 'bbscloud', title: 'error -3', fault: ['profile', 'refused:-3'], code: 'user_unknown' },
  {
    name: 'bbscloud',
    title: 'error -3 as text',
    emulator: { errorType: 'string' },
    fault: ['profile', 'refused:-3'],
    code: 'user_unknown',
  },
  {
    name: 'bbscloud',
    title: 'a callback that lost both states',
    emulator: { callbackStyle: 'drop' },
    code: 'state_missing',
  },

  { name: 'tiktok', ...wrongSecret, tells: { requestId: expect.any(String) } },
  {
    name: 'tiktok',
    ...wrongSecret,
    title: 'a wrong client secret on HTTP 200',
    emulator: { errorsWith200: true },
    tells: { providerStatus: 200 },
  },
  { name: 'tiktok', ...expired, tells: { providerCode: 'invalid_grant', requestId: expect.any(String) } },
  { name: 'tiktok', ...forgedCode },
  { name: 'tiktok', ...denied, tells: { providerMessage: 'User denied access' } },
  { name: 'tiktok', ...noToken, tells: { providerCode: 'access_token_invalid', requestId: expect.any(String) } },
  {
    name: 'tiktok',
    title: 'a scope not authorized',
    fault: ['profile', 'refused:scope_not_authorized'],
    code: 'scope_insufficient',
  },
  {
    name: 'tiktok',
    title: 'the rate limit in the body',
    fault: ['profile', 'refused:rate_limit_exceeded'],
    code: 'rate_limited',
  },
  {
    name: 'tiktok',
    title: 'an internal error in the body',
    fault: ['profile', 'refused:internal_error'],
    code: 'provider_unavailable',
  },
  {
    name: 'tiktok',
    title: 'an API error of another kind',
    fault: ['profile', 'refused:invalid_params'],
    code: 'provider_error',
  },
  {
    name: 'tiktok',
    ...wrongSecret,
    title: 'v1: a wrong client secret',
    code: 'provider_error',
    emulator: { apiVersion: 'v1' },
    tells: { providerCode: '10003', providerStatus: 200 },
  },
  {
    name: 'tiktok',
    ...expired,
    title: 'v1: an expired code',
    code: 'provider_error',
    emulator: { apiVersion: 'v1', codeLifetime: 0 },
    tells: { providerCode: '10007' },
  },
  {
    name: 'tiktok',
    title: 'v1: a parameter error',
    code: 'provider_error',
    emulator: { apiVersion: 'v1' },
    fault: ['profile', 'refused:10002'],
    tells: { providerCode: '10002', requestId: expect.any(String) },
  },

  { name: 'aihubmix', ...wrongSecret },
  { name: 'aihubmix', ...expired },
  { name: 'aihubmix', ...forgedCode },
  { name: 'aihubmix', ...denied },
  { name: 'aihubmix', ...noToken },
  {
    name: 'aihubmix',
    title: 'a scope that does not exist',
    options: { scope: 'everything' },
    code: 'authorization_failed',
    tells: { providerCode: 'invalid_scope' },
  },
  {
    name: 'aihubmix',
    title: 'success: false on HTTP 200 at the token request',
    fault: ['token', 'refused'],
    code: 'provider_error',
    tells: { providerMessage: '模拟器拒绝', providerStatus: 200 },
  },
  {
    name: 'aihubmix',
    title: 'success: false on HTTP 200 at the user request',
    fault: ['profile', 'refused'],
    code: 'provider_error',
  },
  { name: 'aihubmix', ...wrongClient, fault: ['token', 'refused:unauthorized_client'] },

  { name: 'feishu', ...wrongSecret, tells: { providerCode: '20002', providerStatus: 400 } },
  { name: 'feishu', ...wrongClient, fault: ['token', 'http-400:20048'] },
  { name: 'feishu', ...expired, tells: { providerCode: '20004' } },
  { name: 'feishu', ...forgedCode, tells: { providerCode: '20003' } },
  { name: 'feishu', ...denied },
  { name: 'feishu', ...noToken, tells: { providerCode: '99991668', providerStatus: 400 } },
  ...(
    [
      ['20005', 'token_rejected'],
      ['99991679', 'scope_insufficient'],
      ['99991676', 'scope_insufficient'],
      ['99991671', 'token_rejected'],
      ['99991662', 'client_rejected'],
      ['99991673', 'client_rejected'],
      ['20021', 'user_unknown'],
      ['20050', 'provider_unavailable'],
      ['99991400', 'rate_limited'],
      ['20001', 'provider_error'],
    ] as const
  ).map(([number, code]) => ({
    name: 'feishu' as const,
    title: `${number} on HTTP 200 at the user request`,
    fault: ['profile', `refused:${number}`] as [FaultEndpoint, Fault],
    code,
    tells: { providerCode: number, providerStatus: 200 },
  })),
]

test.each(REFUSALS)('$name: $title → $code', async ({ name, code, emulator: knobs, options, fault, steps, tells }) => {
  const emulator = await startEmulator(name, knobs)
  try {
    if (fault) emulator.failNext(...fault)
    const own = Object.entries(options ?? {}).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.replace(/^PATH/, emulator.origin) : value,
    ])
    const providers = { [name]: { ...emulator.options, ...Object.fromEntries(own) } }
    const { clientSecret } = providers[name] as { clientSecret: string }
    const result = await routerLogin(emulator, { providers }, name, steps)
    expect(result).toMatchObject({ user: undefined, code })
    expect(result.error).toMatchObject({ provider: name, code, ...tells })
    expect(JSON.stringify(result.error)).not.toContain(clientSecret)
  } finally {
    await emulator.close()
  }
})
