import express, { type Request } from 'express'
import session from 'express-session'
import type { oauthRouter } from 'passport-dialects'
import { CLIENT, endpointsOf, SESSION, type Setup } from '../contestant.js'

/** The app of the router, whichever build of it. */
export function routerApp({ origin, provider, store }: Setup, router: typeof oauthRouter) {
  const app = express()
  app.use(session({ ...SESSION, store }))
  app.use(
    router({
      baseURL: origin,
      providers: { aihubmix: { baseURL: provider, clientID: CLIENT.id, clientSecret: CLIENT.secret } },
    }),
  )
  app.get('/', (req, res) => {
    res.json(req.user ?? null)
  })

  // The authorised fetch beside the request it ends in, many to a visit so that the visit itself does not count.
  app.get('/many/:kind', async (req, res) => {
    const oauth = oauthOf(req)
    if (!oauth) {
      res.status(501).end()
      return
    }
    const many = Number(req.query.n)
    const address = endpointsOf(provider).user
    if (req.params.kind === 'bare') {
      const { request } = await import('undici') // a login of the package needs none of it
      const authorization = `Bearer ${(await oauth.tokens('aihubmix'))?.accessToken}`
      for (let i = 0; i < many; i++) {
        const { statusCode, body } = await request(address, { headers: { authorization, accept: 'application/json' } })
        if (statusCode !== 200) throw new Error('The provider refused the bare request.')
        await body.json()
      }
    } else {
      for (let i = 0; i < many; i++) {
        const answer = await oauth.fetch('aihubmix', '/api/oauth2/userinfo')
        if (answer.status !== 200) throw new Error('The provider refused the authorised fetch.')
        await answer.json()
      }
    }
    res.end()
  })
  return app
}

interface OAuth {
  tokens(provider: string): Promise<{ accessToken: string } | undefined>
  fetch(provider: string, path: string): Promise<Response>
}

/** `req.oauth`, where this build of the package has it. */
function oauthOf(req: Request): OAuth | undefined {
  const { oauth } = req as { oauth?: OAuth } // an older build has none: that is what is asked
  return typeof oauth?.fetch === 'function' && typeof oauth.tokens === 'function' ? oauth : undefined
}
