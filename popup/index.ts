/** The result of a login in a popup. */
export interface PopupResult {
  ok: boolean
  /** The error code, if the login failed; absent if the window was closed. */
  code?: string
}

/** The options of {@link loginWithPopup}. */
export interface PopupOptions {
  /** The router's `mountPath`. Default `/auth`. */
  mountPath?: string
  /** Where the browser goes after the login, if it blocked the popup and the login was a redirect. Default: this page. */
  returnTo?: string
}

/**
 * Logs in at `provider` in a popup. Call it directly in the click handler, or the browser blocks the window. Resolves when
 * the login has succeeded or failed, or the window was closed. Never rejects.
 *
 * If the window is blocked, the whole page goes to the login instead. The promise then resolves only if the user comes back
 * to this page as it was (from the back/forward cache).
 *
 * Before it resolves with success, it asks the router whether this page's session is logged in. In a frame of another site,
 * which has its own cookies, the login may be missing there: the code is then `session_missing`. It also works under
 * Cross-Origin-Opener-Policy, because the result comes by `BroadcastChannel` too.
 *
 * @example
 * ```ts
 * import { loginWithPopup } from 'passport-dialects/popup'
 *
 * document.querySelector('#login')?.addEventListener('click', async () => {
 *   const { ok, code } = await loginWithPopup('tapd')
 *   if (ok) location.reload()
 *   else if (code) alert(`The login failed: ${code}`)
 * })
 * ```
 */
export function loginWithPopup(provider: string, options: PopupOptions = {}): Promise<PopupResult> {
  const { mountPath = '/auth', returnTo = location.pathname + location.search } = options
  const base = mountPath.replace(/\/+$/, '')
  const login = `${base}/${encodeURIComponent(provider)}`
  const popup = open(`${login}?popup=1`, `login-${provider}`, 'popup,width=520,height=720')
  if (!popup) {
    location.assign(`${login}?returnTo=${encodeURIComponent(returnTo)}`)
    return comeBack().then(() => sessionResult(base, provider, { ok: false }, false))
  }
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('passport-dialects')
    const ended = new AbortController()
    let left = false
    let closedFor = 0
    let hasSucceeded = false
    let failure: PopupResult | undefined
    const finish = (result: PopupResult) => {
      clearInterval(watch)
      channel.close()
      ended.abort()
      resolve(result)
    }
    const listen = ({ origin, source, data }: MessageEvent) => {
      if (origin !== location.origin || data?.type !== 'passport-dialects' || data.provider !== provider) return
      if (hasSucceeded) return // it comes twice
      if (data.ok) {
        hasSucceeded = true
        clearInterval(watch)
        sessionResult(base, provider, { ok: false, code: 'session_missing' }).then(finish)
        return
      }
      failure = data.code ? { ok: false, code: data.code } : { ok: false }
      // One that does not come from this window may be another tab's: it counts once this window is closed.
      if (source === popup || popup.closed) finish(failure)
    }
    const watch = setInterval(() => {
      if (failure && popup.closed) return finish(failure)
      if (!document.hasFocus()) left = true
      // A popup that Cross-Origin-Opener-Policy has cut off looks closed while the user is still typing in it. It
      // counts as closed once the user is back on this page; if this page never lost the focus, after ten seconds.
      closedFor = popup.closed && document.hasFocus() ? closedFor + 1 : 0
      if (closedFor > (left ? 4 : 40)) finish({ ok: false })
    }, 250)
    channel.onmessage = listen
    addEventListener('message', listen, { signal: ended.signal })
    // A result that was sent while this page was in the back/forward cache has been lost.
    comeBack(ended.signal).then(() =>
      sessionResult(base, provider, { ok: false }, false).then((result) => result.ok && finish(result)),
    )
  })
}

/** Resolves when this page is shown again from the back/forward cache. */
function comeBack(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const shown = ({ persisted }: PageTransitionEvent) => {
      if (!persisted) return
      removeEventListener('pageshow', shown)
      resolve()
    }
    addEventListener('pageshow', shown, signal && { signal })
  })
}

/**
 * A success if this page's own session is logged in at `provider`, otherwise `otherwise`. If the session cannot be
 * checked, the window's result stands.
 */
async function sessionResult(
  base: string,
  provider: string,
  otherwise: PopupResult,
  said = true,
): Promise<PopupResult> {
  try {
    const signal = AbortSignal.timeout(SESSION_MS)
    const response = await fetch(`${base}/session`, { headers: { accept: 'application/json' }, signal })
    if (!response.ok) return { ok: said }
    const { providers } = await response.json()
    const names: unknown[] = Array.isArray(providers) ? providers.map((login) => login?.name) : []
    return names.includes(provider) ? { ok: true } : otherwise
  } catch {
    return { ok: said }
  }
}

/** How long the session may take to answer, in milliseconds. */
const SESSION_MS = 10_000
