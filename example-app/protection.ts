import type { NextFunction, Request, RequestHandler, Response } from 'express'
import helmet from 'helmet'
import type { AppOptions } from './options'

/**
 * A login must begin and end at one host, or its cookie does not come back. So a browser at `localhost` is redirected
 * if the app is at 127.0.0.1. Other hosts are left to a proxy.
 */
export function toOwnHost(baseURL: string): RequestHandler {
  const own = new URL(baseURL)
  return (req, res, next) => {
    const asked = URL.canParse(`http://${req.headers.host}`) ? new URL(`http://${req.headers.host}`) : own
    const strays = asked.hostname !== own.hostname && [asked, own].every(({ hostname }) => LOOPBACK.has(hostname))
    if (!strays || req.method !== 'GET') return next()
    res.redirect(302, own.origin + req.originalUrl)
  }
}
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Allows nothing inline, and nothing from elsewhere except avatars. The page may be framed by this app's own page, and
 * by TAPD if that logs in silently.
 */
export function protectPages({ providers, emulated = {} }: AppOptions): RequestHandler[] {
  const framers = logsInSilently(providers.tapd) && !emulated.tapd ? TAPD_PAGES : []
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'https:'],
        connectSrc: ["'self'"],
        frameSrc: ["'self'", ...(emulated.tapd ? [emulated.tapd] : [])],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'self'", ...framers],
      },
    },
    // Keeps the connection to a popup that this page opens.
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: false, // frame-ancestors covers it, and can name TAPD
  })
  return [protect, keepNothing]
}

const TAPD_PAGES = ['https://www.tapd.cn', 'https://tapd.woa.com']

export function logsInSilently(tapd: { [option: string]: unknown } | undefined): boolean {
  return tapd?.silentLogin === true
}

function keepNothing(_req: Request, res: Response, next: NextFunction): void {
  res.set('Cache-Control', 'no-store')
  next()
}

/**
 * Refuses forms of other sites, except for a provider that posts its callback, which the router checks by its state.
 * Browsers say where a request comes from; other clients have no cookies.
 */
export function refuseForeignForms(baseURL: string): RequestHandler {
  const { origin: own } = new URL(baseURL)
  return (req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD' || CALLBACK.test(req.path)) return next()
    const site = req.get('sec-fetch-site')
    const origin = req.get('origin')
    if (site === undefined ? origin === undefined || origin === own : site === 'same-origin') return next()
    res.status(403).type('text').send('This form was sent from another site.')
  }
}

const CALLBACK = /^\/auth\/[^/]+\/callback$/
