import type { DialectOptions } from '../options'

/** Whether a login skips the profile. As in passport-oauth2, the option's arity selects its form, and any true value says yes. */
export async function skipsProfile(skip: DialectOptions['skipUserProfile'], accessToken: string): Promise<boolean> {
  if (typeof skip !== 'function') return skip === true
  // `() => boolean`, or `(accessToken, done)`.
  const ask = skip as (...args: unknown[]) => unknown
  if (skip.length < 2) return Boolean(await ask())
  return new Promise((resolve, reject) => {
    ask(accessToken, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(Boolean(answer))))
  })
}
