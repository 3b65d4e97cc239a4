import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { eventually } from './eventually'
import { freePort } from './free-port'

/** A test's own Redis on a free port. It keeps its data on disk, so it may be stopped and killed. */
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

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** Starts it, with the data from before it was killed. */
  async run(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir]
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    this.child = spawn('redis-server', [...options, ...durable], { stdio: 'ignore' })
    await eventually(async () => {
      const client = createClient({ url: this.url, socket: { reconnectStrategy: false } })
      client.on('error', () => {})
      try {
        await client.connect()
        expect(await client.ping()).toBe('PONG')
      } finally {
        if (client.isOpen) client.destroy()
      }
    }, 60_000)
  }

  async kill(): Promise<void> {
    if (!this.child || this.child.exitCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }
}
