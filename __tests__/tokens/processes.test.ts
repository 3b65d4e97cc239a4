import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { createClient } from 'redis'
import { Browser, told } from '../support/browser'
import { bundled } from '../support/bundled'
import { eventually } from '../support/eventually'
import { inOneOfTenTries } from '../support/in-time'
import { OwnRedis } from '../support/redis-server'
import type { ScaledAppOptions } from '../support/scaled-app'
import { describeWith } from '../support/services'
import { type SlowLane, startSlowLane } from '../support/slow-lane'
import { ask, countOf, loggedIn, type TokenAnswer } from '../support/token-app'
import { IS_WHOLE } from '../support/whole'

// Four processes of one app over one Redis and one session. The access token of the login is due at once.
interface Worker {
  origin: string
  child: ChildProcess
}

/** Logins at each process where their users bring no token: 1,000 in all in `npm run test:whole`. */
const LOGINS = IS_WHOLE ? 250 : 15
const prefix = `test-${randomBytes(6).toString('hex')}:`
let redis: OwnRedis
let emulator: Emulator
let workers: Worker[] = []
const idle: ChildProcess[] = []
let loggedOut: string[] = []
/** Requests for tokens that have come as far as the router, at all workers. */
let asked = 0
let lane: SlowLane | undefined

async function start(
  count: number,
  options: { hold?: () => Promise<unknown>; lockTimeout?: number } = {},
): Promise<Browser> {
  emulator = await startEmulator('aihubmix', { accessTokenLifetime: 200 })
  lane = options.hold && (await startSlowLane(emulator.options.refreshURL ?? '', options.hold))
  const app: ScaledAppOptions = {
    redisURL: redis.url,
    prefix,
    lockTimeout: options.lockTimeout ?? 10_000,
    providers: { aihubmix: { ...emulator.options, timeout: 8000, ...(lane && { refreshURL: lane.url }) } },
  }
  loggedOut = []
  asked = 0
  workers = await Promise.all(Array.from({ length: count }, () => startWorker(app)))
  return loggedIn(workers[0] as Worker, 'aihubmix', emulator) // count is at least one
}

/** The app in a process that an earlier test has left, or in a new one: to start one takes a second. */
async function startWorker(options: ScaledAppOptions): Promise<Worker> {
  const child = idle.pop() ?? startProcess()
  child.send(options)
  let origin: string | undefined
  child.on('message', (message: { origin?: string; asked?: string; loggedOut?: string }) => {
    origin ??= message.origin
    if (origin === undefined) return // the last word of the app before
    if (message.asked !== undefined) asked++
    if (message.loggedOut !== undefined) loggedOut.push(message.loggedOut)
  })
  const told = await eventually(() => {
    if (origin === undefined) throw new Error(`the worker tells no origin; its exit code is ${child.exitCode}`)
    return origin
  }, 60_000)
  return { origin: told, child }
}

function startProcess(): ChildProcess {
  return fork(bundled('__tests__/support/scaled-app.ts'), { execArgv: [] })
}

/** `times` concurrent requests for the tokens at each worker. */
function callers(browser: Browser, at: readonly Worker[], times: number): Promise<TokenAnswer[]> {
  const origin = workers[0]?.origin ?? ''
  const calls = at.flatMap((worker) => {
    const there = browser.at(origin, worker.origin)
    return Array.from({ length: times }, () => ask(there, `${worker.origin}/tokens/aihubmix`))
  })
  return Promise.all(calls)
}

/** What Redis holds of the login's tokens. */
async function stored(): Promise<string> {
  const client = await createClient({ url: redis.url }).connect()
  const keys = await client.keys(`${prefix}tokens:aihubmix:*`)
  const texts = await Promise.all(keys.map((key) => client.get(key)))
  client.destroy()
  return texts.join('\n')
}

/** Leaves its processes to the next one. */
async function clear(): Promise<void> {
  for (const { child } of workers) child.removeAllListeners('message')
  idle.push(...workers.splice(0).flatMap(({ child }) => (child.connected ? [child] : [])))
  lane?.close()
  await emulator.close()
}

function expectOneAnswer(answers: TokenAnswer[]): string {
  expect(answers.map(({ error }) => error).filter(Boolean)).toEqual([])
  const refreshTokens = new Set(answers.map(({ tokens }) => tokens?.refreshToken ?? 'none'))
  expect(refreshTokens.size).toBe(1)
  return [...refreshTokens][0] ?? ''
}

