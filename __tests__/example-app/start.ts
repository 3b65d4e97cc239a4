import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundled } from '../support/bundled'
import { eventually } from '../support/eventually'

const ROOT = join(__dirname, '../..')

/** Every variable of `.env.example`, blank: a developer's own credentials must not send these tests to a real provider. */
const BLANK = Object.fromEntries(
  [...readFileSync(join(ROOT, '.env.example'), 'utf8').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name = '']) => [name, '']),
)

/** `npm start` as a person runs it, or the same program without npm and tsx, which take most of its time. */
export class Started {
  private static readonly running = new Set<Started>()
  printed = ''
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown[]>

  constructor(env: Record<string, string>, { alone = false } = {}) {
    const [program, args] = alone
      ? [process.execPath, [bundled('example-app/server.ts')]]
      : ['npm', ['start', '--silent']]
    this.child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...BLANK, PORT: '0', ...env },
      detached: true,
      stdio: 'pipe',
    })
    // `close` comes when the last process that holds the output has ended: npm, its shell and the app.
    this.ended = once(this.child, 'close')
    Started.running.add(this)
    void this.ended.then(() => Started.running.delete(this))
    const print = (data: Buffer) => {
      this.printed += String(data)
    }
    this.child.stdout?.on('data', print)
    this.child.stderr?.on('data', print)
  }

  /** The address it prints. */
  async address(): Promise<string> {
    let over = false
    void this.ended.then(() => {
      over = true
    })
    const address = await eventually(() => {
      const address = /Open (\S+)\n/.exec(this.printed)?.[1]
      if (!address && !over) throw new Error(`npm start has printed ${JSON.stringify(this.printed)}`)
      return address
    }, 60_000)
    if (!address) throw new Error(`npm start ended: ${this.printed}`)
    return address
  }

  /** Leaves nothing of a failed test running, not even an app that ignores signals. */
  static async killAll(): Promise<void> {
    await Promise.all([...Started.running].map((started) => started.stop('SIGKILL')))
  }

  /** Its exit code, once it has ended by itself. */
  async exitCode(): Promise<unknown> {
    return (await this.ended)[0]
  }

  /** Ends it by `signal` to the whole group, as Ctrl-C does; resolves when nothing of it runs any more. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    // The group outlives npm where the app does: it is there as long as the output is open.
    if (this.child.pid && Started.running.has(this)) process.kill(-this.child.pid, signal)
    await this.ended
  }
}
