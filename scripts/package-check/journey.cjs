// What an installed package must be able to do, in either format: every provider logs in, over loopback.

/** @throws where a login does not end with its user */
module.exports = async function journey({ express, session, dialects, emulators }) {
  const running = await Promise.all(dialects.PROVIDER_NAMES.map((name) => emulators.startEmulator(name)))
  const providers = Object.fromEntries(running.map(({ name, options }) => [name, { ...options }]))
  const app = express()
  app.use(session({ secret: 'a secret of this check', resave: false, saveUninitialized: false }))
  app.use(dialects.oauthRouter({ providers }))
  app.get('/me', (req, res) => res.json(req.user ?? null))
  const server = app.listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => server.once('listening', resolve))
    const origin = `http://127.0.0.1:${server.address().port}`
    for (const emulator of running) {
      const user = await login(origin, emulator)
      const { id } = emulator.users[0]
      // Slack's ids have their workspace before them.
      if (user?.provider !== emulator.name || !user.id.endsWith(id))
        throw new Error(`${emulator.name}: ${JSON.stringify(user)}`)
    }
  } finally {
    server.close()
    server.closeAllConnections()
    await Promise.all(running.map((emulator) => emulator.close()))
  }
  console.log('logged in')
}

async function login(origin, emulator) {
  let cookie = ''
  const get = async (address) => {
    const answer = await fetch(address, { redirect: 'manual', headers: { cookie } })
    const [set] = answer.headers.getSetCookie()
    if (set) cookie = set.split(';')[0]
    return answer
  }
  /** The provider's form, and the one that the app's page posts after it, with the browser's cookie. */
  const post = async ({ url, fields }) => {
    const page = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
    const inputs = (await page.text()).matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
    const plain = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    const again = new URLSearchParams([...inputs].map(([, name, value]) => [plain(name), plain(value)]))
    const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers: { cookie }, body: again })
    const [set] = answer.headers.getSetCookie()
    if (set) cookie = set.split(';')[0]
  }
  const begun = await get(`${origin}/auth/${emulator.name}`)
  const asked = begun.headers.get('location')
  if (new URL(asked).searchParams.get('response_mode') === 'form_post') await post(await emulator.approveForm(asked))
  else await get(await emulator.approve(asked))
  return (await get(`${origin}/me`)).json()
}
