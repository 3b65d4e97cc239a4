import { setTimeout as sleep } from 'node:timers/promises'
import { Browser } from './browser.js'
import { CONTESTANTS, type Contestant } from './contestant.js'
import { begin, checkContestant, login } from './journey.js'
import { fixed, type Spread, spread, table } from './numbers.js'
import { type AppProcess, type ProviderProcess, startApp } from './processes.js'
import { interleave, type Load, type Measure, measureRound, type Work } from './rounds.js'

/** What the command line asks for. */
export interface Settings {
  names: readonly Contestant[]
  /** Rounds in all. */
  rounds: number
  /** Fresh processes of each app, one after the other, that share the rounds: no two of the same build cost the same. */
  processes: number
  logins: number
  warmUp: number
  /** Logins of the sparse scenario, one each {@link SPARSE_GAP_MS}. */
  sparse: number
  /** Flags of the apps' processes, such as `--cpu-prof`. */
  flags: string[]
}

export interface Stage {
  provider: ProviderProcess
  settings: Settings
  say(text: string): void
}

export const CONCURRENCY = 16
export const WITH_EXPRESS_SESSION: readonly Contestant[] = [
  'hand',
  'router',
  'strategy',
  'passport-oauth2',
  'grant',
  'openid-client',
]

const wholeLogin: Work = (app) => login(app.name, app.origin)
const redirectLeg: Work = (app) => begin(app.name, new Browser(app.origin))

/** Whole logins, redirect legs and authenticated reads against a provider over http, sessions in memory. */
export async function overHttp(stage: Stage, parts: ReadonlySet<string>): Promise<void> {
  const legs: Leg[] = []
  if (parts.has('login')) legs.push({ title: 'Whole login, provider over http', work: always(wholeLogin) })
  if (parts.has('redirect')) legs.push({ title: 'Redirect leg', work: always(redirectLeg), share: 2 })
  if (parts.has('read')) legs.push({ title: 'Authenticated read', work: readsOf, share: 4 })
  await compare(stage, { title: 'http' }, legs)
  if (!parts.has('fetch') || !stage.settings.names.includes('router')) return
  await withApps(stage, { title: 'fetch', only: ['router'] }, async ([router]) => {
    if (router) await authorisedFetch(stage, router)
  })
}

/** Reads by somebody who is logged in at each app. */
async function readsOf(apps: readonly AppProcess[]): Promise<Work> {
  const browsers = new Map<Contestant, Browser>()
  for (const app of apps) browsers.set(app.name, await login(app.name, app.origin))
  return async (app) => {
    const page = await browsers.get(app.name)?.get('/')
    if (page?.status !== 200 || page.text === 'null') throw new Error(`${app.name} forgot its user`)
  }
}

export async function overHttps(stage: Stage): Promise<void> {
  const title = 'Whole login, provider over https'
  await compare(stage, { title: 'https', tls: true }, [{ title, work: always(wholeLogin) }])
}

export async function slowProvider(stage: Stage): Promise<void> {
  const title = 'Whole login, provider that takes 50 ms for each answer'
  await compare(stage, { title: 'slow provider', delay: 50 }, [{ title, work: always(wholeLogin), share: 0.5 }])
}

export async function inRedis(stage: Stage): Promise<void> {
  const title = 'Whole login, sessions in Redis'
  const options = { title: 'Redis', store: 'redis', only: WITH_EXPRESS_SESSION }
  await compare(stage, options, [{ title, work: always(wholeLogin) }])
}

export const SPARSE_GAP_MS = 6_000
const LONG_GAP_MS = 11_000

/**
 * Single logins with pauses between them, over https to a front end that keeps connections for 75 s and does not say
 * so: 6 s is beyond the 4 to 5 s of Node's clients and within the 10 s of ours, 11 s is beyond both.
 */
