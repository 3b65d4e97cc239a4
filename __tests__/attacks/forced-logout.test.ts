import http from 'node:http'
import { SessionScene } from '../support/session-scene'

// A page of another site posts to the log-out. Where the browser says no Sec-Fetch-Site (plain http, old browsers), Origin and
// Referer tell; a redirect of another site makes the Origin `null`, and so does a page of this one without referrer.

const scene = new SessionScene()

test.each([
  ['Origin null with a Referer of another site', { origin: 'null', referer: 'http://elsewhere.example/page' }, false],
  ['Origin of another site', { origin: 'http://elsewhere.example' }, false],
  ['Referer of another site alone', { referer: 'http://elsewhere.example/page' }, false],
  ['Origin null with a Referer that is no address', { origin: 'null', referer: 'elsewhere' }, false],
  ['Origin null and nothing else, as of a page of this site without referrer', { origin: 'null' }, true],
  ['neither (the control)', {}, true],
])('a log-out with %s', async (_title, headers: Record<string, string>, ends) => {
  await scene.start({ providers: scene.only('tapd') })
  await scene.logIn('tapd')
  const { status } = await scene.browser.post(`${scene.origin}/auth/logout`, {}, headers)
  expect([status, (await scene.me()) === null]).toEqual(ends ? [303, true] : [403, false])
})

test('a log-out with Origin null and a Referer of this site ends the login', async () => {
  await scene.start({ providers: scene.only('tapd') })
  await scene.logIn('tapd')
  const headers = { origin: 'null', referer: `${scene.origin}/page` }
  expect((await scene.browser.post(`${scene.origin}/auth/logout`, {}, headers)).status).toBe(303)
  expect(await scene.me()).toBeNull()
})

/** The status of a log-out with the headers as they stand: `fetch` writes a Host of its own. */
function statusOf(headers: http.OutgoingHttpHeaders): Promise<number | undefined> {
  const { hostname, port } = new URL(scene.origin)
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: '/auth/logout', method: 'POST', headers, agent: false })
    request.on('response', (answer) => resolve(answer.resume().statusCode))
    request.on('error', reject).end()
  })
}

test.each([
  ['the default port in Host, as a proxy may write it', 'app.example.com:80', 'http://app.example.com', 303],
  ['it in Origin', 'app.example.com', 'http://app.example.com:80', 303],
  ['that of https', 'app.example.com:443', 'https://app.example.com', 303],
  ['another port, which is another origin', 'app.example.com:8080', 'http://app.example.com', 403],
  ['another host', 'app.example.com:80', 'http://app.example.com.evil.example', 403],
])('a log-out of one’s own page, with %s', async (_title, host, origin, status) => {
  await scene.start({ providers: scene.only('tapd') })
  expect(await statusOf({ host, origin })).toBe(status)
})
