// Over 300 lines because all that is known of one provider stands in one file: its wire, its refusals, its traps.
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify as verifySignature } from 'node:crypto'
import { inspect } from 'node:util'
import { AppleStrategy, type ErrorCode, type JsonObject, type TokenGrant, type TokenSet } from 'passport-dialects'
import { type Emulator, type EmulatorOptions, type Fault, ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { Browser, told } from '../support/browser'
import { jump } from '../support/clock'
import { comeBack } from '../support/coming-back'
import { bareLoginAt, inApp, logInAt, strategyAt, tokensAt, withEmulator } from '../support/one-provider'
import { endpointsOf } from '../support/protected'
import { rsaPair } from '../support/rsa-keys'
import { countOf, loggedIn, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'

const ID = '001234.9f86d081884c4d659a2feaa0c55ad015.0815'
const ADA = '001235.60303ae22b998861bce3b28f33eec1be.1203'
const BEHIND_A_RELAY = '001601.a4e624d686e03ed2767c0abd85c14426.0007'
const APPLE = 'https://appleid.apple.com'

afterEach(() => jest.restoreAllMocks())

/** A private key as a `.p8` file has it, or of another kind. */
function pem(namedCurve = 'P-256'): string {
  return String(generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

/** The form of the last request; nothing of it may stand in the address, and no header may say who asks. */
function lastForm(emulator: Emulator): Record<string, string> {
  const { method, query, headers, body } = emulator.requests.at(-1) ?? {}
  expect({ method, query, authorization: headers?.authorization }).toEqual({ method: 'POST', query: {} })
  return Object.fromEntries(new URLSearchParams(body))
}

/** A client secret, its three parts read; its signature is not looked at. */
function readSecret(secret = '') {
  const [header = '', claims = '', signature = ''] = secret.split('.')
  const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return {
    header: json(header),
    claims: json(claims),
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** An edit of what is posted. */
const posting = (name: string, value: string) => (address: string) => {
  const url = new URL(address)
  url.searchParams.set(name, value)
  return url.href
}

describe('a whole login', () => {
  test('under the router: what goes over the wire', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { code, request, query, profile, tokens, form } = await logInAt(emulator)
      expect(code).toBeUndefined()
      expect(request.pathname).toBe('/auth/authorize')
      expect(query).toEqual({
        response_type: 'code',
        response_mode: 'form_post',
        client_id: emulator.options.clientID,
        redirect_uri: expect.stringMatching(/\/auth\/apple\/callback$/),
        scope: 'name email',
        state: expect.stringMatching(/^[A-Za-z0-9]{22,128}$/),
        nonce: expect.stringMatching(/^[\w-]{43}$/),
      })
      const sent = emulator.requests.find(({ endpoint }) => endpoint === 'token')
      expect(sent).toMatchObject({ method: 'POST', path: '/auth/token', query: {} })
      expect(sent?.headers.authorization).toBeUndefined()
      expect(form('token')).toEqual({
        grant_type: 'authorization_code',
        client_id: emulator.options.clientID,
        client_secret: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{86}$/),
        code: expect.any(String),
        redirect_uri: query.redirect_uri,
      })
      expect(profile).toMatchObject({
        provider: 'apple',
        id: ID,
        displayName: '张三',
        emails: [{ value: 'zhangsan@example.com' }],
        _json: { iss: APPLE, aud: emulator.options.clientID, sub: ID, email_verified: true, nonce: query.nonce },
      })
      expect(profile).not.toHaveProperty('photos')
      expect(profile).not.toHaveProperty('username')
      expect(JSON.parse(profile?._raw ?? '')).toEqual(profile?._json)
      expect(tokens?.scope).toEqual(['name', 'email'])
      expect(countOf(emulator, 'profile')).toBe(0)
    }))

  test('under bare Passport', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { user } = await bareLoginAt(emulator)
      expect(user).toMatchObject({ id: ID, displayName: '张三', emails: [{ value: 'zhangsan@example.com' }] })
    }))

  test('without a scope Apple redirects: nothing is posted, and nothing is told but the id', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { code, query, profile } = await logInAt(emulator, { scope: [] })
      expect(code).toBeUndefined()
      expect(query).toMatchObject({ response_mode: 'query' })
      expect(query).not.toHaveProperty('scope')
      expect(profile).toMatchObject({ id: ID, displayName: '' })
      expect(profile).not.toHaveProperty('emails')
      expect((await bareLoginAt(emulator, { scope: '' })).user).toMatchObject({ id: ID })
    }))

  test.each(['name', 'email'])('with the scope %s alone it is posted all the same', (scope) =>
    withEmulator('apple', {}, async (emulator) => {
      const { query, profile } = await logInAt(emulator, { scope })
      expect(query).toMatchObject({ response_mode: 'form_post', scope })
      expect(profile?.displayName).toBe(scope === 'name' ? '张三' : '')
      expect(profile?.emails).toEqual(scope === 'name' ? undefined : [{ value: 'zhangsan@example.com' }])
    }),
  )
})

