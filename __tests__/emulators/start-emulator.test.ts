import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { ask, CALLBACK, encoded, post } from './conversation'

test.each<[name: EmulatorName, own: string[], without?: string[]]>([
  ['tailchat', ['refreshURL', 'issuer']],
  ['tapd', ['refreshURL']],
  ['bbscloud', ['codeURL']],
  ['tiktok', ['refreshURL', 'revokeURL', 'apiVersion']],
  ['aihubmix', ['refreshURL', 'topupURL']],
  ['feishu', ['refreshURL', 'edition']],
  ['wecom', ['agentId', 'appTokenURL', 'kind'], ['tokenURL']],
  [
    'apple',
    ['jwksURL', 'keyID', 'privateKey', 'refreshURL', 'revokeURL', 'teamID'],
    ['clientSecret', 'userProfileURL'],
  ],
  ['line', ['jwksURL', 'refreshURL', 'revokeURL']],
  ['slack', ['flow', 'jwksURL', 'refreshURL', 'revokeURL']],
  ['shopify', ['refreshURL', 'scope', 'shop'], ['baseURL']],
  ['alipay', ['alipayPublicKey', 'idSource', 'privateKey'], ['clientSecret']],
  ['gitee', ['refreshURL']],
  ['huawei', ['refreshURL', 'revokeURL']],
  ['kakao', ['refreshURL', 'revokeURL']],
  ['naver', ['refreshURL', 'revokeURL']],
  ['dingtalk', ['appTokenURL', 'kind', 'refreshURL']],
  ['wechat', ['kind', 'refreshURL']],
  ['qq', ['openIDURL', 'refreshURL']],
  ['x', ['refreshURL', 'revokeURL']],
  ['weibo', ['revokeURL']],
  ['douyin', ['refreshURL']],
  ['vk', ['refreshURL', 'revokeURL'], ['clientSecret']],
  ['linkedin', ['refreshURL']],
  ['notion', ['refreshURL', 'revokeURL']],
])('%s: options with every endpoint, on loopback', async (name, own, without = []) => {
  const emulator = await startEmulator(name, { clientID: 'an-id', clientSecret: 'a-secret' })
  const usual = ['clientID', 'clientSecret', 'baseURL', 'authorizationURL', 'tokenURL', 'userProfileURL']
  expect(Object.keys(emulator.options).sort()).toEqual(
    [...usual.filter((name) => !without.includes(name)), ...own].sort(),
  )
  const secret = without.includes('clientSecret') ? {} : { clientSecret: 'a-secret' }
  expect(emulator).toMatchObject({ name, options: { clientID: 'an-id', ...secret } })
  expect(emulator.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(emulator.users.map((user) => user.name)).toEqual([
    '张三',
    'Ada Lovelace',
    "O'Brien <script>alert(1)</script>",
    '欧阳若曦',
  ])
  expect(emulator.users[1]).not.toHaveProperty('email')
  await emulator.close()
  await emulator.close()
})

test('the log has what arrived, in order', async () => {
  const { origin, requests, close } = await startEmulator('tapd')
  await post(`${origin}/tokens/request_token?x=1`, { code: '张' }, { 'x-y': 'z' })
  await ask(`${origin}/users/info`)
  await ask(`${origin}/elsewhere-else`)
  expect(requests.map(({ endpoint }) => endpoint)).toEqual(['token', 'profile', 'request'])
  const form = { method: 'POST', path: '/tokens/request_token', query: { x: '1' }, body: 'code=%E5%BC%A0' }
  expect(requests[0]).toMatchObject({ ...form, headers: { 'x-y': 'z' }, at: expect.any(Number) })
  await close()
})

test('an unknown name and a port that is taken', async () => {
  await expect(startEmulator('toString' as EmulatorName)).rejects.toThrow('There is no emulator named toString')
  const first = await startEmulator('tapd')
  await expect(startEmulator('tapd', { port: Number(new URL(first.origin).port) })).rejects.toThrow('EADDRINUSE')
  await first.close()
})

/** Some machines have no IPv6. */
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

test.each<[string, string]>([
  ['0.0.0.0', '127.0.0.1'],
  ['localhost', 'localhost'],
  ...(hasIPv6 ? ['::', '::1'] : []).map((host): [string, string] => [host, '[::1]']),
])('listening on %s, its addresses are of %s', async (host, reached) => {
  const { origin, close } = await startEmulator('tapd', { host })
  expect(origin).toMatch(new RegExp(`^http://${reached.replace(/[[\].]/g, '\\$&')}:\\d+$`))
  expect((await ask(`${origin}/users/info`)).status).toBe(401)
  await close()
})

test('a body that is too large and a target that is none are 400, and the emulator goes on', async () => {
  const { origin, close } = await startEmulator('tapd')
  await post(`${origin}/tokens/request_token`, { code: 'x'.repeat(100_000) }).then(
    ({ status }) => expect(status).toBe(400),
    () => undefined, // cut while it was still sending
  )
  const socket = net.connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write('GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n')
  const [first] = await new Promise<Buffer[]>((resolve) => socket.once('data', (chunk) => resolve([chunk])))
  expect(String(first)).toMatch(/^HTTP\/1.1 400/)
  socket.destroy()
  expect((await ask(`${origin}//`)).status).toBe(200)
  await close()
})

describe('the consent page', () => {
  const evil = { id: '"><script>x</script>', name: "O'Brien <script>alert(1)</script>", email: 'a&b@example.com' }

  async function page() {
    const emulator = await startEmulator('tapd', { clientID: '<b>app</b>', users: [{ id: '1', name: '李四' }, evil] })
    const asked = { response_type: 'code', client_id: '<b>app</b>', redirect_uri: CALLBACK, scope: 'user story#read' }
    const address = `${emulator.options.authorizationURL}?${encoded({ ...asked, state: 's', auth_by: 'user' })}`
    return { emulator, address, shown: await ask(address) }
  }

  test('says what it is, what is asked for, and runs no script', async () => {
    const { emulator, shown } = await page()
    expect(shown.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(shown.headers.get('content-security-policy')).toMatch(/default-src 'none'; style-src 'sha256-/)
    for (const text of ['This is an emulator', 'Continue as 李四', '<code>story#read</code>', '<form method="post">']) {
      expect(shown.text).toContain(text)
    }
    expect(shown.text).toContain('<button name="deny" value="1"')
    expect(shown.text).not.toMatch(/<script|<b>/)
    await emulator.close()
  })

  test('whoever presses comes back, whatever the id; no one else does', async () => {
    const { emulator, address } = await page()
    expect(await emulator.approve(address, { user: evil.id })).toContain(`${CALLBACK}?code=`)
    await expect(emulator.approve(address, { user: 'nobody' })).rejects.toThrow(/400.*no such user/)
    await emulator.close()
  })

  test('consent: auto agrees as the first user', async () => {
    const emulator = await startEmulator('tapd', { consent: 'auto' })
    const { authorizationURL, clientID } = emulator.options
    const asked = { response_type: 'code', client_id: clientID, redirect_uri: CALLBACK, scope: 'user' }
    const answer = await ask(`${authorizationURL}?${encoded({ ...asked, state: 's', auth_by: 'user' })}`)
    expect(answer.status).toBe(302)
    expect(answer.headers.get('location')).toContain(`${CALLBACK}?code=`)
    await emulator.close()
  })
})

test('who approves with a redirect URI that is not registered is told both', async () => {
  const registered = 'https://app.example.com/auth/gitee/callback'
  const emulator = await startEmulator('gitee', { redirectURIs: [registered] })
  const { authorizationURL, clientID } = emulator.options
  const query = new URLSearchParams({ response_type: 'code', client_id: clientID, redirect_uri: `${registered}/` })
  const both = `The redirect URI sent is ${registered}/; registered are: ${registered}.`
  await expect(emulator.approve(`${authorizationURL}?${query}`)).rejects.toThrow(both)
  await expect(emulator.deny(`${authorizationURL}?${query}`)).rejects.toThrow(both)
  await emulator.close()
})
