import {
  AlipayStrategy,
  KakaoStrategy,
  NaverStrategy,
  QqStrategy,
  WechatStrategy,
  WecomStrategy,
} from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { selfSigned } from '../support/certificate'
import { instant, stateOf } from '../support/instant-strategy'
import { rsaPair } from '../support/rsa-keys'

let app: RunningApp | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
  jest.restoreAllMocks()
})

const CLIENT = { clientID: 'id', clientSecret: 'cs-edges-7f3a9c1e5b2d', callbackURL: '/cb' }

test('with skipUserProfile, verify gets the tokens and no profile', async () => {
  const seen: unknown[] = []
  app = await startRouterApp({
    providers: { instant: { ...instant, skipUserProfile: true } },
    verify: ({ provider, profile, tokens }) => {
      seen.push(profile, tokens?.accessToken)
      return { provider, id: 'mine', displayName: '' }
    },
  })
  const browser = new Browser()
  const state = stateOf(await browser.location(`${app.origin}/auth/instant`))
  expect((await browser.get(`${app.origin}/auth/instant/callback?code=c&state=${state}`)).status).toBe(303)
  expect(seen).toEqual([undefined, 'instant-token-1'])
  expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ id: 'mine' })
})

test('with skipUserProfile and no verify, the message says what is missing', async () => {
  let message = ''
  app = await startRouterApp({
    providers: { instant: { ...instant, skipUserProfile: true } },
    onError: (error, _req, res) => {
      message = `${error.code} ${error.message}`
      res.end()
    },
  })
  const browser = new Browser()
  const state = stateOf(await browser.location(`${app.origin}/auth/instant`))
  await browser.get(`${app.origin}/auth/instant/callback?code=c&state=${state}`)
  expect(message).toMatch(/^config_invalid .*`verify`/)
})

test('a failed login links only to a start that can begin one', async () => {
  const shop = await startEmulator('shopify')
  const options = { ...shop.options, shop: undefined }
  app = await startRouterApp({ providers: { shopify: options, instant } })
  const page = async (path: string) => (await fetch(app?.origin + path, { headers: { accept: 'text/html' } })).text()
  expect(await page('/auth/shopify')).not.toContain('href="/auth/shopify"')
  expect(await page('/auth/shopify/callback?code=c&state=x&shop=a.myshopify.com')).not.toContain('href="/auth/shopify"')
  expect(await page('/auth/instant/callback?code=c&state=x')).toContain('href="/auth/instant"')
  await shop.close()
})

test('the panels have their address without an option, and `panel: false` takes it away', async () => {
  const [wechat, wecom] = [await startEmulator('wechat'), await startEmulator('wecom')]
  for (const [panel, statuses] of [
    [undefined, [200, 200]],
    [false, [404, 404]],
  ] as const) {
    app = await startRouterApp({
      providers: { wechat: { ...wechat.options, panel }, wecom: { ...wecom.options, panel } },
    })
    const { origin } = app
    const asked = ['wechat', 'wecom'].map((name) =>
      fetch(`${origin}/auth/${name}/entry`, { method: 'POST', headers: { origin } }),
    )
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(statuses)
    await app.close()
    app = undefined
  }
  await Promise.all([wechat.close(), wecom.close()])
})

test('a certificate is no key of Alipay’s', () => {
  const { privateKey } = rsaPair('test')
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const { cert: certificate } = selfSigned('rsa')
  const alipay = { clientID: '2021000000000000', callbackURL: '/cb', privateKey: key, alipayPublicKey: certificate }
  expect(() => new AlipayStrategy(alipay, () => {})).toThrow(/`alipayPublicKey`/)
})

test('an option that is read is not called ignored', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const kakao = { ...CLIENT, jwksURL: 'https://kakao.example/keys', issuer: 'https://kakao.example' }
  new KakaoStrategy(kakao, () => {})
  new WecomStrategy({ ...CLIENT, agentId: '1', directoryURL: 'https://corp.example/user' } as never, () => {})
  expect(warned).not.toHaveBeenCalled()
  new QqStrategy({ ...CLIENT, issuer: 'https://qq.example' } as never, () => {})
  expect(warned).toHaveBeenCalledTimes(1)
})

test('an empty userid is no person from outside', () => {
  const strategy = new WecomStrategy({ ...CLIENT, agentId: '1' }, () => {})
  for (const userid of [null, '']) {
    const fields = Reflect.get(strategy, 'profileFields').call(strategy, { userid, external_userid: 'wm1' })
    expect(fields.id).toBe(userid)
  }
})

test.each([true, 1, '1', 'yes'])('is_snapshotuser %j is a snapshot user', (is_snapshotuser) => {
  const strategy = new WechatStrategy(CLIENT, () => {})
  expect(strategy.refusal({ access_token: 't', openid: 'o', is_snapshotuser }, 'token')).toMatchObject({
    code: 'user_unknown',
  })
  expect(strategy.refusal({ access_token: 't', openid: 'o', is_snapshotuser: 0 }, 'token')).toBeUndefined()
})

test('QQ refreshes where refreshURL says, and Naver keeps refresh tokens of a refused client', () => {
  const qq = new QqStrategy({ ...CLIENT, refreshURL: 'https://qq.example/refresh' }, () => {})
  const request = Reflect.get(qq, 'tokenRequest').call(qq, { grant_type: 'refresh_token', refresh_token: 'r' })
  expect(request.url).toBe('https://qq.example/refresh')
  const naver = new NaverStrategy(CLIENT, () => {})
  expect(naver.refusal({ error: 'unauthorized_client' }, 'refresh')?.code).toBe('client_rejected')
})
