import http from 'node:http'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import type { RunningApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { type Front, forward, startFront } from '../support/front'
import { NAMES } from '../support/providers'
import { ask, startTokenApp } from '../support/token-app'
import { usually } from '../support/whole'

describe.each(NAMES)('%s', (name) => {
  let emulator: Emulator
  let front: Front
  let app: RunningApp
  /** Where the next profile is cut in two. */
  let at = 0
  /** The profile as the provider sends it. */
  let sent: Buffer = Buffer.alloc(0)

  beforeAll(async () => {
    emulator = await startEmulator(name)
    front = await startFront((req, res) => {
      res.socket?.setNoDelay(true)
      forward(req, emulator.origin).then(({ status, body }) => {
        sent = body
        res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
        res.flushHeaders()
        if (at > 0) res.write(body.subarray(0, at))
        setTimeout(() => res.end(body.subarray(at)), 1) // after the first part has arrived
      })
    })
    const userProfileURL = `http://127.0.0.1:${front.port}${new URL(emulator.options.userProfileURL).pathname}`
    app = await startTokenApp({ providers: { [name]: { ...emulator.options, userProfileURL } } })
  })
  afterAll(async () => {
    await app.close()
    await front.close()
    await emulator.close()
  })

  async function nameAfterLogin(browser = new Browser()): Promise<unknown> {
    await browser.get(await emulator.approve(await browser.location(`${app.origin}/auth/${name}`)))
    return (await told(browser.get(`${app.origin}/me`))).user?.displayName
  }

  test('a Chinese name is right wherever the body of the profile is split', async () => {
    const expected = emulator.users[0]?.name ?? ''
    at = 0
    expect(await nameAfterLogin()).toBe(expected)
    // The name travels as bytes of UTF-8, not as escapes: else no split could harm it.
    expect(expected).toMatch(/[一-龥]/)
    expect(sent.includes(Buffer.from(expected, 'utf8'))).toBe(true)
    const browser = new Browser()
    const start = sent.indexOf(Buffer.from(expected, 'utf8'))
    at = start + 1
    expect(await nameAfterLogin(browser)).toBe(expected)
    // From here on the login asks for its profile again: the same call.
    const wrong: number[] = []
    const all = Array.from({ length: sent.length }, (_, nth) => nth + 1)
    for (at of usually(all, (place) => place % 10 === 0 || Math.abs(place - start - 2) < 8)) {
      const { value } = await ask(browser, `${app.origin}/profile/${name}`)
      if ((value as { displayName?: string } | undefined)?.displayName !== expected) wrong.push(at)
    }
    expect(wrong).toEqual([])
  }, 120_000)

  test('a client that decodes each chunk by itself breaks the name (the control)', async () => {
    const expected = Buffer.from(emulator.users[0]?.name ?? '', 'utf8')
    at = sent.indexOf(expected) + 1
    // Where the body has the name twice, only one of them is cut.
    expect(await naiveGet(sent, at)).not.toBe(sent.toString('utf8'))
  })
})

/** Reads a body as `oauth` does, under passport-oauth2: each chunk is made text as it comes. */
async function naiveGet(body: Buffer, at: number): Promise<string> {
  const server = await startFront((_req, res) => {
    res.socket?.setNoDelay(true)
    res.write(body.subarray(0, at))
    setTimeout(() => res.end(body.subarray(at)), 20)
  })
  try {
    return await new Promise((resolve, reject) => {
      const request = http.get({ port: server.port, host: '127.0.0.1' }, (res) => {
        let text = ''
        res.on('data', (chunk) => {
          text += chunk
        })
        res.on('end', () => resolve(text))
      })
      request.on('error', reject)
    })
  } finally {
    await server.close()
  }
}