export async function sparse(stage: Stage): Promise<void> {
  await withApps(stage, { title: 'sparse', tls: true, hint: false }, async (apps) => {
    const rows = new Map<Contestant, string[]>(apps.map(({ name }) => [name, [name]]))
    const once: Load = { units: 1, concurrency: 1 }
    for (const gap of stage.settings.sparse > 3 ? [SPARSE_GAP_MS, LONG_GAP_MS] : [SPARSE_GAP_MS]) {
      const measures = new Map<Contestant, Measure[]>(apps.map(({ name }) => [name, []]))
      for (let i = 0; i < stage.settings.sparse; i++) {
        await sleep(gap) // the logins before it have left warm connections behind
        for (const app of apps) measures.get(app.name)?.push(await measureRound(app, stage.provider, once, wholeLogin))
      }
      for (const [name, list] of measures) {
        rows.get(name)?.push(fixed(of(list, 'connections').median, 1), fixed(of(list, 'p50').median, 1))
      }
    }
    const gaps = [SPARSE_GAP_MS, LONG_GAP_MS].slice(0, stage.settings.sparse > 3 ? 2 : 1).map((ms) => `${ms / 1000} s`)
    const head = ['sparse https logins', ...gaps.flatMap((gap) => [`connections, ${gap} apart`, `ms, ${gap} apart`])]
    stage.say(table(head, [...rows.values()]))
  })
}

const SOAK_STEPS = 10

/** Many logins in one process, in a store that forgets: heap after a collection, and p99, step by step. */
export async function soak(stage: Stage, logins: number): Promise<void> {
  const options = { title: 'soak', store: 'last-1000', only: ['router'] as const, flags: ['--expose-gc'] }
  await withApps(stage, options, async ([app]) => {
    if (!app) return
    const rows: string[][] = []
    for (let step = 1; step <= SOAK_STEPS; step++) {
      const plan = { units: Math.ceil(logins / SOAK_STEPS), concurrency: CONCURRENCY }
      const { cpu, p50, p99, rss } = await measureRound(app, stage.provider, plan, wholeLogin)
      const { heap } = await app.usage()
      rows.push([String(step * plan.units), fixed(cpu, 2), fixed(p50, 1), fixed(p99, 1), mib(heap), mib(rss)])
    }
    stage.say(table(['logins', 'CPU ms', 'p50 ms', 'p99 ms', 'heap MiB', 'RSS MiB'], rows))
  })
}

const MANY = 100

async function authorisedFetch(stage: Stage, app: AppProcess): Promise<void> {
  const browser = await login(app.name, app.origin)
  const probe = await browser.get('/many/fetch?n=1')
  if (probe.status !== 200) {
    stage.say(`req.oauth.fetch: this build has no \`req.oauth\` (${probe.status}).`)
    return
  }
  const plan = { units: Math.max(2, Math.ceil(stage.settings.logins / 20)), concurrency: 1 }
  const found = new Map<string, number[]>()
  for (let round = -1; round < stage.settings.rounds; round++) {
    for (const kind of ['bare', 'fetch']) {
      const { cpu } = await measureRound(app, stage.provider, plan, () => browser.get(`/many/${kind}?n=${MANY}`))
      if (round >= 0) found.set(kind, [...(found.get(kind) ?? []), cpu / MANY])
    }
  }
  const [bare = [], authorised = []] = [found.get('bare'), found.get('fetch')]
  const rows = [
    ['bare undici request', ...cells(spread(bare), 3), '1.00'],
    ['req.oauth.fetch', ...cells(spread(authorised), 3), fixed(ratioOf(authorised, bare), 2)],
  ]
  stage.say(table(['authorised request (CPU ms)', 'median', 'min', 'max', 'ratio to bare'], rows))
}

/** One table: its work, and how many units of it are made for each login of the settings. */
interface Leg {
  title: string
  work(apps: readonly AppProcess[]): Promise<Work>
  share?: number
}

function always(work: Work): Leg['work'] {
  return async () => work
}

