import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { registerApplication } from 'passport-dialects'
import { type Emulator, startEmulator } from 'passport-dialects/emulators'
import { writeEnvironment } from '../../bin/environment-file'
import { CommandLine } from '../emulators/command-line'
import { leaksOnPurpose } from '../support/canaries/on-purpose'

const REDIRECT = 'http://127.0.0.1:3000/auth/aihubmix/callback'
let emulator: Emulator
let dir: string
beforeAll(async () => {
  emulator = await startEmulator('aihubmix', { developerToken: 'the developer token' })
  dir = mkdtempSync(join(tmpdir(), 'register-app-'))
})
afterAll(async () => {
  await emulator.close()
  rmSync(dir, { recursive: true, force: true })
})

const request = () => ({
  developerToken: 'the developer token',
  name: '我的第三方应用',
  description: '应用描述信息',
  redirectURI: REDIRECT,
  baseURL: emulator.origin,
})

describe('registerApplication', () => {
  test('an application that it registered can be logged in to', async () => {
    const { clientID, clientSecret, name, redirectURI } = await registerApplication(request())
    expect({ name, redirectURI }).toEqual({ name: '我的第三方应用', redirectURI: REDIRECT })
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: clientID,
      redirect_uri: REDIRECT,
      state: 's',
    })
    const callback = await emulator.approve(`${emulator.options.authorizationURL}?${asked}`)
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(callback).searchParams.get('code') ?? '',
      redirect_uri: REDIRECT,
      client_id: clientID,
      client_secret: clientSecret,
    })
    const answer = await fetch(emulator.options.tokenURL, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
    expect(await answer.json()).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })
  })

  test.each([
    ['a refused token', { developerToken: 'a wrong canary' }, 'token_rejected'],
    ['no name', { name: '' }, 'config_invalid'],
    ['no https', { redirectURI: 'http://app.example.com/callback' }, 'config_invalid'],
    ['no address', { redirectURI: 'callback' }, 'config_invalid'],
    ['no token', { developerToken: ' ' }, 'config_invalid'],
  ])('%s is a clear error without the token in it', async (_what, over, code) => {
    const failure = await registerApplication({ ...request(), ...over }).catch((error) => error)
    expect(failure).toMatchObject({ code, provider: code === 'config_invalid' ? 'registerApplication' : 'aihubmix' })
    expect(JSON.stringify(failure) + failure.stack).not.toContain('the developer token')
  })

  test.each([
    ['refused', 'provider_error'],
    ['http-503', 'provider_unavailable'],
    ['missing-token', 'response_invalid'],
    ['html', 'response_invalid'],
    ['redirect', 'provider_redirected'],
    ['silent', 'provider_timeout'],
  ] as const)('fault %s: %s', async (fault, code) => {
    emulator.failNext('request', fault)
    await expect(
      registerApplication({ ...request(), timeout: fault === 'silent' ? 300 : 10_000 }),
    ).rejects.toMatchObject({ code, phase: 'request' })
  })
})

