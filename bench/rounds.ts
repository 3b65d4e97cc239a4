import type { Contestant } from './contestant.js'
import { quantile } from './numbers.js'
import type { AppProcess, ProviderProcess } from './processes.js'

/** What one contestant used in one round, for one unit of work. */
export interface Measure {
  /** Milliseconds of the app's process. */
  cpu: number
  perSecond: number
  p50: number
  p99: number
  /** Bytes, at the end of the round. */
  rss: number
  connections: number
  storeCalls: number
}

/** How much is done at once, without the rounds. */
export type Load = Pick<Plan, 'units' | 'concurrency'>

export type Work = (app: AppProcess) => Promise<unknown>

export interface Plan {
  rounds: number
  /** Units of work before the first round: V8 takes some hundred logins to compile what it runs. */
  warmUp: number
  /** Units of work in a round. */
  units: number
  concurrency: number
}

/** Contestants in turn, round after round. Who goes first changes. */
export async function interleave(
  apps: readonly AppProcess[],
  provider: ProviderProcess,
  plan: Plan,
  work: Work,
): Promise<Map<Contestant, Measure[]>> {
  const measures = new Map<Contestant, Measure[]>(apps.map(({ name }) => [name, []]))
  for (const app of apps) await measureRound(app, provider, { ...plan, units: plan.warmUp }, work)
  for (let round = 0; round < plan.rounds; round++) {
    const first = round % apps.length
    for (const app of [...apps.slice(first), ...apps.slice(0, first)]) {
      measures.get(app.name)?.push(await measureRound(app, provider, plan, work))
    }
  }
  return measures
}

export async function measureRound(
  app: AppProcess,
  provider: ProviderProcess,
  { units, concurrency }: Load,
  work: Work,
): Promise<Measure> {
  const [before, connectedBefore] = [await app.usage(), await provider.connections(app.provider)]
  const started = performance.now()
  const times = await inParallel(units, concurrency, () => work(app))
  const seconds = (performance.now() - started) / 1000
  const [after, connected] = [await app.usage(), await provider.connections(app.provider)]
  return {
    cpu: (after.cpu - before.cpu) / units,
    perSecond: units / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    rss: after.rss,
    connections: (connected - connectedBefore) / units,
    storeCalls: (after.storeCalls - before.storeCalls) / units,
  }
}

/** The milliseconds of each unit. */
async function inParallel(units: number, concurrency: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  let left = units
  const worker = async () => {
    while (left-- > 0) {
      const started = performance.now()
      await work()
      times.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return times
}
