import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { BbscloudStrategy } from 'passport-dialects'
import { Browser } from '../support/browser'
import { expectInTime, timeOf } from '../support/in-time'
import { appWith, ours, plain, type Running, serve, type Told, within } from './support'

const TOKEN = '{"access_token":"good-token","token_type":"Bearer","expires_in":7200}'
const USER = '{"id":12345,"username":"张三"}'

interface Scene {
  token?: (req: IncomingMessage, res: ServerResponse) => void
  user?: (req: IncomingMessage, res: ServerResponse) => void
}

/** Both clients in the same situation: the provider misbehaves for both alike. */
async function bothIn(
  scene: Scene,
  play: (app: Running, calls: string[]) => Promise<void>,
  which: 'plain' | 'ours',
  options = {},
) {
  const calls: string[] = []
  const listener: RequestListener = (req, res) => {
    let body = ''
    req.on('data', (data) => {
      body += data
    })
    req.on('end', () => {
      const { pathname } = new URL(req.url ?? '/', 'http://provider')
      calls.push(`${pathname} ${body}`)
      res.setHeader('content-type', 'application/json')
      if (pathname.endsWith('/token')) scene.token ? scene.token(req, res) : res.end(TOKEN)
      else scene.user ? scene.user(req, res) : res.end(USER)
    })
  }
  const provider = await serve(listener)
  const app = await appWith((which === 'plain' ? plain : ours)(provider.origin, options))
  try {
    await play(app, calls)
  } finally {
    await app.close()
    await provider.close()
  }
}

async function begin(browser: Browser, app: Running): Promise<string> {
  return new URL(await browser.location(`${app.origin}/login`)).searchParams.get('state') ?? ''
}

async function callback(browser: Browser, app: Running, query: string): Promise<Told> {
  const answer = await browser.get(`${app.origin}/callback?${query}`)
  return (await answer.json()) as Told // this test's own app
}

async function login(app: Running): Promise<Told> {
  const browser = new Browser()
  const state = await begin(browser, app)
  return callback(browser, app, `code=a&state=${state}`)
}

const RAW_JSON = { 'content-type': 'application/json' }

describe('two tabs begun in one session', () => {
  const tabs = async (app: Running) => {
    const browser = new Browser()
    const states = [await begin(browser, app), await begin(browser, app)]
    const users: unknown[] = []
    for (const state of states) users.push((await callback(browser, app, `code=a&state=${state}`)).user)
    return users
  }
  test('control: passport-oauth2 loses them', () =>
    bothIn({}, async (app) => expect(await tabs(app)).toContain(null), 'plain'))
  test('ours log in, both', () =>
    bothIn({}, async (app) => expect((await tabs(app)).every((user) => user !== null)).toBe(true), 'ours'))
})

describe("the attacker's code in a session that began no login (RFC 6749 §10.12)", () => {
  test('control: passport-oauth2 with its default options logs the victim in', () =>
    bothIn(
      {},
      async (app) => expect((await callback(new Browser(), app, 'code=attacker')).user?.id).toBe('12345'),
      'plain',
      { state: undefined },
    ))
  test('ours refuses and asks the provider nothing', () =>
    bothIn(
      {},
      async (app, calls) => {
        expect(await callback(new Browser(), app, 'code=attacker')).toMatchObject({ user: null, code: 'state_missing' })
        expect(calls).toEqual([])
      },
      'ours',
    ))
})

describe('a Chinese character that falls between two chunks', () => {
  const user: Scene['user'] = (_req, res) => {
    const bytes = Buffer.from(USER)
    const at = bytes.indexOf(Buffer.from('张')) + 1
    res.writeHead(200, RAW_JSON)
    res.write(bytes.subarray(0, at), () => setTimeout(() => res.end(bytes.subarray(at)), 30))
  }
  test('control: passport-oauth2 corrupts the name', () =>
    bothIn({ user }, async (app) => expect((await login(app)).user?.name).toContain('\ufffd'), 'plain'))
  test('ours keeps it', () =>
    bothIn({ user }, async (app) => expect((await login(app)).user?.name).toBe('张三'), 'ours'))
})

describe('a token endpoint that answers 302 with a token in its body', () => {
  const token: Scene['token'] = (_req, res) => {
    res.writeHead(302, { location: '/elsewhere', 'content-type': 'text/plain' }).end('access_token=stolen')
  }
  test('control: passport-oauth2 takes the token', () =>
    bothIn({ token }, async (app) => expect((await login(app)).user?.token).toBe('stolen'), 'plain'))
  test('ours does not', () =>
    bothIn({ token }, async (app) => expect((await login(app)).code).toBe('provider_redirected'), 'ours'))
})

describe('an HTML page that happens to hold access_token=', () => {
  const token: Scene['token'] = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/?a=b&access_token=evil&x=y">x</a>')
  }
  test('control: passport-oauth2 takes the token', () =>
    bothIn({ token }, async (app) => expect((await login(app)).user?.token).toBe('evil'), 'plain'))
  test('ours does not', () =>
    bothIn({ token }, async (app) => expect((await login(app)).code).toBe('response_invalid'), 'ours'))
})

