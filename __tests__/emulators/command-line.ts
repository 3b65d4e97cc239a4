import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { bundled } from '../support/bundled'
import { eventually } from '../support/eventually'

const ROOT = join(__dirname, '../..')

/** The command line of the package, from its sources, as a process of its own. */
export class CommandLine {
  private static readonly running = new Set<CommandLine>()
  stdout = ''
  stderr = ''
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown[]>
  private over = false

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [bundled('bin/passport-dialects.ts'), ...args], {
      cwd: ROOT,
      stdio: 'pipe',
      env: process.env, // as this test sees it
    })
    this.ended = once(this.child, 'close')
    CommandLine.running.add(this)
    void this.ended.then(() => {
      this.over = true
      CommandLine.running.delete(this)
    })
    this.child.stdout?.on('data', (data: Buffer) => {
      this.stdout += String(data)
    })
    this.child.stderr?.on('data', (data: Buffer) => {
      this.stderr += String(data)
    })
  }

  /** Resolves once it has printed `pattern`. @throws Error where it ends without */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = await eventually(() => {
      const { over } = this // before the look: all that it printed is there once it has ended
      const printed = `${this.stdout}\n${this.stderr}`
      const found = pattern.exec(printed)
      if (!found && !over) throw new Error(`It has not printed ${pattern}: ${printed}`)
      return found
    }, 60_000)
    if (!found) throw new Error(`It ended without ${pattern}: ${this.stdout}${this.stderr}`)
    return found
  }

  async exitCode(): Promise<unknown> {
    return (await this.ended)[0]
  }

  stop(signal: NodeJS.Signals): Promise<unknown> {
    this.child.kill(signal)
    return this.exitCode()
  }

  static async killAll(): Promise<void> {
    await Promise.all([...CommandLine.running].map((one) => one.stop('SIGKILL')))
  }
}
