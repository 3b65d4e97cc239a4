import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type Emulator, type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { environmentLines } from '../../bin/environment-lines'
import { Browser, told } from '../support/browser'
import { bundledCode } from '../support/bundled'
import { comeBack } from '../support/coming-back'
import { eventually } from '../support/eventually'
import { freePort } from '../support/free-port'
import { type Block, ROOT } from './markdown'

/** What a block that was run said and how it ended. */
export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs a block as a file of its own, in an app that has the package. */
export async function runBlock(block: Block, environment: Record<string, string> = {}): Promise<Ended> {
  const child = startChild(block, environment)
  try {
    return await child.ended
  } finally {
    await child.stop()
  }
}

/** Who is logged in, as the app of a server block tells at `/`. */
export interface LoggedIn {
  user: Record<string, unknown>
  /** The path that the provider redirected to. */
  callback: string
}

/**
 * Starts a block that is a whole app, with the lines that `passport-dialects emulate <name>` prints in its environment, and
 * logs in at `/auth/<name>` as a browser does.
 */
export async function logInAt(block: Block, name: EmulatorName): Promise<LoggedIn> {
  const emulator = await startEmulator(name)
  try {
    const app = await startBlock(block, await freePort(), emulatedAt(emulator))
    try {
      const { origin } = app
      const browser = new Browser()
      const request = await browser.location(`${origin}/auth/${name}`)
      // The app may say localhost, or its public name: the browser of this test keeps to one.
      const at = ({ pathname, search }: URL) => `${origin}${pathname}${search}`
      const isPosted = new URL(request).searchParams.get('response_mode') === 'form_post'
      const posted = isPosted ? await emulator.approveForm(request) : undefined
      const callback = new URL(posted?.url ?? (await emulator.approve(request)))
      const back = posted ? await comeBack(browser, { ...posted, url: at(callback) }) : await browser.get(at(callback))
      const user = (await told(browser.get(`${origin}/`))) as unknown as Record<string, unknown> | null // the block's own
      if (!user) throw new Error(`nobody is logged in; the callback answered ${back.status}: ${await back.text()}`)
      return { user, callback: callback.pathname }
    } finally {
      await app.close()
    }
  } finally {
    await emulator.close()
  }
}

/** The lines that `passport-dialects emulate` prints, as an environment. */
export function emulatedAt({ name, options }: Emulator): Record<string, string> {
  return variablesOf(environmentLines(name, { ...options }).join('\n'))
}

/** A block that is a whole app, listening. */
export async function startBlock(block: Block, port: number, environment: Record<string, string>) {
  const origin = `http://127.0.0.1:${port}`
  const settings = { PORT: String(port), SESSION_SECRET: 'a secret of the documentation test' }
  const child = startChild(block, { ...settings, ...environment })
  await eventually(async () => {
    if (child.process.exitCode === null) await fetch(`${origin}/auth/session`)
  }, 60_000)
  if (child.process.exitCode !== null) throw new Error(`the block ended: ${(await child.ended).stderr}`)
  return { origin, close: child.stop }
}

/** The variables of an env file, as Node reads it. */
export function variablesOf(text: string): Record<string, string> {
  return parseEnv(text) as Record<string, string> // Node's type says that any may be missing
}

interface Child {
  process: ChildProcess
  ended: Promise<Ended>
  stop(): Promise<void>
}

function startChild(block: Block, environment: Record<string, string>): Child {
  const file = bundledCode(block.code)
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [file], { cwd: ROOT, env: { PATH, HOME, ...environment } })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  const ended = new Promise<Ended>((resolve) => child.once('close', (status) => resolve({ status, ...said })))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(file, { force: true })
  }
  return { process: child, ended, stop }
}
