import { type AlipayKeys, signed } from './alipay-keys'

/** The ways in which a response can be forged, by name. */
export const ALIPAY_FORGERIES = [
  /** No `sign`. */
  'unsigned',
  /** The signature with one byte changed. */
  'wrong-signature',
  /** Signed with the app's key instead of Alipay's. */
  'wrong-key',
  /** A correct signature, of another text. */
  'another-text',
  /** The last letter of every string changed after signing. */
  'changed',
  /** The last member removed after signing. */
  'cut',
  /** Only half of the signature. */
  'cut-signature',
  /** A changed member with the same name, before the signed one. */
  'repeated-before',
  /** The same, after the signed one. */
  'repeated-after',
  /** The same, with an escape in its name. */
  'repeated-escaped',
  /** A wrong `sign`, followed by a correct one. */
  'repeated-sign',
  /** The signed member inside another one, with a changed member of the same name beside that. */
  'nested',
  /** SHA1withRSA, and a `sign_type` that says so. */
  'sign-type-rsa',
] as const

/** One of {@link ALIPAY_FORGERIES}. */
export type AlipayForgery = (typeof ALIPAY_FORGERIES)[number]

/**
 * A response on the wire: `{"<key>":<text>,"sign":"…"}`, with the signature over the raw `text`.
 * @param key the envelope's key, `alipay_system_oauth_token_response`
 * @param members the members under that key
 */
export function responseText(key: string, members: object, keys: AlipayKeys, forgery?: AlipayForgery): string {
  const text = awkward(members)
  const sign = signed(text, keys.alipay.privateKey)
  return forgery ? FORGED[forgery]({ key, text, members, sign, keys }) : envelope(key, text, sign)
}

interface Signed {
  key: string
  text: string
  members: object
  sign: string
  keys: AlipayKeys
}

function envelope(key: string, text: string, sign: string): string {
  return `{"${key}":${text},"sign":"${sign}"}`
}

const FORGED: Record<AlipayForgery, (response: Signed) => string> = {
  unsigned: ({ key, text }) => `{"${key}":${text}}`,
  'wrong-signature': ({ key, text, sign }) => envelope(key, text, flipped(sign)),
  'wrong-key': ({ key, text, keys }) => envelope(key, text, signed(text, keys.app.privateKey)),
  'another-text': ({ key, text, members, keys }) =>
    envelope(key, text, signed(awkward(changed(members)), keys.alipay.privateKey)),
  changed: ({ key, members, sign }) => envelope(key, awkward(changed(members)), sign),
  cut: ({ key, members, sign }) => {
    const rest = Object.fromEntries(Object.entries(members).slice(0, -1))
    return envelope(key, awkward(rest), sign)
  },
  'cut-signature': ({ key, text, sign }) => envelope(key, text, sign.slice(0, sign.length / 2)),
  'repeated-before': ({ key, text, members, sign }) =>
    `{"${key}":${awkward(changed(members))},"${key}":${text},"sign":"${sign}"}`,
  'repeated-after': ({ key, text, members, sign }) =>
    `{"${key}":${text},"sign":"${sign}","${key}":${awkward(changed(members))}}`,
  'repeated-escaped': ({ key, text, members, sign }) =>
    `{"${key}":${text},"sign":"${sign}","${key.replace('_', '\\u005f')}":${awkward(changed(members))}}`,
  'repeated-sign': ({ key, text, sign }) => `{"${key}":${text},"sign":"${flipped(sign)}","sign":"${sign}"}`,
  nested: ({ key, text, members, sign }) =>
    `{"note":{"${key}":${text}},"${key}":${awkward(changed(members))},"sign":"${sign}"}`,
  'sign-type-rsa': ({ key, text, keys }) =>
    `{"${key}":${text},"sign":"${signed(text, keys.alipay.privateKey, 'SHA1')}","sign_type":"RSA"}`,
}

/** JSON that no usual serialiser would write: escaped slashes, and a space after the first colon. */
function awkward(members: object): string {
  return JSON.stringify(members).replaceAll('/', '\\/').replace('":', '": ')
}

/** Other tokens and another person, in the same shape. */
function changed(members: object): object {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [
      name,
      typeof value === 'string' && !['code', 'msg', 'sign'].includes(name)
        ? value.replace(/.$/u, (last) => (last === '9' ? '8' : '9'))
        : value,
    ]),
  )
}

function flipped(sign: string): string {
  const bytes = Buffer.from(sign, 'base64')
  return Buffer.from(bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte))).toString('base64')
}
