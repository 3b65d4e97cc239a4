import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { format } from 'node:util'
import { WechatStrategy } from 'passport-dialects'
import { Agent, request } from 'undici'
import { callProvider } from '../../lib/http/call'
import { readTokenSet } from '../../lib/provider/token-set'
import { Browser, told } from '../support/browser'
import { bundledCode } from '../support/bundled'
import { InstantStrategy, instant, stateOf } from '../support/instant-strategy'
import { RouterScene, whoIs } from '../support/router-scene'

const scene = new RouterScene()
const JSON_ONLY = { accept: 'application/json' }
const ELSEWHERE = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate' }

describe('a start that another site caused, finished by whoever logged in meanwhile', () => {
  /** The logins that `verify` was asked to link: who was there, and whose account. */
  async function linked(headers: Record<string, string>) {
    const links: unknown[] = []
    const before = scene.emulators.tailchat.requests.length
    const app = await scene.appWith({
      verify: ({ profile, req }) => {
        if (req.user) links.push([req.user, profile.id])
        return req.user ?? { id: profile.id }
      },
    })
    const browser = new Browser()
    const callbackAt = async (name: 'tapd' | 'tailchat' | 'feishu', more: Record<string, string> = {}) => {
      const location = (await browser.get(`${app.origin}/auth/${name}`, more)).headers.get('location') ?? ''
      return scene.emulators[name].approve(location)
    }
    await callbackAt('feishu') // there is a session
    const theirs = await callbackAt('tailchat', headers)
    await browser.get(await callbackAt('tapd'))
    const { status } = await browser.get(theirs, JSON_ONLY)
    const codes = scene.emulators.tailchat.requests.slice(before).filter(({ endpoint }) => endpoint === 'token').length
    return { links: links.length, status, codes }
  }

  test('is not shown to verify, which links accounts, and its code is not redeemed', async () => {
    expect(await linked(ELSEWHERE)).toEqual({ links: 0, status: 400, codes: 0 })
  })

  test('control: a start of the app’s own is', async () => {
    expect(await linked({ 'sec-fetch-site': 'same-origin' })).toEqual({ links: 1, status: 303, codes: 1 })
  })
})

describe('returnTo', () => {
  const landing = async (query: string, config = {}, origin = '') => {
    const app = await scene.appWith(config)
    return (await scene.login(app, new Browser(), 'tapd', query)).headers.get('location')?.replace(origin, '')
  }

  test.each([
    '/auth/tailchat',
    '/auth/tailchat/',
    '/AUTH/tailchat?popup=1',
    '/auth/%74ailchat#x',
    '/auth/./tapd',
    '/auth/tailchat/entry?code=1',
    '/auth/tapd/callback?code=1&state=2',
  ])('%s is the start of another login, and leads nowhere', async (path) => {
    expect(await landing(`?returnTo=${encodeURIComponent(path)}`)).toBe('/')
  })

  test.each(['/auth/session', '/auth/nobody', '/authors', '/auth', '/account?next=/auth/tapd'])(
    'control: %s is a page',
    async (path) => {
      expect(await landing(`?returnTo=${encodeURIComponent(path)}`)).toBe(path)
    },
  )

  test('where the routes are at the root, pages of the app are pages all the same', async () => {
    const app = await scene.appWith({ mountPath: '' })
    for (const [path, to] of [
      ['/account', '/account'],
      ['/tailchat', '/'],
    ]) {
      const browser = new Browser()
      const address = await browser.location(`${app.origin}/tapd?returnTo=${path}`)
      expect((await browser.get(await scene.emulators.tapd.approve(address))).headers.get('location')).toBe(to)
    }
  })
})