describe('the client secret', () => {
  test('is a JWT by ES256 of 64 bytes, for Apple under a baseURL too, and lives for five minutes', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { clientID, teamID, keyID, privateKey } = emulator.options
      const { form } = await logInAt(emulator)
      const { header, claims, signed, signature } = readSecret(form('token').client_secret)
      expect(header).toEqual({ alg: 'ES256', kid: keyID })
      const { iat } = claims
      expect(claims).toEqual({ iss: teamID, sub: clientID, aud: APPLE, iat, exp: iat + 300 })
      expect(Math.abs(iat - Date.now() / 1000)).toBeLessThan(60)
      expect(signature).toHaveLength(64)
      const key = { key: createPublicKey(createPrivateKey(privateKey)), dsaEncoding: 'ieee-p1363' } as const
      expect(verifySignature('sha256', Buffer.from(signed), key, signature)).toBe(true)
    }))

  test('is made once for many calls, anew after four minutes, and where the clock was set back', () =>
    withEmulator('apple', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      const used = async () => {
        await strategy.refresh(tokens)
        return emulator.requests
          .findLast(({ endpoint }) => endpoint === 'refresh')
          ?.body.match(/client_secret=([^&]+)/)?.[1]
      }
      const first = await used()
      expect(await used()).toBe(first)
      await strategy.revoke({ ...tokens, refreshToken: 'nobodys' })
      expect(lastForm(emulator).client_secret).toBe(first)
      jump(241)
      const second = await used()
      expect(second).not.toBe(first)
      jest.restoreAllMocks()
      expect(await used()).not.toBe(second)
    }))

  test('issuer replaces its aud', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { code, form } = await logInAt(emulator, { issuer: 'https://apple.example' })
      expect(readSecret(form('token').client_secret).claims.aud).toBe('https://apple.example')
      expect(code).toBe('client_rejected') // by this emulator, who is Apple
    }))

  test.each<[string, () => object]>([
    ['another key', () => ({ privateKey: pem() })],
    ['another team', () => ({ teamID: 'TEAM0OTHER' })],
    ['another id of the key', () => ({ keyID: 'KEY00OTHER' })],
  ])('by %s: client_rejected, at login, refresh and revocation', (_what, wrong) =>
    withEmulator('apple', {}, async (emulator) => {
      const options = wrong()
      const { user, error } = await logInAt(emulator, options)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({ code: 'client_rejected', phase: 'token', providerCode: 'invalid_client' })
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator, options)
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'client_rejected', phase: 'refresh' })
      await expect(strategy.revoke(tokens)).rejects.toMatchObject({ code: 'client_rejected', phase: 'revoke' })
    }),
  )

  test('seals a pending login: one that was begun with another key is not finished', () =>
    withEmulator('apple', {}, async (emulator) => {
      const other = { apple: { ...emulator.options, privateKey: pem() } }
      const own = { apple: { ...emulator.options } }
      let providers: typeof own = other
      const app = await startTokenApp({
        providers: () => providers,
        verify: ({ profile }) => ({ id: profile.id }),
      })
      const finishWith = async (finishing: typeof own, browser = new Browser()) => {
        const posted = await emulator.approveForm(await browser.location(`${app.origin}/auth/apple`))
        providers = finishing
        return comeBack(browser, posted, { accept: 'application/json' })
      }
      try {
        expect((await told(finishWith(own))).error).toMatchObject({ code: 'state_mismatch' })
        expect(countOf(emulator, 'token')).toBe(0)
        expect((await finishWith(own)).status).toBe(303) // control: begun with the own key
      } finally {
        await app.close()
      }
    }))
})

