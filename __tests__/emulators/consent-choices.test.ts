import type { Emulator, EmulatorName, EmulatorOptions } from 'passport-dialects/emulators'
import { ask, brought, CALLBACK, members, post, starter } from './conversation'
import { authorizationAt, loginAt, profileAt, tokensFor } from './logins'

const NAMES: readonly EmulatorName[] = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix']

const started = starter()

/** What a browser sends that pressed a user's button on the page: every field of the form, as the page has it. */
async function submitted(of: Emulator, over: Record<string, string | string[] | undefined> = {}) {
  const address = await authorizationAt(of)
  const untouched = { step: '', fault: 'reset', fault_code: '', user: of.users[0]?.id }
  return post(address, { ...untouched, ...over })
}

test.each(NAMES)('%s: every user can log in, and is who was chosen', async (name) => {
  const emulator = await started(name)
  expect(emulator.users.length).toBeGreaterThanOrEqual(4)
  for (const { id } of emulator.users) {
    const { access } = await loginAt(emulator, { user: id })
    expect((await profileAt(emulator, access)).text).toContain(id)
  }
})

test.each(['bbscloud', 'aihubmix'] as const)('%s: who has no e-mail address is said to have none', async (name) => {
  const emulator = await started(name)
  const { text } = await ask(await authorizationAt(emulator))
  expect(text).toMatch(/Continue as Ada Lovelace <small>\w+ · no e-mail address/)
  expect(text).toMatch(/Continue as 张三 <small>\w+ · \w+@/)
})

test.each(NAMES)('%s: the page names apostrophe and <script> as text', async (name) => {
  const { text } = await ask(await authorizationAt(await started(name)))
  expect(text).toContain('Continue as O&#39;Brien &#60;script&#62;alert(1)&#60;/script&#62;')
  expect(text).not.toContain('<script')
})

test.each([
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
  ['zh-TW', 'zh-CN'],
  ['fr, zh;q=0.5, en;q=0.4', 'zh-CN'],
  ['en-GB,en;q=0.9,zh;q=0.8', 'en'],
  ['en;q=0.1, zh;q=0', 'en'],
  ['*', 'en'],
  ['', 'en'],
  ['zh;q=x;;,,;', 'zh-CN'],
])('Accept-Language "%s" is answered in %s, on every page', async (wish, language) => {
  const emulator = await started('tapd')
  const headers = { 'accept-language': wish }
  for (const address of [await authorizationAt(emulator), `${emulator.origin}/oauth/`, `${emulator.origin}/entry`]) {
    const answer = await ask(address, { headers })
    expect(answer.text).toContain(`<html lang="${language}">`)
    expect(answer.text).toContain(language === 'en' ? 'This is an emulator' : '模拟器')
    expect(answer.headers.get('vary')).toBe('accept-language')
  }
})

test('in Chinese: the Chinese name, full-width colons, no half-width ones between Chinese words', async () => {
  const headers = { 'accept-language': 'zh-CN' }
  const feishu = await started('feishu')
  const { text } = await ask(await authorizationAt(feishu), { headers })
  const words = text.replace(/<style>[\s\S]*?<\/style>/, '').replace(/<[^>]+>/g, ' ')
  expect(words).not.toContain('Feishu')
  for (const part of [
    '有应用请求使用飞书登录',
    '飞书模拟器',
    '不是真正的飞书：没有账号',
    'reset：连接被切断',
    'gzip 解压后 50 MiB',
  ]) {
    expect(words).toContain(part)
  }
  expect(text).toContain('应用：<code>')
  expect(words).not.toMatch(/\p{Script=Han}: |: \p{Script=Han}|编号/u)
  const tiktok = await started('tiktok')
  const refused = await ask(tiktok.options.authorizationURL, { headers })
  expect(refused.text).toContain('<h1>TikTok 拒绝了这个请求</h1>')
  expect((await ask(await authorizationAt(tiktok), { headers })).text).toContain('<h1>有应用请求使用 TikTok 登录</h1>')
  expect((await ask(await authorizationAt(tiktok))).text).toContain('The app: <code>')
})

describe('TikTok: unticking scopes', () => {
  const both = 'user.info.basic,user.info.profile'

  test.each<[string, string[], string]>([
    ['some', ['user.info.basic'], 'user.info.basic'],
    ['none', ['user.info.profile', 'user.info.basic'], both],
    ['all', [], ''],
  ])('%s', async (_which, scopes, granted) => {
    for (const apiVersion of ['v2', 'v1'] as const) {
      const emulator = await started('tiktok', { apiVersion })
      const callback = brought(await emulator.approve(await authorizationAt(emulator), { scopes }))
      expect(callback.scopes).toBe(granted)
      const back = await submitted(emulator, { scope: scopes })
      expect(brought(back.headers.get('location') ?? '').scopes).toBe(granted)
      if (apiVersion === 'v2') expect((await tokensFor(emulator, callback)).raw.scope).toBe(granted)
    }
  })

  test('what was not asked for cannot be granted; grantedScopes are ticked at first', async () => {
    const emulator = await started('tiktok', { grantedScopes: ['user.info.basic'] })
    const address = await authorizationAt(emulator)
    await expect(emulator.approve(address, { scopes: ['video.list'] })).rejects.toThrow(/400.*no such scope/)
    const { text } = await ask(address)
    expect(text.match(/<input type="checkbox"[^>]*>/g)).toEqual([
      '<input type="checkbox" name="scope" value="user.info.basic" checked>',
      '<input type="checkbox" name="scope" value="user.info.profile">',
    ])
  })

  test.each(NAMES.filter((name) => name !== 'tiktok'))('%s has no boxes to untick', async (name) => {
    const emulator = await started(name)
    expect((await ask(await authorizationAt(emulator))).text).not.toContain('type="checkbox"')
    const choice = emulator.approve(await authorizationAt(emulator), { scopes: ['user'] })
    await expect(choice).rejects.toThrow(/400.*no such scope/)
  })
})

