import type { VerifyFunction } from 'passport-dialects'
import { agree, TOKEN, USER } from '../support/plain-provider'
import { bench, told } from './both'

const at = bench()
const CODE = { code: 'SplxlOBeZQQYbYS6WxSbIA' }

type Done = (error: unknown, user?: unknown, info?: object) => void

/** One whole login in both libraries, one after the other. */
async function logins(verify: VerifyFunction = agree, options: object = {}, query: Record<string, string> = CODE) {
  const ours = await (await at.ours(options, verify)).login(query)
  const theirs = await (await at.theirs(options, verify)).login(query)
  return { ours: ours.outcome, theirs: theirs.outcome }
}

describe('a login that was approved', () => {
  test('asks for the token as passport-oauth2 does', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      await (await start()).login()
      expect(at.provider.tokenRequests.map(({ form }) => form)).toEqual([
        {
          grant_type: 'authorization_code',
          ...CODE,
          redirect_uri: 'https://app.example/callback',
          client_id: 'ABC123',
          client_secret: 'a client secret',
        },
      ])
    }
  })

  test('repeats the redirect address of this attempt', async () => {
    for (const start of [at.ours, at.theirs]) {
      at.provider.reset()
      const host = await start({}, agree, { authenticate: { callbackURL: 'https://app.example/other' } })
      await host.login()
      expect(at.provider.tokenRequests[0]?.form.redirect_uri).toBe('https://app.example/other')
    }
  })

  test('gives verify its four arguments', async () => {
    const seen: unknown[][] = []
    const { ours, theirs } = await logins((accessToken: string, refreshToken: string, profile: object, done: Done) => {
      seen.push([accessToken, refreshToken, profile])
      done(null, { id: '1234' }, { message: 'Hello' })
    })
    for (const outcome of [ours, theirs]) {
      expect(outcome).toMatchObject({ error: null, user: { id: '1234' }, info: { message: 'Hello' } })
    }
    expect(seen.map(([access, refresh]) => [access, refresh])).toEqual(
      Array(2).fill([TOKEN.access_token, TOKEN.refresh_token]),
    )
  })

  test('gives verify the token object as a fifth', async () => {
    const { ours, theirs } = await logins(
      (_access: string, _refresh: string, params: object, _profile: object, done: Done) => done(null, params),
    )
    for (const outcome of [ours, theirs]) {
      expect(outcome?.user).toMatchObject({ expires_in: 3600, example_parameter: 'example_value' })
    }
  })

  test('gives verify the request first under passReqToCallback', async () => {
    const verify = (req: { url: string }, access: string, _refresh: string, _profile: object, done: Done) =>
      done(null, { path: req.url.split('?')[0], access })
    const { ours, theirs } = await logins(verify, { passReqToCallback: true })
    for (const outcome of [ours, theirs])
      expect(outcome?.user).toEqual({ path: '/callback', access: TOKEN.access_token })
  })

  test('gives verify the request first and the token object under passReqToCallback', async () => {
    const verify = (
      req: { url: string },
      _a: string,
      _r: string,
      params: { expires_in: number },
      _p: object,
      done: Done,
    ) => done(null, { path: req.url.split('?')[0], lasts: params.expires_in })
    const { ours, theirs } = await logins(verify, { passReqToCallback: true })
    for (const outcome of [ours, theirs]) expect(outcome?.user).toEqual({ path: '/callback', lasts: 3600 })
  })

  test('has an empty info where verify gives none', async () => {
    const { ours, theirs } = await logins()
    expect([ours?.info, theirs?.info]).toEqual([{}, {}])
  })

  test('waits for an async verify, and reports what it throws', async () => {
    const host = await at.ours({}, async (_access: string, _refresh: string, _profile: object, _done: Done) => {
      throw new Error('no database')
    })
    expect(told((await host.login()).outcome?.error)).toMatchObject({
      code: 'verify_failed',
      cause: { message: 'no database' },
    })
  })
})

test('differs: the profile is the provider’s user where passport-oauth2 has an empty object', async () => {
  const { ours, theirs } = await logins()
  expect(ours?.user).toMatchObject({ profile: { provider: 'plain', id: USER.id, displayName: USER.name } })
  expect(theirs?.user).toMatchObject({ profile: {} })
})

test('differs: a login that verify refuses fails with 403 and an error as info', async () => {
  const { ours, theirs } = await logins((_access: string, _refresh: string, _profile: object, done: Done) =>
    done(null, false),
  )
  expect(ours).toMatchObject({ user: false, info: { code: 'verify_refused' }, status: 403 })
  expect(theirs).toMatchObject({ user: false, info: undefined, status: undefined })
})

test('a login that verify refuses with a reason fails with that reason', async () => {
  const { ours, theirs } = await logins((_access: string, _refresh: string, _profile: object, done: Done) =>
    done(null, false, { message: 'Invite only' }),
  )
  for (const outcome of [ours, theirs]) expect(outcome).toMatchObject({ user: false, info: { message: 'Invite only' } })
})

test('differs: what goes wrong in verify is verify_failed with the error as its cause', async () => {
  const verifies: VerifyFunction[] = [
    (_access: string, _refresh: string, _profile: object, done: Done) => done(new Error('something is wrong')),
    (_access: string, _refresh: string, _profile: object, _done: Done) => {
      throw new Error('something is wrong')
    },
  ]
  for (const verify of verifies) {
    const { ours, theirs } = await logins(verify)
    expect(told(ours?.error)).toMatchObject({
      code: 'verify_failed',
      status: 500,
      cause: { message: 'something is wrong' },
    })
    expect(told(theirs?.error)).toMatchObject({ name: 'Error', message: 'something is wrong' })
  }
})

