// What an installed package must be able to do, in either format: every provider logs in, over loopback.
const PROVIDERS = ['tailchat', 'tapd', 'bbscloud', 'tiktok', 'aihubmix', 'feishu']

/** @throws where a login does not end with its user */
module.exports = async function journey({ express, session, dialects, emulators }) {
  const running = await Promise.all(PROVIDERS.map((name) => emulators.startEmulator(name)))
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
      if (user?.provider !== emulator.name || user.id !== id)
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
  const begun = await get(`${origin}/auth/${emulator.name}`)
  await get(await emulator.approve(begun.headers.get('location')))
  return (await get(`${origin}/me`)).json()
}