describe('TAPD: a project', () => {
  const resourceAfter = async (of: Emulator, choice = {}) => {
    const callback = brought(await of.approve(await authorizationAt(of), choice))
    const { raw } = await tokensFor(of, callback)
    expect(raw.resource).toEqual(JSON.parse(callback.resource ?? ''))
    return raw.resource
  }

  test('a chosen one is the resource of callback and token; without one it is the user', async () => {
    const emulator = await started('tapd', { projects: [{ id: '77', name: 'R&D <b>' }] })
    expect(await resourceAfter(emulator)).toMatchObject({ type: 'user', user_id: '10006081' })
    expect(await resourceAfter(emulator, { project: '77' })).toEqual({ type: 'workspace', workspace_id: 77 })
    const back = await submitted(emulator, { project: '77', user: '6082' })
    expect(brought(back.headers.get('location') ?? '').resource).toBe('{"type":"workspace","workspace_id":77}')
    const { text } = await ask(await authorizationAt(emulator))
    expect(text).toContain('<option value="77">R&#38;D &#60;b&#62; (77)</option>')
    expect(text).toContain('<option value="" selected>')
  })

  test('an app whose tokens speak of projects has one chosen at first', async () => {
    const emulator = await started('tapd', { resource: 'workspace' })
    expect(await resourceAfter(emulator)).toEqual({ type: 'workspace', workspace_id: 10104801 })
    expect((await ask(await authorizationAt(emulator))).text).not.toContain('<option value="" selected>None: the token')
  })

  test('the cloud asks for a company, whose id stands beside the user', async () => {
    const emulator = await started('tapd', { site: 'cloud' })
    expect(await resourceAfter(emulator)).toMatchObject({ type: 'user', company_id: '20003271' })
    expect(await resourceAfter(emulator, { project: '20003272' })).toMatchObject({
      type: 'user',
      user_id: '10006081',
      company_id: '20003272',
    })
  })

  test('there is nothing else to choose, and nothing elsewhere', async () => {
    const emulator = await started('tapd')
    const other = emulator.approve(await authorizationAt(emulator), { project: '1' })
    await expect(other).rejects.toThrow(/400.*no such project/)
    const aihubmix = await started('aihubmix')
    const none = aihubmix.approve(await authorizationAt(aihubmix), { project: '10104801' })
    await expect(none).rejects.toThrow(/400.*no such project/)
  })
})

describe('a step that a person lets fail', () => {
  const stepsOf = (text: string) =>
    [...(/<select id="step"[\s\S]*?<\/select>/.exec(text)?.[0] ?? '').matchAll(/value="(\w+)"/g)].map(
      ([, step]) => step,
    )

  test.each<[EmulatorName, EmulatorOptions, string[]]>([
    ['tailchat', {}, ['token', 'profile', 'refresh', 'request']],
    ['tapd', {}, ['token', 'profile', 'refresh', 'request']],
    ['tapd', { site: 'cloud' }, ['token', 'profile', 'request']],
    ['bbscloud', {}, ['code', 'profile', 'request']],
    ['tiktok', {}, ['token', 'profile', 'refresh', 'revoke', 'request']],
    ['aihubmix', {}, ['token', 'profile', 'refresh', 'request']],
  ])('%s %j offers %j', async (name, options, steps) => {
    const { text } = await ask(await authorizationAt(await started(name, options)))
    expect(stepsOf(text)).toEqual(steps)
  })

  test.each<[Record<string, string>, number, object]>([
    [{ fault: 'http-503' }, 503, { error: 'server_error' }],
    [{ fault: 'refused', fault_code: ' invalid_scope ' }, 200, { error: 'invalid_scope' }],
    [{ fault: 'http-400', fault_code: 'invalid_client' }, 400, { error: 'invalid_client' }],
    [{ fault: 'token-type-mac', fault_code: 'of no use here' }, 200, { token_type: 'mac' }],
  ])('%j strikes the exchange, once', async (fields, status, json) => {
    const emulator = await started('aihubmix')
    const back = await submitted(emulator, { step: 'token', ...fields })
    const { code } = brought(back.headers.get('location') ?? '')
    const { clientID: client_id, clientSecret: client_secret, tokenURL } = emulator.options
    const grant = { client_id, client_secret, grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
    expect(await post(tokenURL, grant)).toMatchObject({ status, json })
    expect(members(await post(tokenURL, grant))).not.toMatchObject(json)
  })

  test('with no step, or with a denial, nothing fails', async () => {
    const emulator = await started('aihubmix')
    await submitted(emulator, { fault: 'http-500' })
    await post(await authorizationAt(emulator), { step: 'token', fault: 'http-500', deny: '1' })
    expect((await loginAt(emulator)).access).not.toBe('')
  })

  test.each([
    [{ step: 'authorize', fault: 'reset' }, 'no step authorize'],
    [{ step: 'revoke', fault: 'reset' }, 'no step revoke'],
    [{ step: 'token', fault: 'toString' }, 'no fault named toString'],
  ])('%j is on no page of ours', async (fields, says) => {
    const answer = await submitted(await started('aihubmix'), fields)
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(says) })
  })
})
