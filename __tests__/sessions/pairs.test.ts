// Over 300 lines because the table's rules over MemoryStore, cookies, Redis and two processes read one beside the other.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { Agent } from 'undici'
import { describeWith, SERVICES } from '../support/services'
import { describeInWholeRuns, usually } from '../support/whole'
import { Held, type Inner, type Instance, startCodeProvider, startInstance } from './pairs-app'
import { KINDS, type Kind, NAMES, PAIRS, UNSEEN } from './pairs-table'

// Two requests of one session, every pair: the first one is held at each place where it waits for something, the other
// one comes and goes meanwhile, and the first goes on. docs/sessions.md has the table for people.

// `npm run test:whole` runs all pairs in all four places. `npm test` runs those whose first request changes or ends most: with
// MemoryStore, where one process knows everything, and in two processes over Redis, which know least.
const IN_ONE_PROCESS: readonly Kind[] = ['change', 'log-out']
const IN_TWO_PROCESSES: readonly Kind[] = ['change', 'log-out']

/** In ms: within a process the other one may wait for the first, which is then let go. */
const WAITS_FOR_THE_OTHER = 40
/** In ms: over two processes nobody waits. */
const BOUND = 10_000

const agent = new Agent({ connections: 8, keepAliveTimeout: 30_000 })
let provider: Awaited<ReturnType<typeof startCodeProvider>>
let interleavings = 0

beforeAll(async () => {
  provider = await startCodeProvider()
})
afterAll(async () => {
  await agent.close()
  await provider.close()
  process.stdout.write(`Sessions: ${interleavings} interleavings of two requests.\n`)
})

interface Response {
  status: number
  location: string
  body: { id?: string; note?: string; error?: { code: string } }
  cookie: string | undefined
}

/** One request with one cookie. */
async function send(
  instance: Instance,
  path: string,
  cookie: string | undefined,
  { held = false, method = 'GET' as 'GET' | 'POST' } = {},
): Promise<Response> {
  const answer = await agent.request({
    origin: instance.origin,
    path,
    method,
    headers: { accept: 'application/json', ...(cookie && { cookie }), ...(held && { 'x-held': '1' }) },
  })
  const text = await answer.body.text()
  const pairs = [answer.headers['set-cookie'] ?? []].flat().map((line) => line.split(';', 1)[0] ?? '')
  const isJSON = `${answer.headers['content-type']}`.includes('json')
  return {
    status: answer.statusCode,
    location: `${answer.headers.location ?? ''}`,
    body: isJSON ? JSON.parse(text) : {},
    cookie: pairs.length > 0 ? pairs.join('; ') : undefined,
  }
}

async function begin(instance: Instance, name: string, cookie?: string): Promise<{ state: string; cookie: string }> {
  const begun = await send(instance, `/auth/${name}`, cookie)
  const state = new URL(begun.location).searchParams.get('state') ?? ''
  return { state, cookie: begun.cookie ?? cookie ?? '' }
}

function callback(name: string, state: string, user: string): string {
  return `/auth/${name}/callback?state=${state}&code=${user}.${randomBytes(8).toString('hex')}`
}

/** A browser of Ann's, and what it may ask for next. */
class Ann {
  private constructor(
    readonly instance: Instance,
    public cookie: string,
  ) {}

  static async loggedIn(instance: Instance): Promise<Ann> {
    const { state, cookie } = await begin(instance, 'one')
    const response = await send(instance, callback('one', state, 'ann'), cookie)
    return new Ann(instance, response.cookie ?? cookie)
  }

  /** The request of a kind, ready to be sent. Callbacks need a login that has begun. */
  async prepare(kind: Kind, note: string): Promise<{ path: string; method?: 'POST' }> {
    if (kind === 'begin') return { path: '/auth/two' }
    if (kind === 'log-out') return { path: '/auth/logout', method: 'POST' }
    if (kind === 'page') return { path: `/page?note=${note}` }
    if (kind === 'link') return { path: callback('two', await this.begun('two'), 'annette') }
    if (kind === 'change') return { path: callback('one', await this.begun('one'), 'bob') }
    if (kind === 'refused') return { path: `/auth/two/callback?state=${await this.begun('two')}&error=access_denied` }
    return { path: `/${kind}` }
  }

  private async begun(name: string): Promise<string> {
    const { state, cookie } = await begin(this.instance, name, this.cookie)
    this.cookie = cookie
    return state
  }
}

/** Whether a request did what it is there for; else it says why not, by a code that is the user's or the moment's. */
function did(kind: Kind, { status, location, body }: Response): boolean {
  const expected = { begin: 302, link: 303, change: 303, refused: 401 }[kind as string] ?? 200
  if (kind === 'refused') return body.error?.code === 'access_denied'
  if (status === expected && (kind === 'begin' ? location.startsWith('http') : true)) return true
  const told = body.error?.code ?? `${status}`
  if (!FAILURES.includes(told)) throw new Error(`${kind}: ${status} ${JSON.stringify(body)}`)
  return false
}