describe('register-app', () => {
  function run(...args: string[]): CommandLine {
    process.env.AIHUBMIX_DEVELOPER_TOKEN = 'the developer token'
    const name = ['--name', 'My app', '--redirect-uri', REDIRECT, '--base-url', emulator.origin]
    return new CommandLine('register-app', ...name, ...args)
  }
  afterEach(() => {
    delete process.env.AIHUBMIX_DEVELOPER_TOKEN
  })
  const registered = () => emulator.requests.filter(({ path }) => path === '/api/oauth_apps').length

  test('writes the secret to a file that only the owner can read, and does not print it', async () => {
    const file = join(dir, '.env')
    writeFileSync(file, 'OTHER="stays"\nAIHUBMIX_CLIENT_SECRET=\n')
    chmodSync(file, 0o644)
    const command = run('--write', file)
    expect(await command.exitCode()).toBe(0)
    const values = parseEnv(readFileSync(file, 'utf8'))
    expect(values).toEqual({
      OTHER: 'stays',
      AIHUBMIX_CLIENT_ID: expect.stringMatching(/^client_/),
      AIHUBMIX_CLIENT_SECRET: expect.stringMatching(/^secret_/),
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(command.stdout).toContain(values.AIHUBMIX_CLIENT_ID)
    expect(command.stdout + command.stderr).not.toContain(values.AIHUBMIX_CLIENT_SECRET)
  })

  test('follows a link to the file that it names, and takes a value that ends in = for a value', async () => {
    const shared = join(dir, 'shared.env')
    const link = join(dir, 'link.env')
    writeFileSync(shared, 'AIHUBMIX_CLIENT_SECRET=""\n')
    symlinkSync(shared, link)
    expect(await run('--write', link).exitCode()).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(parseEnv(readFileSync(shared, 'utf8')).AIHUBMIX_CLIENT_SECRET).toMatch(/^secret_/)
    const padded = join(dir, 'padded.env')
    writeFileSync(padded, 'AIHUBMIX_CLIENT_SECRET=c2VjcmV0LWtleQ==\n')
    expect(await run('--write', padded).exitCode()).toBe(1)
  })

  test('writes into a file that nothing may replace, as one that is mounted by itself', () => {
    const file = join(dir, 'mounted.env')
    writeFileSync(file, 'OTHER=stays\n')
    const busy = jest.spyOn(fs, 'renameSync').mockImplementation(() => {
      throw new Error('EBUSY')
    })
    try {
      writeEnvironment(file, ['NAME'], false)({ NAME: 'value' })
    } finally {
      busy.mockRestore()
    }
    expect(readFileSync(file, 'utf8')).toBe('OTHER=stays\nNAME=value\n')
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test.each([
    ['of Windows', 'A=1\r\nNAME=\r\n# a remark\r\nB=2\r\n\r\n', 'A=1\r\n# a remark\r\nB=2\r\nNAME=value\r\n'],
    ['of Windows, without the last', 'A=1\r\nB=2', 'A=1\r\nB=2\r\nNAME=value\r\n'],
    ['of Unix, without the last', 'A=1\nB=2', 'A=1\nB=2\nNAME=value\n'],
    ['of both', 'A=1\nB=2\r\nC=3\n', 'A=1\nB=2\r\nC=3\nNAME=value\r\n'],
    ['that are none', '', 'NAME=value\n'],
  ])('leaves the line ends of a file as they are: those %s', (_what, before, after) => {
    const file = join(dir, 'ends.env')
    writeFileSync(file, before)
    writeEnvironment(file, ['NAME'], false)({ NAME: 'value' })
    expect(readFileSync(file, 'utf8')).toBe(after)
  })

  test('keeps what another program has written to the file meanwhile', () => {
    const file = join(dir, 'meanwhile.env')
    writeFileSync(file, 'OTHER=stays\n')
    const [first, second] = [writeEnvironment(file, ['ONE'], false), writeEnvironment(file, ['TWO'], false)]
    second({ TWO: '2' })
    first({ ONE: '1' })
    expect(readFileSync(file, 'utf8')).toBe('OTHER=stays\nTWO=2\nONE=1\n')
    rmSync(file)
    second({ TWO: '2' })
    expect(readFileSync(file, 'utf8')).toBe('TWO=2\n')
  })

  test('replaces no value that came meanwhile, unless by force', () => {
    const file = join(dir, 'race.env')
    const [first, second] = [writeEnvironment(file, ['NAME'], false), writeEnvironment(file, ['NAME'], false)]
    const forced = writeEnvironment(file, ['NAME'], true)
    second({ NAME: 'second' })
    expect(() => first({ NAME: 'first' })).toThrow('--force')
    expect(readFileSync(file, 'utf8')).toBe('NAME=second\n')
    forced({ NAME: 'forced' })
    expect(readFileSync(file, 'utf8')).toBe('NAME=forced\n')
  })

  test('shows the secret if another run was faster, and leaves that one’s values', async () => {
    leaksOnPurpose('client secret', 'the file has another one, and it is shown this once')
    const file = join(dir, 'faster.env')
    const between = createServer(async (req, res) => {
      const chunks: Buffer[] = await req.toArray()
      const [body, method] = [Buffer.concat(chunks), req.method ?? '']
      const headers = { authorization: req.headers.authorization ?? '', 'content-type': 'application/json' }
      const answer = await fetch(emulator.origin + req.url, { method, headers, body })
      writeFileSync(file, 'AIHUBMIX_CLIENT_SECRET=faster\n')
      res.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    })
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    const { port } = between.address() as AddressInfo // a TCP server's
    try {
      const command = run('--write', file, '--base-url', `http://127.0.0.1:${port}`)
      expect(await command.exitCode()).toBe(1)
      expect(command.stderr).toMatch(/client secret: secret_\w+/)
      expect(command.stderr).toContain('--force')
    } finally {
      between.close()
    }
    expect(readFileSync(file, 'utf8')).toBe('AIHUBMIX_CLIENT_SECRET=faster\n')
  })

  test('prints it when asked', async () => {
    leaksOnPurpose('client secret', 'it was asked for')
    const command = run('--show-secret')
    expect(await command.exitCode()).toBe(0)
    expect(command.stdout).toMatch(/^client secret: secret_\w+$/m)
  })

  test('asks for nothing where the secret would be lost, or would replace another', async () => {
    const before = registered()
    expect(await run().exitCode()).toBe(2)
    const taken = join(dir, 'taken.env')
    writeFileSync(taken, 'AIHUBMIX_CLIENT_SECRET=mine\n')
    const refused = run('--write', taken)
    expect(await refused.exitCode()).toBe(1)
    expect(refused.stderr).toContain('--force')
    expect(readFileSync(taken, 'utf8')).toBe('AIHUBMIX_CLIENT_SECRET=mine\n')
    expect(await run('--write', join(dir, 'no', 'such', 'folder')).exitCode()).toBe(1)
    expect(registered()).toBe(before)
    expect(existsSync(join(dir, 'no'))).toBe(false)
    expect(await run('--write', taken, '--force').exitCode()).toBe(0)
    expect(readFileSync(taken, 'utf8')).not.toContain('mine')
  })

  test.each([
    [['--write', ''], '--write must name a file'],
    [['--show-secret', '--force'], '--force belongs to --write'],
  ])('%j registers nothing', async (args, says) => {
    const before = registered()
    const command = run(...args)
    expect(await command.exitCode()).toBe(2)
    expect(command.stderr).toContain(says)
    expect(registered()).toBe(before)
  })

  test('says what is missing, and shows its help', async () => {
    expect(await new CommandLine('register-app', '--name', 'x').exitCode()).toBe(2)
    const help = new CommandLine('register-app', '--help')
    expect(await help.exitCode()).toBe(0)
    expect(help.stdout).toContain('AIHUBMIX_DEVELOPER_TOKEN')
    const tokenless = new CommandLine('register-app', '--name', 'x', '--redirect-uri', REDIRECT, '--show-secret')
    expect(await tokenless.exitCode()).toBe(1)
    expect(tokenless.stderr).toContain('AIHUBMIX_DEVELOPER_TOKEN')
  })
})
