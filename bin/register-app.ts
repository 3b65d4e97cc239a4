import { registerApplication } from '../lib/index'
import { type Command, readArgs, UsageError } from './command'
import { writeEnvironment } from './environment-file'

const HELP = `Usage: passport-dialects register-app --name NAME --redirect-uri ADDRESS [options]

Registers an application at AIHubMix and prints its client id. The developer's own token is
read from the environment, AIHUBMIX_DEVELOPER_TOKEN, so that it stands in no list of processes.

  --name NAME             what people see when they are asked
  --redirect-uri ADDRESS  the one callback address: https, or loopback for development
  --description TEXT
  --write FILE            write AIHUBMIX_CLIENT_ID and AIHUBMIX_CLIENT_SECRET into FILE, which only you
                          can read then; what else is in it stays, and a value that is there is not replaced
                          without --force
  --force                 replace the values that are in FILE
  --show-secret           print the secret: it ends in your terminal's history
  --base-url ADDRESS      another AIHubMix, or an emulator
  -h, --help              this text

AIHubMix shows the secret this once: name a file, or ask for it.
`

export const registerApp: Command = {
  summary: 'registers an application at AIHubMix',

  async run(args) {
    const options = read(args)
    if (options.help) {
      process.stdout.write(HELP)
      return 0
    }
    const developerToken = process.env.AIHUBMIX_DEVELOPER_TOKEN ?? ''
    if (developerToken === '') throw new Error('Set AIHUBMIX_DEVELOPER_TOKEN to your own token of AIHubMix.')
    const file = options.write
    if (file === undefined && !options['show-secret']) {
      throw new UsageError('The secret is shown once: name a file with --write, or ask for it with --show-secret.')
    }
    if (file === '') throw new UsageError('--write must name a file.')
    if (options.force === true && file === undefined) throw new UsageError('--force belongs to --write.')
    // Before the application is made: its secret must not be lost to a file that can't be written.
    const write = file === undefined ? undefined : writeEnvironment(file, NAMES, options.force === true)
    const application = await registerApplication({
      developerToken,
      name: options.name ?? '',
      description: options.description,
      redirectURI: options['redirect-uri'] ?? '',
      ...(options['base-url'] !== undefined && { baseURL: options['base-url'] }),
    })
    const { clientID, clientSecret, redirectURI } = application
    try {
      write?.({ AIHUBMIX_CLIENT_ID: clientID, AIHUBMIX_CLIENT_SECRET: clientSecret })
    } catch (problem) {
      // AIHubMix shows it this once, and the application is there.
      process.stderr.write(`The file could not be written. client id: ${clientID}, client secret: ${clientSecret}\n`)
      throw problem
    }
    process.stdout.write(`client id: ${clientID}\nredirect address: ${redirectURI}\n`)
    if (options['show-secret']) process.stdout.write(`client secret: ${clientSecret}\n`)
    if (file !== undefined) process.stdout.write(`written to ${file}, which only you can read\n`)
    return 0
  },
}

const NAMES = ['AIHUBMIX_CLIENT_ID', 'AIHUBMIX_CLIENT_SECRET'] as const

function read(args: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = readArgs({
    args,
    options: {
      name: text,
      description: text,
      'redirect-uri': text,
      write: text,
      'base-url': text,
      force: flag,
      'show-secret': flag,
      help: { ...flag, short: 'h' },
    },
  })
  const missing = (['name', 'redirect-uri'] as const).find((name) => !values[name])
  if (missing !== undefined && !values.help) throw new UsageError(`--${missing} is required.`)
  return values
}
