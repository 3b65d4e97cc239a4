import { type Emulator, type EmulatorName, EMULATOR_NAMES as NAMES, startEmulator } from '../emulators/index'
import { type Command, readArgs, UsageError } from './command'
import { environmentLines } from './environment-lines'
import { logLine } from './request-log'

/** Each emulator has its own port, whichever others run, so the printed lines stay valid. */
const FIRST_PORT = 4101
const portOf = (name: EmulatorName) => FIRST_PORT + NAMES.indexOf(name)

const HELP = `Usage: passport-dialects emulate [provider …] [options]

Starts emulators of the named providers (default: all) and prints the environment
lines that make an app use them, then every request as it is answered.

Providers: ${NAMES.join(', ')}

  --port N            the first one's port, the others on those that follow; 0: any free ones
                      (default: each its own, from ${FIRST_PORT}, in the order above)
  --host HOST         where to listen (default 127.0.0.1; 0.0.0.0 lets other machines in)
  --redirect-uri URL  the registered callback address; give it once for each. All others are refused, as at the
                      provider (default: every address is accepted)
  --token-lifetime N  seconds that an access token lives (default: the provider's own)
  -h, --help          this text

The environment lines go to the standard output, the requests to the standard error:
  passport-dialects emulate tapd > emulator.env
  node --env-file=emulator.env app.mjs
Ctrl-C ends it.
`

export const emulate: Command = {
  summary: 'starts the emulators of the providers, for an app without credentials',
  async run(args) {
    const asked = read(args)
    if (asked.help) {
      process.stdout.write(HELP)
      return 0
    }
    const emulators: Emulator[] = []
    const ended = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    try {
      for (const [at, name] of asked.names.entries()) {
        const port = asked.port === undefined ? portOf(name) : asked.port && asked.port + at
        emulators.push(await start(name, port, asked))
      }
      for (const { name, origin, options } of emulators) {
        const lines = environmentLines(name, { ...options })
        const keys = lines.some((line) => /_KEY=/.test(line)) ? ', whose keys are new at every start' : ''
        process.stdout.write(`# ${name}: an emulator at ${origin}${keys}\n${lines.join('\n')}\n\n`)
      }
      process.stderr.write(`${emulators.length === 1 ? 'It runs' : 'They run'} until Ctrl-C. Requests:\n`)
      await ended
    } finally {
      await Promise.all(emulators.map((emulator) => emulator.close()))
    }
    return 0
  },
}

interface Asked {
  names: EmulatorName[]
  port: number | undefined
  host: string
  /** The registered callback addresses. If `undefined`, every address is accepted. */
  redirectURIs: string[] | undefined
  /** In seconds. */
  tokenLifetime: number | undefined
  help: boolean
}

function read(args: string[]): Asked {
  const { values, positionals } = parsed(args)
  const unknown = positionals.find((name) => !isName(name))
  if (unknown !== undefined) {
    throw new UsageError(`There is no emulator named ${unknown}; there are ${NAMES.join(', ')}.`)
  }
  const asked = [...new Set(positionals.filter(isName))]
  const names = asked.length > 0 ? asked : NAMES
  const { port, host = '127.0.0.1', 'redirect-uri': redirectURIs, 'token-lifetime': lifetime, help = false } = values
  if (host === '') throw new UsageError('--host must not be empty.')
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) > 65_536 - names.length)) {
    throw new UsageError(`--port must be a number from 0 to ${65_536 - names.length}.`)
  }
  for (const address of redirectURIs ?? []) {
    const isWhole = /^https?:\/\//i.test(address) && URL.canParse(address) // `localhost:3000/…` parses too
    if (!isWhole) throw new UsageError(`--redirect-uri must be a whole address, not ${address}.`)
  }
  if (lifetime !== undefined && !/^\d{1,9}$/.test(lifetime)) {
    throw new UsageError('--token-lifetime must be a number of seconds.')
  }
  return { names, port: numberOf(port), host, redirectURIs, tokenLifetime: numberOf(lifetime), help }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function parsed(args: string[]) {
  const options = {
    port: { type: 'string' },
    host: { type: 'string' },
    'redirect-uri': { type: 'string', multiple: true },
    'token-lifetime': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const
  return readArgs({ args, options, allowPositionals: true })
}

function isName(name: string): name is EmulatorName {
  return NAMES.some((known) => known === name)
}

/** Secrets are the same at every start, so an app can keep the printed lines; keys are not. */
async function start(
  name: EmulatorName,
  port: number,
  { host, redirectURIs, tokenLifetime }: Asked,
): Promise<Emulator> {
  try {
    return await startEmulator(name, {
      port,
      host,
      clientID: `${name}-emulator`,
      // With a space and a plus sign, so that wrong encoding of a secret shows up here.
      clientSecret: `${name} secret/+=`,
      // TAPD issues refresh tokens on request; the printed refresh address should work.
      refresh: true,
      ...(redirectURIs && { redirectURIs }),
      ...(tokenLifetime !== undefined && { accessTokenLifetime: tokenLifetime }),
      onRequest: (request) => void process.stderr.write(`${logLine(name, request)}\n`),
    })
  } catch (problem) {
    const { code, message } = problem as NodeJS.ErrnoException // from listen()
    if (code === 'EADDRINUSE') throw new Error(`Port ${port} of ${host} is taken; --port chooses others.`)
    if (code === 'EACCES') throw new Error(`Port ${port} may not be used by you; --port chooses others.`)
    throw new Error(`The emulator of ${name} cannot listen on ${host}: ${message}`)
  }
}
