import {
  type DialectProfile,
  DingtalkStrategy,
  type JsonObject,
  type Refusal,
  type StrategyClass,
  TiktokStrategy,
  WecomStrategy,
} from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit } from 'passport-dialects/testing'
import { KITS, SECOND_KITS } from './kits'

// The kit at providers that give a token to an application, and at one whose logins a page begins: what is right passes in
// providers-*.test.ts, what is wrong on purpose is found here.

/** No cache: the token is asked for at every login. */
class AsksEachTime extends WecomStrategy {
  protected override async profileOfCode(code: string): Promise<DialectProfile> {
    const { payload } = await this.ask(await this.appTokenRequest(), 'token')
    return this.userOf(String(payload.access_token), code)
  }

  protected async userOf(access_token: string, code: string): Promise<DialectProfile> {
    const url = this.endpoints.userProfileURL
    const { payload, text } = await this.ask({ method: 'GET', url, query: { access_token, code } }, 'profile')
    return this.toProfile(payload, text)
  }
}

/** A cache that nothing empties, in place of the engine's. */
class KeepsForEver extends AsksEachTime {
  private readonly cache: { token?: string } = {}

  protected override async profileOfCode(code: string): Promise<DialectProfile> {
    if (!this.cache.token) {
      const { payload } = await this.ask(await this.appTokenRequest(), 'token')
      this.cache.token = String(payload.access_token)
    }
    return this.userOf(this.cache.token, code)
  }
}

/** The engine's cache, and a dead token that is called another thing. */
class MistakesDeadToken extends WecomStrategy {
  override refusal(body: JsonObject): Refusal | undefined {
    const refusal = super.refusal(body)
    return refusal?.code === 'token_rejected' ? { ...refusal, code: 'provider_error' } : refusal
  }
}

const wecom = () => startEmulator('wecom')
const inApp = () => startEmulator('dingtalk', SECOND_KITS.dingtalk?.emulation)

test.each<[string, unknown, DialectKit['emulator'], Partial<DialectKit>, RegExp, RegExp]>([
  [
    'a strategy without a cache',
    AsksEachTime,
    wecom,
    KITS.wecom,
    /ask for it once, under oauthRouter/,
    /3 logins ask for the application token 3 times/,
  ],
  [
    'under bare Passport too',
    AsksEachTime,
    wecom,
    KITS.wecom,
    /ask for it once, under bare Passport/,
    /3 logins ask for the application token 3 times/,
  ],
  [
    'a cache that knows no death',
    KeepsForEver,
    wecom,
    KITS.wecom,
    /that the provider ends/,
    /the next login fails: .*token_rejected/,
  ],
  [
    'a dead application token taken for another failure',
    MistakesDeadToken,
    wecom,
    KITS.wecom,
    /that the provider ends/,
    /Let `refusal\(\)` say `token_rejected`/,
  ],
  [
    'a page’s login that the strategy does not know',
    TiktokStrategy,
    () => startEmulator('tiktok'),
    { inPage: 'only' },
    /two tabs/,
    /gives a page no state, but 404: say `inPage` in the dialect/,
  ],
  [
    'a page’s login that the kit is not told of',
    DingtalkStrategy,
    inApp,
    { ...SECOND_KITS.dingtalk, inPage: undefined },
    /two tabs.* under oauthRouter/,
    /is begun by a page of the app/,
  ],
])('%s is found', async (_title, strategy, emulator, kit, check, says) => {
  const { emulation: _set, ...own } = kit as { emulation?: unknown }
  const checks = collectDialectChecks({ ...own, strategy: strategy as StrategyClass, emulator }) // wrong on purpose
  const login = checks.find(({ name }) => check.test(name))
  await expect(login?.run()).rejects.toThrow(says)
})
