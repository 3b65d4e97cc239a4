import type { RequestHandler } from 'express'
import type { AppOptions } from '../options'
import { layout } from './layout'
import { escapeHtml } from './marks'
import { viewOf } from './view'

/** Plays TAPD, which shows the app in a frame and adds an unsolicited code. */
export function frame(options: AppOptions): RequestHandler {
  return (req, res, next) => {
    const view = viewOf(req, options)
    const origin = view.emulated.tapd
    if (origin === undefined) return next() // the real TAPD opens the app itself
    const { texts } = view
    const entry = new URL('/entry', origin)
    entry.searchParams.set('redirect', `${options.baseURL}/auth/tapd/entry`)
    const body = `<h1>${texts.insideTapdTitle}</h1>
<p class="soft">${texts.insideTapdLead}</p>
<iframe src="${escapeHtml(entry.href)}" title="${texts.insideTapdFrame}"></iframe>
<p class="soft">${texts.insideTapdNote}</p>
<p class="row"><a class="button" href="/">${texts.back}</a></p>`
    res.type('html').send(layout(view, texts.insideTapdTitle, body, 'tapd'))
  }
}
