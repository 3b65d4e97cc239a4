import { createHash } from 'node:crypto'
import type { Reply } from './server'
import type { EmulatorUser } from './types'

/** The page on which a person agrees or refuses. Its form posts back to its own address. */
export function consentPage(provider: string, asksFor: readonly string[], users: readonly EmulatorUser[]): Reply {
  const buttons = users.map(
    ({ id, name, email }) =>
      `<button name="user" value="${escapeHtml(id)}">Continue as ${escapeHtml(name)}${email ? ` <small>${escapeHtml(email)}</small>` : ''}</button>`,
  )
  const scopes =
    asksFor.length > 0 ? `<ul>${asksFor.map((scope) => `<li>${escapeHtml(scope)}</li>`).join('')}</ul>` : ''
  return page(
    `${provider} emulator`,
    `<p class="note">This is an emulator for development. It is not ${escapeHtml(provider)}.</p>
<h1>An app wants you to log in with ${escapeHtml(provider)}</h1>
${scopes}
<form method="post">
${buttons.join('\n')}
<button name="deny" value="1" class="deny">Deny</button>
</form>`,
  )
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
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`,
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
form{display:grid;gap:.6rem;margin-top:1.5rem}button{font:inherit;padding:.7rem 1rem;border-radius:.5rem;
border:1px solid #6b7280;background:#1d4ed8;color:#fff;text-align:left;cursor:pointer}
button.deny{background:transparent;color:inherit}button:focus-visible{outline:3px solid #f59e0b;outline-offset:2px}`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
