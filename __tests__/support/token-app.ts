import type { RequestHandler } from 'express'
import { OAuthError, type OAuthRouterConfig } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import { type RunningApp, startRouterApp } from './app'
import { Browser } from './browser'
import { showsSecrets } from './canaries/on-purpose'
import { comeBack } from './coming-back'

/** The responses of the test app's token routes. */
export interface TokenAnswer {
  tokens: { accessToken: string; refreshToken?: string; scope: string[]; expiresAt?: string; raw: object } | null
  status: number
  body: string
  error: { code: string; phase: string; status: number; message: string }
  value: unknown
}

/** An app whose routes use `req.oauth` as an app would. */
export function startTokenApp(
  config: OAuthRouterConfig,
  options: NonNullable<Parameters<typeof startRouterApp>[1]> = {},
): Promise<RunningApp> {
  return startRouterApp(config, {
    ...options,
    routes(app) {
      const route = (path: string, work: (...args: Parameters<RequestHandler>) => Promise<object>) => {
        app.all(path, (req, res, next) => {
          work(req, res, next).then(
            (answer) => res.json(answer),
            (error) =>
              res
                .status(OAuthError.is(error) ? error.status : 500)
                .json({ error: OAuthError.is(error) ? error : { message: String(error) } }),
          )
        })
      }
      route('/tokens/:provider', async (req, res) => {
        const tokens = (await req.oauth.tokens(String(req.params.provider))) ?? null
        showsSecrets(res, 'the tokens of the session')
        return { tokens }
      })
      route('/fetch/:provider', async (req) => {
        const answer = await req.oauth.fetch(String(req.params.provider), String(req.query.path), {
          method: req.method,
        })
        return { status: answer.status, body: await answer.text() }
      })
      route('/profile/:provider', async (req) => ({ value: await req.oauth.profile(String(req.params.provider)) }))
      route('/revoke/:provider', async (req) => ({ value: await req.oauth.revoke(String(req.params.provider)) }))
      route('/topup', async (req) => ({ value: await req.oauth.topupURL() }))
      route('/key/:provider', async (req) => ({ value: req.oauth.tokenKey(String(req.params.provider)) ?? null }))
      options.routes?.(app)
    },
  })
}

/** A browser that has logged in. */
export async function loggedIn(app: { origin: string }, name: string, emulator: Emulator, browser = new Browser()) {
  const request = await browser.location(`${app.origin}/auth/${name}`)
  const answer = /[?&]response_mode=form_post(?:&|$)/.test(request)
    ? await comeBack(browser, await emulator.approveForm(request))
    : await browser.get(await emulator.approve(request))
  if (answer.status !== 303) throw new Error(`the login ended with ${answer.status}: ${await answer.text()}`)
  return browser
}

export async function ask(browser: Browser, url: string): Promise<TokenAnswer> {
  return (await (await browser.get(url)).json()) as TokenAnswer // these tests' own routes
}

export function countOf(emulator: Emulator, endpoint: string): number {
  return emulator.requests.filter((request) => request.endpoint === endpoint).length
}