test('differs: a denial is access_denied with 403, whatever the provider says beside it', async () => {
  for (const message of [undefined, 'Why not?']) {
    const query = { error: 'access_denied', ...(message && { error_description: message }) }
    const { ours, theirs } = await logins(agree, {}, query)
    expect(ours).toMatchObject({ user: false, info: { code: 'access_denied' }, status: 403 })
    expect(theirs).toMatchObject({ user: false, status: undefined })
    expect(theirs?.info).toEqual({ message })
  }
})

test('differs: an error at the callback is believed only with the state of a pending login', async () => {
  const ours = await at.ours()
  const begun = await ours.visit('/login')
  const forged = await ours.visit('/callback?error=access_denied&state=forged')
  expect(forged.outcome?.info).toMatchObject({ code: 'state_unknown' })
  const state = begun.location.searchParams.get('state')
  expect((await ours.visit(`/callback?code=a&state=${state}`)).outcome?.user).toBeTruthy()
  const theirs = await at.theirs()
  const believed = await theirs.visit('/callback?error=access_denied&error_description=forged')
  expect(believed.outcome?.info).toEqual({ message: 'forged' })
})

test('differs: any other error at the callback is authorization_failed with 502 and the provider’s code', async () => {
  const query = {
    error: 'invalid_scope',
    error_description: 'The scope is invalid',
    error_uri: 'https://provider.example/e',
  }
  const { ours, theirs } = await logins(agree, {}, query)
  expect(told(ours?.error)).toMatchObject({
    code: 'authorization_failed',
    status: 502,
    phase: 'callback',
    providerCode: 'invalid_scope',
    message: expect.stringContaining('The scope is invalid'),
  })
  expect(JSON.stringify(ours?.error)).not.toContain(query.error_uri)
  expect(theirs?.error).toMatchObject({
    name: 'AuthorizationError',
    code: 'invalid_scope',
    uri: query.error_uri,
    status: 500,
  })
  const busy = await logins(agree, {}, { error: 'temporarily_unavailable' })
  expect([told(busy.ours?.error).status, told(busy.theirs?.error).status]).toEqual([502, 503])
})

describe('a token request that fails', () => {
  test('differs: a refused code is grant_rejected with the provider’s code', async () => {
    at.provider.answer = { status: 400, body: { error: 'invalid_grant', error_description: 'The code is invalid' } }
    const { ours, theirs } = await logins()
    expect(told(ours?.error)).toMatchObject({
      code: 'grant_rejected',
      status: 401,
      phase: 'token',
      providerCode: 'invalid_grant',
      providerStatus: 400,
      message: expect.stringContaining('The code is invalid'),
    })
    expect(told(theirs?.error)).toMatchObject({ name: 'TokenError', code: 'invalid_grant', status: 500 })
  })

  test('differs: a refusal in words of its own is known by its status, and its body is shown nowhere', async () => {
    for (const body of [
      { error_code: 'invalid_grant' },
      'Something went wrong',
      { error: { message: 'Invalid client' } },
    ]) {
      at.provider.answer = { status: 500, body }
      const { ours, theirs } = await logins()
      expect(told(ours?.error)).toMatchObject({ code: 'provider_unavailable', status: 503, providerStatus: 500 })
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      expect(`${String(ours?.error)}${JSON.stringify(ours?.error)}`).not.toContain(text)
      expect(told(theirs?.error).name).toMatch(/InternalOAuthError|TokenError/)
    }
  })

  test('differs: a provider that cannot be reached is provider_unreachable', async () => {
    const options = { tokenURL: 'http://127.0.0.1:1/token' }
    const { ours, theirs } = await logins(agree, options)
    expect(told(ours?.error)).toMatchObject({ code: 'provider_unreachable', status: 502, phase: 'token' })
    expect(told(theirs?.error)).toMatchObject({ name: 'InternalOAuthError', message: 'Failed to obtain access token' })
  })

  test('differs: an answer without an access token is response_invalid', async () => {
    at.provider.answer = { status: 200, body: { token_type: 'bearer' } }
    const { ours, theirs } = await logins()
    expect(told(ours?.error)).toMatchObject({ code: 'response_invalid', status: 502, phase: 'token' })
    expect(told(theirs?.error)).toMatchObject({ name: 'Error', message: 'Failed to obtain access token' })
  })

  test('differs: an answer that is a form is response_invalid', async () => {
    at.provider.answer = { status: 200, body: new URLSearchParams(TOKEN).toString() }
    const { ours, theirs } = await logins()
    expect(told(ours?.error)).toMatchObject({ code: 'response_invalid' })
    expect(theirs?.user).toMatchObject({ accessToken: TOKEN.access_token })
  })

  test('differs: a token that is no bearer token is response_invalid', async () => {
    at.provider.answer = { status: 200, body: { ...TOKEN, token_type: 'mac' } }
    const { ours, theirs } = await logins()
    expect(told(ours?.error)).toMatchObject({ code: 'response_invalid' })
    expect(theirs?.user).toMatchObject({ accessToken: TOKEN.access_token })
  })
})

test('differs: parameters that stand in req.query alone are not read', async () => {
  /** What a middleware of the app's moves from the address into `req.query`. */
  let moved: object = {}
  const before = (req: object) => {
    const query = moved
    if (Object.keys(query).length > 0) Object.defineProperty(req, 'query', { value: query })
  }
  const login = async (start: typeof at.ours) => {
    moved = {}
    const host = await start({}, agree, { before })
    const state = (await host.visit('/login')).location.searchParams.get('state')
    moved = { ...CODE, state }
    return (await host.visit('/callback')).outcome
  }
  const ours = await login(at.ours)
  expect([ours?.user, told(ours?.info).code]).toEqual([false, 'callback_invalid'])
  expect((await login(at.theirs))?.user).toBeTruthy()
})
