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

export type Work = (app: AppProcess) => Promise<unknown>

export interface Plan {
  rounds: number
  /** Units of work in a round. */
  units: number
  concurrency: number
}

/** Contestants in turn, round after round, after a round that warms up. Who goes first changes. */
export async function interleave(
  apps: readonly AppProcess[],
  provider: ProviderProcess,
  plan: Plan,
  work: Work,
): Promise<Map<Contestant, Measure[]>> {
  const measures = new Map<Contestant, Measure[]>(apps.map(({ name }) => [name, []]))
  for (let round = -1; round < plan.rounds; round++) {
    const first = Math.max(0, round) % apps.length
    for (const app of [...apps.slice(first), ...apps.slice(0, first)]) {
      const measure = await measureRound(app, provider, plan, work)
      if (round >= 0) measures.get(app.name)?.push(measure)
    }
  }
  return measures
}

export async function measureRound(
  app: AppProcess,
  provider: ProviderProcess,
  { units, concurrency }: Omit<Plan, 'rounds'>,
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
