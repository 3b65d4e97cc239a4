import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { inOneOfTenTries } from '../support/in-time'
import { call, fetched, type Responder, startResponder } from '../support/provider-call'

let provider: Responder
beforeAll(async () => {
  provider = await startResponder()
})
afterAll(() => provider.close())

/** Every way to read a whole body that fetch's `Response` has. */
const WAYS: Record<string, (response: Response & { bytes(): Promise<Uint8Array> }) => Promise<unknown>> = {
  json: (response) => response.json(),
  text: (response) => response.text(),
  arrayBuffer: (response) => response.arrayBuffer(),
  bytes: (response) => response.bytes(),
  blob: (response) => response.blob(),
  formData: (response) => response.formData(),
  'clone, text': (response) => response.clone().text(),
  'clone, blob': (response) => response.clone().blob(),
  'clone of a clone': (response) => response.clone().clone().arrayBuffer(),
  'the first one of two': async (response) => {
    response.clone()
    return response.text()
  },
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const LARGE = Buffer.alloc(500_000, 'a=')

test('there is no other way', () => {
  const known = new Set(Object.keys(WAYS).map((name) => name.split(',')[0]))
  const members = Object.getOwnPropertyNames(Response.prototype).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(Response.prototype, name) ?? {}
    return typeof value === 'function' && name !== 'constructor'
  })
  expect(members.filter((name) => !known.has(name))).toEqual([])
})

describe.each(Object.entries(WAYS))('%s', (name, read) => {
  test.each([
    ['as it is', {}, LARGE],
    ['compressed', { 'content-encoding': 'gzip' }, gzipSync(LARGE)],
  ])('refuses a body that is too large, %s', async (_how, headers, body) => {
    provider.respond = (res) => void res.writeHead(200, { ...FORM, ...headers }).end(body)
    await expect(read(await fetched(provider.url))).rejects.toMatchObject({ code: 'response_too_large' })
    // The control: fetch's own takes it all.
    const whole = (await fetch(provider.url)).arrayBuffer()
    expect((await whole).byteLength).toBe(LARGE.length)
  })

  test('ends at the deadline', async () => {
    provider.respond = (res) => void res.writeHead(200, FORM).write('a=')
    // Where the machine stands still, it strikes before the head is there.
    const response = await inOneOfTenTries(() => fetched(provider.url, { timeout: 300 }))
    await expect(read(response)).rejects.toMatchObject({ code: 'provider_timeout' })
  })

  test('reads once', async () => {
    provider.respond = (res) => void res.writeHead(200, FORM).end('1')
    const response = await fetched(provider.url)
    await read(response)
    if (name.startsWith('clone')) return void expect(response.bodyUsed).toBe(false)
    expect(response.bodyUsed).toBe(true)
    await expect(read(response)).rejects.toMatchObject({ name: 'TypeError' })
  })
})

test('`body` streams what is larger', async () => {
  provider.respond = (res) => void res.end(LARGE)
  const { body } = await fetched(provider.url)
  let size = 0
  for await (const piece of body ?? []) size += piece.length
  expect(size).toBe(LARGE.length)
})

test('a clone and its origin both have the body', async () => {
  provider.respond = (res) => void res.end('{"a":1}')
  const response = await fetched(provider.url)
  const clone = response.clone()
  expect([await clone.json(), await response.json()]).toEqual([{ a: 1 }, { a: 1 }])
})

test('it is a Response by fetch’s own measure', async () => {
  provider.respond = (res) => void res.writeHead(201, { 'set-cookie': ['a=1', 'b=2'], 'x-name': 'é' }).end('{"a":1}')
  const response = await fetched(provider.url)
  expect(response).toBeInstanceOf(Response)
  const own = Object.getOwnPropertyDescriptor(Response.prototype, 'status')?.get
  expect(own?.call(response)).toBe(201)
  expect([...response.headers.getSetCookie(), response.headers.get('x-name')]).toEqual(['a=1', 'b=2', 'é'])
  expect(await new Response(response.body).json()).toEqual({ a: 1 })
  expect(response.bodyUsed).toBe(true)
})

test.each([204, 304])('%i has no body', async (status) => {
  provider.respond = (res) => void res.writeHead(status).end()
  const response = await fetched(provider.url)
  expect([response.status, response.body, await response.text()]).toEqual([status, null, ''])
})

test('a status that HTTP does not have is response_invalid', async () => {
  provider.respond = (res) => void res.socket?.end('HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\n{}')
  await expect(fetched(provider.url)).rejects.toMatchObject({ code: 'response_invalid' })
})

describe('content-encoding (RFC 9110 §8.4)', () => {
  const body = Buffer.from('{"a":1}')
  const zipped = gzipSync(body)
  const GOOD: [string, Buffer][] = [
    ['identity', body],
    ['Identity, ', body],
    ['GZIP', zipped],
    ['x-gzip', zipped],
    ['X-GZip', zipped],
    ['gzip, identity', zipped],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['gzip, br', brotliCompressSync(zipped)],
    ['deflate,x-gzip', gzipSync(deflateSync(body))],
  ]

  test.each(GOOD)('%s', async (coding, sent) => {
    provider.respond = (res) => void res.writeHead(200, { 'content-encoding': coding }).end(sent)
    expect(await call(provider.url)).toMatchObject({ status: 200, text: String(body) })
    expect(await (await fetched(provider.url)).json()).toEqual({ a: 1 })
    expect(await new Response((await fetched(provider.url)).body).json()).toEqual({ a: 1 })
  })

  test.each([
    ['zstd', body],
    ['toString', body],
    ['gzip', body],
    ['gzip', zipped.subarray(0, 20)],
    ['gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(zipped)))],
  ])('%s, unknown or broken, is response_invalid', async (coding, sent) => {
    provider.respond = (res) => void res.writeHead(200, { 'content-encoding': coding }).end(sent)
    await expect(call(provider.url)).rejects.toMatchObject({ code: 'response_invalid' })
    await expect((await fetched(provider.url)).text()).rejects.toMatchObject({ code: 'response_invalid' })
  })

  test('a list multiplies no bound', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(50_000_000)))
    provider.respond = (res) => void res.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(bomb)
    await expect(call(provider.url)).rejects.toMatchObject({ code: 'response_too_large' })
  })
})

test('a call has the headers of its response', async () => {
  provider.respond = (res) => void res.writeHead(429, { 'Retry-After': '7' }).end('{}')
  expect(await call(provider.url)).toMatchObject({ status: 429, headers: { 'retry-after': '7' }, text: '{}' })
})

test('a response that comes late is read late', async () => {
  provider.respond = (res) => void sleep(100).then(() => res.end('{"a":1}'))
  expect(await (await fetched(provider.url)).json()).toEqual({ a: 1 })
})
