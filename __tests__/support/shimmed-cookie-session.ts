import cookieSession from 'cookie-session'
import type { RequestHandler } from 'express'

/** cookie-session with the two methods that Passport requires since 0.6, added as apps do: they do nothing. */
export function shimmedCookieSession(secret: string): RequestHandler {
  const cookies = cookieSession({ name: 'session', keys: [secret] })
  return (req, res, next) =>
    cookies(req, res, (error?: unknown) => {
      const own: object | null | undefined = req.session
      if (own && !('regenerate' in own)) Object.assign(own, { regenerate: call, save: call })
      next(error)
    })
}

function call(done?: () => void): void {
  done?.()
}
