// Over 120 lines because Alipay requires signed requests, its answers must be verified, and there is a table of codes.
import { type KeyObject, sign, verify as verifySignature } from 'node:crypto'
import type {
  DialectOptions,
  DialectProfile,
  ErrorCode,
  Json,
  JsonObject,
  OwnOptions,
  Params,
  Phase,
  ProfileFields,
  ProviderRequest,
  RawResponse,
  Refusal,
  TokenGrant,
  TokenSet,
  VerifyFunction,
  WithRequest,
} from '../lib/dialect'
import {
  DialectStrategy,
  decodeJson,
  isObject,
  localTime,
  lookUp,
  OptionReader,
  rawMembers,
  textOf,
} from '../lib/dialect'

/**
 * The options of Alipay, login on a website (opendocs.alipay.com: alipay.system.oauth.token, alipay.user.info.share,
 * common/02km9f, common/02kf5q; read 2026-11-25). All calls go through one gateway. The app signs each request (RSA2), and
 * Alipay signs the raw text of each answer.
 */
export interface AlipayOptions extends Omit<DialectOptions, 'clientSecret'> {
  /** The app's own RSA key of 2048 bits: PEM or bare base64, PKCS#8 or PKCS#1. No error or log shows it. */
  privateKey: string
  /** Alipay's public key for this app, not the app's own: PEM or bare base64. */
  alipayPublicKey: string
  /** The id that this app gets of a user. Apps that are older than Alipay's change to open ids get `user_id`. Default `open_id`. */
  idSource?: 'open_id' | 'user_id' | undefined
}

const TOKEN = 'alipay.system.oauth.token'
const USER = 'alipay.user.info.share'

/** common/02km9f: `sub_code`, or a `code` with any `sub_code`. All others are `provider_error`. */
const CODES: Record<string, ErrorCode> = {
  20000: 'provider_unavailable',
  40005: 'rate_limited',
  'aop.invalid-auth-token': 'token_rejected',
  'aop.auth-token-time-out': 'token_rejected',
  'aop.no-product-reg-by-partner': 'client_rejected',
  'isv.invalid-signature': 'client_rejected',
  'isv.invalid-app-id': 'client_rejected',
  'isv.app-cert-expired': 'client_rejected',
  'not-online-app': 'client_rejected',
  'isv.missing-signature-config': 'client_rejected',
  'isv.insufficient-isv-permissions': 'client_rejected',
  'isv.insufficient-user-permissions': 'scope_insufficient',
  'isv.code-invalid': 'grant_rejected',
  'isv.refresh-token-invalid': 'grant_rejected',
  'isv.refresh-token-time-out': 'grant_rejected',
  'isv.refreshed-token-invalid': 'grant_rejected',
}
/** Groups of `sub_code`: the app, its signature or its certificate is missing, or does not belong to a merchant. */
const CLIENT = /^(?:isv\.missing-(?:signature|app-)|aop\.(?:invalid-)?app-auth-token)/

/** The strategy of Alipay. The constructor throws `config_invalid`, naming the option. See {@link AlipayOptions}. */
export class AlipayStrategy extends DialectStrategy {
  static options = {
    privateKey: 'key',
    alipayPublicKey: 'key',
    idSource: 'text',
    clientSecret: 'none',
  } satisfies OwnOptions<AlipayOptions>
  private readonly keys: { readonly app: KeyObject; readonly alipay: KeyObject }
  private readonly idSource: 'open_id' | 'user_id'

  constructor(...withRequest: WithRequest<AlipayOptions>)
  constructor(options: AlipayOptions, verify: VerifyFunction)
  constructor(options: AlipayOptions, verify: VerifyFunction) {
    const read = new OptionReader('alipay', options)
    const pages = read.base('baseURL', 'https://openauth.alipay.com')
    const gateway = `${read.base('baseURL', 'https://openapi.alipay.com')}/gateway.do`
    const app = read.privateKey('privateKey', 'rsa')
    const { privateKey: _, ...known } = options
    super('alipay', known, verify, {
      endpoints: {
        authorizationURL: `${pages}/oauth2/publicAppAuthorize.htm`,
        tokenURL: gateway,
        userProfileURL: gateway,
      },
      scope: ['auth_user'],
      scopeSeparator: ',',
      clientIDName: 'app_id',
      clientSecret: 'none',
      privateKey: app,
      authorizationNames: { response_type: false },
      authorizationOrder: ['app_id', 'scope', 'redirect_uri', 'state'],
      credentials: ['auth_code'],
      denial: { bareState: true },
      tokenParameter: 'auth_token',
      tokenMayBeRefused: [200],
    })
    this.keys = { app, alipay: read.publicKey('alipayPublicKey', 'rsa') }
    this.idSource = read.oneOf('idSource', ['open_id', 'user_id'], 'open_id')
  }

  protected override tokenRequest(grant: TokenGrant): ProviderRequest {
    const { redirect_uri: _, code_verifier: __, ...form } = grant
    return { method: 'POST', url: this.tokenEndpoint(grant), query: { method: TOKEN }, form }
  }

