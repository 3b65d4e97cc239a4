import { setTimeout as delay } from 'node:timers/promises'
import type { Agent } from 'undici'
import { eventually } from '../support/eventually'
import { connections, LightBrowser } from '../support/light-browser'
import { Child } from './messages'

// Fewer only to try the test itself.
const LOGINS = Number(process.env.SOAK_LOGINS ?? 100_000)
const CALLERS = Number(process.env.SOAK_CALLERS ?? 2000)
const CONCURRENCY = 64
/** The engine remembers a finished callback for half a minute to a minute, for its doubles; idle connections end sooner. */
const FORGOTTEN_MS = 62_000
const HANGING_MS = 30_000

let app: Child
let provider: Child
let origin: string

// The driver, the provider and the app are three processes: only the app's heap is looked at.
beforeAll(async () => {
  provider = new Child('provider-process.ts')
  app = new Child('app-process.ts')
  const options = await provider.ask<Record<string, object>>('start', ['aihubmix', 'tiktok'])
  const { aihubmix, tiktok } = options
  origin = await app.ask<string>('start', { aihubmix, tiktok: { ...tiktok, timeout: HANGING_MS } })
})
afterAll(async () => {
  await Promise.all([app?.end(), provider?.end()])
})

/** A whole login, in a browser of its own. @throws Error where it fails */
async function login(agent: Agent): Promise<void> {
  const browser = new LightBrowser(origin, agent)
  const landed = await browser.follow(await browser.follow(await browser.follow('/auth/aihubmix?returnTo=/in')))
  if (landed !== `${origin}/in`) throw new Error(`a login landed at ${landed}`)
}

/** `count` times `work`, so many at once. */
async function repeat(count: number, atOnce: number, work: () => Promise<void>): Promise<void> {
  let left = count
  const worker = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
}

/** Milliseconds of the middle one of `count` logins, eight at once. */
async function p50(agent: Agent, count: number): Promise<number> {
  const took: number[] = []
  await repeat(count, 8, async () => {
    const from = performance.now()
    await login(agent)
    took.push(performance.now() - from)
  })
  return took.sort((a, b) => a - b)[took.length >> 1] ?? Number.NaN
}

/** The app with nothing on its hands, and nothing to remember. */
async function rested(): Promise<{ heap: number; sockets: number }> {
  await delay(FORGOTTEN_MS)
  return { heap: await app.ask<number>('heap'), sockets: await app.ask<number>('sockets') }
}

test('100,000 logins at concurrency 64: none fails, the heap stays flat, no socket is left', async () => {
  const heaps: number[] = []
  for (const part of [0.1, 0.9]) {
    const agent = connections(CONCURRENCY)
    const from = performance.now()
    await repeat(Math.round(LOGINS * part), CONCURRENCY, () => login(agent))
    const rate = (LOGINS * part) / ((performance.now() - from) / 1000)
    await agent.close()
    const { heap, sockets } = await rested()
    heaps.push(heap)
    process.stderr.write(`${Math.round(rate)} logins/s, heap ${(heap / 2 ** 20).toFixed(1)} MiB, ${sockets} sockets\n`)
    expect(sockets).toBe(0)
  }
  const [afterTenth = 0, ...later] = heaps
  for (const heap of later) expect(heap).toBeLessThanOrEqual(afterTenth * 1.1)
})

test('2,000 callers of a provider that hangs: another one logs people in at its usual speed', async () => {
  const crowd = connections(CALLERS)
  const agent = connections(8)
  await p50(agent, 300) // warm
  const before = await p50(agent, 500)
  // Everyone of the crowd has been at the provider, and is about to come back.
  const callbacks: { browser: LightBrowser; callback: string }[] = []
  await repeat(CALLERS, 32, async () => {
    const browser = new LightBrowser(origin, crowd)
    callbacks.push({ browser, callback: await browser.follow(await browser.follow('/auth/tiktok')) })
  })
  await provider.ask('hang', { name: 'tiktok', times: CALLERS })
  const known = await provider.ask<number>('tokenRequests', 'tiktok')
  const answers = Promise.all(callbacks.map(({ browser, callback }) => browser.get(callback)))
  let stillHanging = true
  const ended = () => {
    stillHanging = false
  }
  answers.then(ended, ended)
  while (stillHanging && (await provider.ask<number>('tokenRequests', 'tiktok')) - known < CALLERS) await delay(100)
  // Twice is where a queue would begin to show, and it would at every look; the machine does other things too.
  let during = await p50(agent, 500)
  for (let look = 1; look < 3 && during > 2 * before; look++) during = Math.min(during, await p50(agent, 500))
  const hungAllThrough = stillHanging
  const codes = (await answers).map(({ status, text }) => `${status} ${JSON.parse(text).error.code}`)
  const after = await p50(agent, 500)
  process.stderr.write(`p50 of a login: ${[before, during, after].map((ms) => ms.toFixed(1)).join(', ')} ms\n`)
  expect([...new Set(codes)]).toEqual(['504 provider_timeout'])
  expect(hungAllThrough).toBe(true)
  expect(during).toBeLessThanOrEqual(2 * Math.max(before, after))
  await Promise.all([agent.close(), crowd.close()])
  await eventually(async () => expect(await app.ask<number>('sockets')).toBe(0), FORGOTTEN_MS)
})
