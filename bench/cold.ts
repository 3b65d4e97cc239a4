import { CONTESTANTS, type Contestant } from './contestant.js'
import { login } from './journey.js'
import { fixed, spread, table } from './numbers.js'
import { startApp } from './processes.js'
import { measureRound } from './rounds.js'
import { CONCURRENCY, type Stage, WITH_EXPRESS_SESSION } from './scenarios.js'

const BASE = 'passport-oauth2'
/** Logins of a process that is no longer cold; they come one at a time up to the last of the first hundred. */
const FIRST = 100
const MANY = 2500
/** Rounds that go on up to {@link MANY}: memory differs less from round to round than time does. */
const LONG_ROUNDS = 4

interface Cold {
  /** CPU ms of the first login alone. */
  first: number
  /** CPU ms of each of the first hundred, that one included. */
  hundred: number
  /** MiB after all of them, where they were made. */
  rss: number | undefined
}

/** The first logins of a process, as after every deployment: what is loaded and compiled for them is in the figures. */
export async function cold(stage: Stage): Promise<void> {
  const { names, rounds } = stage.settings
  const asked = CONTESTANTS.filter((name) => names.includes(name) && WITH_EXPRESS_SESSION.includes(name))
  const found = new Map<Contestant, Cold[]>(asked.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const from = round % asked.length
    for (const name of [...asked.slice(from), ...asked.slice(0, from)]) {
      const measured = await startCold(stage, name, round < LONG_ROUNDS)
      if (typeof measured === 'string') stage.say(`${name} (cold) is left out: ${measured}. Run \`npm ci\` in bench/.`)
      else found.get(name)?.push(measured)
    }
  }
  const base = found.get(BASE) ?? []
  const against = (list: Cold[], of: (one: Cold, other: Cold) => number) =>
    spread(list.flatMap((one, round) => (base[round] ? [of(one, base[round])] : []))).median
  const rows = [...found]
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => [
      name,
      fixed(spread(list.map(({ first }) => first)).median, 1),
      fixed(
        against(list, (one, other) => one.first - other.first),
        1,
      ),
      fixed(spread(list.map(({ hundred }) => hundred)).median, 2),
      fixed(
        against(list, (one, other) => one.hundred / other.hundred),
        2,
      ),
      fixed(spread(list.flatMap(({ rss }) => rss ?? [])).median, 0),
    ])
  const head = [
    'first login',
    `over ${BASE}`,
    `each of the first ${FIRST}`,
    `ratio to ${BASE}`,
    `RSS MiB after ${MANY}`,
  ]
  stage.say(
    `The first logins of a process: CPU ms of the app's process; medians of ${rounds} rounds, a fresh process in each\n\n${table(['', ...head], rows)}`,
  )
}

async function startCold({ provider, settings }: Stage, name: Contestant, isLong: boolean): Promise<Cold | string> {
  const address = await provider.listen({})
  const { certificate } = provider
  const app = await startApp(name, { provider: address, store: 'memory', certificate, flags: settings.flags })
  if ('missing' in app) return app.missing
  const measure = (units: number, concurrency: number) =>
    measureRound(app, provider, { units, concurrency }, () => login(app.name, app.origin))
  try {
    const { cpu: first } = await measure(1, 1)
    const { cpu: others } = await measure(FIRST - 1, 1)
    const rss = isLong ? (await measure(MANY - FIRST, CONCURRENCY)).rss / 1024 / 1024 : undefined
    return { first, hundred: (first + others * (FIRST - 1)) / FIRST, rss }
  } finally {
    await app.stop()
  }
}
