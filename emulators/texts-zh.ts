import type { Texts } from './texts'

/** A provider by its Chinese name, where it has one. */
const NAMES: Readonly<Record<string, string>> = { Feishu: '飞书' }

/** A sentence with a provider's name in it: Chinese words are not set apart by spaces. */
function about(provider: string, sentence: (name: string) => string): string {
  const name = Object.hasOwn(NAMES, provider) ? NAMES[provider] : undefined
  return name === undefined ? sentence(` ${provider} `).trim() : sentence(name)
}

export const CHINESE: Texts = {
  language: 'zh-CN',
  note: (provider) =>
    about(provider, (name) => `这是开发用的模拟器，不是真正的${name.trimEnd()}：没有账号，也没有密码。`),
  emulator: (provider) => about(provider, (name) => `${name}模拟器`),
  wants: (provider) => about(provider, (name) => `有应用请求使用${name}登录`),
  app: '应用',
  labelled: (label, text) => `${label}：${text}`,
  asksFor: '申请的权限',
  untick: '不想授权的，取消勾选即可。',
  place: { project: '项目', company: '公司' },
  noProject: '不选：令牌只关联用户',
  placeHint: {
    project: '所选项目会作为 resource 出现在回调和令牌中。',
    company: '公司 ID 会与用户 ID 一起出现在 resource 中。',
  },
  continueAs: (name) => `以 ${name} 的身份继续`,
  chooseUser: '选择用户',
  noEmail: '没有邮箱',
  deny: '拒绝',
  fail: '让后面的某一步出错',
  failHint: '该步骤的下一次请求会按所选方式出错一次，之后恢复正常。',
  step: '步骤',
  nothingFails: '不出错：一切正常',
  steps: {
    authorize: 'authorize：本页面',
    code: 'code：应用在下一次登录前获取 code',
    token: 'token：应用用 code 换取令牌',
    profile: 'profile：应用查询用户信息',
    refresh: 'refresh：应用刷新令牌',
    revoke: 'revoke：应用撤销令牌',
    request: 'request：应用之后调用 API',
  },
  how: '出错方式',
  code: '平台自己的错误码',
  codeHint: '可不填，用于 refused 和 HTTP 状态：invalid_grant、10008、-3 等',
  groups: { way: '连接', body: '响应体', content: '内容', refusal: '拒绝' },
  faults: {
    reset: '连接被切断',
    silent: '一直没有响应',
    'slow-headers': '响应头永远发不完',
    drip: '一次只发一个字节',
    truncated: '响应体只有一半',
    'wrong-length': '比声明的长度短',
    empty: '空响应',
    html: '返回网页',
    'not-json': 'JSON 不完整',
    bom: '开头带 BOM',
    'invalid-utf8': '含有非法字节',
    'split-utf8': '内容正确，但逐字节发送',
    proto: '含有 __proto__ 成员',
    deep: '嵌套十万层',
    'wrong-types': 'ID 和令牌的类型不对',
    'missing-token': '缺少 ID 和令牌',
    'token-type-mac': '令牌类型不是 Bearer',
    'expires-text': '有效期是文字',
    'expires-negative': '有效期为负数',
    'expires-missing': '没有有效期',
    'expires-huge': '有效期大得离谱',
    oversize: '响应体 50 MiB',
    'gzip-bomb': 'gzip 解压后 50 MiB',
    redirect: '重定向到别处',
    'http-401': '未认证',
    'http-403': '无权限',
    'http-429': '请求过多',
    'http-500': '平台内部错误',
    'http-503': '平台不可用',
    refused: 'HTTP 200，但平台表示拒绝',
  },
  refuses: (provider) => about(provider, (name) => `${name}拒绝了这个请求`),
  entryTitle: (provider) => about(provider, (name) => `从${name}内部打开应用`),
  entryHint: '浏览器会带着一个应用并未申请过的 code 跳转到应用的入口地址。',
  entryAddress: '应用的入口地址',
  topupTitle: (provider) => about(provider, (name) => `${name}充值`),
  balance: '余额',
  pay: (amount) => `充值 ${amount}`,
}
