import { type ChildProcess, fork } from 'node:child_process'
import { bundled } from '../support/bundled'

interface Asked {
  id: number
  call: string
  argument: unknown
}
interface Answered {
  id: number
  result?: unknown
  error?: string
}

/** What a child process can be asked for, by name. */
// biome-ignore lint/suspicious/noExplicitAny: each call has an argument and a result of its own; `ask` names the result
type Calls = Record<string, (argument: any) => unknown>

/** In the child: answers what the parent asks. */
export function answerParent(calls: Calls): void {
  process.on('message', async ({ id, call, argument }: Asked) => {
    try {
      process.send?.({ id, result: await calls[call]?.(argument) } satisfies Answered)
    } catch (error) {
      process.send?.({ id, error: String(error) } satisfies Answered)
    }
  })
  process.once('disconnect', () => process.exit())
}

/** In the parent: a child process with its garbage collector at hand. */
export class Child {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  private asked = 0

  constructor(file: string) {
    this.child = fork(bundled(`__tests__/soak/${file}`), { execArgv: ['--expose-gc'] })
    this.child.on('message', ({ id, result, error }: Answered) => {
      const waiting = this.waiting.get(id)
      this.waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.child.once('exit', (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`${file} ended with ${code}`))
    })
  }

  async ask<T>(call: string, argument: unknown = null): Promise<T> {
    const id = this.asked++
    const result = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }))
    this.child.send({ id, call, argument } satisfies Asked)
    return (await result) as T // what the call of that name returns
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.child.once('exit', () => resolve())
      this.child.disconnect()
    })
  }
}
