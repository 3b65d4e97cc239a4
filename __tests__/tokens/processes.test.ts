import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { createClient } from 'redis'
import { type Browser, told } from '../support/browser'
import { OwnRedis } from '../support/redis-server'
import type { ScaledAppOptions } from '../support/scaled-app'
import { describeWith } from '../support/services'
import { startSlowLane } from '../support/slow-lane'
import { ask, countOf, loggedIn, type TokenAnswer } from '../support/token-app'

// Four processes of one app over one Redis and one session. The access token of the login is due at once.
interface Worker {
  origin: string
  child: ChildProcess
}

const prefix = `test-${randomBytes(6).toString('hex')}:`
let redis: OwnRedis
let emulator: Emulator
let workers: Worker[] = []
const idle: ChildProcess[] = []
let loggedOut: string[] = []
let closeLane = () => {}

async function start(count: number, options: { delay?: number; lockTimeout?: number } = {}): Promise<Browser> {
  emulator = await startEmulator('aihubmix', { accessTokenLifetime: 200 })
  const lane = options.delay ? await startSlowLane(emulator.options.refreshURL ?? '', options.delay) : undefined
  closeLane = lane?.close ?? (() => {})
  const app: ScaledAppOptions = {
    redisURL: redis.url,
    prefix,
    lockTimeout: options.lockTimeout ?? 10_000,
    providers: { aihubmix: { ...emulator.options, timeout: 8000, ...(lane && { refreshURL: lane.url }) } },
  }
  loggedOut = []
  workers = await Promise.all(Array.from({ length: count }, () => startWorker(app)))
  return loggedIn(workers[0] as Worker, 'aihubmix', emulator) // count is at least one
}

/** The app in a process that an earlier test has left, or in a new one: to start one takes a second. */
async function startWorker(options: ScaledAppOptions): Promise<Worker> {
  const child = idle.pop() ?? startProcess()
  child.send(options)
  const origin = await new Promise<string>((resolve) => {
    const listen = (told: { origin?: string }) => {
      if (told.origin === undefined) return // the last word of the app before
      child.off('message', listen)
      resolve(told.origin)
    }
    child.on('message', listen)
  })
  child.on('message', (message: { loggedOut?: string }) => {
    if (message.loggedOut !== undefined) loggedOut.push(message.loggedOut)
  })
  return { origin, child }
}

function startProcess(): ChildProcess {
  return fork(join(__dirname, '..', 'support', 'scaled-app.ts'), { execArgv: ['--require', 'tsx/cjs'] })
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

async function refreshArrived(): Promise<void> {
  while (countOf(emulator, 'refresh') === 0) await sleep(10)
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
  afterEach(async () => {
    for (const { child } of workers) child.removeAllListeners('message')
    idle.push(...workers.splice(0).flatMap(({ child }) => (child.connected ? [child] : [])))
    closeLane()
    await emulator.close()
  })
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
    await refreshArrived()
    const waiting = callers(browser, others, 100)
    await sleep(100)
    victim.child.kill('SIGKILL')
    expect(await lost).toBe('cut')
    const refreshToken = expectOneAnswer(await waiting)
    expect(countOf(emulator, 'refresh')).toBe(2) // the victim's, which was never answered, and one more
    expect(await stored()).toContain(refreshToken)
    expect(loggedOut).toEqual([])
  })

  test('the provider takes three times as long as the lock: the holder keeps it, one refresh', async () => {
    const browser = await start(4, { delay: 3000, lockTimeout: 1000 })
    const refreshToken = expectOneAnswer(await callers(browser, workers, 25))
    expect(countOf(emulator, 'refresh')).toBe(1)
    expect(await stored()).toContain(refreshToken)
    expect(loggedOut).toEqual([])
  })

  test('Redis is killed and comes back in the middle: the refreshed tokens are stored, nobody is logged out', async () => {
    const browser = await start(4, { delay: 1500 })
    const answers = callers(browser, workers, 25)
    await sleep(700)
    await redis.restart(1500)
    const refreshToken = expectOneAnswer(await answers)
    expect(countOf(emulator, 'refresh')).toBe(1)
    expect(await stored()).toContain(refreshToken)
    expect(loggedOut).toEqual([])
    expect((await callers(browser, workers, 1)).map(({ tokens }) => tokens?.refreshToken)).toEqual(
      Array(4).fill(refreshToken),
    )
  })
})