/** A table for each leg: the work by each app in turn, and the ratio to the one written by hand. */
async function compare(stage: Stage, options: AppOptions, legs: readonly Leg[]): Promise<void> {
  if (legs.length === 0) return
  const { rounds, processes, logins, warmUp } = stage.settings
  const tables = legs.map(({ title, work, share = 1 }) => ({
    title,
    work,
    plan: {
      rounds: Math.ceil(rounds / processes),
      units: Math.max(CONCURRENCY, Math.round(logins * share)),
      warmUp: Math.round(warmUp * share),
      concurrency: CONCURRENCY,
    },
    found: new Map<Contestant, Measure[]>(),
  }))
  for (let i = 0; i < processes; i++) {
    await withApps(stage, options, async (apps) => {
      for (const { work, plan, found } of tables) {
        const measures = await interleave(apps, stage.provider, plan, await work(apps))
        for (const [name, list] of measures) found.set(name, [...(found.get(name) ?? []), ...list])
      }
    })
  }
  for (const { title, plan, found } of tables) report(stage, title, plan.units, found)
}

function report(stage: Stage, title: string, units: number, measures: ReadonlyMap<Contestant, Measure[]>): void {
  const rounds = Math.max(...[...measures.values()].map(({ length }) => length))
  const hand = (measures.get('hand') ?? []).map(({ cpu }) => cpu)
  const rows = [...measures].map(([name, list]) => {
    const cpu = list.map((measure) => measure.cpu)
    return [
      name,
      ...cells(spread(cpu), 2),
      fixed(ratioOf(cpu, hand), 2),
      fixed(of(list, 'perSecond').median, 0),
      fixed(of(list, 'p50').median, 1),
      fixed(of(list, 'p99').median, 1),
      mib(of(list, 'rss').median),
      fixed(of(list, 'connections').median, 2),
      fixed(of(list, 'storeCalls').median, 1),
    ]
  })
  const head = [
    'median',
    'min',
    'max',
    'ratio to hand',
    'a second',
    'p50 ms',
    'p99 ms',
    'RSS MiB',
    'connections',
    'store calls',
  ]
  stage.say(
    `${title}: CPU ms of the app's process; ${units} in each of ${rounds} rounds, ${stage.settings.processes} fresh processes of each app\n\n${table(['', ...head], rows)}`,
  )
}

/** The median over the rounds of each round's own ratio: a machine that slows down does so for both sides of it. */
function ratioOf(values: readonly number[], base: readonly number[]): number {
  return spread(values.map((value, round) => value / (base[round] ?? Number.NaN))).median
}

function of(list: readonly Measure[], key: keyof Measure): Spread {
  return spread(list.map((measure) => measure[key]))
}

function cells({ median, min, max }: Spread, digits: number): string[] {
  return [fixed(median, digits), fixed(min, digits), fixed(max, digits)]
}

function mib(bytes: number): string {
  return fixed(bytes / 1024 / 1024, 0)
}

interface AppOptions {
  title: string
  tls?: boolean
  delay?: number
  hint?: boolean
  store?: string
  only?: readonly Contestant[]
  flags?: string[]
}

/** Starts the apps, checks each, and stops them whatever happens. One that lacks a package or fails is left out, aloud. */
async function withApps(stage: Stage, options: AppOptions, use: (apps: AppProcess[]) => Promise<void>): Promise<void> {
  const { provider, settings, say } = stage
  const apps: AppProcess[] = []
  try {
    for (const name of CONTESTANTS.filter((each) => settings.names.includes(each))) {
      if (options.only && !options.only.includes(name)) continue
      const address = await provider.listen(options)
      const flags = [...settings.flags, ...(options.flags ?? [])]
      const place = { provider: address, store: options.store ?? 'memory', certificate: provider.certificate, flags }
      const app = await startApp(name, place)
      if ('missing' in app) {
        say(`${name} (${options.title}) is left out: ${app.missing}. Run \`npm ci\` in bench/.`)
        continue
      }
      apps.push(app)
      try {
        await checkContestant(name, app.origin)
      } catch (error) {
        apps.pop()
        await app.stop()
        say(`${name} (${options.title}) is left out: ${error instanceof Error ? error.message : error}`)
      }
    }
    await use(apps)
  } finally {
    await Promise.all(apps.map((app) => app.stop()))
  }
}
