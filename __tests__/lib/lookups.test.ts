import type { LookupAddress } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { NameLookups } from '../../lib/http/lookup'

type Done = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** A resolver with two threads, as Node's: a name in `silent` keeps one for as long as it stays there. */
function startResolver() {
  const asked: string[] = []
  const waiting: { name: string; done: Done }[] = []
  const working: { name: string; done: Done }[] = []
  const silent = new Set<string>()
  const failing = new Map<string, string>()
  let number = 0
  const step = () => {
    for (const work of [...working]) {
      if (silent.has(work.name)) continue
      working.splice(working.indexOf(work), 1)
      const code = failing.get(work.name)
      if (code === undefined) work.done(null, [{ address: `127.0.0.${++number}`, family: 4 }])
      else work.done(Object.assign(new Error(code), { code }), [])
    }
    while (working.length < 2 && waiting.length > 0) {
      const next = waiting.shift()
      if (next) working.push(next)
      setImmediate(step)
    }
  }
  const resolve = (name: string, _options: object, done: Done) => {
    asked.push(name)
    waiting.push({ name, done })
    setImmediate(step)
  }
  const speak = (name: string) => {
    silent.delete(name)
    step()
  }
  return { asked, silent, failing, resolve, speak, busy: () => working.length }
}

const now = performance.now.bind(performance)
let passed = 0
/** Time that nobody has to wait for, in milliseconds. */
function pass(time: number): void {
  passed += time
}
beforeEach(() => {
  jest.spyOn(performance, 'now').mockImplementation(() => now() + passed)
})
afterEach(() => {
  jest.restoreAllMocks()
})

function find(lookups: NameLookups, name: string, all = false): Promise<string> {
  return new Promise((resolve, reject) => {
    lookups.lookup(name, { all }, (error, found) => (error ? reject(error) : resolve(JSON.stringify(found))))
  })
}

test('a silent name has one look-up, however many ask for it, and another provider is found meanwhile', async () => {
  const resolver = startResolver()
  resolver.silent.add('silent.test')
  const lookups = new NameLookups(resolver.resolve)
  const silent = Array.from({ length: 8 }, () => find(lookups, 'silent.test'))
  expect(await find(lookups, 'good.test')).toBe('"127.0.0.1"')
  expect(resolver.asked).toEqual(['silent.test', 'good.test'])
  resolver.speak('silent.test')
  expect(new Set(await Promise.all(silent)).size).toBe(1)
})

test('the control: asked directly, two look-ups of a silent name keep the other one waiting', async () => {
  const resolver = startResolver()
  resolver.silent.add('silent.test')
  for (let i = 0; i < 2; i++) resolver.resolve('silent.test', {}, () => {})
  const good = new Promise((resolve) => resolver.resolve('good.test', {}, resolve))
  expect(await Promise.race([good, sleep(300, 'waits')])).toBe('waits')
  resolver.speak('silent.test')
  await good
})

test('names that were slow wait for each other and leave a thread free', async () => {
  const resolver = startResolver()
  const lookups = new NameLookups(resolver.resolve)
  const names = ['a.test', 'b.test', 'c.test']
  for (const name of names.slice(0, 2)) resolver.silent.add(name)
  const first = names.slice(0, 2).map((name) => find(lookups, name))
  pass(1100)
  for (const name of names.slice(0, 2)) resolver.failing.set(name, 'ENOTFOUND')
  for (const name of names.slice(0, 2)) resolver.speak(name)
  for (const each of first) await expect(each).rejects.toMatchObject({ code: 'ENOTFOUND' })
  pass(2100) // the failure is forgotten
  for (const name of names.slice(0, 2)) resolver.silent.add(name)
  const again = names.slice(0, 2).map((name) => find(lookups, name))
  await sleep(50)
  expect(resolver.busy()).toBe(1)
  expect(await find(lookups, 'c.test')).toMatch(/127/)
  resolver.failing.clear()
  for (const name of names.slice(0, 2)) resolver.speak(name)
  await Promise.all(again)
})

test('a failure is remembered for a moment, and forgotten after it', async () => {
  const resolver = startResolver()
  resolver.failing.set('wrong.test', 'ENOTFOUND')
  const lookups = new NameLookups(resolver.resolve)
  for (let i = 0; i < 5; i++) await expect(find(lookups, 'wrong.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  expect(resolver.asked).toHaveLength(1)
  resolver.failing.clear()
  pass(2100)
  expect(await find(lookups, 'wrong.test')).toMatch(/127/)
})

test('a success is not: each connection has the addresses of now', async () => {
  const resolver = startResolver()
  const lookups = new NameLookups(resolver.resolve)
  expect([await find(lookups, 'a.test'), await find(lookups, 'a.test')]).toEqual(['"127.0.0.1"', '"127.0.0.2"'])
})

test('a name that was found before takes those addresses where its server is silent or can not be asked', async () => {
  const resolver = startResolver()
  const lookups = new NameLookups(resolver.resolve)
  const known = await find(lookups, 'a.test', true)
  expect(known).toBe('[{"address":"127.0.0.1","family":4}]')
  resolver.silent.add('a.test')
  expect(await find(lookups, 'a.test', true)).toBe(known)
  resolver.failing.set('a.test', 'EAI_AGAIN')
  resolver.speak('a.test')
  await sleep(0)
  expect(await find(lookups, 'a.test', true)).toBe(known)
  resolver.failing.set('a.test', 'ENOTFOUND')
  pass(2100)
  await expect(find(lookups, 'a.test', true)).rejects.toMatchObject({ code: 'ENOTFOUND' })
})
