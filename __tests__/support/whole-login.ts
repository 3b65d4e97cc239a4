import type { DialectStrategy, OAuthRouterConfig } from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'
import { startBareApp, startRouterApp } from './app'
import { Browser, told } from './browser'

/** What a whole login came to, however it was mounted. */
export interface LoginResult {
  /** The authorization request, as the browser got it. */
  request: URL
  /** `undefined` where the login failed. */
  user: Record<string, unknown> | undefined
  /** The failure's code, `undefined` where it succeeded. */
  code: string | undefined
  /** The failure as JSON. */
  error: Record<string, unknown> | undefined
}

export interface LoginSteps {
  user?: string
  deny?: boolean
  /** Between the consent and the callback. */
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
    const callback = await press(emulator, request.href, steps)
    await browser.get(callback)
    const { user } = await told(browser.get(`${app.origin}/me`))
    return { request, user: user ?? undefined, ...failureOf(failure) }
  } finally {
    await app.close()
  }
}

/** One login under a Passport of the app's own. */
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
    const answer = await browser.get(await press(emulator, request.href, steps))
    const { user, code, info } = await told(answer)
    return { request, user: user ?? undefined, code, error: info ?? undefined }
  } finally {
    await app.close()
  }
}

async function press(emulator: Emulator, address: string, { user, deny, callback }: LoginSteps): Promise<string> {
  const back = deny ? await emulator.deny(address) : await emulator.approve(address, user ? { user } : {})
  return callback ? callback(back) : back
}

function failureOf(failure: object | undefined): Pick<LoginResult, 'code' | 'error'> {
  const error: Record<string, unknown> | undefined = failure && JSON.parse(JSON.stringify(failure))
  return { code: typeof error?.code === 'string' ? error.code : undefined, error }
}
