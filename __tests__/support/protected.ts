import type { DialectStrategy } from 'passport-dialects'

// Access to a strategy's protected members, for tests of one step.

/** Every address that the strategy calls or sends a browser to, by the name of its option. */
export function endpointsOf(strategy: DialectStrategy): Record<string, string> {
  return Reflect.get(strategy, 'endpoints')
}

/** The profile that the strategy creates from a provider's user. @param context the stored facts of the token */
export function profileOf(strategy: DialectStrategy, user: object, context?: object): { id: string } {
  const tokens = { accessToken: 'A', tokenType: 'Bearer', scope: [], raw: {}, context }
  return Reflect.get(strategy, 'toProfile').call(strategy, user, '', tokens)
}
