/** What became of a login in a popup. */
export interface PopupResult {
  ok: boolean
  /** The error code where the login failed; absent where the window was closed. */
  code?: string
}

/** How the window of a popup login is opened. */
export interface PopupOptions {
  /** The router's `mountPath`; default `/auth`. */
  mountPath?: string
  /** Where the page goes after a login by redirect, where the browser blocks the popup; default this page. */
  returnTo?: string
}

/**
 * Logs in at `provider` in a window of its own. Call it in the click itself, or the browser blocks the window; then the
 * whole page goes to the login, and the promise stays pending. Resolves, and never rejects, when the login has succeeded
 * or failed, or the window was closed. Works under Cross-Origin-Opener-Policy: the result comes by `BroadcastChannel` too.
 */
export function loginWithPopup(provider: string, options: PopupOptions = {}): Promise<PopupResult> {
  const { mountPath = '/auth', returnTo = location.pathname + location.search } = options
  const login = `${mountPath.replace(/\/+$/, '')}/${encodeURIComponent(provider)}`
  const popup = open(`${login}?popup=1`, `login-${provider}`, 'popup,width=520,height=720')
  if (!popup) {
    location.assign(`${login}?returnTo=${encodeURIComponent(returnTo)}`)
    return new Promise(() => {})
  }
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('passport-dialects')
    let left = false
    let closedFor = 0
    const finish = (result: PopupResult) => {
      clearInterval(watch)
      channel.close()
      removeEventListener('message', listen)
      resolve(result)
    }
    const listen = ({ origin, data }: MessageEvent) => {
      if (origin !== location.origin || data?.type !== 'passport-dialects' || data.provider !== provider) return
      finish(data.code ? { ok: data.ok, code: data.code } : { ok: data.ok })
    }
    const watch = setInterval(() => {
      if (!document.hasFocus()) left = true
      // A popup that Cross-Origin-Opener-Policy has cut off looks closed while the user still types into it. Believe it
      // when the user is back on this page; where the browser never tells, after ten seconds.
      closedFor = popup.closed && document.hasFocus() ? closedFor + 1 : 0
      if (closedFor > (left ? 4 : 40)) finish({ ok: false })
    }, 250)
    channel.onmessage = listen
    addEventListener('message', listen)
  })
}
