import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type EmulatorName, startEmulator } from 'passport-dialects/emulators'
import { Browser, told } from '../support/browser'
import { type Block, ROOT } from './markdown'

/** What a block that was run said and how it ended. */
export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs a block as a file of its own, in an app that has the package. */
export async function runBlock(block: Block, environment: Record<string, string> = {}): Promise<Ended> {
  return withChild(block, environment, (child) => child.ended)
}

/** Who is logged in, as the app of a server block tells at `/`. */
export interface LoggedIn {
  user: Record<string, unknown>
  /** The path that the provider redirected to. */
  callback: string
}

/**
 * Starts a block that is a whole app, with the emulator of `name` in its environment, and logs in at
 * `/auth/<name>` as a browser does.
 */
export async function logInAt(block: Block, name: EmulatorName): Promise<LoggedIn> {
  const emulator = await startEmulator(name)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { clientID, clientSecret } = emulator.options
  const prefix = name.toUpperCase()
  const environment = {
    PORT: String(port),
    SESSION_SECRET: 'a secret of the documentation test',
    [`${prefix}_CLIENT_ID`]: clientID,
    [`${prefix}_CLIENT_SECRET`]: clientSecret,
    [`${prefix}_BASE_URL`]: emulator.origin,
  }
  try {
    return await withChild(block, environment, async (child) => {
      await listening(origin, child)
      const browser = new Browser()
      const request = await browser.location(`${origin}/auth/${name}`)
      const callback = new URL(await emulator.approve(request))
      // The app may say localhost, or its public name: the browser of this test keeps to one.
      const back = await browser.get(`${origin}${callback.pathname}${callback.search}`)
      const user = (await told(browser.get(`${origin}/`))) as unknown as Record<string, unknown> | null // the block's own
      if (!user) throw new Error(`nobody is logged in; the callback answered ${back.status}: ${await back.text()}`)
      return { user, callback: callback.pathname }
    })
  } finally {
    await emulator.close()
  }
}

interface Child {
  process: ChildProcess
  ended: Promise<Ended>
}

async function withChild<T>(
  block: Block,
  environment: Record<string, string>,
  work: (child: Child) => Promise<T>,
): Promise<T> {
  mkdirSync(join(ROOT, '.docs-blocks'), { recursive: true })
  // Inside the project, where `import 'express'` finds what a reader has installed.
  const folder = mkdtempSync(join(ROOT, '.docs-blocks', 'run-'))
  const file = join(folder, 'block.mts')
  writeFileSync(file, block.code)
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, env: { PATH, HOME, ...environment } })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  const ended = new Promise<Ended>((resolve) => child.once('close', (status) => resolve({ status, ...said })))
  try {
    return await work({ process: child, ended })
  } finally {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

async function listening(origin: string, { process: child, ended }: Child): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const answer = await fetch(`${origin}/auth/session`).catch(() => undefined)
    if (answer) return
    if (child.exitCode !== null) throw new Error(`the block ended: ${(await ended).stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the block does not listen at ${origin}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo // a TCP server's, as listen() asked
      server.close(() => resolve(port))
    })
  })
}
