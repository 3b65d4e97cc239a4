import OAuth2Strategy from 'passport-oauth2'
import { startRouterApp } from '../support/app'
import { told as answered, Browser } from '../support/browser'
import { agree, PlainStrategy, USER } from '../support/plain-provider'
import { bench, told } from './both'

const at = bench()

class Prompting extends PlainStrategy {
  override authorizationParams(options: { prompt?: string }) {
    return { prompt: options.prompt, client_id: 'an impostor', response_type: 'token' }
  }
}

class Auditing extends PlainStrategy {
  override tokenParams(options: { audience?: string }) {
    return { audience: options.audience, grant_type: 'password', code: 'another' }
  }
}

class Wording extends PlainStrategy {
  override parseErrorResponse(body: string, status: number): Error | null {
    if (body === 'skip') return null
    const { fault } = JSON.parse(body) as { fault: string } // the test's own answer; anything else throws
    return Object.assign(new Error(`worded: ${fault}`), { code: 'custom', status })
  }
}

/** passport-oauth2 with the same override. */
class TheirWording extends OAuth2Strategy {
  override parseErrorResponse = Wording.prototype.parseErrorResponse
}

describe('authorizationParams', () => {
  test('adds to the authorization request what the attempt’s options say, and replaces nothing of the protocol', async () => {
    const authenticate = { prompt: 'always', scope: ['email'] }
    const host = await at.host(new Prompting(at.provider.options, agree), { authenticate })
    const { location } = await host.visit('/login')
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      prompt: 'always',
      scope: 'email',
      client_id: 'ABC123',
      response_type: 'code',
    })
  })
})

describe('tokenParams', () => {
  test('adds to the token request what the attempt’s options say, and replaces nothing of the protocol', async () => {
    const authenticate = { audience: 'https://api.example' }
    const host = await at.host(new Auditing(at.provider.options, agree), { authenticate })
    expect((await host.login({ code: 'the code' })).outcome?.user).toBeTruthy()
    expect(at.provider.tokenRequests[0]?.form).toMatchObject({
      audience: 'https://api.example',
      grant_type: 'authorization_code',
      code: 'the code',
    })
  })
})

describe('parseErrorResponse', () => {
  const strategies = () => [
    new Wording(at.provider.options, agree),
    new TheirWording({ ...at.provider.options, state: true }, agree),
  ]

  test('words a refused token request', async () => {
    for (const strategy of strategies()) {
      at.provider.answer = { status: 403, body: { fault: 'closed on Sundays' } }
      const { outcome } = await (await at.host(strategy)).login()
      expect(outcome?.error).toMatchObject({ message: 'worded: closed on Sundays', code: 'custom', status: 403 })
    }
  })

  test('leaves an answer of HTTP 200 alone', async () => {
    for (const strategy of strategies()) {
      const { outcome } = await (await at.host(strategy)).login()
      expect(outcome?.user).toBeTruthy()
    }
  })

  test('differs: where it gives nothing or throws, the error is by the answer’s status', async () => {
    for (const body of ['skip', 'not JSON']) {
      at.provider.answer = { status: 503, body }
      const [ours, theirs] = strategies()
      if (!ours || !theirs) throw new Error('there are two')
      expect(told((await (await at.host(ours)).login()).outcome?.error)).toMatchObject({
        code: 'provider_unavailable',
        status: 503,
      })
      expect(told((await (await at.host(theirs)).login()).outcome?.error)).toMatchObject({
        name: 'InternalOAuthError',
        message: 'Failed to obtain access token',
      })
    }
  })

  test('under the router its error is the cause of the OAuthError that every failure is', async () => {
    at.provider.answer = { status: 403, body: { fault: 'closed on Sundays' } }
    let failure: Error | undefined
    const { callbackURL: _unused, ...options } = at.provider.options
    const app = await startRouterApp({
      providers: { plain: { ...options, strategy: Wording } },
      onError: (error, _req, res) => {
        failure = error
        res.status(error.status).json({ code: error.code })
      },
    })
    try {
      const browser = new Browser()
      const state = new URL(await browser.location(`${app.origin}/auth/plain`)).searchParams.get('state')
      const answer = await browser.get(`${app.origin}/auth/plain/callback?code=a&state=${state}`)
      expect([answer.status, (await answered(answer)).code]).toEqual([500, 'internal_error'])
      expect(failure?.cause).toMatchObject({ message: 'worded: closed on Sundays' })
    } finally {
      await app.close()
    }
  })
})

test('differs: a profile is made from the fields that the subclass names', async () => {
  const { outcome } = await (await at.host(new PlainStrategy(at.provider.options, agree))).login()
  expect(outcome?.user).toMatchObject({
    profile: { provider: 'plain', id: USER.id, displayName: USER.name, _json: USER, _raw: JSON.stringify(USER) },
  })
  expect(at.provider.profileRequests[0]?.headers.authorization).toBe('Bearer access-of-the-user')
})

test('differs: a constructor function cannot call ours; a class extends both', () => {
  const { options } = at.provider
  /** A subclass as it was written before there were classes. */
  const subclassOf = (Parent: { prototype: object }) => {
    function Subclass(this: object): void {
      Function.prototype.call.call(Parent as () => void, this, { ...options }, agree) // any function has `call`
    }
    Object.setPrototypeOf(Subclass.prototype, Parent.prototype)
    return () => new (Subclass as unknown as new () => object)() // what `new` makes of a function, which types do not know
  }
  expect(subclassOf(PlainStrategy)).toThrow(TypeError)
  expect(subclassOf(OAuth2Strategy)()).toBeInstanceOf(OAuth2Strategy)
  for (const Parent of [PlainStrategy, OAuth2Strategy]) {
    expect(new (class extends (Parent as typeof PlainStrategy) {})(options, agree)).toBeInstanceOf(Parent)
  }
})
