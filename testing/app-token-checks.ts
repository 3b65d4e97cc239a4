import type { Check, Settled } from './kit'
import { mountsOf } from './kit'
import { demand } from './say'
import { inWorld, type World } from './world'

/** The application token, if logins need one: a provider throttles apps that request it at every login. */
export function appTokenChecks(kit: Settled): Check[] {
  if (!kit.endpoints.includes('appToken')) return []
  const group = 'application token'
  return [
    ...mountsOf(kit).map((mount) => ({
      group,
      name: `several logins ask for it once, under ${mount}`,
      run: () => inWorld(kit, mount, askedOnce),
    })),
    {
      group,
      name: 'one that the provider ends costs another, and no login',
      run: () => inWorld(kit, 'oauthRouter', renewed),
    },
  ]
}

const ADVICE =
  'Say `appToken` in the dialect, let `appTokenRequest()` make the request for it, and make the calls that take it by `askAsApp()`.'

async function askedOnce(world: World): Promise<void> {
  const before = asked(world)
  for (let nth = 0; nth < LOGINS; nth++) await world.elsewhere().login()
  const times = asked(world) - before
  demand(
    times <= 1,
    `${LOGINS} logins ask for the application token ${times} times: the engine keeps one for all of them. ${ADVICE}`,
  )
}

async function renewed(world: World): Promise<void> {
  const { emulator } = world
  demand(emulator.expireAppTokens, 'The emulator has no `expireAppTokens()`: start it by `createEmulator()`.')
  await world.login()
  const before = asked(world)
  emulator.expireAppTokens()
  const other = world.elsewhere()
  const turn = await other.get(await other.approve(await other.begin()))
  demand(
    turn.login,
    `After the provider ended the application token, the next login fails: ${String(turn.error)}. Let \`refusal()\` say \`token_rejected\` of a call whose application token is dead. ${ADVICE}`,
  )
  const times = asked(world) - before
  demand(
    times === 1,
    `After the provider ended the application token, the next login asks for ${times} new ones: is it the one that the emulator ends? ${ADVICE}`,
  )
}

function asked({ emulator }: World): number {
  return emulator.requests.filter(({ endpoint }) => endpoint === 'appToken').length
}

const LOGINS = 3
