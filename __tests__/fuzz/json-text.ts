import fc from 'fast-check'

/** Names that providers use, and names that hurt careless code. */
const NAMES = [
  ...['error', 'error_description', 'error_code', 'description', 'code', 'message', 'status', 'info', 'data', 'meta'],
  ...['type', 'success', 'log_id', 'request_id', 'User', 'user', 'resource', 'access_token', 'token_type', 'scope'],
  ...['expires_in', 'refresh_token', 'id', 'sub', 'open_id', 'user_id', 'name', 'nick', 'nickname', 'username'],
  ...['display_name', 'userName', 'avatar', 'avatar_url', 'email', 'accountEmail'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'then', 'toJSON', 'length', ''],
]
const WORDS = [
  ...['ok', '0', '1', '-1', '-2', '-3', 'Bearer', 'bearer', 'mac', 'user', 'invalid_grant', 'invalid_token', 'error'],
  ...['access_token_invalid', 'authorization code', '__proto__', 'constructor', '张三', '\u0000', '\ud800', ' ', ''],
  ...['https://img.example/a.png', 'javascript:alert(1)', '{BACKEND}/a', 'profile balance', 'a,b,,c', '3600', '1e400'],
]
const leaf = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...WORDS).map((word) => JSON.stringify(word)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('0', '1', '-1', '200', '401', '429', '503', 'true', 'false', 'null', '[]', '{}'),
  },
  { weight: 1, arbitrary: fc.constantFrom('1e999', '-0', '9007199254740993', '0.1', '3153600000000') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map((text) => JSON.stringify(text)) },
)
const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map(list),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 6 })
    .map((members) => `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`),
}))

/** Right answers, to be spoilt by what is added: the last of two members of one name is the one that counts. */
export const RIGHT = [
  '{"code":0,"access_token":"a","token_type":"Bearer","expires_in":7200,"data":{"open_id":"o","union_id":"u","name":"n"}}',
  '{"access_token":"a","token_type":"Bearer","expires_in":7200,"refresh_token":"r","scope":"profile","id":1,"sub":"s"}',
  '{"status":1,"data":{"access_token":"a","token_type":"Bearer","expires_in":7200,"id":"7","user_id":"8"}}',
  '{"status":1,"data":{"User":{"id":"7","name":"n"}}}',
  '{"error":0,"type":1,"id":"7","userName":"n","data":"code","access_token":"a"}',
  '{"data":{"user":{"open_id":"o","display_name":"n"}},"error":{"code":"ok","message":"","log_id":"l"}}',
  '{"data":{"user":{"open_id":"o"},"open_id":"o","access_token":"a","error_code":0},"message":"success"}',
]

/** The text of an answer: mostly JSON that looks like a provider's, in any combination; now and then no JSON at all. */
export const answerText = fc.oneof(
  { weight: 12, arbitrary: fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 8 }).map(object) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...RIGHT), fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 3 }))
      .map(([right, more]) => (more.length === 0 ? right : `${right.slice(0, -1)},${object(more).slice(1)}`)),
  },
  { weight: 2, arbitrary: value },
  { weight: 1, arbitrary: fc.tuple(value, fc.nat(60)).map(([text, end]) => text.slice(0, end)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 3000 }).map((depth) => `${'{"data":'.repeat(depth)}1${'}'.repeat(depth)}`),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 3000 }).map((depth) => `{"data":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  },
)

function list(items: string[]): string {
  return `[${items.join()}]`
}

function object(members: [string, string][]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`
}