describe('options', () => {
  const needed = () => ({ clientID: 'com.example.web', teamID: 'TEAM0EMULA', keyID: 'KEY00EMULA', callbackURL: '/cb' })
  const built = (options: object) => new AppleStrategy({ ...needed(), privateKey: pem(), ...options }, () => {})
  const rsa = () => String(rsaPair('test').privateKey.export({ type: 'pkcs8', format: 'pem' }))

  test.each<[string, () => unknown]>([
    ['teamID', () => undefined],
    ['teamID', () => ' '],
    ['keyID', () => undefined],
    ['keyID', () => 7],
    ['privateKey', () => undefined],
    ['privateKey', () => ''],
    ['privateKey', () => 'AuthKey_KEY00EMULA.p8'],
    ['privateKey', () => pem().replace(/[A-Za-z]{4}/, '!!!!')],
    ['privateKey', () => createPublicKey(createPrivateKey(pem())).export({ type: 'spki', format: 'pem' })],
    ['privateKey', rsa],
    ['privateKey', () => pem('P-384')],
    ['privateKey', () => pem('secp256k1')],
    ['audience', () => 7],
    ['audience', () => ['com.example app']],
    ['jwksURL', () => 'http://keys.example'],
    ['issuer', () => ''],
  ])('%s that is wrong is refused at the start, by its name (%#)', (option, value) => {
    expect(() => built({ [option]: value() })).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(option) }),
    )
  })

  test('what is wrong with a key is not quoted', () => {
    const damaged = pem().replace('-----END', 'x-----END')
    expect(() => built({ privateKey: damaged })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(damaged.slice(30, 60)) }),
    )
  })

  test.each<[string, (pem: string) => string]>([
    ['PEM', (text) => text],
    ['base64 in lines', (text) => text.replace(/-----.*-----/g, '')],
    ['base64 in one line', (text) => text.replace(/-----.*-----|\n/g, '')],
    ['PEM of SEC 1', (text) => String(createPrivateKey(text).export({ type: 'sec1', format: 'pem' }))],
  ])('the key may be %s', (_form, written) =>
    withEmulator('apple', {}, async (emulator) => {
      const { code } = await logInAt(emulator, { privateKey: written(emulator.options.privateKey) })
      expect(code).toBeUndefined()
    }),
  )

  test('no inspection, JSON or property of a strategy has the key or its secret', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { privateKey } = emulator.options
      const strategy = strategyAt(emulator)
      await strategy.refresh(await tokensAt(emulator))
      const { client_secret = '' } = Object.fromEntries(
        new URLSearchParams(emulator.requests.findLast(({ endpoint }) => endpoint === 'refresh')?.body),
      )
      expect(client_secret).toMatch(/^ey/)
      const depth = Number.POSITIVE_INFINITY
      const shown = [
        inspect(strategy),
        inspect(strategy, { customInspect: false, showHidden: true, depth, maxStringLength: null }),
        JSON.stringify(strategy),
        JSON.stringify({ ...strategy }),
      ].join('\n')
      const line = privateKey.split('\n')[1] ?? ''
      expect(line).toHaveLength(64)
      for (const secret of [line, client_secret, client_secret.split('.')[2]]) expect(shown).not.toContain(secret)
      expect(shown).toContain('PrivateKeyObject') // the control: it is there, and says nothing
    }))

  test('there is no client secret, and one that is given is ignored with a warning', () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    built({})
    expect(warned).not.toHaveBeenCalled()
    built({ clientSecret: 'cs-apple-has-none-of-these' })
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('`clientSecret`'), expect.anything())
  })

  test('baseURL moves every address, jwksURL that of the keys', () => {
    const endpoints = (options: object) => endpointsOf(built(options))
    expect(endpoints({})).toEqual({
      authorizationURL: 'https://appleid.apple.com/auth/authorize',
      tokenURL: 'https://appleid.apple.com/auth/token',
      revokeURL: 'https://appleid.apple.com/auth/revoke',
      jwksURL: 'https://appleid.apple.com/auth/keys',
      userProfileURL: 'https://appleid.apple.com/',
    })
    expect(endpoints({ baseURL: 'https://mirror.example/a/', jwksURL: 'https://keys.example/k' })).toMatchObject({
      authorizationURL: 'https://mirror.example/a/auth/authorize',
      tokenURL: 'https://mirror.example/a/auth/token',
      jwksURL: 'https://keys.example/k',
    })
  })
})

