import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// The provider's side in a process of its own, as fast as node:http allows. Each contestant gets an address of its
// own, so that its connections can be counted. A code `c-USER` becomes the token `t-USER`, and that the user USER.

/** What the parent asks, and what it is told. */
export type ProviderQuestion =
  | { ask: 'certificate' }
  | { ask: 'listen'; tls: boolean; delay: number; hint: boolean }
  | { ask: 'counts'; origin: string }
export type ProviderAnswer = { certificate: string } | { origin: string } | { connections: number; requests: number }

interface Counted {
  connections: number
  requests: number
}

const counts = new Map<string, Counted>()
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const certificate = selfMade()
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('disconnect', () => process.exit())
process.on('SIGTERM', () => process.exit())

process.on('message', (question: ProviderQuestion) => {
  answer(question).then(
    (told) => process.send?.(told),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function answer(question: ProviderQuestion): Promise<ProviderAnswer> {
  if (question.ask === 'certificate') return { certificate: certificate.path }
  if (question.ask === 'listen') return { origin: await listen(question) }
  return counts.get(question.origin) ?? { connections: 0, requests: 0 }
}

/** Node's own name for how long it keeps a connection is a hint that most front ends do not send. */
async function listen({ tls, delay, hint }: { tls: boolean; delay: number; hint: boolean }): Promise<string> {
  const counted: Counted = { connections: 0, requests: 0 }
  const handle: http.RequestListener = (req, res) => {
    counted.requests++
    let body = ''
    req.setEncoding('latin1')
    req.on('data', (chunk: string) => {
      body += chunk
    })
    req.on('end', () => {
      const [status, text] = req.method === 'POST' ? token(body) : user(req.headers.authorization)
      const headers = { 'content-type': 'application/json', 'content-length': text.length }
      res.writeHead(status, hint ? headers : { ...headers, connection: 'keep-alive' })
      if (delay > 0) setTimeout(() => res.end(text), delay)
      else res.end(text)
    })
  }
  const options = { keepAliveTimeout: 75_000 }
  const server = tls
    ? https.createServer({ ...options, key: certificate.key, cert: certificate.cert }, handle)
    : http.createServer(options, handle)
  server.on('connection', () => counted.connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  counts.set(origin, counted)
  return origin
}

function token(body: string): [number, string] {
  const who = /(?:^|&)code=c-(\d+)(?:&|$)/.exec(body)?.[1]
  const known = body.includes('client_secret=the-secret') && body.includes('grant_type=authorization_code')
  if (who === undefined || !known) return [400, '{"error":"invalid_grant"}']
  return [200, `{"access_token":"t-${who}","token_type":"Bearer","expires_in":7200,"scope":"profile"}`]
}

/** One peer asks for `sub`, one for an address: the extra fields cost everyone the same. */
function user(authorization: string | undefined): [number, string] {
  const who = /^Bearer t-(\d+)$/i.exec(authorization ?? '')?.[1]
  if (who === undefined) return [401, '{"error":"invalid_token"}']
  return [
    200,
    `{"id":${who},"sub":"${who}","username":"user-${who}","name":"user-${who}","email":"${who}@example.com"}`,
  ]
}

function selfMade() {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1'
  const args = [...make.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert]
  execFileSync('openssl', args, { stdio: 'ignore' })
  return { path: cert, key: readFileSync(key), cert: readFileSync(cert) }
}
