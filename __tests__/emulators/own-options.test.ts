import { createEmulator, type EmulatorDefinition, type FaultEndpoint } from 'passport-dialects/emulators'

/** An emulator of one's own, with one route for each of these endpoints. */
function definition(endpoints: Partial<Record<FaultEndpoint, string | RegExp>>): EmulatorDefinition {
  const routes = Object.entries(endpoints).map(([endpoint, path]) => {
    return { method: 'GET', path, endpoint: endpoint as FaultEndpoint, handle: () => ({ status: 204 }) } // keys of the above
  })
  return { name: 'own', users: [{ id: '1', name: 'Ada' }], provider: () => ({ routes, refuse: () => ({}) }) }
}

const settings = { clientID: 'an id of the test', clientSecret: 'a canary client secret' }

test('an emulator gives the strategy the address of each of its routes', async () => {
  const all = { authorize: '/a', code: '/c', token: '/t', refresh: '/r', profile: '/p', revoke: '/v', keys: '/k' }
  const emulator = await createEmulator(definition({ ...all, appToken: '/app', request: '/api' }), settings)
  try {
    const { origin } = emulator
    expect(emulator.options).toEqual({
      ...settings,
      baseURL: origin,
      authorizationURL: `${origin}/a`,
      codeURL: `${origin}/c`,
      tokenURL: `${origin}/t`,
      refreshURL: `${origin}/r`,
      userProfileURL: `${origin}/p`,
      revokeURL: `${origin}/v`,
      jwksURL: `${origin}/k`,
      appTokenURL: `${origin}/app`,
    })
  } finally {
    await emulator.close()
  }
})

test('a pattern is no address, and options of its own replace them all', async () => {
  const patterns = definition({ token: /^\/t/, profile: '/p' })
  for (const [kind, expected] of [
    [patterns, (origin: string) => ({ ...settings, baseURL: origin, userProfileURL: `${origin}/p` })],
    [{ ...patterns, options: () => ({ clientID: 'mine' }) }, () => ({ clientID: 'mine' })],
  ] as const) {
    const emulator = await createEmulator(kind, settings)
    expect(emulator.options).toEqual(expected(emulator.origin))
    await emulator.close()
  }
})
