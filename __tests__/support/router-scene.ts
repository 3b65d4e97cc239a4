import type { OAuthRouterConfig } from 'passport-dialects'
import { type RunningApp, startRouterApp } from './app'
import { type Browser, told } from './browser'
import { closeAll, type Emulators, providersOf, startAll } from './providers'

/** Routers over the same emulators, new for each test. Created at the top of a test file. */
export class RouterScene {
  emulators!: Emulators // set before the first test
  private readonly running: RunningApp[] = []

  constructor() {
    beforeAll(async () => {
      this.emulators = await startAll()
    })
    afterEach(async () => {
      await Promise.all(this.running.splice(0).map((app) => app.close()))
    })
    afterAll(() => closeAll(this.emulators))
  }

  async appWith(
    config: Partial<OAuthRouterConfig> = {},
    options: Parameters<typeof startRouterApp>[1] = {},
  ): Promise<RunningApp> {
    const app = await startRouterApp({ providers: providersOf(this.emulators), ...config }, options)
    this.running.push(app)
    return app
  }

  /** A whole login; resolves to the callback's response. */
  async login(app: RunningApp, browser: Browser, name: keyof Emulators, query = '', user?: string) {
    const address = await browser.location(`${app.origin}/auth/${name}${query}`)
    return browser.get(await this.emulators[name].approve(address, user ? { user } : {}))
  }
}

export const whoIs = (app: RunningApp, browser: Browser) => told(browser.get(`${app.origin}/auth/session`))