describe('the posted user', () => {
  const profileWith = (user: string, choice?: string) =>
    withEmulator('apple', {}, async (emulator) => {
      const steps = { callback: posting('user', user), ...(choice && { user: choice }) }
      const { code, profile, tokens } = await logInAt(emulator, {}, steps)
      expect(code).toBeUndefined()
      return { profile, tokens }
    })
  const displayNameOf = async (name: object) => (await profileWith(JSON.stringify({ name }))).profile?.displayName

  test('comes once: the name of later logins is empty, and comes again after a revocation', () =>
    withEmulator('apple', {}, async (emulator) => {
      const first = await logInAt(emulator)
      const second = await logInAt(emulator)
      expect(first.profile).toMatchObject({ id: ID, displayName: '张三' })
      expect(second.profile).toMatchObject({ id: ID, displayName: '', emails: first.profile?.emails })
      expect(second.profile?._json).not.toHaveProperty('user')
      if (second.tokens) await strategyAt(emulator).revoke(second.tokens)
      expect((await logInAt(emulator)).profile).toMatchObject({ id: ID, displayName: '张三' })
    }))

  const JUNK: [string, string][] = [
    ['empty', ''],
    ['cut off', '{"name":{"firstName":"A'],
    ['null', 'null'],
    ['an array', '[{"name":{"firstName":"A"}}]'],
    ['a text', '"A B"'],
    ['a number', '1e999'],
    ['an empty object', '{}'],
    ['a name that is null', '{"name":null}'],
    ['a name that is a text', '{"name":"A B"}'],
    ['a name that is an array', '{"name":["A","B"]}'],
    ['parts that are no texts', '{"name":{"firstName":{"a":1},"lastName":7}}'],
    ['parts of white space', '{"name":{"firstName":"  ","lastName":"\\n"}}'],
    ['a prototype', '{"__proto__":{"name":{"firstName":"A"}},"constructor":{"prototype":{"x":1}}}'],
    ['a prototype in the name', '{"name":{"__proto__":{"firstName":"A"}}}'],
    ['nested 1,000 levels', `${'{"name":'.repeat(1000)}1${'}'.repeat(1000)}`],
    ['100 kB of nothing', 'x'.repeat(100_000)],
    ['a name of 100 kB', JSON.stringify({ name: { firstName: 'A'.repeat(100_000) } })],
    ['binary', '\u0000\u0001\ufffd'],
  ]
  test.each(JUNK)('that is %s: a login without a name', async (_what, user) => {
    const { profile } = await profileWith(user)
    expect(profile).toMatchObject({ id: ID, displayName: '', emails: [{ value: 'zhangsan@example.com' }] })
    expect(Reflect.get({}, 'x')).toBeUndefined()
  })

  const isUsual = ([what]: [string, string]) => /^(cut off|a name that is null|a prototype|100 kB)/.test(what)
  test.each(usually(JUNK, isUsual))('that is %s, under bare Passport', (_what, user) =>
    withEmulator('apple', {}, async (emulator) => {
      const login = await bareLoginAt(emulator, {}, { callback: posting('user', user) })
      expect(login.user).toMatchObject({ id: ID, displayName: '' })
    }),
  )

  const FORGED = {
    name: { firstName: 'Mallory' },
    email: 'victim@example.com',
    email_verified: true,
    sub: ADA,
    id: ADA,
  }

  test('shows a name, and nothing else of it is believed: no address, no id', async () => {
    const { profile } = await profileWith(JSON.stringify(FORGED))
    expect(profile).toMatchObject({
      id: ID,
      displayName: 'Mallory',
      emails: [{ value: 'zhangsan@example.com' }],
      _json: { sub: ID, email: 'zhangsan@example.com', user: FORGED },
    })
  })

  test('brings no address where the id_token has none', async () => {
    const { profile } = await profileWith(JSON.stringify(FORGED), ADA)
    expect(profile).toMatchObject({ id: ADA, displayName: 'Mallory' })
    expect(profile).not.toHaveProperty('emails')
    expect(profile?._json).not.toHaveProperty('email')
  })

  test('control: who believes it logs in with the address of somebody else', () =>
    withEmulator('apple', {}, async (emulator) => {
      class Believing extends AppleStrategy {
        protected override profileFields(claims: JsonObject) {
          const user = claims.user as JsonObject // as posted below
          return { ...super.profileFields(claims), email: user.email }
        }
      }
      const options = { strategy: Believing }
      const { profile } = await logInAt(emulator, options, { callback: posting('user', JSON.stringify(FORGED)) })
      expect(profile?.emails).toEqual([{ value: 'victim@example.com' }])
    }))

  test('is kept with no tokens: nobody meets it later', () =>
    withEmulator('apple', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        const { tokens } = await get('/tokens/apple')
        expect(tokens).not.toBeNull()
        expect(tokens).not.toHaveProperty('context')
        expect(JSON.stringify(tokens)).not.toContain('firstName')
      }),
    ))

  test.each<[string, object, string]>([
    ['of two parts', { firstName: 'Ada', lastName: 'Lovelace' }, 'Ada Lovelace'],
    ['of the first alone', { firstName: 'Ada' }, 'Ada'],
    ['of the last alone', { lastName: 'Lovelace' }, 'Lovelace'],
    ['in Chinese', { firstName: '若曦', lastName: '欧阳' }, '若曦 欧阳'],
    ['with white space around it', { firstName: ' Ada\t', lastName: '\nLovelace ' }, 'Ada Lovelace'],
    ['with control characters', { firstName: 'A\u0000da\u001b[31m', lastName: 'L\u0085' }, 'A da [31m L'],
    ['that turns the text around it', { firstName: 'Ada\u202e', lastName: '\u2066Lovelace' }, 'Ada Lovelace'],
    ['with half a character', { firstName: 'Ada\ud83d' }, 'Ada'],
    ['with an emoji of several', { firstName: '👩‍🚀' }, '👩‍🚀'],
    ['with markup, which is text', { firstName: '<script>alert(1)</script>' }, '<script>alert(1)</script>'],
  ])('%s', async (_what, name, expected) => {
    expect(await displayNameOf(name)).toBe(expected)
  })

  test('a name of 1,000 characters is cut to 200', async () => {
    expect(await displayNameOf({ firstName: '😀'.repeat(300) })).toBe('😀'.repeat(200))
  })

  test.each<[string, (fields: Record<string, string>) => string]>([
    ['twice', (fields) => `${new URLSearchParams(fields)}&user=${encodeURIComponent('{}')}`],
    ['of 1 MB', (fields) => `${new URLSearchParams({ ...fields, user: 'x'.repeat(1_000_000) })}`],
  ])('%s is no callback: refused before anybody is asked, and the login goes on', (_what, body) =>
    withEmulator('apple', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { apple: { ...emulator.options } } })
      try {
        const browser = new Browser()
        const posted = await emulator.approveForm(await browser.location(`${app.origin}/auth/apple`))
        const answer = await fetch(posted.url, {
          method: 'POST',
          body: body({ ...posted.fields }),
          headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        })
        expect(answer.status).toBe(400)
        expect((await told(answer)).error.code).toBe('callback_invalid')
        expect(countOf(emulator, 'token')).toBe(0)
        expect((await comeBack(browser, posted)).status).toBe(303)
      } finally {
        await app.close()
      }
    }),
  )

  test('unknown fields beside it are ignored', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { code } = await logInAt(emulator, {}, { callback: posting('something_new', 'x') })
      expect(code).toBeUndefined()
    }))
})

