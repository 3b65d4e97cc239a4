const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

// What an installed package's command line must be able to do: emulate a provider, and register an application there.
const registered = `registered-${process.version}.env`
const program = join(__dirname, 'node_modules/passport-dialects/dist/bin/passport-dialects.js')

function start(...args) {
  const env = { ...process.env, AIHUBMIX_DEVELOPER_TOKEN: 'developer-token' }
  return spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function main() {
  const emulator = start('emulate', 'aihubmix', '--port', '0')
  try {
    const [printed] = await Promise.race([once(emulator.stdout, 'data'), once(emulator, 'exit')])
    const [, origin] = /emulator at (\S+)/.exec(String(printed)) ?? []
    if (origin === undefined) throw new Error(`emulate said: ${printed}`)
    const callback = 'http://localhost:3000/auth/aihubmix/callback'
    const register = ['--name', 'Mine', '--redirect-uri', callback, '--base-url', origin, '--write', registered]
    const [code] = await once(start('register-app', ...register), 'exit')
    if (code !== 0 || !/^AIHUBMIX_CLIENT_SECRET=./m.test(readFileSync(registered, 'utf8'))) {
      throw new Error(`register-app ended with ${code}`)
    }
    console.log('registered')
  } finally {
    emulator.kill()
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
