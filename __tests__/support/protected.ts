import type { DialectStrategy } from 'passport-dialects'

// What a strategy keeps to itself, for tests of one step of it.

/** Every address that the strategy calls or sends a browser to, by the name of its option. */
export function endpointsOf(strategy: DialectStrategy): Record<string, string> {
  return Reflect.get(strategy, 'endpoints')
}

/** The profile that the strategy makes of a user of its provider. @param context what it remembers of the token */
export function profileOf(strategy: DialectStrategy, user: object, context?: object): { id: string } {
  const tokens = { accessToken: 'A', tokenType: 'Bearer', scope: [], raw: {}, context }
  return Reflect.get(strategy, 'toProfile').call(strategy, user, '', tokens)
}
