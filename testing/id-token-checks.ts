import { ID_TOKEN_FORGERIES, type IdTokenForgery } from '../emulators/index'
import type { Check, Outcome, Settled } from './kit'
import { demand, told } from './say'
import { inWorld, type World } from './world'

/** A valid token of another user cannot be tested at a login, which expects no particular user. */
const FORGERIES = ID_TOKEN_FORGERIES.filter((name) => name !== 'other-sub')

const OF_NONCE: ReadonlySet<IdTokenForgery> = new Set(['other-nonce', 'no-nonce'])

/** Invalid id_tokens, if the provider signs them: none may log anybody in. */
export function idTokenChecks(kit: Settled): Check[] {
  const { idToken } = kit
  if (!idToken) return []
  return FORGERIES.filter((name) => idToken.nonce !== false || !OF_NONCE.has(name)).map((forgery) => {
    const expected = outcomeOf(forgery, idToken)
    return {
      group: 'id_token',
      name: `${forgery} → ${expected}`,
      run: () => inWorld(kit, 'oauthRouter', (world) => forge(world, forgery, expected)),
    }
  })
}

function outcomeOf(forgery: IdTokenForgery, { required = true }: NonNullable<Settled['idToken']>): Outcome {
  if (forgery !== 'no-id-token') return 'signature_invalid'
  return required ? 'response_invalid' : 'ok'
}

const SAY_IT = 'Say in `idToken` of the dialect what it must be, and take what it says from `tokens.claims` alone.'

async function forge(world: World, forgery: IdTokenForgery, expected: Outcome): Promise<void> {
  const { kit, emulator } = world
  const request = await world.begin()
  demand(
    request.searchParams.has('nonce') || kit.idToken?.nonce === false,
    'The authorization request carries no `nonce`: say `nonce: true` in `idToken` of the dialect; or tell the kit `idToken: { nonce: false }` where the provider knows none.',
  )
  const callback = await world.approve(request)
  demand(emulator.forgeNext, 'The emulator has no `forgeNext()`: start it by `createEmulator()`, with `idTokenKeys`.')
  emulator.forgeNext(forgery)
  const turn = await world.get(callback)
  const when = `Where the id_token is wrong (${forgery})`
  if (expected === 'ok') {
    demand(turn.login, `Where no id_token comes, the login fails with ${told(turn.error)}. It is not required.`)
    return
  }
  demand(!turn.login, `${when}, somebody is logged in all the same. ${SAY_IT}`)
  const error = world.demandFailure(turn, [expected], when)
  demand(error.phase === 'token', `${when}, the error's phase is \`${error.phase}\`, not \`token\`. ${SAY_IT}`)
  const next = await world.get(await world.approve(await world.begin()))
  demand(next.login, `${when}, the next login of the same browser fails with ${told(next.error)}.`)
}
