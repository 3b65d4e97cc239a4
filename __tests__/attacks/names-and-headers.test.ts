import { AihubmixStrategy } from 'passport-dialects'
import { startBareApp, startRouterApp } from '../support/app'
import { NAMES, providersOf } from '../support/providers'
import { rawGet } from './raw'
import { type Scene, startScene } from './scene'

let scene: Scene
const closing: { close(): Promise<void> }[] = []
beforeAll(async () => {
  scene = await startScene()
})
afterEach(async () => {
  await Promise.all(closing.splice(0).map((it) => it.close()))
})
afterAll(() => scene.close())

describe('names of the prototype in the place of a provider (RFC 6749 §10.14)', () => {
  test('control: the naive app takes them for providers', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const answer = await rawGet(scene.naive.origin, `/auth/${name}`)
      expect(answer.location).toContain('client_id=undefined')
    }
  })

  const names = [
    ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'],
    ...[
      '%5F%5Fproto%5F%5F',
      '__proto__%00',
      'constructor%2Fprototype',
      'undefined',
      'null',
      'NaN',
      '0',
      '%F0%9F%98%80',
    ],
    ...['TAPD', 'tapd%20', 'tapd%00', 'tapd.', 'tapd%2F', '%74apd%2e', 'tapd;x=1', 'tapd,tiktok'],
  ]
  test.each(names)('ours answers 404 for %s, and without a stack trace', async (name) => {
    for (const path of [`/auth/${name}`, `/auth/${name}/callback?code=a&state=b`]) {
      const { status, text, location } = await rawGet(scene.ours.origin, path)
      expect([status, location]).toEqual([404, undefined])
      expect(text).not.toMatch(/at .*(\.ts|\.js|node_modules)|TypeError|__proto__/)
    }
  })

  test('nothing of it stays behind: no prototype has a new member', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(Reflect.get({}, 'clientID')).toBeUndefined()
  })
})

describe('encoded traversal in the address (RFC 6749 §10.14)', () => {
  const paths = [
    '/auth/..%2fsession',
    '/auth/%2e%2e',
    '/auth/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '/auth/..%5c..%5cwindows',
    '/auth/%252e%252e%252f',
    '/auth/tapd%2fcallback',
    '/auth/tapd%2f..%2ftiktok/callback',
    '/auth/%c0%ae%c0%ae/callback',
    '/auth/%E0%A4%A',
    '/auth/%',
    '/auth//callback',
    '//auth/..%2f/callback',
    '/auth/tapd/%2e%2e/tiktok',
    '/auth/tapd/callback/../../tiktok',
  ]
  test.each(paths)('%s leads nowhere', async (path) => {
    const { status, text, location } = await rawGet(scene.ours.origin, path)
    expect([status, location]).toEqual([404, undefined])
    expect(text).not.toMatch(/at .*(\.ts|\.js|node_modules)|root:/)
  })

  test('a traversal that stays under another name begins the login of that name, of nobody else', async () => {
    const { location } = await rawGet(scene.ours.origin, '/auth/%74apd')
    expect(new URL(location ?? '').searchParams.get('redirect_uri')).toBe(`${scene.ours.origin}/auth/tapd/callback`)
  })
})

describe('forwarded headers from a peer that is no proxy (RFC 9700 §4.13)', () => {
  const spoofs: Record<string, string>[] = [
    { 'x-forwarded-host': 'evil.example' },
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    { 'x-forwarded-host': 'evil.example, app.example.com' },
    { 'x-forwarded-server': 'evil.example', 'x-host': 'evil.example', 'x-original-host': 'evil.example' },
    { forwarded: 'for=1.2.3.4;host=evil.example;proto=https' },
    { 'x-original-url': '/auth/evil', 'x-rewrite-url': '//evil.example', 'x-forwarded-prefix': '//evil.example' },
    { 'x-forwarded-port': '666', 'x-forwarded-for': '127.0.0.1' },
  ]
  const redirectOf = (location: string | undefined) => new URL(location ?? '').searchParams.get('redirect_uri')

  test('control: the naive app sends the code wherever the header says', async () => {
    const { location } = await rawGet(scene.naive.origin, '/auth/aihubmix', spoofs[1])
    expect(redirectOf(location)).toBe('https://evil.example/auth/aihubmix/callback')
  })

  test.each(spoofs)('ours does not believe %j', async (headers) => {
    for (const name of NAMES) {
      const { location } = await rawGet(scene.ours.origin, `/auth/${name}`, headers)
      expect(redirectOf(location)?.startsWith(`${scene.ours.origin}/auth/${name}/callback`)).toBe(true)
    }
  })

  test.each(spoofs)('nor does a strategy with a relative callbackURL believe %j', async (headers) => {
    const { options } = scene.emulators.aihubmix
    const app = await startBareApp(() => new AihubmixStrategy({ ...options, callbackURL: '/callback' }, () => {}))
    closing.push(app)
    const { location } = await rawGet(app.origin, '/login', headers)
    expect(redirectOf(location)).toBe(`${app.origin}/callback`)
  })

  test('with baseURL not even the Host header counts', async () => {
    const app = await startRouterApp({ providers: providersOf(scene.emulators), baseURL: 'https://app.example.com' })
    closing.push(app)
    for (const headers of [{ host: 'evil.example' }, { host: 'app.example.com@evil.example' }, ...spoofs]) {
      const { location } = await rawGet(app.origin, '/auth/tapd', headers)
      expect(redirectOf(location)).toBe('https://app.example.com/auth/tapd/callback')
    }
  })

  test.each(['http://evil.example/auth/aihubmix', 'https://evil.example:1/auth/aihubmix'])(
    'a request target that names a host, %s, does not name the callback',
    async (target) => {
      const { host } = new URL(scene.ours.origin)
      const { location } = await rawGet(scene.ours.origin, target, { host })
      expect(redirectOf(location)).toBe(`${scene.ours.origin}/auth/aihubmix/callback`)
    },
  )

  test('nor does a path with two slashes before it, where a route lets it through', async () => {
    const { options } = scene.emulators.aihubmix
    const app = await startBareApp(() => new AihubmixStrategy({ ...options, callbackURL: '/callback' }, () => {}), {
      route: /login$/,
    })
    closing.push(app)
    const { location } = await rawGet(app.origin, '//evil.example/login')
    expect(redirectOf(location)).toBe(`${app.origin}/callback`)
  })
})