  protected override profileRequest({ accessToken: auth_token }: TokenSet): ProviderRequest {
    return { method: 'POST', url: this.endpoints.userProfileURL, query: { method: USER, auth_token } }
  }

  /** common/02kf5q: adds the public parameters, and signs all that are not empty with RSA2. Without a `method`, it is not a call of the gateway. */
  override signRequest(parameters: Params): Params {
    if (parameters.method === undefined) return {}
    const own = {
      app_id: this.clientID,
      format: 'JSON',
      charset: 'utf-8',
      sign_type: 'RSA2',
      timestamp: localTime(8),
      version: '1.0',
    }
    const text = signedText({ ...parameters, ...own })
    return { ...own, sign: sign('sha256', Buffer.from(text), this.keys.app).toString('base64') }
  }

  /** Returns the one member that counts, after its signature is verified. Nothing else of the answer is read. */
  override readBody({ text }: RawResponse, phase: Phase): Json | undefined {
    if (!isObject(decodeJson(text))) return undefined
    const members = rawMembers(text)
    const answers = members.filter(({ name }) => name.endsWith('_response'))
    const [{ name, raw } = { name: '', raw: '' }, another] = answers
    if (raw === '') return undefined
    if (another || new Set(members.map((member) => member.name)).size < members.length) {
      throw this.failure('signature_invalid', phase, 'The response of Alipay has a member twice.')
    }
    const value = decodeJson(raw)
    const said = (member: string) => decodeJson(members.find((one) => one.name === member)?.raw ?? '')
    const signature = said('sign')
    if (signature === undefined && isFailure(name, value)) return { [name]: value } // a failure of the gateway
    if (signature === undefined) throw this.failure('signature_invalid', phase, 'The response of Alipay is not signed.')
    const isRSA2 = (said('sign_type') ?? 'RSA2') === 'RSA2'
    if (isRSA2 && isSigned(raw, signature, this.keys.alipay)) return { [name]: value }
    const message =
      'The signature of the response is wrong. `alipayPublicKey` must be the key of Alipay, not that of the app.'
    throw this.failure('signature_invalid', phase, message)
  }

  override refusal(body: JsonObject): Refusal | undefined {
    const [[name, value] = ['']] = Object.entries(body)
    if (!isFailure(name, value)) return undefined
    const { code, sub_code, msg, sub_msg } = isObject(value) ? value : {}
    const [number = '', word] = [textOf(code), textOf(sub_code)]
    const known = lookUp(CODES, number) ?? lookUp(CODES, word ?? '')
    const providerMessage = textOf(sub_msg) ?? textOf(msg)
    const [, requestId] = /\btraceId=([\w-]+)/.exec(providerMessage ?? '') ?? []
    return {
      code: known ?? (CLIENT.test(word ?? '') ? 'client_rejected' : 'provider_error'),
      providerCode: word ?? textOf(code),
      providerMessage,
      requestId,
    }
  }

  override unwrap(body: JsonObject, phase: Phase): Json | undefined {
    if (phase === 'request') return Object.values(body)[0]
    return body[`${(phase === 'profile' ? USER : TOKEN).replaceAll('.', '_')}_response`]
  }

  /** With `auth_base`, the user comes from the token response. With `auth_user`, token response and profile must name the same user. */
  protected override async fetchProfile(tokens: TokenSet): Promise<DialectProfile> {
    const { [this.idSource]: id } = tokens.raw
    if (!tokens.scope.includes('auth_user')) {
      const user = { ...(id !== undefined && { [this.idSource]: id }) }
      return this.toProfile(user, JSON.stringify(user), tokens)
    }
    const profile = await super.fetchProfile(tokens)
    if (id === undefined || id === profile.id) return profile
    throw this.failure('response_invalid', 'profile', 'Alipay returned a user other than that of the token.')
  }

  protected profileFields(user: JsonObject): ProfileFields {
    const { idSource } = this
    const other = idSource === 'open_id' ? 'user_id' : 'open_id'
    if (user[idSource] === undefined && user[other] !== undefined) {
      const message = `Alipay sent no ${idSource} of the user, but ${other}: this app needs \`idSource: '${other}'\`.`
      throw this.failure('response_invalid', 'profile', message)
    }
    return { id: user[idSource], displayName: user.nick_name, photo: user.avatar }
  }
}

/** All parameters except `sign` and empty ones, sorted by name, not encoded. */
function signedText(parameters: Params): string {
  return Object.entries(parameters)
    .filter(([name, value]) => name !== 'sign' && value !== undefined && value !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const BASE64 = /^[A-Za-z\d+/]+={0,2}$/

function isSigned(text: string, signature: Json, key: KeyObject): boolean {
  if (typeof signature !== 'string' || !BASE64.test(signature)) return false
  return verifySignature('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'))
}

/** Whether the answer cannot be a success, signed or not: failures of the token have their own key. */
function isFailure(name: string, value: Json | undefined): boolean {
  const code = isObject(value) ? textOf(value.code) : undefined
  return name === 'error_response' || (code !== undefined && code !== '10000')
}
