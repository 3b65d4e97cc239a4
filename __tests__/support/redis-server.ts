import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'

/** A Redis of a test's own on a free port, which keeps what it was told on disk: it may be stopped and killed. */
export class OwnRedis {
  private child: ChildProcess | undefined
  private constructor(
    private readonly port: number,
    private readonly dir: string,
  ) {}

  static async start(): Promise<OwnRedis> {
    const server = new OwnRedis(await freePort(), mkdtempSync(join(tmpdir(), 'own-redis-')))
    await server.run()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Kills it, leaves it down for `downtime` milliseconds, and starts it again. */
  async restart(downtime: number): Promise<void> {
    await this.kill()
    await sleep(downtime)
    await this.run()
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }

  private async run(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir]
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    this.child = spawn('redis-server', [...options, ...durable], { stdio: 'ignore' })
    for (let tries = 0; tries < 100; tries++) {
      const client = createClient({ url: this.url, socket: { reconnectStrategy: false } })
      client.on('error', () => {})
      const answered = await client
        .connect()
        .then(() => client.ping())
        .catch(() => undefined)
      if (client.isOpen) client.destroy()
      if (answered === 'PONG') return
      await sleep(50)
    }
    throw new Error('the Redis of this test did not start')
  }

  private async kill(): Promise<void> {
    if (!this.child || this.child.exitCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
