import type { Request } from 'express'
import { textsFor } from '../language'
import type { AppOptions } from '../options'
import type { Texts } from '../texts-en'
import { escapeHtml, markOf, titleOf } from './marks'

/** What every part of a page needs of the request. */
export interface View {
  req: Request
  texts: Texts
  /** Every provider that a link can log in at. */
  providers: readonly string[]
  emulated: Readonly<Record<string, string>>
  /** The page is in a frame. A provider's page refuses that, so a login leaves the frame. */
  framed: boolean
  title(provider: string): string
}

export function viewOf(req: Request, { providers, emulated = {} }: AppOptions): View {
  const texts = textsFor(req)
  return {
    req,
    texts,
    providers: Object.entries(providers).flatMap(([name, options]) => (hasLink(options) ? [name] : [])),
    emulated,
    framed: req.get('sec-fetch-dest') === 'iframe',
    title: (provider) => titleOf(provider, texts),
  }
}

/** With `kind: 'in-app'`, a page inside DingTalk begins the login. */
function hasLink(options: object = {}): boolean {
  return Reflect.get(options, 'kind') !== 'in-app'
}

/**
 * A link that logs in by redirect; page.mjs opens a window instead if the user prefers one.
 * @param short shown instead of the label
 */
export function loginLink(view: View, provider: string, label: string, short?: string): string {
  const { emulated, texts, title } = view
  const some = Object.keys(emulated).length
  const mixed = some > 0 && view.providers.some((name) => !isEmulated(name, emulated))
  const tag = mixed && isEmulated(provider, emulated) ? `<span class="tag">${texts.emulator}</span>` : ''
  const spoken = tag === '' ? label : `${label} (${texts.emulator})`
  const name = short === undefined ? '' : ` aria-label="${escapeHtml(spoken)}"`
  const target = view.framed ? ' target="_top"' : ''
  return `<a class="login" href="/auth/${encodeURIComponent(provider)}" data-login="${escapeHtml(provider)}" data-waiting="${escapeHtml(texts.waiting(title(provider)))}"${name}${target}>${markOf(provider, title(provider))}<span>${escapeHtml(short ?? label)}</span>${tag}</a>`
}

/** `aihubmix-one-click` uses the same emulator as `aihubmix`. */
export function isEmulated(provider: string, emulated: View['emulated']): boolean {
  return Object.keys(emulated).some((name) => provider === name || provider.startsWith(`${name}-`))
}

/** Shown only with scripts, which open windows. */
export function popupChoice({ texts }: View): string {
  return `<div class="popup" hidden><label><input type="checkbox" id="popup" checked> ${texts.inPopup}</label>
<p class="soft" role="status" id="popup-status" data-closed="${escapeHtml(texts.popupClosed)}"></p></div>`
}
