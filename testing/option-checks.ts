import OAuth2Strategy from 'passport-oauth2'
import { DialectStrategy, OAuthError } from '../lib/index'
import type { Check, Settled } from './kit'
import { demand, told } from './say'
import { startEmulatorOf } from './world'

/** What the constructor accepts and refuses. */
export function optionChecks(kit: Settled): Check[] {
  const group = 'options'
  const required = [
    'clientID',
    ...(kit.clientSecret === undefined ? ['clientSecret'] : []),
    'callbackURL',
    ...(kit.requiredOptions ?? []),
  ]
  return [
    {
      group,
      name: 'it is a DialectStrategy and an OAuth2Strategy, of its own name',
      run: () =>
        withOptions(kit, async (options, emulatorName) => {
          const { built, error } = build(kit, options)
          demand(built, `The strategy can't be built from the emulator's options and a callbackURL: ${told(error)}.`)
          const extending = `\`${kit.strategy.name}\` must be written \`extends DialectStrategy\``
          demand(built instanceof OAuth2Strategy, `${extending}: add-ons look for passport-oauth2's OAuth2Strategy.`)
          demand(built instanceof DialectStrategy, `${extending}, of the same copy of this package as the kit.`)
          const name = kit.name ?? emulatorName
          demand(
            built.name === name,
            `The strategy calls itself \`${built.name}\`, not \`${name}\`: Passport finds it by the first argument of \`super(name, …)\`.`,
          )
        }),
    },
    ...required.map((option) => ({
      group,
      name: `without \`${option}\` it is not built, and the error names it`,
      run: () =>
        withOptions(kit, async (options) => {
          const { [option]: _left, ...rest } = options
          demandConfigError(kit, rest, option, 'is left out')
        }),
    })),
    ...(kit.clientSecret === undefined ? [] : [builtWithoutSecret(kit, group)]),
    ...['authorizationURL', 'tokenURL', 'userProfileURL'].map((option) => ({
      group,
      name: `a malformed \`${option}\` is refused by name`,
      run: () =>
        withOptions(kit, async (options) => {
          demandConfigError(kit, { ...options, [option]: 'not an address' }, option, 'is no address')
        }),
    })),
    ...(hasBase(kit) ? baseChecks(kit, group) : [ownPaths(kit, group)]),
  ]
}

/** A provider whose logins name the host has no `baseURL`, and its strategy declares that. */
function hasBase({ strategy }: Settled): boolean {
  return strategy.options?.baseURL !== 'none'
}

function baseChecks(kit: Settled, group: string): Check[] {
  return [
    {
      group,
      name: 'its own addresses below `baseURL` are those of the emulator',
      run: () => withOptions(kit, async (options) => demandAddresses(kit, options, 'below its `baseURL`')),
    },
    {
      group,
      name: 'a `baseURL` that is plain http beyond this machine is refused by name',
      run: () =>
        withOptions(kit, async (options) => {
          demandConfigError(kit, { ...options, baseURL: 'http://provider.example' }, 'baseURL', 'is plain http')
        }),
    },
  ]
}

function ownPaths(kit: Settled, group: string): Check {
  const pathOf = (address: string) => address.replace(/^https?:\/\/[^/]*/, '')
  return {
    group,
    name: 'its own addresses are those of the emulator, but for the host',
    run: () => withOptions(kit, async (options) => demandAddresses(kit, options, 'on any host', pathOf)),
  }
}

function builtWithoutSecret(kit: Settled, group: string): Check {
  return {
    group,
    name: 'without `clientSecret` it is built',
    run: () =>
      withOptions(kit, async ({ clientSecret: _left, ...rest }) => {
        const { built, error } = build(kit, rest)
        demand(
          built,
          `The kit is told \`clientSecret: '${kit.clientSecret}'\`, but without one the strategy can't be built: ${told(error)}. Look at \`clientSecret\` of the dialect.`,
        )
      }),
  }
}

async function withOptions(
  kit: Settled,
  body: (options: Record<string, unknown>, name: string) => Promise<void>,
): Promise<void> {
  const { emulator, release } = await startEmulatorOf(kit)
  try {
    const callbackURL = 'http://127.0.0.1/callback'
    await body({ ...emulator.options, ...kit.options, callbackURL }, emulator.name)
  } finally {
    await release()
  }
}

function build(kit: Settled, options: object): { built?: unknown & { name?: string }; error?: unknown } {
  try {
    return { built: new kit.strategy(options, () => {}) }
  } catch (error) {
    return { error }
  }
}

function demandConfigError(kit: Settled, options: object, option: string, what: string): void {
  const { built, error } = build(kit, options)
  const advice = `Read it by \`new OptionReader(name, options)\`: \`.text('${option}')\`, \`.address('${option}')\` or \`.base('${option}')\`.`
  demand(
    !built,
    `Where option \`${option}\` ${what}, the strategy is built all the same and will fail at the first login. ${advice}`,
  )
  demand(
    OAuthError.is(error) && error.code === 'config_invalid',
    `Where option \`${option}\` ${what}, the constructor must throw \`config_invalid\`, but throws ${String(error)}. ${advice}`,
  )
  demand(
    error.message.includes(option),
    `Where option \`${option}\` ${what}, the error does not name it: "${error.message}". ${advice}`,
  )
}

const ADDRESSES = ['authorizationURL', 'tokenURL', 'refreshURL', 'userProfileURL']

/** The emulator sets every address, which hides mistakes in the strategy's defaults. */
function demandAddresses(
  kit: Settled,
  options: Record<string, unknown>,
  where: string,
  partOf = (address: string) => address,
): void {
  const isNeeded = (name: string) => kit.requiredOptions?.includes(name) || !/(?<!base|callback)URL$/.test(name)
  const bare = Object.fromEntries(Object.entries(options).filter(([name]) => isNeeded(name)))
  const { built, error } = build(kit, bare)
  demand(built, `With \`baseURL\` alone, and no other address, the strategy can't be built: ${told(error)}.`)
  const endpoints: unknown = Reflect.get(built, 'endpoints')
  demand(
    typeof endpoints === 'object' && endpoints !== null,
    'The strategy has no `endpoints`: hand them to `super(name, options, verify, { endpoints, … })`.',
  )
  const partIn = (address: unknown) => (typeof address === 'string' ? partOf(address) : undefined)
  for (const name of ADDRESSES) {
    const theirs = partIn(options[name])
    const own: unknown = Reflect.get(endpoints, name)
    const ours = partIn(own ?? (name === 'refreshURL' ? Reflect.get(endpoints, 'tokenURL') : undefined))
    // The callback brings the token itself, or there is no user token.
    const isAbsent = (name === 'tokenURL' || kit.userToken === 'none') && ours === undefined
    demand(
      theirs === undefined || isAbsent || ours === theirs,
      `The strategy's \`${name}\` is ${ours} ${where}, but the emulator's is ${theirs}: one of them is not the documentation's, or \`endpoints\` is not built from \`read.base('baseURL', …)\`.`,
    )
  }
}
