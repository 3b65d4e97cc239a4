import { EMULATOR_NAMES, type Emulator, type EmulatorName } from 'passport-dialects/emulators'
import { ask, encoded, type Params, post, starter } from './conversation'
import { authorizationAt } from './logins'

const CHINESE = { 'accept-language': 'zh-CN' }

const started = starter()

/** The sentence of an error page: what is after its code. */
function sentenceOf(page: string): string | undefined {
  return /<p class="error"><code>[^<]*<\/code>(?:：|: )(.*)<\/p>/.exec(page)?.[1]
}

test.each<[EmulatorName, Params, zh: string, en: string]>([
  ['line', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  ['linkedin', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  ['notion', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  ['apple', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  ['slack', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  ['slack', { response_type: 'x' }, 'response_type 必须是 code。', 'response_type must be code.'],
  ['shopify', { state: ['a', 'b'] }, '参数 state 重复。', 'The parameter state is repeated.'],
  [
    'shopify',
    { scope: 'read_products write_orders' },
    '权限无效：多个权限之间用逗号分隔。',
    'The access scopes are not valid: a comma stands between them.',
  ],
  [
    'shopify',
    { scope: 'read_products', 'grant_options[]': 'x' },
    'grant_options[] 无效。',
    'grant_options[] is not valid.',
  ],
  ['kakao', { redirect_uri: 'http://127.0.0.1:9/other' }, 'redirect_uri 没有登记。', 'redirect_uri is not registered.'],
  [
    'kakao',
    { scope: 'x' },
    'scope 中有应用没有设置的同意项目。',
    'scope has consent items that this app has not set up.',
  ],
])('%s refuses %j in the language of the reader', async (name, over, zh, en) => {
  const emulator = await started(name, { redirectURIs: ['http://127.0.0.1:9/callback'] })
  const address = await authorizationAt(emulator, over)
  expect(sentenceOf((await ask(address, { headers: CHINESE })).text)).toBe(zh)
  expect(sentenceOf((await ask(address)).text)).toBe(en)
})

test.each<[string, Params, zh: string]>([
  ['a user', { user: 'nobody' }, '这里没有这个用户，可选的有：6081、6082、6083、6084。'],
  ['a scope', { user: '6081', step: '', scope: 'x' }, '可选的权限中没有这一项。'],
  ['a project', { user: '6081', project: 'x' }, '列表中没有这一项。'],
  ['a step', { user: '6081', step: 'x', fault: 'reset' }, '没有名为 x 的步骤。'],
  ['a fault', { user: '6081', step: 'token', fault: 'x' }, '没有名为 x 的出错方式。'],
])('a choice that the page does not have is refused in Chinese: %s', async (_what, form, zh) => {
  const emulator = await started('tapd')
  expect(sentenceOf((await post(await authorizationAt(emulator), form, CHINESE)).text)).toBe(zh)
})

test('the pages that open an app say in Chinese what is wrong with its address', async () => {
  const [tapd, shopify, aihubmix] = [await started('tapd'), await started('shopify'), await started('aihubmix')]
  const at = async (address: string) => sentenceOf((await ask(address, { headers: CHINESE })).text)
  expect(await at(`${tapd.origin}/entry?redirect=x`)).toBe('入口地址必须是完整的 http(s) 地址。')
  expect(await at(`${tapd.origin}/entry?redirect=http://127.0.0.1/&user=x`)).toContain('这里没有这个用户')
  expect(await at(`${shopify.origin}/entry?redirect=x`)).toBe('应用的起始地址必须是完整的 http(s) 地址。')
  expect(await at(`${aihubmix.origin}/topup?user=x`)).toContain('这里没有这个用户')
})

test('the provider’s own words stay as they are', async () => {
  const tailchat = await started('tailchat')
  const page = await ask(await authorizationAt(tailchat, { client_id: 'x' }), { headers: CHINESE })
  expect(sentenceOf(page.text)).toBe('client is invalid')
})

/** What a page shows, without codes: ids, scopes and the names of faults are the same in every language. */
function proseOf(page: string): string[] {
  const text = page.replace(/<style>[\s\S]*?<\/style>|<script>[\s\S]*?<\/script>|<svg[\s\S]*?<\/svg>/g, '')
  const bare = text.replace(/<code>[^<]*<\/code>|<small>[^<]*<\/small>|<span class="mark"[\s\S]*?<\/span>/g, '')
  return bare
    .split(/<[^>]*>/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

test.each(EMULATOR_NAMES)('%s: no sentence of the consent page is in English only', async (name) => {
  const emulator = await started(name)
  const address = await consentAddress(emulator)
  const page = await ask(address, { headers: CHINESE })
  expect([page.status, page.text.includes('name="deny"')]).toEqual([200, true])
  const names = [emulator.title, ...emulator.users.map((user) => user.name)]
  // Three words in a row make a sentence; the choices of a place are names.
  const foreign = proseOf(page.text.replace(/<select id="project"[\s\S]*?<\/select>/, '')).filter(
    (part) => !names.includes(part) && !/\p{Script=Han}/u.test(part) && /[a-z]+ [a-z]+ [a-z]+/i.test(part),
  )
  expect(foreign).toEqual([])
})

/** The address of a consent page, for the providers that `authorizationAt` leaves to their own tests too. */
async function consentAddress(emulator: Emulator): Promise<string> {
  if (emulator.name === 'apple') return authorizationAt(emulator, { scope: 'email', response_mode: 'form_post' })
  if (emulator.name === 'shopify') return authorizationAt(emulator, { scope: 'read_products' })
  return authorizationAt(emulator)
}

test('a click on "Deny" that the app does not hear of is explained in Chinese', async () => {
  const shopify = await started('shopify')
  const address = `${shopify.options.authorizationURL}?${encoded({
    client_id: shopify.options.clientID,
    redirect_uri: 'http://127.0.0.1:9/callback',
    scope: 'read_products',
    state: 's',
  })}`
  expect((await post(address, { deny: '1' }, CHINESE)).text).toContain('您仍停留在 Shopify，应用不会收到任何消息。')
})
