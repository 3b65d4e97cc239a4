import { spawnSync } from 'node:child_process'
import { createConnection } from 'node:net'
import { makeRsaKeys } from './rsa-keys'

/** The databases that some tests use, and their addresses. */
export const SERVICES = {
  Redis: { variable: 'REDIS_URL', url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
  PostgreSQL: { variable: 'DATABASE_URL', url: process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/test' },
} as const

/** The programs that some tests start. */
const PROGRAMS = {
  RedisServer: ['redis-server', '--version'],
  Chromium: [chromium(), '--version'],
  OpenSSL: ['openssl', 'version'],
} as const

export type ServiceName = keyof typeof SERVICES | keyof typeof PROGRAMS

/** The browser's path: from the variable, or where Debian's package puts it. */
export function chromium(): string {
  return process.env.CHROMIUM_PATH || '/usr/bin/chromium'
}

/** How `describeWith` marks tests that need a service, for the reporter. */
export const MARK = 'needs '

/**
 * `describe` for tests that need a service. Without it they are skipped, and the run's last line says so. With `CI`
 * set, a missing service fails.
 */
export function describeWith(service: ServiceName, title: string, tests: () => void): void {
  const missing = process.env[missingVariable(service)]
  const marked = `${title} (${MARK}${service})`
  if (missing === undefined) return void describe(marked, tests)
  if (!process.env.CI) return void describe.skip(marked, tests)
  describe(marked, () => {
    test(`${service} can be reached`, () => {
      throw new Error(`${service} cannot be reached: ${missing}`)
    })
  })
}

/**
 * Jest's global set-up: tries each service once and passes to the workers, in their environment, what is missing, and
 * keys for the emulators.
 */
export default async function findServices(): Promise<void> {
  makeRsaKeys()
  for (const [service, { url }] of Object.entries(SERVICES)) {
    const problem = await connect(url)
    if (problem === undefined) delete process.env[missingVariable(service)]
    else process.env[missingVariable(service)] = problem
  }
  for (const [program, [command, option]] of Object.entries(PROGRAMS)) {
    const { error } = spawnSync(command, [option])
    if (!error) delete process.env[missingVariable(program)]
    else process.env[missingVariable(program)] = error.message
  }
}

function missingVariable(service: string): string {
  return `MISSING_SERVICE_${service}`
}

/** Why nothing listens at an address; `undefined` if something does. */
function connect(url: string): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(url)
  const usual = protocol.startsWith('redis') ? 6379 : 5432
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port || usual) })
    const settle = (problem?: string) => {
      socket.destroy()
      resolve(problem)
    }
    socket.setTimeout(5000, () => settle(`no response at ${hostname}:${port || usual} within five seconds`))
    socket.once('connect', () => settle())
    socket.once('error', ({ message }) => settle(message || `no connection to ${hostname}:${port || usual}`))
  })
}