describe('baseURL', () => {
  test('is the origin of a callback address that is a path, whatever the Host header says', async () => {
    const tapd = { ...scene.emulators.tapd.options, callbackURL: '/back' }
    const app = await scene.appWith({ baseURL: 'https://app.example.com', providers: { tapd } })
    const location = await new Browser().location(`${app.origin}/auth/tapd`)
    expect(new URL(location).searchParams.get('redirect_uri')).toBe('https://app.example.com/back')
    const absolute = await scene.appWith({
      baseURL: 'https://app.example.com',
      providers: { tapd: { ...tapd, callbackURL: 'https://other.example.com/back' } },
    })
    const other = await new Browser().location(`${absolute.origin}/auth/tapd`)
    expect(new URL(other).searchParams.get('redirect_uri')).toBe('https://other.example.com/back')
  })

  test.each([
    ['http://intranet.example', 'http://intranet.example'],
    ['http://intranet.example:8080/', 'http://intranet.example:8080'],
    ['HTTPS://App.example.com:443', 'https://app.example.com'],
  ])('may be %s: it is the app’s own address', async (baseURL, origin) => {
    const app = await scene.appWith({ baseURL })
    const location = await new Browser().location(`${app.origin}/auth/tapd`)
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${origin}/auth/tapd/callback`)
  })

  test.each([
    'app.example.com',
    'https://app.example.com/path',
    'https://app.example.com?',
    'https://u:p@app.example.com',
    'ftp://app.example.com',
    '',
    42,
  ])('is refused by its name: %j', async (baseURL) => {
    const config = { baseURL: baseURL as string } // on purpose
    await expect(scene.appWith(config)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('`baseURL`'),
    })
  })
})

describe('a request that HTTP does not allow is a defect of this side, not of the provider', () => {
  const call = (dispatcher?: Agent) =>
    callProvider(
      { method: 'GET', url: 'http://127.0.0.1:9/', headers: { 'x-app': 'a\nb' } },
      { timeout: 1000, maxResponseBytes: 1000, dispatcher },
      { provider: 'p', phase: 'profile' },
    )

  test('by Node’s client and by undici’s', async () => {
    const agent = new Agent()
    const [cold, warm] = [call(), call(agent)]
    await expect(cold).rejects.toMatchObject({ code: 'internal_error', status: 500, retryable: false })
    await expect(warm).rejects.toMatchObject({ code: 'internal_error', status: 500, retryable: false })
    await agent.close()
  })

  test('control: the clients throw, and send nothing', async () => {
    await expect(request('http://127.0.0.1:9/', { headers: { 'x-app': 'a\nb' } })).rejects.toThrow(/header/)
  })
})

describe('the phase of a failure', () => {
  test('of what a dialect throws at the start is authorize', async () => {
    class Throwing extends InstantStrategy {
      override authorizationParams(): never {
        throw new TypeError('a mistake of the dialect')
      }
    }
    const app = await scene.appWith({ providers: { mine: { ...instant, strategy: Throwing } }, onError: inJSON })
    const { error } = await told(new Browser().get(`${app.origin}/auth/mine`))
    expect(error).toMatchObject({ code: 'internal_error', phase: 'authorize' })
  })

  test('of a token store that fails at a login is callback', async () => {
    const tokenStore = {
      get: async () => undefined,
      set: async () => Promise.reject(new Error('down')),
      delete: async () => true,
    }
    const app = await scene.appWith({ tokenStore, onError: inJSON, providers: { mine: instant } })
    const browser = new Browser()
    const state = stateOf(await browser.location(`${app.origin}/auth/mine`))
    const { error } = await told(browser.get(`${app.origin}/auth/mine/callback?code=c&state=${state}`))
    expect(error).toMatchObject({ code: 'store_failed', phase: 'callback' })
    expect((await whoIs(app, browser)).user).toBeNull()
  })
})

const inJSON: NonNullable<Parameters<RouterScene['appWith']>[0]>['onError'] = (error, _req, res) =>
  void res.status(error.status).json({ error })

test('a scope of any length is refused, for a session keeps it', () => {
  const tokens = (scope: string | string[]) => readTokenSet({ access_token: 't', scope }, [])
  const names = Array.from({ length: 2000 }, (_, at) => `scope-${at}`)
  expect(() => tokens(names)).toThrow('its scope has more than 16 KiB')
  expect(() => tokens(names.join(' '))).toThrow('its scope has more than 16 KiB')
  expect(tokens(names.slice(0, 1000)).scope).toHaveLength(1000)
})

test.each(['', null, 0])('WeChat’s lang is checked, also %j', (lang) => {
  const options = { clientID: 'id', clientSecret: 'a canary secret', callbackURL: '/cb', lang: lang as never }
  expect(() => new WechatStrategy(options, () => {})).toThrow(/`lang`/)
})

test('a date of Retry-After that names no zone is UTC, wherever the app runs', () => {
  const file = bundledCode(`
    import { AihubmixStrategy } from 'passport-dialects'
    import { readResponse } from './lib/provider/read-response'
    const strategy = new AihubmixStrategy({ clientID: 'i', clientSecret: 's', callbackURL: '/' }, () => {})
    const headers = { 'retry-after': 'Sun Nov  6 08:49:37 2094' }
    try {
      readResponse({ status: 429, headers, text: '{}' }, strategy, { provider: 'p', phase: 'token' }, () => [])
    } catch (error) {
      console.log(error.retryAfter.toISOString())
    }`)
  try {
    const env = { ...process.env, TZ: 'Asia/Shanghai' }
    expect(String(execFileSync(process.execPath, [file], { env })).trim()).toBe('2094-11-06T08:49:37.000Z')
  } finally {
    rmSync(file)
  }
})

test('a line of the log is one line, whatever name an address has', async () => {
  const lines: string[] = []
  const { default: debug } = await import('debug')
  const log = jest.spyOn(debug, 'log').mockImplementation((...args: unknown[]) => void lines.push(format(...args)))
  const app = await scene.appWith({
    providers: () => Promise.reject(new Error('unknown host')),
    verify: () => false,
  })
  await new Browser().get(`${app.origin}/auth/x%0A2026%20feishu:%20logged%20in%1b[2J`)
  log.mockRestore()
  const failed = lines.filter((line) => line.includes('failed in phase'))
  expect(failed).toHaveLength(1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this looks for them
  expect(failed[0]?.replace(/\u001b\[[\d;]*m/g, '')).not.toMatch(/[\n\u001b]/)
})
