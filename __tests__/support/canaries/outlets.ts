import { ChildProcess } from 'node:child_process'
import { formatWithOptions } from 'node:util'
import { type Answer, partsOf } from './answers'
import { enoughOf } from './everything'
import type { Kind } from './known'
import { known } from './learn'

/** A leaked secret. */
export interface Leak {
  /** `console.error`, `stdout`, `debug line`, `error`, `page`, `header`, `redirect` … */
  outlet: string
  kind: Kind
  /** The output, to locate the leak; every secret in it is replaced. */
  text: string
}

/** The output since the last check, except responses. */
const said: { outlet: string; text: string }[] = []
const errors: unknown[] = []
const answers: Answer[] = []

export function say(outlet: string, ...args: unknown[]): void {
  said.push({ outlet, text: formatWithOptions({ depth: 6 }, ...args) })
}

/** An error is checked after the test: an app may have added properties. */
export function noteError(error: unknown): void {
  errors.push(error)
}

export function noteAnswer(answer: Answer): void {
  answers.push(answer)
}

/** All output since the last check that contains a secret. */
export function takeLeaks(): Leak[] {
  const leaks: Leak[] = []
  for (const { outlet, text } of said.splice(0)) search(leaks, outlet, text)
  for (const error of errors.splice(0)) search(leaks, 'error', enoughOf(error))
  for (const answer of answers.splice(0)) {
    for (const { outlet, text, allowed } of partsOf(answer)) search(leaks, outlet, text, allowed)
  }
  return leaks
}

function search(leaks: Leak[], outlet: string, text: string, allowed: readonly Kind[] = []): void {
  const found = known.in(text)
  if (found.length === 0) return
  const masked = found.reduce((so, { secret, kind }) => so.split(secret).join(`<${kind}>`), text)
  const at = Math.max(0, masked.indexOf(`<${found[0]?.kind}>`) - 200)
  for (const { kind } of found)
    if (!allowed.includes(kind)) leaks.push({ outlet, kind, text: masked.slice(at, at + 500) })
}

/**
 * Records all output of this process and its children. Other test files run in the same process: the returned function
 * undoes it.
 */
export function tapOutput(): () => void {
  const undo: (() => void)[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream
    const outlet = stream === process.stdout ? 'stdout' : 'stderr'
    stream.write = ((...args: Parameters<typeof write>) => {
      say(outlet, String(args[0]))
      return write.apply(stream, args)
    }) as typeof write
    undo.push(() => {
      stream.write = write
    })
  }
  for (const name of ['debug', 'dir', 'error', 'info', 'log', 'trace', 'warn'] as const) {
    const own = console[name] as (...args: unknown[]) => void // `dir` takes options too
    console[name] = (...args: unknown[]) => {
      say(`console.${name}`, ...args)
      own.apply(console, args)
    }
  }
  const { emitWarning } = process
  process.emitWarning = ((...args: Parameters<typeof emitWarning>) => {
    say('process warning', ...args)
    emitWarning.apply(process, args)
  }) as typeof emitWarning
  undo.push(tapChildren())
  return () => {
    for (const back of undo) back()
  }
}

/** A child's output is recorded on its way to its reader; a child without a reader has none. */
function tapChildren(): () => void {
  const { spawn } = ChildProcess.prototype as unknown as Spawning // exists in Node, not in its types
  const tapped: Spawning = {
    spawn(this: ChildProcess, options) {
      const result = spawn.call(this, options)
      for (const name of ['stdout', 'stderr'] as const) {
        const stream = this[name]
        if (!stream) continue
        const { push } = stream
        stream.push = (chunk, ...rest) => {
          if (chunk !== null) say(`${name} of a child process`, String(chunk))
          return push.call(stream, chunk, ...rest)
        }
      }
      return result
    },
  }
  Object.assign(ChildProcess.prototype, tapped)
  return () => void Object.assign(ChildProcess.prototype, { spawn })
}

interface Spawning {
  spawn(this: ChildProcess, options: unknown): number
}