describeWith('RedisServer', 'tokens across processes', () => {
  beforeAll(async () => {
    redis = await OwnRedis.start()
  })
  afterEach(clear)
  afterAll(async () => {
    for (const child of idle) child.kill('SIGKILL')
    await redis.stop()
  })

  test('log in on one, be known on the other, by turns', async () => {
    const browser = await start(2)
    const [one, two] = workers as [Worker, Worker] // two were started
    const there = browser.at(one.origin, two.origin)
    for (let turn = 0; turn < 4; turn++) {
      const [worker, at] = turn % 2 ? [one, browser] : [two, there]
      expect((await told(at.get(`${worker.origin}/me`))).user).toMatchObject({ provider: 'aihubmix' })
      expect((await ask(at, `${worker.origin}/profile/aihubmix`)).value).toMatchObject({ id: '12345' })
    }
    expect(countOf(emulator, 'refresh')).toBe(1)
    await there.post(`${two.origin}/auth/logout`)
    expect((await told(browser.get(`${one.origin}/me`))).user).toBeNull()
    expect(await stored()).toBe('')
  })

  test('4 processes × 100 callers: one refresh, all answered, the last refresh token stored', async () => {
    const browser = await start(4)
    const refreshToken = expectOneAnswer(await callers(browser, workers, 100))
    expect(countOf(emulator, 'refresh')).toBe(1)
    expect(await stored()).toContain(refreshToken)
  })

  test('the holder of the lock is killed in the middle: another one refreshes, nobody is logged out', async () => {
    const browser = await start(4, { lockTimeout: 1000 })
    const [victim, ...others] = workers as [Worker, ...Worker[]] // four were started
    emulator.failNext('refresh', 'silent')
    const lost = callers(browser, [victim], 1).catch(() => 'cut')
    await eventually(() => expect(countOf(emulator, 'refresh')).toBe(1))
    const waiting = callers(browser, others, 100)
    await eventually(() => expect(asked).toBe(1 + 300))
    victim.child.kill('SIGKILL')
    expect(await lost).toBe('cut')
    const refreshToken = expectOneAnswer(await waiting)
    expect(countOf(emulator, 'refresh')).toBe(2) // the victim's, which was never answered, and one more
    expect(await stored()).toContain(refreshToken)
    expect(loggedOut).toEqual([])
  })

  test('4 processes, any number of logins at once: one application token', async () => {
    emulator = await startEmulator('wecom')
    // No deadline is looked at here, and a busy machine takes its time for a thousand logins.
    const wecom = { ...emulator.options, timeout: 60_000 }
    const app = { redisURL: redis.url, prefix, lockTimeout: 10_000, providers: { wecom } }
    workers = await Promise.all(Array.from({ length: 4 }, () => startWorker(app)))
    const pending = workers.flatMap((worker) => Array.from({ length: LOGINS }, () => worker.origin))
    const begun = await Promise.all(
      pending.map(async (origin) => {
        const browser = new Browser()
        return { browser, callback: await emulator.approve(await browser.location(`${origin}/auth/wecom`)) }
      }),
    )
    const statuses = await Promise.all(begun.map(async ({ browser, callback }) => (await browser.get(callback)).status))
    expect(statuses).toEqual(Array(4 * LOGINS).fill(303))
    expect(countOf(emulator, 'appToken')).toBe(1)
  })

  test('the provider takes three times as long as the lock: the holder keeps it, one refresh', async () => {
    // A holder that stands still for a second has lost the lock, rightly.
    await inOneOfTenTries(async () => {
      const browser = await start(4, { hold: () => sleep(3000), lockTimeout: 1000 })
      try {
        const refreshToken = expectOneAnswer(await callers(browser, workers, 25))
        expect(countOf(emulator, 'refresh')).toBe(1)
        expect(await stored()).toContain(refreshToken)
        expect(loggedOut).toEqual([])
      } finally {
        await clear()
      }
    })
  }, 120_000)

  test('Redis is killed and comes back in the middle: the refreshed tokens are stored, nobody is logged out', async () => {
    let goOn = () => {}
    const back = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const browser = await start(4, { hold: () => back })
    const answers = callers(browser, workers, 25)
    await eventually(() => expect({ asked, refreshes: lane?.asked() }).toEqual({ asked: 100, refreshes: 1 }))
    await redis.kill()
    goOn()
    await sleep(1500)
    await redis.run()
    const refreshToken = expectOneAnswer(await answers)
    expect(countOf(emulator, 'refresh')).toBe(1)
    expect(await stored()).toContain(refreshToken)
    expect(loggedOut).toEqual([])
    expect((await callers(browser, workers, 1)).map(({ tokens }) => tokens?.refreshToken)).toEqual(
      Array(4).fill(refreshToken),
    )
  })
})
