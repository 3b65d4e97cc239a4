import type { DialectStrategy, OAuthRouterConfig } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import { startBareApp, startRouterApp } from './app'
import { Browser, told } from './browser'
import { comeBack } from './coming-back'

/** The result of a whole login, with any mounting. */
export interface LoginResult {
  /** The authorization request that the browser got. */
  request: URL
  /** `undefined` if the login failed. */
  user: Record<string, unknown> | undefined
  /** The failure's code; `undefined` after a success. */
  code: string | undefined
  /** The failure as JSON. */
  error: Record<string, unknown> | undefined
}

export interface LoginSteps {
  user?: string
  deny?: boolean
  /** Changes the callback's address after the consent; posted fields are in its query. */
  callback?: (address: string) => string
}

/** One login under the router. */
export async function routerLogin(
  emulator: Emulator,
  config: OAuthRouterConfig,
  name: string,
  steps: LoginSteps = {},
): Promise<LoginResult> {
  let failure: object | undefined
  const app = await startRouterApp({
    onError: (error, _req, res) => {
      failure = error
      res.status(error.status).json({ error })
    },
    ...config,
  })
  try {
    const browser = new Browser()
    const begun = await browser.get(`${app.origin}/auth/${name}`)
    if (begun.status !== 302) return { request: new URL(app.origin), user: undefined, ...failureOf(failure) }
    const request = new URL(begun.headers.get('location') ?? '')
    await finish(emulator, browser, request, steps)
    const { user } = await told(browser.get(`${app.origin}/me`))
    return { request, user: user ?? undefined, ...failureOf(failure) }
  } finally {
    await app.close()
  }
}

/** One login under the app's own Passport. */
export async function bareLogin(
  emulator: Emulator,
  build: (callbackURL: string) => DialectStrategy,
  steps: LoginSteps = {},
): Promise<LoginResult> {
  const app = await startBareApp(build)
  try {
    const browser = new Browser()
    const begun = await browser.get(`${app.origin}/login`)
    if (begun.status !== 302) {
      const { code } = await told(begun)
      return { request: new URL(app.origin), user: undefined, code, error: undefined }
    }
    const request = new URL(begun.headers.get('location') ?? '')
    const answer = await finish(emulator, browser, request, steps)
    const { user, code, info } = await told(answer)
    return { request, user: user ?? undefined, code, error: info ?? undefined }
  } finally {
    await app.close()
  }
}

/** The consent, and the callback: by a redirect, or posted. */
async function finish(emulator: Emulator, browser: Browser, request: URL, steps: LoginSteps): Promise<Response> {
  const { user, deny, callback = (address) => address } = steps
  const address = request.href
  const choice = user ? { user } : {}
  if (request.searchParams.get('response_mode') !== 'form_post') {
    return browser.get(callback(deny ? await emulator.deny(address) : await emulator.approve(address, choice)))
  }
  const { url, fields } = deny ? await emulator.denyForm(address) : await emulator.approveForm(address, choice)
  const { origin, pathname, searchParams } = new URL(callback(`${url}?${new URLSearchParams(fields)}`))
  return comeBack(browser, { url: origin + pathname, fields: Object.fromEntries(searchParams) })
}

function failureOf(failure: object | undefined): Pick<LoginResult, 'code' | 'error'> {
  const error: Record<string, unknown> | undefined = failure && JSON.parse(JSON.stringify(failure))
  return { code: typeof error?.code === 'string' ? error.code : undefined, error }
}
