import type { NextFunction, Request, RequestHandler, Response } from 'express'
import helmet from 'helmet'
import type { AppOptions } from './options'

/**
 * A login begins and ends at one host, or its cookie does not come back: whoever opens `localhost` where the app is
 * at 127.0.0.1 is sent there first. Other hosts are a proxy's affair.
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

/** Nothing inline, nothing from elsewhere but avatars; framed by this app's own page, and by TAPD where that logs in silently. */
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
    // Keeps the tie to a popup that this page opens.
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: false, // frame-ancestors says it, and can name TAPD
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
 * A form on another site can press no button here, but for a provider that posts its callback: the router believes that
 * one by its state. Browsers say where a request comes from; others have
 * no cookies.
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
