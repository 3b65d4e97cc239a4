import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Ready, Usage } from './app.js'
import type { Contestant } from './contestant.js'
import type { ProviderAnswer, ProviderQuestion } from './provider.js'

const ANSWER_WITHIN_MS = 20_000

export interface AppProcess {
  name: Contestant
  origin: string
  provider: string
  usage(): Promise<Usage>
  stop(): Promise<void>
}

/** The app of one contestant, or the package that it lacks. */
export async function startApp(
  name: Contestant,
  { provider, store, certificate, flags }: { provider: string; store: string; certificate: string; flags: string[] },
): Promise<AppProcess | { missing: string }> {
  const env = { ...process.env, NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: certificate }
  const child = new Child('app.js', [name, provider, store], env, flags)
  const ready = (await child.next()) as Ready // the first message of app.ts
  if ('missing' in ready) {
    await child.stop()
    return ready
  }
  return {
    name,
    origin: ready.origin,
    provider,
    usage: async () => (await child.ask('usage')) as Usage, // app.ts answers nothing else
    stop: () => child.stop(),
  }
}

export interface ProviderProcess {
  certificate: string
  listen(options: { tls?: boolean; delay?: number; hint?: boolean }): Promise<string>
  connections(origin: string): Promise<number>
  stop(): Promise<void>
}

export async function startProvider(): Promise<ProviderProcess> {
  const child = new Child('provider.js', [], process.env, [])
  const ask = async (question: ProviderQuestion) => (await child.ask(question)) as ProviderAnswer // provider.ts's only word
  const told = await ask({ ask: 'certificate' })
  if (!('certificate' in told)) throw new Error('The provider made no certificate.')
  return {
    certificate: told.certificate,
    async listen({ tls = false, delay = 0, hint = true }) {
      const answer = await ask({ ask: 'listen', tls, delay, hint })
      if (!('origin' in answer)) throw new Error('The provider does not listen.')
      return answer.origin
    },
    async connections(origin) {
      const answer = await ask({ ask: 'counts', origin })
      return 'connections' in answer ? answer.connections : 0
    },
    stop: () => child.stop(),
  }
}

/** A forked process that answers one message at a time, and says what it printed when it dies. */
class Child {
  private readonly process: ChildProcess
  private printed = ''

  constructor(file: string, args: string[], env: NodeJS.ProcessEnv, execArgv: string[]) {
    this.process = fork(join(import.meta.dirname, file), args, {
      env,
      execArgv,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.printed = (this.printed + text).slice(-4000)
    })
  }

  ask(message: object | string): Promise<unknown> {
    const answer = this.next()
    this.process.send(message)
    return answer
  }

  next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const child = this.process
      const settle = (act: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        act()
      }
      const fail = (what: string) =>
        settle(() => reject(new Error(`${child.spawnargs.slice(1).join(' ')} ${what}\n${this.printed}`)))
      const onMessage = (message: unknown) => settle(() => resolve(message))
      const onExit = () => fail('ended')
      const timer = setTimeout(() => fail('did not answer'), ANSWER_WITHIN_MS)
      child.on('message', onMessage)
      child.on('exit', onExit)
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      const child = this.process
      if (child.exitCode !== null || child.signalCode !== null) return resolve()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      child.on('exit', () => {
        clearTimeout(timer)
        resolve()
      })
      child.disconnect()
    })
  }
}