describe('the id_token', () => {
  /** Believes what it can decode, as many a client does. */
  class Decoding extends AppleStrategy {
    protected override async grant(grant: TokenGrant, scope: readonly string[]): Promise<TokenSet> {
      const { payload } = await this.ask(await this.tokenRequest(grant), 'token')
      const [, claims = ''] = String(payload.id_token).split('.')
      return {
        ...this.toTokenSet(payload, scope, 'token'),
        claims: JSON.parse(Buffer.from(claims, 'base64url').toString()),
      }
    }
  }
  // One of somebody else is a right one at a login; one that is missing is another code.
  const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => !/^(?:other-sub|no-id-token)$/.test(name))

  test.each(FORGERIES)('%s: signature_invalid, and nobody is logged in', (forgery) =>
    withEmulator('apple', {}, async (emulator) => {
      emulator.forgeNext(forgery, 2)
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({ code: 'signature_invalid', phase: 'token', status: 502 })
      expect((await bareLoginAt(emulator)).code).toBe('signature_invalid')
      expect((await logInAt(emulator)).code).toBeUndefined()
    }),
  )

  const DECODED = FORGERIES.filter((name) => !/not-a-jwt|no-sub|empty-sub/.test(name))
  const CONTROLS = /^(alg-none|other-key|changed-claims|other-aud|other-nonce|expired)$/
  test.each(usually(DECODED, (name) => CONTROLS.test(name)))(
    'control: %s logs in where it is only decoded',
    (forgery) =>
      withEmulator('apple', {}, async (emulator) => {
        emulator.forgeNext(forgery)
        const { user, code } = await logInAt(emulator, { strategy: Decoding })
        expect(code).toBeUndefined()
        expect(user).toHaveProperty('id')
      }),
  )

  test('that does not come is response_invalid', () =>
    withEmulator('apple', {}, async (emulator) => {
      emulator.forgeNext('no-id-token')
      expect((await logInAt(emulator)).error).toMatchObject({ code: 'response_invalid', phase: 'token' })
    }))

  test('may be issued for a native app where the app says so', () =>
    withEmulator('apple', {}, async (emulator) => {
      for (const audience of ['com.example.app another-client', ['another-client']]) {
        emulator.forgeNext('other-aud')
        expect((await logInAt(emulator, { audience })).code).toBeUndefined()
      }
      emulator.forgeNext('other-aud')
      expect((await logInAt(emulator, { audience: 'com.example.app' })).code).toBe('signature_invalid')
    }))

  test.each(['boolean', 'text'] as const)('%s for what is true of the address: both log in, as they came', (booleans) =>
    withEmulator('apple', { booleans }, async (emulator) => {
      const { profile } = await logInAt(emulator, {}, { user: BEHIND_A_RELAY })
      const said = booleans === 'text' ? 'true' : true
      expect(profile).toMatchObject({
        emails: [{ value: 'x7k2m9q4pz@privaterelay.appleid.com' }],
        _json: { email_verified: said, is_private_email: said },
      })
    }),
  )

  test('has the address at every login, not at the first alone, and for some people none', () =>
    withEmulator('apple', {}, async (emulator) => {
      await logInAt(emulator)
      expect((await logInAt(emulator)).profile?.emails).toEqual([{ value: 'zhangsan@example.com' }])
      expect((await logInAt(emulator, {}, { user: ADA })).profile).not.toHaveProperty('emails')
    }))

  test('by a new key: the keys are asked for once more, and once only', () =>
    withEmulator('apple', {}, async (emulator) => {
      const app = await startTokenApp({ providers: { apple: { ...emulator.options } } })
      try {
        await loggedIn(app, 'apple', emulator)
        await loggedIn(app, 'apple', emulator)
        expect(countOf(emulator, 'keys')).toBe(1)
        emulator.rotateKeys()
        await loggedIn(app, 'apple', emulator)
        await loggedIn(app, 'apple', emulator)
        expect(countOf(emulator, 'keys')).toBe(2)
      } finally {
        await app.close()
      }
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-503', 'provider_unavailable'],
    ['reset', 'provider_unreachable'],
    ['html', 'response_invalid'],
  ])('where the key set comes to %s: %s, nobody is logged in, and the next login is', (fault, code) =>
    withEmulator('apple', {}, async (emulator) => {
      emulator.failNext('keys', fault)
      const { user, error } = await logInAt(emulator)
      expect(user).toBeUndefined()
      expect(error).toMatchObject({ code, phase: 'token' })
      expect((await logInAt(emulator)).code).toBeUndefined()
    }),
  )
})

