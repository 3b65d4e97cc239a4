import type { AddressInfo } from 'node:net'
import express, { type Express } from 'express'
import session from 'express-session'
import { oauthRouter } from 'passport-dialects'
import { rawGet } from '../attacks/raw'

const providers = { aihubmix: { clientID: 'client', clientSecret: 'canary-address-client-secret' } }

/** An app with the router at its root, one at `/m` with a mount path of its own, and one with none below `/login`. */
function app(): Express {
  return express()
    .use(session({ secret: 'a test session secret', resave: false, saveUninitialized: false }))
    .use(oauthRouter({ providers }))
    .use('/m', oauthRouter({ providers, mountPath: '/o.auth' }))
    .use('/login', oauthRouter({ providers, mountPath: '/' }))
    .use((_req, res) => void res.status(418).end())
}

const REDIRECT = 302
const NOT_OURS = 418

test.each([
  ['/auth/aihubmix', REDIRECT],
  ['/AUTH/aihubmix', REDIRECT],
  ['/auth/aihubmix/', REDIRECT],
  ['/auth/aihubmix?returnTo=/a', REDIRECT],
  ['/auth?x=/aihubmix', NOT_OURS],
  ['/auth/%61ihubmix', REDIRECT],
  ['/auth/AIHubMix', 404], // a provider's name is the app's, and has its case
  ['/auth/session', 200],
  ['/auth/aihubmix/callback', 400],
  ['/auth/aihubmix/Callback/', 400],
  ['/auth/aihubmix/other', NOT_OURS],
  ['/auth', NOT_OURS],
  ['/auth/', NOT_OURS],
  ['/auths/aihubmix', NOT_OURS],
  ['/xauth/aihubmix', NOT_OURS],
  ['//auth/aihubmix', NOT_OURS],
  ['/', NOT_OURS],
  ['/m/o.auth/aihubmix', REDIRECT],
  ['/m/oxauth/aihubmix', NOT_OURS],
  ['/m', NOT_OURS],
  ['/login/aihubmix', REDIRECT],
  ['/login/aihubmix/callback', 400],
  ['/login', NOT_OURS],
  ['http://127.0.0.1/auth/aihubmix', REDIRECT], // the form that a request to a proxy has (RFC 9112 §3.2.2)
  ['http://127.0.0.1/auths/aihubmix', NOT_OURS],
])('GET %s is answered with %i', async (target, status) => {
  const server = app().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // a TCP server's
  try {
    expect((await rawGet(`http://127.0.0.1:${port}`, target)).status).toBe(status)
  } finally {
    server.close()
  }
})
