import { FAULTS, type Fault } from '../emulators/index'
import type { DialectStrategy, TokenSet } from '../lib/index'
import { demandFaultError, expectedOf, SHORT, SLOW, untilStruck } from './fault-checks'
import type { Check, Settled } from './kit'
import { demandLifetime } from './login-checks'
import { demand, told } from './say'
import { inTime, Stopwatch } from './stopwatch'
import { inWorld, LONG, type Turn, type World } from './world'

/** Refreshes, if the provider issues refresh tokens. */
export function refreshChecks(kit: Settled): Check[] {
  if (!kit.refresh) return []
  const group = 'refresh'
  return [
    { group, name: 'a refresh token brings a new access token', run: () => inWorld(kit, 'oauthRouter', refreshes) },
    {
      group,
      name: 'a refresh token that the provider never gave → refresh_rejected',
      run: () => inWorld(kit, 'oauthRouter', deadToken),
    },
    ...FAULTS.map((fault) => ({
      group,
      name: `${fault} at refresh is an error of its phase, and the next refresh succeeds`,
      run: () => inWorld(kit, 'oauthRouter', (world) => faulty(world, fault)),
    })),
  ]
}

async function refreshes(world: World): Promise<void> {
  const { strategy, tokens } = await loggedIn(world)
  const before = world.backChannel().length
  const renewed = await inTime(strategy.refresh(tokens))
  const advice = 'Look at `tokenRequest()` with a refresh token, `unwrap()` and `endpoints.refreshURL`.'
  const isAnother = renewed.accessToken !== tokens.accessToken
  demand(isAnother || world.kit.refresh === 'extends', `A refresh brings the old access token again. ${advice}`)
  demand(renewed.refreshToken !== undefined, `After a refresh there is no refresh token any more. ${advice}`)
  demand(
    renewed.expiresAt === undefined || renewed.expiresAt.getTime() > Date.now(),
    `The new access token is over before it is used. ${advice}`,
  )
  demandLifetime(world, renewed, 'A refresh')
  const made = world
    .backChannel()
    .slice(before)
    .map(({ endpoint }) => endpoint)
    .filter((endpoint) => endpoint !== 'keys') // for an id_token, if there is one
  demand(
    made.join() !== 'token',
    "A refresh arrives at the emulator as `token`, so no fault of `refresh` strikes it: the emulator's route can't tell. Name what tells in its `refreshes`: `true` for grant_type, the parameter's own name, such as 'grantType', or a function.",
  )
  demand(
    made.join() === 'refresh',
    `A refresh makes the calls ${made.join(', ') || 'none'}, not one of \`refresh\`. ${advice}`,
  )
  if (!world.kit.endpoints.includes('profile')) return
  await inTime(strategy.profileOf(renewed)).catch((error: unknown) =>
    demand(false, `The access token of a refresh does not open the profile: ${told(error)}.`),
  )
}

async function deadToken(world: World): Promise<void> {
  const { strategy, tokens } = await loggedIn(world)
  const turn = await refreshTurn(strategy, { ...tokens, refreshToken: 'a-refresh-token-that-nobody-gave' })
  world.demandFailure(turn, ['refresh_rejected'], 'With a refresh token that the provider never gave')
}

async function faulty(world: World, fault: Fault): Promise<void> {
  const timeout = SLOW.has(fault) ? SHORT : LONG
  const turn = await untilStruck(world, fault, async (planned) => {
    const { strategy, tokens } = await loggedIn(world, timeout)
    if (!planned) world.emulator.failNext('refresh', fault)
    return refreshTurn(strategy, tokens)
  })
  const expected = expectedOf(world.kit, fault, 'refresh')
  if (turn.error === undefined) {
    demand(
      expected.includes('ok'),
      `Where the answer of \`refresh\` is ${fault}, the refresh succeeds all the same. Look at \`refusal()\` and \`unwrap()\`.`,
    )
    return
  }
  demandFaultError(world, turn, { fault, endpoint: 'refresh', timeout }, expected)
  const after = await loggedIn(world)
  const next = await refreshTurn(after.strategy, after.tokens)
  demand(
    next.error === undefined,
    `After \`${fault}\` at \`refresh\`, the next refresh fails with ${told(next.error)}.`,
  )
}

async function loggedIn(world: World, timeout = LONG): Promise<{ strategy: DialectStrategy; tokens: TokenSet }> {
  const { login } = await world.elsewhere().login()
  demand(
    login.tokens?.refreshToken,
    'The kit is told `refresh: true`, but a login brings no refresh token: ask for the scope that brings one, in `options`, or look at `unwrap()`.',
  )
  const { kit, emulator } = world
  const callbackURL = world.app.callbackAt()
  const strategy = new kit.strategy({ ...emulator.options, ...kit.options, callbackURL, timeout }, () => {})
  return { strategy, tokens: login.tokens }
}

async function refreshTurn(strategy: DialectStrategy, tokens: TokenSet): Promise<Turn> {
  const watch = new Stopwatch()
  const error = await inTime(strategy.refresh(tokens)).then(
    () => undefined,
    (problem: unknown) => problem,
  )
  return { status: 0, location: undefined, login: undefined, error, took: watch.stop() }
}