describe('refusals', () => {
  test('a person who cancels, by POST: access_denied', () =>
    withEmulator('apple', {}, async (emulator) => {
      const { user, error } = await logInAt(emulator, {}, { deny: true })
      expect(user).toBeUndefined()
      expect(error).toMatchObject({
        code: 'access_denied',
        phase: 'callback',
        status: 403,
        providerCode: 'user_cancelled_authorize',
      })
      expect((await bareLoginAt(emulator, {}, { deny: true })).code).toBe('access_denied')
      expect(countOf(emulator, 'token')).toBe(0)
    }))

  test('a person who cancels where Apple redirects', () =>
    withEmulator('apple', {}, async (emulator) => {
      expect((await logInAt(emulator, { scope: [] }, { deny: true })).code).toBe('access_denied')
    }))

  test.each<[Fault, ErrorCode]>([
    ['http-400:invalid_client', 'client_rejected'],
    ['http-400:unauthorized_client', 'client_rejected'],
    ['http-400:invalid_grant', 'grant_rejected'],
    ['http-400:invalid_request', 'provider_error'],
    ['http-400:unsupported_grant_type', 'provider_error'],
    ['http-400:invalid_scope', 'provider_error'],
    ['http-429', 'rate_limited'],
    ['http-503', 'provider_unavailable'],
  ])('%s at the token endpoint → %s', (fault, code) =>
    withEmulator('apple', {}, async (emulator) => {
      emulator.failNext('token', fault)
      expect((await logInAt(emulator)).error).toMatchObject({ code, phase: 'token' })
    }),
  )

  test.each<[string, EmulatorOptions<'apple'>, ((address: string) => string) | undefined]>([
    ['old', { codeLifetime: 0 }, undefined],
    ['forged', {}, posting('code', 'c0ffee.0.abcde.0')],
  ])('a code that is %s: grant_rejected, in the words of Apple', (_what, knobs, callback) =>
    withEmulator('apple', knobs, async (emulator) => {
      const { error } = await logInAt(emulator, {}, callback ? { callback } : {})
      expect(error).toMatchObject({
        code: 'grant_rejected',
        providerCode: 'invalid_grant',
        providerMessage: 'The code has expired or has been revoked.',
      })
    }),
  )
})