describe('a token answer of 20 MiB', () => {
  const SIZE = 20 * 1024 * 1024
  const sent: { bytes: number } = { bytes: 0 }
  const token: Scene['token'] = (_req, res) => {
    sent.bytes = 0
    res.write(`${TOKEN.slice(0, -1)},"padding":"`)
    const chunk = Buffer.alloc(64 * 1024, 97)
    const step = () => {
      if (res.destroyed) return
      if (sent.bytes >= SIZE) return void res.end('"}')
      sent.bytes += chunk.length
      res.write(chunk, () => setImmediate(step))
    }
    step()
  }
  test('control: passport-oauth2 takes all of it', () =>
    bothIn(
      { token },
      async (app) => {
        expect((await login(app)).user?.token).toBe('good-token')
        expect(sent.bytes).toBe(SIZE)
      },
      'plain',
    ))
  test('ours hangs up', () =>
    bothIn(
      { token },
      async (app) => {
        expect((await login(app)).code).toBe('response_too_large')
        expect(sent.bytes).toBeLessThan(SIZE)
      },
      'ours',
    ))
})

describe('a token endpoint that never answers', () => {
  const token: Scene['token'] = () => {}
  test('control: passport-oauth2 waits without end', () =>
    bothIn(
      { token },
      async (app) =>
        expect(
          await within(
            1500,
            login(app).catch(() => 'cut'),
          ),
        ).toBeUndefined(),
      'plain',
    ))
  test('ours ends at its deadline', () =>
    bothIn(
      { token },
      (app) => expectInTime(500, () => timeOf(async () => expect((await login(app)).code).toBe('provider_timeout'))),
      'ours',
      { timeout: 300 },
    ))
})

describe('an answer that is cut in the middle', () => {
  const token: Scene['token'] = (_req, res) => {
    res.writeHead(200, { ...RAW_JSON, 'content-length': 1000 })
    res.write(TOKEN, () => res.socket?.destroy())
  }
  test('control: the browser of passport-oauth2 is never answered', () =>
    bothIn(
      { token },
      async (app) =>
        expect(
          await within(
            1500,
            login(app).catch(() => 'cut'),
          ),
        ).toBeUndefined(),
      'plain',
    ))
  test('ours says so', () =>
    bothIn({ token }, async (app) => expect((await login(app)).code).toBe('provider_unreachable'), 'ours'))
})

describe("a callback with BBScloud's token in the place of a code", () => {
  test('control: passport-oauth2 redirects to the provider again, and again', () =>
    bothIn(
      {},
      async (app) => {
        const answer = await new Browser().get(`${app.origin}/callback?token=520DD95263C1CFEA`)
        expect(answer.status).toBe(302)
        expect(answer.headers.get('location')).toContain('/authorize')
      },
      'plain',
    ))
  test('ours never starts a redirect there', async () => {
    const app = await appWith(
      (callbackURL) =>
        new BbscloudStrategy(
          { clientID: 'a', clientSecret: 'a canary secret', baseURL: 'http://127.0.0.1:1', callbackURL },
          () => {},
        ),
    )
    try {
      for (const path of ['/callback?token=520DD95263C1CFEA', '/callback', '/login?token=520DD95263C1CFEA']) {
        expect((await new Browser().get(app.origin + path)).headers.get('location')).toBeNull()
      }
    } finally {
      await app.close()
    }
  })
})

describe('a repeated parameter (RFC 6749 §3.1)', () => {
  const repeat = async (app: Running) => {
    const browser = new Browser()
    return callback(browser, app, `code=one&code=two&state=${await begin(browser, app)}`)
  }
  test('control: passport-oauth2 forwards both codes', () =>
    bothIn(
      {},
      async (app, calls) => {
        await repeat(app)
        expect(calls[0]).toMatch(/code=one.*code=two|code=one%2Ctwo/)
      },
      'plain',
    ))
  test('ours refuses and asks the provider nothing', () =>
    bothIn(
      {},
      async (app, calls) => {
        expect((await repeat(app)).code).toBe('callback_invalid')
        expect(calls).toEqual([])
      },
      'ours',
    ))
})

describe('a forged error callback (RFC 6749 §4.1.2.1)', () => {
  test('control: passport-oauth2 reports it without asking for the state', () =>
    bothIn(
      {},
      async (app) => {
        const told = await callback(new Browser(), app, 'error=server_error&error_description=forged')
        expect(told.message).toContain('forged')
      },
      'plain',
    ))
  test('ours believes no error without a state, and the pending login goes on', () =>
    bothIn(
      {},
      async (app) => {
        const browser = new Browser()
        const state = await begin(browser, app)
        expect((await callback(browser, app, 'error=server_error&error_description=forged')).code).toBe('state_missing')
        expect((await callback(browser, app, 'error=access_denied&state=guess')).code).toBe('state_unknown')
        expect((await callback(browser, app, `code=a&state=${state}`)).user?.id).toBe('12345')
      },
      'ours',
    ))
})

describe('a failure inside HTTP 200', () => {
  const token: Scene['token'] = (_req, res) => void res.end('{"error":"invalid_grant"}')
  test('control: passport-oauth2 can only say that there is no token', () =>
    bothIn({ token }, async (app) => expect((await login(app)).message).toBe('Failed to obtain access token'), 'plain'))
  test('ours says which', () =>
    bothIn({ token }, async (app) => expect((await login(app)).code).toBe('grant_rejected'), 'ours'))
})

describe('a token of a type that nobody here can use (RFC 6749 §7.1)', () => {
  const token: Scene['token'] = (_req, res) => void res.end('{"access_token":"m","token_type":"mac"}')
  test('control: passport-oauth2 uses it as Bearer', () =>
    bothIn({ token }, async (app) => expect((await login(app)).user?.token).toBe('m'), 'plain'))
  test('ours refuses', () =>
    bothIn({ token }, async (app) => expect((await login(app)).code).toBe('response_invalid'), 'ours'))
})
