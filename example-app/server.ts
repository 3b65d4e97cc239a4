import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app'
import { NAMES, providersFrom } from './emulated'
import { addressOf, settingsFrom } from './settings'
import { storesAt } from './stores'

// `npm start`: the example with real providers if the environment (or .env) has their credentials, and with emulators
// otherwise.
if (existsSync('.env')) process.loadEnvFile('.env')

async function main(): Promise<void> {
  const settings = settingsFrom(process.env)
  const { host, sessionSecret, encryptionKey, redisURL } = settings
  const stores = await storesAt(redisURL)
  const { providers, emulators } = await providersFrom(process.env)
  // The address is known only once the port is taken, so the app is added afterwards.
  const server = await listen(settings.port, host)
  const { port } = server.address() as AddressInfo // a TCP server
  const baseURL = settings.baseURL ?? addressOf(host, port)
  const emulated = Object.fromEntries(emulators.map(({ name, origin }) => [name, origin]))
  server.on('request', createApp({ baseURL, providers, sessionSecret, encryptionKey, emulated, ...stores }))

  for (const name of NAMES) {
    console.log(`${name.padEnd(9)} ${emulated[name] ? `emulated at ${emulated[name]}` : 'real credentials'}`)
  }
  if (redisURL)
    console.log(
      `\nSessions and tokens are in Redis${sessionSecret ? '' : '; set SESSION_SECRET, or they end at a restart'}.`,
    )
  console.log(`\nOpen ${baseURL}`)

  const stop = () => {
    server.close()
    server.closeAllConnections()
    stores.close()
    void Promise.all(emulators.map((emulator) => emulator.close()))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

/** Listens on `port`, or on a free port if that is taken. */
function listen(port: number, host: string): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' || port === 0) return reject(error)
      console.log(`Port ${port} is taken; using a free one.`)
      listen(0, host).then(resolve, reject)
    })
    server.listen(port, host, () => resolve(server))
  })
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error)
  // Emulators may be listening already, and would keep a failed start alive.
  process.exit(1)
})
