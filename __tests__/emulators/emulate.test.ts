import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { EMULATOR_NAMES } from 'passport-dialects/emulators'
import { UsageError } from '../../bin/command'
import { emulate } from '../../bin/emulate'
import { environmentLines } from '../../bin/environment-lines'
import { logLine } from '../../bin/request-log'
import { eventually } from '../support/eventually'
import { freePort } from '../support/free-port'
import { usually } from '../support/whole'
import { CommandLine } from './command-line'
import { ask, brought, CALLBACK, encoded, members, post } from './conversation'

afterEach(() => CommandLine.killAll())

/** It runs, and has printed its lines: they come by another stream than the word that it runs. */
async function started(...args: string[]) {
  const command = new CommandLine('emulate', ...args)
  await command.printed(/until Ctrl-C/)
  const named = args.filter((arg) => EMULATOR_NAMES.some((name) => name === arg)).length || EMULATOR_NAMES.length
  await eventually(() => expect(command.stdout.match(/^# .*\n(.+\n)+\n/gm) ?? []).toHaveLength(named))
  return { command, env: parseEnv(command.stdout) }
}

function listening(port = 0): Promise<net.Server> {
  const server = net.createServer()
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

test('an app that takes the printed lines logs in, and the log tells of it without a secret', async () => {
  const { command, env } = await started('tapd', '--port', '0', '--token-lifetime', '301')
  const options = ['CLIENT_ID', 'CLIENT_SECRET', 'BASE_URL', 'AUTHORIZATION_URL', 'TOKEN_URL', 'REFRESH_URL']
  expect(Object.keys(env).sort()).toEqual([...options, 'USER_PROFILE_URL'].map((name) => `TAPD_${name}`).sort())
  const { TAPD_CLIENT_ID: id = '', TAPD_CLIENT_SECRET: secret, TAPD_TOKEN_URL = '' } = env
  const asked = { response_type: 'code', client_id: id, redirect_uri: CALLBACK, scope: 'user story#read' }
  const address = `${env.TAPD_AUTHORIZATION_URL}?${encoded({ ...asked, state: 'a-state', auth_by: 'user' })}`
  const back = await post(address, { user: '6081' })
  const { code = '' } = brought(back.headers.get('location') ?? '')
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  const grant = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
  const token = members(await post(TAPD_TOKEN_URL, grant, { authorization }), 'data')
  expect(token).toMatchObject({ expires_in: 301, refresh_token: expect.any(String) })
  const info = await ask(`${env.TAPD_USER_PROFILE_URL}?access_token=${token.access_token}`, {
    headers: { authorization: `Bearer ${token.access_token}` },
  })
  expect(info.json).toMatchObject({ data: { name: '张三' } })
  await command.printed(/users\/info\?.*\n/)

  const log = command.stderr.split('\n').filter((line) => /^\d\d:\d\d:\d\d /.test(line))
  const parts = log.map((line) => line.split(/\s+/).slice(1))
  expect(parts).toEqual([
    [
      'tapd',
      'authorize',
      'POST',
      expect.stringMatching(/^\/oauth\/\?response_type=code&client_id=tapd-emulator&/),
      '303',
    ],
    ['tapd', 'token', 'POST', '/tokens/request_token', '200'],
    ['tapd', 'profile', 'GET', '/users/info?access_token=…', '200'],
  ])
  for (const hidden of [code, String(token.access_token), 'a-state', authorization]) {
    expect(command.stdout + command.stderr).not.toContain(hidden)
  }
})

/** All five, on ports in a row: another program may have one of any five. */
async function allStarted() {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort()
    try {
      return await started('--port', String(port))
    } catch (problem) {
      if (attempt === 4 || !String(problem).includes('is taken')) throw problem
    }
  }
}

test('without names all five start, on ports in a row', async () => {
  const { env } = await allStarted()
  const origins = ['TAILCHAT', 'TAPD', 'BBSCLOUD', 'TIKTOK', 'AIHUBMIX'].map((name) => env[`${name}_BASE_URL`] ?? '')
  const ports = origins.map((origin) => Number(new URL(origin).port))
  expect(ports.map((one) => one - (ports[0] ?? 0))).toEqual([0, 1, 2, 3, 4])
  expect(env).toMatchObject({
    TAILCHAT_CLIENT_ID: 'tailchat-emulator',
    TAILCHAT_ISSUER: origins[0],
    BBSCLOUD_CODE_URL: `${origins[2]}/api/sso/oauth_code`,
    TIKTOK_API_VERSION: 'v2',
    TIKTOK_REVOKE_URL: `${origins[3]}/v2/oauth/revoke/`,
    AIHUBMIX_CLIENT_SECRET: 'aihubmix secret/+=',
    AIHUBMIX_TOPUP_URL: `${origins[4]}/api/oauth2/topup`,
  })
})

test('without --port each has its own', async () => {
  const command = new CommandLine('emulate', 'bbscloud')
  const [found] = await command.printed(/BASE_URL=\S+|Port \d+ of \S+ is taken/)
  expect(['BASE_URL=http://127.0.0.1:4103', 'Port 4103 of 127.0.0.1 is taken']).toContain(found)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it and frees the ports', async (signal) => {
  const { command, env } = await started('tiktok', '--port', '0')
  expect((await ask(`${env.TIKTOK_BASE_URL}/`)).status).toBe(404)
  expect(await command.stop(signal)).toBe(0)
  // Another test's server may have got this port by now, for a while.
  await eventually(() => expect(fetch(`${env.TIKTOK_BASE_URL}/`)).rejects.toThrow('fetch failed'))
})

test('with --redirect-uri every other address is refused in the words of the provider', async () => {
  const registered = ['http://127.0.0.1:3000/auth/tapd/callback', 'https://app.example.com/auth/tapd/callback']
  const flags = registered.flatMap((address) => ['--redirect-uri', address])
  const { env } = await started('tapd', '--port', '0', ...flags)
  const statusAt = async (redirect_uri: string) => {
    const asked = { response_type: 'code', client_id: env.TAPD_CLIENT_ID ?? '', redirect_uri, scope: 'user' }
    const page = await ask(`${env.TAPD_AUTHORIZATION_URL}?${encoded({ ...asked, state: 'a-state', auth_by: 'user' })}`)
    return [page.status, /redirect_uri/.test(page.text)]
  }
  for (const address of registered) expect(await statusAt(address)).toEqual([200, false])
  expect(await statusAt('http://localhost:3000/auth/tapd/callback')).toEqual([400, true])
})

test('a port that is taken ends the start with a sentence, and nothing is left running', async () => {
  const other = await listening()
  const { port } = other.address() as AddressInfo // a TCP server's
  try {
    const command = new CommandLine('emulate', 'tapd', 'tiktok', '--port', String(port))
    expect(await command.exitCode()).toBe(1)
    expect(command.stderr).toBe(`Port ${port} of 127.0.0.1 is taken; --port chooses others.\n`)
    expect(command.stdout).toBe('')
  } finally {
    other.close()
  }
})

const WRONG: [string[], string][] = [
  [['emulate', 'toString'], 'There is no emulator named toString; there are tailchat, tapd'],
  [['emulate', '--ports', '1'], "Unknown option '--ports'"],
  [['emulate', '--port'], "'--port <value>' argument missing"],
  [['emulate', '--port', 'x'], `--port must be a number from 0 to ${65_536 - EMULATOR_NAMES.length}`],
  [['emulate', 'tapd', '--port', '65536'], '--port must be a number from 0 to 65535'],
  [['emulate', '--token-lifetime', '1h'], '--token-lifetime must be a number of seconds'],
  [['emulate', '--host', ''], '--host must not be empty'],
  [
    ['emulate', '--redirect-uri', '/auth/tapd/callback'],
    '--redirect-uri must be a whole address, not /auth/tapd/callback',
  ],
  [['emulate', '--redirect-uri', 'localhost:3000/cb'], '--redirect-uri must be a whole address, not localhost:3000/cb'],
  [['__proto__'], 'There is no command __proto__; there are emulate'],
  [[], 'Usage: passport-dialects <command>'],
]

// What a command throws is told in one way, and a process takes longer than all the rest of the test.
const ofEachWay = ([[command, first]]: [string[], string]) => command !== 'emulate' || first === 'toString'

test.each(usually(WRONG, ofEachWay))('%j is a wrong command line: exit code 2', async (args, says) => {
  const command = new CommandLine(...args)
  expect(await command.exitCode()).toBe(2)
  expect(command.stderr).toContain(says)
  expect(command.stderr).toContain('--help')
  expect(command.stdout).toBe('')
})

test.each(WRONG.filter(([[command]]) => command === 'emulate'))(
  '%j is refused before anything starts',
  async (args, says) => {
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true)
    const refusal = await emulate.run(args.slice(1)).catch((problem: unknown) => problem)
    const written = write.mock.calls
    write.mockRestore()
    expect(refusal).toBeInstanceOf(UsageError)
    expect((refusal as Error).message).toContain(says)
    expect(written).toEqual([])
  },
)

test('a host that cannot be listened on: exit code 1', async () => {
  const command = new CommandLine('emulate', 'tapd', '--port', '0', '--host', '192.0.2.1')
  expect(await command.exitCode()).toBe(1)
  expect(command.stderr).toMatch(/^The emulator of tapd cannot listen on 192\.0\.2\.1: .*EADDRNOTAVAIL/)
  expect(command.stderr).not.toMatch(/^\s+at /m)
})

test.each([['--help'], ['emulate', '--help']])('%s %s prints its usage', async (...args) => {
  const command = new CommandLine(...args)
  expect(await command.exitCode()).toBe(0)
  expect(command.stdout).toMatch(/^Usage: passport-dialects/)
  expect(command.stderr).toBe('')
})

describe('environment lines', () => {
  const nasty = 'a b\t"$HOME" `id` \\n # ! * ; & 张'
  const lines = environmentLines('tapd-cloud', {
    clientSecret: nasty,
    userProfileURL: 'http://[::1]:1/x',
    apiVersion: 'v2',
  })

  test('mean the same to a shell and to an env file', () => {
    const expected = { TAPD_CLOUD_CLIENT_SECRET: nasty, TAPD_CLOUD_USER_PROFILE_URL: 'http://[::1]:1/x' }
    expect(parseEnv(lines.join('\n'))).toMatchObject(expected)
    const folder = mkdtempSync(join(tmpdir(), 'environment-'))
    try {
      writeFileSync(join(folder, 'lines'), lines.join('\n'))
      const script = `set -a; . "${folder}/lines"; exec "${process.execPath}" -p 'JSON.stringify(process.env)'`
      expect(JSON.parse(execFileSync('sh', ['-c', script], { encoding: 'utf8' }))).toMatchObject(expected)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a key in PEM is its base64 on one line', () => {
    const privateKey = '-----BEGIN PRIVATE KEY-----\nMIGH+/a\nbc==\n-----END PRIVATE KEY-----\n'
    expect(environmentLines('apple', { privateKey })).toEqual(["APPLE_PRIVATE_KEY='MIGH+/abc=='"])
  })

  test('what has no safe form is refused', () => {
    for (const value of ["it's", 'a\nB=c', 'a\rB=c']) {
      expect(() => environmentLines('tapd', { clientSecret: value })).toThrow('no safe form')
    }
  })
})

test('a line of the log names no value that could be a secret, and steers no terminal', () => {
  const query = {
    client_key: 'id',
    client_secret: 'S1',
    code: 'S2',
    scope: 'a,b',
    token: 'S3',
    'x\u001b[2J': 'S4',
    scopes: 'S5',
  }
  const request = { endpoint: 'token', method: 'POST', path: '/x/', headers: {}, body: 'S6', query, at: 0 } as const
  const line = logLine('tiktok', { ...request, fault: 'refused:\u001b[2J' })
  expect(line).not.toMatch(/S\d/)
  expect([...line].every((char) => char >= ' ')).toBe(true)
  expect(line).toMatch(/ tiktok {4}token {6}POST \/x\/\?client_key=id&client_secret=…&code=…&scope=a,b&/)
  expect(line).toMatch(/ no answer {2}fault refused:\?\[2J$/)
})