describe('after the login', () => {
  test('a refresh keeps the refresh token, brings the same person and no end', () =>
    withEmulator('apple', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      expect(tokens).not.toHaveProperty('expiresAt')
      expect(tokens.raw.expires_in).toBe(3600)
      const renewed = await strategyAt(emulator).refresh(tokens)
      const sent = emulator.requests.findLast(({ endpoint }) => endpoint === 'refresh')
      expect(sent?.headers.authorization).toBeUndefined()
      expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
        grant_type: 'refresh_token',
        client_id: emulator.options.clientID,
        client_secret: expect.stringMatching(/^ey/),
        refresh_token: tokens.refreshToken,
      })
      expect(renewed.accessToken).not.toBe(tokens.accessToken)
      expect(renewed).toMatchObject({ refreshToken: tokens.refreshToken, subject: ID, scope: ['name', 'email'] })
      expect(renewed).not.toHaveProperty('expiresAt')
      expect(renewed.raw).not.toHaveProperty('refresh_token')
    }))

  test('a refresh that brings somebody else is signature_invalid', () =>
    withEmulator('apple', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      emulator.forgeNext('other-sub')
      await expect(strategyAt(emulator).refresh(tokens)).rejects.toMatchObject({
        code: 'signature_invalid',
        phase: 'refresh',
      })
    }))

  test('a dead refresh token is refresh_rejected', () =>
    withEmulator('apple', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      await strategy.revoke(tokens)
      await expect(strategy.refresh(tokens)).rejects.toMatchObject({ code: 'refresh_rejected', phase: 'refresh' })
    }))

  test('nothing is renewed ahead, however old it is', () =>
    withEmulator('apple', { accessTokenLifetime: 1 }, (emulator) =>
      inApp(emulator, {}, async (get) => {
        jump(24 * 3600)
        const { tokens } = await get('/tokens/apple')
        expect(tokens?.accessToken).toEqual(expect.any(String))
        expect(tokens).not.toHaveProperty('expiresAt')
        expect(countOf(emulator, 'refresh')).toBe(0)
      }),
    ))

  test('revoke sends the refresh token, and is content with whatever it was', () =>
    withEmulator('apple', {}, async (emulator) => {
      const tokens = await tokensAt(emulator)
      const strategy = strategyAt(emulator)
      expect(await strategy.revoke(tokens)).toBe(true)
      expect(emulator.requests.at(-1)).toMatchObject({ path: '/auth/revoke' })
      expect(lastForm(emulator)).toEqual({
        client_id: emulator.options.clientID,
        client_secret: expect.stringMatching(/^ey/),
        token: tokens.refreshToken,
        token_type_hint: 'refresh_token',
      })
      expect(await strategy.revoke(tokens)).toBe(true)
      const { refreshToken: _, ...without } = tokens
      expect(await strategy.revoke(without)).toBe(true)
      expect(lastForm(emulator)).toMatchObject({ token: tokens.accessToken, token_type_hint: 'access_token' })
    }))

  test('req.oauth: profile is config_invalid, fetch carries the token, revoke ends the login', () =>
    withEmulator('apple', {}, (emulator) =>
      inApp(emulator, {}, async (get) => {
        expect((await get('/profile/apple')).error).toMatchObject({ code: 'config_invalid', phase: 'profile' })
        const { tokens } = await get('/tokens/apple')
        expect((await get('/fetch/apple?path=/emulator/resource')).status).toBe(200)
        expect(emulator.requests.at(-1)?.headers.authorization).toBe(`Bearer ${tokens?.accessToken}`)
        expect((await get('/revoke/apple')).value).toBe(true)
        expect((await get('/tokens/apple')).tokens).toBeNull()
      }),
    ))
})
