import { escapeHtml } from './marks'
import type { View } from './view'

/** The result of the last step: a friendly sentence for `?error=CODE&provider=NAME`, or for the success in `?done=`. */
export function failure({ req, texts, providers, title }: View): string {
  const { error, done, provider } = req.query
  // No text from the address is shown.
  const known = providers.find((name) => name === provider)
  if (done === 'disconnected' && known) {
    return `<p class="done" role="status">${escapeHtml(texts.disconnected(title(known)))}</p>`
  }
  if (typeof error !== 'string') return ''
  const [code, sentence] = Object.entries(texts.failures).find(([code]) => code === error) ?? []
  const heading = texts.failed(known === undefined ? texts.someProvider : title(known))
  // A failure of an existing login does not need a new one, unless the provider requires it.
  const isConnected = known !== undefined && req.oauth.tokenKey(known) !== undefined
  const again =
    known && (!isConnected || code === 'token_rejected' || code === 'scope_insufficient')
      ? `<a class="button" href="/auth/${encodeURIComponent(known)}" data-login="${escapeHtml(known)}" data-waiting="${escapeHtml(texts.waiting(title(known)))}">${texts.tryAgain}</a>`
      : ''
  return `<section class="failure" role="alert"><h2>${escapeHtml(heading)}</h2>
<p>${escapeHtml(sentence ?? texts.unknownFailure)}${code ? ` <code>${code}</code>` : ''}</p>
<p class="row">${again}<a class="button" href="/">${texts.back}</a></p></section>
`
}
