import { AihubmixStrategy, type ProviderRequest, type TokenSet, textOf } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks } from 'passport-dialects/testing'

/** A dialect that finds what its profile needs in the provider's own token object. */
class RawStrategy extends AihubmixStrategy {
  protected override profileRequest({ raw }: TokenSet): ProviderRequest {
    return { method: 'GET', url: this.endpoints.userProfileURL, bearer: textOf(raw.access_token) ?? '' }
  }
}

/** One that has nothing for its profile after a refresh. */
class ForgetsRaw extends RawStrategy {
  override async refresh(tokens: Pick<TokenSet, 'refreshToken' | 'scope'>): Promise<TokenSet> {
    return { ...(await super.refresh(tokens)), raw: {} }
  }
}

test.each([
  [RawStrategy, undefined],
  [ForgetsRaw, /access token of a refresh does not open the profile/],
])('the kit hands %p the whole token set after a refresh', async (strategy, says) => {
  const checks = collectDialectChecks({ strategy, emulator: () => startEmulator('aihubmix'), refresh: true })
  const check = checks.find(({ name }) => /brings a new access token/.test(name))
  const message = await check?.run().then(
    () => undefined,
    (error: Error) => error.message,
  )
  expect(check).toBeDefined()
  if (says) expect(message).toMatch(says)
  else expect(message).toBeUndefined()
})
