import { randomBytes } from 'node:crypto'
import type { ErrorCode } from '../lib/index'
import type { Mount } from './app'
import { type Check, mountsOf, type Settled } from './kit'
import { demand } from './say'
import { inWorld, type Turn, type World } from './world'

const READ_STATE = 'Let `readCallback()` return the state that the callback carries, and nothing else.'

/**
 * Callbacks that no login of this session caused, or not in this form: none may log anybody in or call the provider.
 */
export function stateChecks(kit: Settled): Check[] {
  const group = 'state'
  const check = (name: string, mount: Mount, body: (world: World) => Promise<void>, options = {}): Check => ({
    group,
    name,
    run: () => inWorld(kit, mount, body, options),
  })
  return [
    ...mountsOf(kit).flatMap((mount) => [
      check(`a callback without state is refused, under ${mount}`, mount, (world) =>
        refused(world, 'Where a callback carries no state', ['state_missing'], withState('')),
      ),
      check(`a forged state is refused, under ${mount}`, mount, (world) =>
        refused(
          world,
          'Where a callback carries a forged state',
          ['state_unknown'],
          withState(randomBytes(32).toString('base64url')),
        ),
      ),
    ]),
    check('the callback of another browser is refused', 'oauthRouter', foreignBrowser),
    check('the callback of another instance is refused', 'oauthRouter', foreignInstance),
    check('a state that is too old is refused', 'oauthRouter', expired, { stateLifetime: 0.001 }),
    check('a callback that comes twice asks the provider once, under oauthRouter', 'oauthRouter', usedRouter),
    check('a repeated parameter is refused', 'oauthRouter', repeatedParameter),
    ...(mountsOf(kit).includes('bare Passport')
      ? [
          check('a callback that comes twice logs in once, under bare Passport', 'bare Passport', usedBare),
          check('a callback-shaped request never starts a redirect', 'bare Passport', neverRedirects),
        ]
      : []),
  ]
}

/** A callback of a login that was begun here, changed before it arrives. */
async function refused(
  world: World,
  when: string,
  codes: readonly ErrorCode[],
  change: (callback: string, state: string) => string,
): Promise<void> {
  const request = await world.begin()
  const callback = await world.approve(request)
  const state = request.searchParams.get(world.kit.state) ?? ''
  await demandRefusal(world, () => world.get(change(callback, state)), codes, when)
}

async function demandRefusal(
  world: World,
  act: () => Promise<Turn>,
  codes: readonly ErrorCode[],
  when: string,
): Promise<void> {
  const asked = world.backChannel().length
  const turn = await act()
  const { login, error } = turn
  demand(
    !login,
    `${when}, somebody is logged in all the same: anybody's account can be put under a victim's session. ${READ_STATE}`,
  )
  demand(world.backChannel().length === asked, `${when}, the provider is asked all the same. ${READ_STATE}`)
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  demand(
    codes.some((one) => one === code),
    `${when}, it must come to ${codes.join(' or ')}, but comes to ${code ?? String(error)}. ${READ_STATE}`,
  )
  world.demandFailure(turn, codes, when)
}

/** Replaces the state of a callback, wherever the dialect has it; an empty one removes it. */
function withState(other: string): (callback: string, state: string) => string {
  return (callback, state) => {
    const address = new URL(callback)
    for (const [name, value] of [...address.searchParams]) {
      if (!value.includes(state)) continue
      if (other === '') address.searchParams.delete(name)
      else address.searchParams.set(name, value.replace(state, other))
    }
    return address.href
  }
}

async function foreignBrowser(world: World): Promise<void> {
  const callback = await world.approve(await world.begin())
  const victim = world.elsewhere()
  await victim.begin()
  const when = 'Where a callback comes in another browser than the one that began the login'
  await demandRefusal(world, () => victim.get(callback), ['state_unknown', 'session_missing'], when)
}

async function foreignInstance(world: World): Promise<void> {
  const callback = await world.approve(await world.begin())
  const moved = callback.replace(world.app.callbackAt(), world.app.callbackAt(world.app.other))
  const when = 'Where a login comes back to another provider than the one it was begun for'
  await demandRefusal(world, () => world.get(moved), ['state_mismatch'], when)
}

async function expired(world: World): Promise<void> {
  const callback = await world.approve(await world.begin())
  await new Promise((resolve) => setTimeout(resolve, 50))
  await demandRefusal(
    world,
    () => world.get(callback),
    ['state_expired'],
    'Where a login took longer than `stateLifetime`',
  )
}

async function usedBare(world: World): Promise<void> {
  const { callback } = await world.login()
  await demandRefusal(
    world,
    () => world.get(callback),
    ['state_used', 'state_unknown'],
    'Where a callback comes a second time',
  )
}

async function usedRouter(world: World): Promise<void> {
  const { callback } = await world.login()
  const asked = world.backChannel().length
  const { login, status } = await world.get(callback)
  demand(
    !login && world.backChannel().length === asked,
    `Where a callback comes a second time (double click, back button), the provider is asked again. ${READ_STATE}`,
  )
  demand(
    status === 303,
    `Where a callback of a finished login comes a second time, the browser must be sent on, but gets ${status}. ${READ_STATE}`,
  )
}

async function repeatedParameter(world: World): Promise<void> {
  const { credential } = world.kit
  await refused(
    world,
    `Where a callback repeats \`${credential}\``,
    ['callback_invalid'],
    (callback) => `${callback}&${credential}=another`,
  )
}

async function neverRedirects(world: World): Promise<void> {
  const shapes = [`${world.kit.credential}=x`, 'error=access_denied', 'state=x', `${world.kit.credential}=x&state=y`]
  const addresses = [...shapes.map((shape) => `${world.app.beginAt()}?${shape}`), world.app.callbackAt()]
  for (const address of addresses) {
    const { location } = await world.get(address)
    const shape = address.slice(new URL(address).origin.length)
    demand(
      location === undefined,
      `A request for ${shape} starts a new login: browsers that come back broken would go round in circles. Name the callback's parameters in \`credentials\`, and let \`readCallback()\` find the state.`,
    )
  }
}
