import debug from 'debug'
import { markSealed, tapServers } from './answers'
import { known, learnFromLedgers, learnOptions, tooPlain } from './learn'
import { takePurposes } from './on-purpose'
import { noteAnswer, noteError, say, takeLeaks, tapOutput } from './outlets'

// The search for secrets in every test file: no secret of its tests may appear in the output of the process. See
// CONTRIBUTING.md.

/** Wraps a function or class to report its arguments; it behaves as before. */
function told<T extends object>(value: T, tell: (args: unknown[], result: () => unknown) => unknown): T {
  return new Proxy(value, {
    apply: (target, self, args) => tell(args, () => Reflect.apply(target as () => unknown, self, args)),
    construct: (target, args, as) =>
      tell(args, () => Reflect.construct(target as new () => object, args, as)) as object, // as it came
  })
}

const learning = (args: unknown[], result: () => unknown) => {
  for (const arg of args) learnOptions(arg)
  return result()
}

jest.mock('express-session', () => told(jest.requireActual('express-session'), learning))
jest.mock('cookie-session', () => told(jest.requireActual('cookie-session'), learning))

jest.mock('../../../lib/errors', () => {
  const actual: typeof import('../../../lib/errors') = jest.requireActual('../../../lib/errors')
  const noting = (_args: unknown[], result: () => unknown) => {
    const error = result()
    noteError(error)
    return error
  }
  return { ...actual, OAuthError: told(actual.OAuthError, noting), configError: told(actual.configError, noting) }
})

// The verifier of an unfinished login is sent nowhere, so it is learnt where it is made, like the state.
jest.mock('../../../lib/util/random', () => {
  const actual: typeof import('../../../lib/util/random') = jest.requireActual('../../../lib/util/random')
  const noting = (_args: unknown[], result: () => unknown) => {
    const text = result()
    known.note('state or verifier', text)
    return text
  }
  return { randomText: told(actual.randomText, noting), randomState: told(actual.randomState, noting) }
})

jest.mock('passport-dialects', () => {
  const actual: typeof import('passport-dialects') = jest.requireActual('passport-dialects')
  const names = Object.entries(actual).map(([name, value]) =>
    typeof value === 'function' && name !== 'OAuthError' ? [name, told(value, learning)] : [name, value],
  )
  const sealing = (args: unknown[], result: () => unknown) => {
    const router = learning(args, result)
    const [config] = args as [{ encryptionKey?: unknown }?] // what oauthRouter takes
    if (config?.encryptionKey === undefined) return router
    return new Proxy(router as () => void, {
      apply(target, self, [req, res, ...rest]) {
        markSealed(res)
        return Reflect.apply(target, self, [req, res, ...rest])
      },
    })
  }
  return { ...Object.fromEntries(names), oauthRouter: told(actual.oauthRouter, sealing) }
})

debug.log = (...args: unknown[]) => say('debug line', ...args)
debug.enable('passport-dialects:*')
learnFromLedgers()
const undo = [tapServers(noteAnswer), tapOutput()]

afterEach(throwLeaks)
afterAll(() => {
  for (const back of undo) back()
  throwLeaks()
})

function throwLeaks(): void {
  const purposes = takePurposes()
  const leaks = takeLeaks()
  const problems = [
    ...leaks
      .filter(({ kind }) => !purposes.includes(kind))
      .map(({ outlet, kind, text }) => `${kind} in ${outlet}: ${text}`),
    ...purposes
      .filter((kind) => !leaks.some((leak) => leak.kind === kind))
      .map((kind) => `No ${kind} came out on purpose.`),
    ...[...tooPlain].map((option) => `${option} is too plain to be searched for: give it a canary.`),
  ]
  tooPlain.clear()
  const all = [...new Set(problems)]
  if (all.length === 0) return
  const rest = all.length > 5 ? [`and ${all.length - 5} more`] : []
  throw new Error(['Secrets (CONTRIBUTING.md, "A test"):', ...all.slice(0, 5), ...rest].join('\n\n'))
}
