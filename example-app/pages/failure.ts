import { escapeHtml } from './marks'
import type { View } from './view'

/** What became of the last step: a friendly sentence for `?error=CODE&provider=NAME`, and `?done=` for what went well. */
export function failure({ req, texts, providers, title }: View): string {
  const { error, done, provider } = req.query
  // Nothing of the address is shown as it stands.
  const known = providers.find((name) => name === provider)
  if (done === 'disconnected' && known) {
    return `<p class="done" role="status">${escapeHtml(texts.disconnected(title(known)))}</p>`
  }
  if (typeof error !== 'string') return ''
  const [code, sentence] = Object.entries(texts.failures).find(([code]) => code === error) ?? []
  const heading = texts.failed(known === undefined ? texts.someProvider : title(known))
  // What failed with a login that is there is no matter of logging in, unless the provider wants that.
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
