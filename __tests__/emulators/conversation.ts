import { type Emulator, type EmulatorName, type EmulatorOptions, startEmulator } from 'passport-dialects/emulators'

export const CALLBACK = 'http://127.0.0.1:9/callback'

/** `undefined` takes a parameter away; an array repeats it. */
export type Params = Record<string, string | undefined | string[]>

export interface Answer {
  status: number
  headers: Headers
  text: string
  json: unknown
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  // A connection of its own: a fault may end the one it struck, just as the next request takes it.
  const headers = new Headers(init.headers)
  headers.set('connection', 'close')
  const answer = await fetch(url, { redirect: 'manual', ...init, headers })
  const text = await answer.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: answer.status, headers: answer.headers, text, json }
}

export function encoded(params: Params): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (one !== undefined) search.append(name, one)
  }
  return search.toString()
}

/** A form by POST, with the bare content type. */
export function post(url: string, params: Params, headers: Record<string, string> = {}): Promise<Answer> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return ask(url, { method: 'POST', headers: { ...type, ...headers }, body: Buffer.from(encoded(params)) })
}

export function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const type = { 'content-type': 'application/json' }
  return ask(url, { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(body) })
}

export function bearer(token: unknown): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

export function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

/** What the callback brings. */
export function brought(callback: string): Record<string, string> {
  return Object.fromEntries(new URL(callback).searchParams)
}

/** What the callback brings after a click on "Continue as". */
export async function agreed(emulator: Emulator, params: Params, user?: string): Promise<Record<string, string>> {
  const address = `${emulator.options.authorizationURL}?${encoded(params)}`
  return brought(await emulator.approve(address, user === undefined ? {} : { user }))
}

/** The members of a JSON object, or of one inside it. */
export function members(answer: Answer, ...path: string[]): Record<string, unknown> {
  let value = answer.json
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name]
  return (value ?? {}) as Record<string, unknown> // whatever it is, a test's expectation says so
}

/** Starts emulators, which stop after the tests of the file. Made at the top of the file. */
export function starter() {
  const running: Emulator[] = []
  afterAll(() => Promise.all(running.map((emulator) => emulator.close())))
  return async <Name extends EmulatorName>(name: Name, options?: EmulatorOptions<Name>): Promise<Emulator<Name>> => {
    const emulator = await startEmulator(name, options)
    running.push(emulator)
    return emulator
  }
}

/** The same for one provider. */
export function starterOf<Name extends EmulatorName>(name: Name) {
  const started = starter()
  return (options?: EmulatorOptions<Name>): Promise<Emulator<Name>> => started(name, options)
}
