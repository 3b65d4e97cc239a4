import http from 'node:http'
import express, { type RequestHandler } from 'express'
import fc from 'fast-check'
import { runsOf, seedOf } from '../fuzz/seed'
import { Browser } from '../support/browser'
import { comeBack } from '../support/coming-back'
import { PostingStage } from '../support/posting-strategy'

let stage: PostingStage
beforeAll(async () => {
  stage = await PostingStage.open()
})
afterAll(() => stage.close())
afterEach(() => stage.closeApps())

describe('a body', () => {
  test.each<[string, RequestHandler]>([
    ['urlencoded', express.urlencoded({ extended: false })],
    ['urlencoded, extended', express.urlencoded({ extended: true })],
    ['text', express.text({ type: '*/*' })],
    ['raw', express.raw({ type: '*/*' })],
    ['json, which leaves it', express.json()],
  ])('may have been read by the app before: %s', async (_name, before) => {
    const app = await stage.start({}, { before })
    const browser = new Browser()
    expect((await comeBack(browser, await stage.posted(app, browser))).status).toBe(303)
    expect(await stage.me(app, browser)).not.toBeNull()
  })

  const form = 'application/x-www-form-urlencoded'
  const fine = ({ code, state }: Record<string, string>) => `code=${code}&state=${state}`
  type Row = [what: string, type: string, body: (fields: Record<string, string>) => string | Buffer, more?: object]
  const rows: Row[] = [
    ['a field twice', form, (fields) => `${fine(fields)}&state=x`],
    ['an unknown field twice', form, (fields) => `${fine(fields)}&a=1&a=1`],
    ['no field', form, () => ''],
    ['a state alone', form, ({ state }) => `state=${state}`],
    ['an empty code', form, ({ state }) => `code=&state=${state}`],
    ['a lone percent sign', form, (fields) => `${fine(fields)}&user=%`],
    ['bytes that are no UTF-8, escaped', form, (fields) => `${fine(fields)}&user=%ff`],
    [
      'bytes that are no UTF-8',
      form,
      (fields) => Buffer.concat([Buffer.from(`${fine(fields)}&user=`), Buffer.from([0xff])]),
    ],
    ['more than 128 KiB', form, (fields) => `${fine(fields)}&user=${'x'.repeat(128 * 1024)}`],
    [
      'more than 128 KiB without a length',
      form,
      (fields) => `${fine(fields)}&user=${'x'.repeat(300 * 1024)}`,
      { chunked: true },
    ],
    ['10 MB', form, (fields) => `${fine(fields)}&user=${'x'.repeat(10_000_000)}`],
    ['10 MB without a length', form, (fields) => `${fine(fields)}&user=${'x'.repeat(10_000_000)}`, { chunked: true }],
    ['compressed', form, fine, { 'content-encoding': 'gzip' }],
    ['JSON', 'application/json', (fields) => JSON.stringify(fields)],
    ['a type that looks like it', `${form}-too`, fine],
    ['a type of two', `text/plain, ${form}`, fine],
    ['multipart', 'multipart/form-data; boundary=x', () => '--x--'],
    ['no type', '', fine],
  ]

  test.each(rows)(
    'with %s is callback_invalid, asks nobody, and the login goes on',
    async (_what, type, body, more = {}) => {
      const app = await stage.start()
      const browser = new Browser()
      const back = await stage.posted(app, browser)
      const calls = stage.tokenCalls()
      const { status, text } = await send(back.url, body({ ...back.fields }), { 'content-type': type, ...more })
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'callback_invalid' } })
      expect(status).toBe(400)
      expect(stage.tokenCalls()).toBe(calls)
      expect((await comeBack(browser, back)).status).toBe(303)
    },
  )

  test('that a parser of the app’s let through is bounded all the same', async () => {
    const app = await stage.start({}, { before: express.urlencoded({ extended: false, limit: '1mb' }) })
    const browser = new Browser()
    const back = await stage.posted(app, browser)
    const half = 'x'.repeat(70_000)
    const { status, text } = await send(back.url, `${fine({ ...back.fields })}&a=${half}&b=${half}`, {
      'content-type': form,
    })
    expect([status, JSON.parse(text)]).toEqual([400, { error: expect.objectContaining({ code: 'callback_invalid' }) }])
    expect((await comeBack(browser, back)).status).toBe(303)
  })

  test('of any bytes whatever is no 500, logs nobody in, and asks nobody', async () => {
    const app = await stage.start()
    const { url, fields } = await stage.posted(app, new Browser())
    const calls = stage.tokenCalls()
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.stringMatching(/^[&=%+;[\]a-z0-9]{0,80}$/),
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.concat([Buffer.from(fine({ ...fields })), Buffer.from(bytes)])),
    )
    await fc.assert(
      fc.asyncProperty(junk, async (body) => {
        const { status } = await send(url, body, { 'content-type': form })
        expect([200, 400]).toContain(status)
      }),
      { seed: seedOf('posted forms'), numRuns: runsOf(150) },
    )
    expect(stage.tokenCalls()).toBe(calls)
  })

  test('that says what is wrong with it says so to the app, and quotes nothing', async () => {
    const messages: string[] = []
    const app = await stage.start({
      onError: (error, _req, res) => {
        messages.push(error.message)
        res.status(error.status).json({ error })
      },
    })
    const { url } = await stage.posted(app, new Browser())
    await send(url, 'code=canary&code=canary', { 'content-type': form })
    await send(url, 'x', { 'content-type': 'text/plain' })
    await send(url, 'x'.repeat(200_000), { 'content-type': form })
    expect(messages).toEqual([
      expect.stringContaining('has a field twice'),
      expect.stringContaining('application/x-www-form-urlencoded'),
      expect.stringContaining('128 KiB'),
    ])
    expect(messages.join()).not.toContain('canary')
  })
})

/** As a script sends it: with any body and any headers. */
function send(url: string, body: string | Buffer, { chunked, ...more }: Record<string, string | boolean>) {
  const length = chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const headers = { accept: 'application/json', ...length, ...more } as http.OutgoingHttpHeaders // texts, as the rows have them
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = http.request(url, { method: 'POST', headers, agent: false }, async (res) => {
      let text = ''
      for await (const chunk of res) text += chunk
      resolve({ status: res.statusCode ?? 0, text })
    })
    request.on('error', reject).end(body)
  })
}
