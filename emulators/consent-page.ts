import { createHash } from 'node:crypto'
import type { Reply } from './reply'
import type { EmulatorUser } from './types'

/** What the page says of the app: its client id, and what it asks for. */
export interface Consent {
  provider: string
  clientID: string
  scope: readonly string[]
}

/** The page on which a person agrees or refuses. Its form posts back to its own address. */
export function consentPage({ provider, clientID, scope }: Consent, users: readonly EmulatorUser[]): Reply {
  const name = escapeHtml(provider)
  const scopes = scope.map((item) => `<li><code>${escapeHtml(item)}</code></li>`).join('')
  const asksFor = scope.length > 0 ? `<p>It asks for:</p>\n<ul>${scopes}</ul>` : ''
  return page(
    `${provider} emulator`,
    `<p class="note">This is an emulator for development. It is not ${name}.</p>
<h1>An app wants you to log in with ${name}</h1>
<p>The app: <code>${escapeHtml(clientID)}</code></p>
${asksFor}
<form method="post">
${users.map(userButton).join('\n')}
<button name="deny" value="1" class="deny">Deny</button>
</form>`,
  )
}

function userButton({ id, name, email }: EmulatorUser): string {
  const address = email ? ` <small>${escapeHtml(email)}</small>` : ''
  return `<button name="user" value="${escapeHtml(id)}">Continue as ${escapeHtml(name)}${address}</button>`
}

/** What a provider shows where it can't redirect back: an unknown client, a foreign redirect address. */
export function errorPage(status: number, provider: string, error: string, description: string): Reply {
  const body = `<p class="note">This is an emulator for development.</p>
<h1>${escapeHtml(provider)} refuses this request</h1>
<p><code>${escapeHtml(error)}</code>: ${escapeHtml(description)}</p>`
  return { ...page(`${provider} emulator: error`, body), status }
}

function page(title: string, body: string): Reply {
  return {
    headers: {
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`,
  }
}

const STYLE = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0;padding:2rem 1rem}
main{max-width:26rem;margin:0 auto}h1{font-size:1.3rem}.note{border-left:.25rem solid #d97706;padding-left:.75rem}
code{overflow-wrap:anywhere}form{display:grid;gap:.6rem;margin-top:1.5rem}button{font:inherit;padding:.7rem 1rem;border-radius:.5rem;
border:1px solid #6b7280;background:#1d4ed8;color:#fff;text-align:left;cursor:pointer}
button.deny{background:transparent;color:inherit}button:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