const FAILURES = ['state_mismatch', 'state_unknown', 'state_used', 'session_missing', 'token_rejected']

interface Seen {
  held: Kind
  other: Kind
  place: string
  succeeded: { held: boolean; other: boolean }
  /** Who each cookie is afterwards: the old one, and those that the two responses set. */
  who: { old: string; held: string | undefined; other: string | undefined }
  note: string | undefined
  /** Between the held one's look at the session and its last write. */
  isBetween: boolean
}

/** One interleaving; `undefined` where the held request has no nth place any more. */
async function interleave(
  [held, other]: [Kind, Kind],
  nth: number,
  first: Instance,
  second: Instance,
): Promise<Seen & { isLast: boolean }> {
  const ann = await Ann.loggedIn(first)
  const mine = await ann.prepare(held, 'first')
  const theirs = await ann.prepare(other, 'second')
  const { cookie } = ann
  const gate = new Held(nth)
  first.gates.next = gate
  const one = send(first, mine.path, cookie, { held: true, method: mine.method ?? 'GET' })
  const isLast = await Promise.race([gate.stopped.then(() => false), one.then(() => true)])
  const two = send(second, theirs.path, cookie, { method: theirs.method ?? 'GET' })
  await Promise.race([two, sleep(first === second ? WAITS_FOR_THE_OTHER : BOUND, undefined, { ref: false })])
  gate.release()
  const [mineCame, theirsCame] = await Promise.all([one, two])
  interleavings++
  const whoIs = async (value: string | undefined) =>
    value === undefined ? undefined : ((await send(second, '/me', value)).body.id ?? 'nobody')
  const me = (await send(second, '/me', cookie)).body
  return {
    held,
    other,
    place: isLast ? 'at its end' : (gate.places[nth] ?? ''),
    succeeded: { held: did(held, mineCame), other: did(other, theirsCame) },
    who: { old: me.id ?? 'nobody', held: await whoIs(mineCame.cookie), other: await whoIs(theirsCame.cookie) },
    note: me.note,
    isBetween: isBetween(gate.places, nth),
    isLast,
  }
}

function isBetween(places: readonly string[], nth: number): boolean {
  const writes = places.flatMap((place, at) => (/^before (set|destroy)$/.test(place) ? [at] : []))
  const [first = 0] = writes
  return nth >= first - 1 && nth <= (writes.at(-1) ?? -1)
}

/** What is not as the table says. */
function wrongs({ held, other, succeeded, who, note }: Seen, together: boolean): string[] {
  const found: string[] = []
  const does = { held: KINDS[held], other: KINDS[other] }
  const sides = ['held', 'other'] as const
  const isOver = sides.some((side) => succeeded[side] && does[side].does !== 'writes')
  if (isOver && who.old !== 'nobody') found.push(`the old id is ${who.old}`)
  if (!isOver && who.old !== 'ann') found.push(`the old id is ${who.old}, and nobody ended it`)
  for (const side of sides) {
    const mine = does[side]
    const user = who[side]
    if (user === undefined) continue
    // A start or a refusal whose session is gone goes on as nobody; one of the same user may be handed a link's session.
    const allowed = mine.does === 'moves' ? [mine.to, 'nobody'] : ['nobody']
    if (!allowed.includes(user)) found.push(`the ${side} one's cookie is ${user}`)
  }
  const isOut = sides.some((side) => succeeded[side] && does[side].does === 'ends')
  for (const side of sides) {
    const mine = does[side]
    if (mine.does !== 'moves' || !succeeded[side]) continue
    // What is of Ann goes with Ann's log-out; what is somebody else's does not.
    const isOther = mine.to !== 'ann'
    if (isOther && who[side] !== mine.to) found.push(`the ${side} one became ${who[side]}`)
    if (!isOther && !isOut && who[side] === 'nobody' && !ended(side, held, other, succeeded))
      found.push(`the ${side} one's link is lost`)
    if (!isOther && isOut && who[side] === 'ann' && logsOut(held, other)) found.push('the log-out is undone by a link')
  }
  const wrote = sides.filter((side) => ({ held, other })[side] === 'page')
  if (together && !isOver && wrote.length > 0 && note === undefined) found.push("the page's write is lost")
  return found
}

/** The other one, too, gave the session a new id: one of two is what the browser has. */
function ended(side: 'held' | 'other', held: Kind, other: Kind, succeeded: Seen['succeeded']): boolean {
  const opposite = side === 'held' ? 'other' : 'held'
  return succeeded[opposite] && KINDS[opposite === 'held' ? held : other].does === 'moves'
}

