import type { NextFunction, Request, Response } from 'express'
import { en, type Texts } from './texts-en'
import { zh } from './texts-zh'

const LANGUAGES: Readonly<Record<string, Texts>> = { en, zh }

/** `?lang=` sets the language and is remembered; without it, the cookie counts, else the browser's preference. */
export function preferLanguage(req: Request, res: Response, next: NextFunction): void {
  const { lang } = req.query
  if (typeof lang === 'string' && Object.hasOwn(LANGUAGES, lang)) {
    res.cookie('lang', lang, { sameSite: 'lax', maxAge: 365 * 24 * 3600 * 1000 })
  }
  next()
}

export function textsFor(req: Request): Texts {
  const remembered = /(?:^|;\s*)lang=(\w+)/.exec(req.headers.cookie ?? '')?.[1]
  const preferred = req.acceptsLanguages(Object.keys(LANGUAGES)) || 'en'
  for (const name of [req.query.lang, remembered, preferred]) {
    const texts = typeof name === 'string' && Object.hasOwn(LANGUAGES, name) ? LANGUAGES[name] : undefined
    if (texts) return texts
  }
  return en
}

/** The same page in another language. */
export function addressIn(lang: string, req: Request): string {
  const query = new URLSearchParams(req.originalUrl.split('?').slice(1).join('?'))
  query.set('lang', lang)
  return `?${query}`
}
