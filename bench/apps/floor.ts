import { randomBytes } from 'node:crypto'
import http, { type IncomingMessage, type RequestListener } from 'node:http'
import https from 'node:https'
import { CLIENT, endpointsOf, type StartApp } from '../contestant.js'

// The least that a login can cost in Node: no framework, sessions in a Map, the core's own client.
const start: StartApp = ({ origin, provider }): RequestListener => {
  const endpoints = endpointsOf(provider)
  const client = provider.startsWith('https:') ? https : http
  const agent = new client.Agent({ keepAlive: true })
  const sessions = new Map<string, { state?: string; user?: { id: string; name: string } }>()
  const redirectURI = `${origin}/callback`

  return (req, res) => {
    const url = req.url ?? '/'
    if (url === '/login') {
      const id = newId()
      const state = newId()
      sessions.set(id, { state })
      const params = { response_type: 'code', client_id: CLIENT.id, redirect_uri: redirectURI, scope: 'profile', state }
      const location = `${endpoints.authorize}?${new URLSearchParams(params)}`
      res.writeHead(302, { location, 'set-cookie': `sid=${id}; Path=/; HttpOnly` }).end()
    } else if (url.startsWith('/callback?')) {
      finish(req, new URLSearchParams(url.slice(10))).then(
        (id) => res.writeHead(303, { location: '/', 'set-cookie': `sid=${id}; Path=/; HttpOnly` }).end(),
        () => res.writeHead(403).end(),
      )
    } else {
      const text = JSON.stringify(sessionOf(req)?.user ?? null)
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text)
    }
  }

  async function finish(req: IncomingMessage, params: URLSearchParams): Promise<string> {
    const session = sessionOf(req)
    const state = params.get('state')
    if (!session?.state || session.state !== state) throw new Error('forged')
    sessions.delete(cookieOf(req))
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: params.get('code') ?? '',
      redirect_uri: redirectURI,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
    }).toString()
    const { access_token } = await call(endpoints.token, 'POST', undefined, form)
    const user = await call(endpoints.user, 'GET', `Bearer ${access_token}`)
    const id = newId()
    sessions.set(id, { user: { id: String(user.id), name: String(user.username) } })
    return id
  }

  function call(url: string, method: string, authorization?: string, form?: string): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const type = 'application/x-www-form-urlencoded'
      const headers = form === undefined ? { authorization } : { 'content-type': type, 'content-length': form.length }
      const request = client.request(url, { method, agent, headers }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk) => {
          text += chunk
        })
        answer.on('error', reject)
        answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))))
      })
      request.on('error', reject)
      request.end(form)
    })
  }

  function sessionOf(req: IncomingMessage) {
    return sessions.get(cookieOf(req))
  }
}
export default start

function newId(): string {
  return randomBytes(24).toString('base64url')
}

function cookieOf(req: IncomingMessage): string {
  return /(?:^|; )sid=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? ''
}