function logsOut(held: Kind, other: Kind): boolean {
  return held === 'log-out' || other === 'log-out'
}

async function everyPlace(pair: [Kind, Kind], first: Instance, second: Instance): Promise<string[]> {
  const found: string[] = []
  for (let nth = 0; ; nth++) {
    const seen = await interleave(pair, nth, first, second)
    const isUnseen = first !== second && seen.isBetween && UNSEEN[pair[0]]?.includes(pair[1])
    for (const wrong of isUnseen ? [] : wrongs(seen, first === second)) found.push(`${nth} ${seen.place}: ${wrong}`)
    if (seen.isLast) return found
  }
}

function pairsOver(
  open: () => Promise<{ first: Instance; second: Instance; close(): Promise<void> }>,
  names: readonly Kind[] = NAMES,
): void {
  let place: Awaited<ReturnType<typeof open>>
  beforeAll(async () => {
    place = await open()
  })
  afterAll(() => place.close())

  test.each(names)('%s is held, and every other one comes and goes', async (held) => {
    const found: Record<string, string[]> = {}
    for (const pair of PAIRS) {
      if (pair[0] !== held) continue
      const wrong = await everyPlace(pair, place.first, place.second)
      if (wrong.length > 0) found[pair[1]] = wrong
    }
    expect(found).toEqual({})
  })
}

describe('MemoryStore, one process', () => {
  pairsOver(
    async () => {
      jest.spyOn(console, 'warn').mockImplementation(() => {}) // of express-session's MemoryStore
      const instance = await startInstance(provider.origin, new session.MemoryStore())
      return { first: instance, second: instance, close: () => instance.close() }
    },
    usually(NAMES, (name) => IN_ONE_PROCESS.includes(name)),
  )
})

describeInWholeRuns('cookie-session, where no store can be asked', () => {
  let instance: Instance
  beforeAll(async () => {
    instance = await startInstance(provider.origin, undefined)
  })
  afterAll(() => instance.close())

  test.each(NAMES)('%s is held, and every other one comes and goes: the last response decides', async (held) => {
    const found: string[] = []
    for (const pair of PAIRS) {
      if (pair[0] !== held) continue
      for (let nth = 0, isLast = false; !isLast; nth++) {
        const seen = await interleave(pair, nth, instance, instance)
        found.push(...wrongsOfCookies(seen).map((wrong) => `${pair[1]}, ${seen.place}: ${wrong}`))
        isLast = seen.isLast
      }
    }
    expect(found).toEqual([])
  })
})

/** A cookie says what its own request made of it, whatever the other one did, and the old one is what it was. */
function wrongsOfCookies({ held, other, succeeded, who }: Seen): string[] {
  const found: string[] = []
  if (who.old !== 'ann') found.push(`the old cookie is ${who.old}`)
  for (const [side, kind] of [['held', held] as const, ['other', other] as const]) {
    const mine = KINDS[kind]
    const due = !succeeded[side] || mine.does === 'writes' ? 'ann' : mine.does === 'moves' ? mine.to : 'nobody'
    if (who[side] !== undefined && who[side] !== due) found.push(`the ${side} one's cookie is ${who[side]}, not ${due}`)
    if (who[side] === undefined && succeeded[side] && due !== 'ann') found.push(`the ${side} one set no cookie`)
  }
  return found
}

describeWith('Redis', 'sessions in Redis', () => {
  const client = createClient({ url: SERVICES.Redis.url })
  const prefix = `passport-dialects:${randomBytes(6).toString('hex')}:`
  let store: Inner
  beforeAll(async () => {
    await client.connect()
    store = new RedisStore({ client, prefix, ttl: 300 })
  })
  afterAll(async () => {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      if (keys.length > 0) await client.del(keys)
    }
    await client.close()
  })

  describeInWholeRuns('one process', () => {
    pairsOver(async () => {
      const instance = await startInstance(provider.origin, store)
      return { first: instance, second: instance, close: () => instance.close() }
    })
  })

  describe('two processes', () => {
    pairsOver(
      async () => {
        // Everything that a process has in memory once, this has twice: the package, its queue, its claims, express-session.
        const [first, second] = await Promise.all([isolated(store), isolated(store)])
        return { first, second, close: async () => void (await Promise.all([first.close(), second.close()])) }
      },
      usually(NAMES, (name) => IN_TWO_PROCESSES.includes(name)),
    )
  })
})

/** What each process remembers of its sessions. */
const memories = new Set<object>()

function isolated(store: Inner): Promise<Instance> {
  let start: typeof startInstance = startInstance
  jest.isolateModules(() => {
    const own: typeof import('./pairs-app') = require('./pairs-app')
    const memory: object = require('../../lib/session/queue')
    expect(memories.has(memory)).toBe(false)
    memories.add(memory)
    start = own.startInstance
  })
  return start(provider.origin, store)
}
