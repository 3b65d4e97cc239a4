import { createHash } from 'node:crypto'
import { consentRoutes, createEmulator, type Emulator, startEmulator } from 'passport-dialects/emulators'
import { type Answer, ask } from './conversation'
import { authorizationAt } from './logins'

function styleIn({ text }: Answer): string {
  return /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? ''
}

function allowed({ headers }: Answer): string {
  return /'sha256-([^']+)'/.exec(headers.get('content-security-policy') ?? '')?.[1] ?? ''
}

/** An emulator of one's own, whose page has this colour. */
function inColour(accent: string): Promise<Emulator> {
  return createEmulator({
    name: 'lantern',
    users: [{ id: '1', name: '李四' }],
    options: (origin, { clientID }) => ({ clientID, authorizationURL: `${origin}/authorize` }),
    provider: (_origin, settings) => ({
      routes: consentRoutes('/authorize', settings, () => ({
        provider: 'Lantern',
        clientID: settings.clientID,
        scope: [],
        accent,
        agree: () => 'http://127.0.0.1:9/callback',
        deny: () => 'http://127.0.0.1:9/callback',
      })),
      refuse: () => ({}),
    }),
  })
}

test('the colour of a provider is in its page, and the policy allows that style alone', async () => {
  for (const name of ['wecom', 'tapd'] as const) {
    const emulator = await startEmulator(name)
    const shown = await ask(await authorizationAt(emulator))
    expect(allowed(shown)).toBe(createHash('sha256').update(styleIn(shown)).digest('base64'))
    expect(styleIn(shown).includes('--brand:#0068c4')).toBe(name === 'wecom')
    await emulator.close()
  }
})

test('a colour that is none never becomes style or markup', async () => {
  for (const accent of ['red', '#fff', '#0068c4;}body{display:none', '</style><script>alert(1)</script>']) {
    const emulator = await inColour(accent)
    const shown = await ask(emulator.options.authorizationURL)
    expect(shown).toMatchObject({ status: 500, text: expect.stringContaining('accent must be a colour') })
    expect(shown.headers.get('content-type') ?? 'none').not.toContain('html')
    await emulator.close()
  }
  const right = await inColour('#0068C4')
  expect((await ask(right.options.authorizationURL)).text).toContain('--brand:#0068C4')
  await right.close()
})

test('a login by scanning shows a code, to eyes alone, and says what to do instead', async () => {
  const emulator = await startEmulator('wecom', { clientID: '<b>ww1' })
  const { text } = await ask(await authorizationAt(emulator))
  expect(text).toContain('<svg aria-hidden="true"')
  expect(text).toContain('At WeCom you would scan a code with your phone. Here, say who you are.')
  expect(text).not.toContain('<b>')
  const chinese = await ask(await authorizationAt(emulator), { headers: { 'accept-language': 'zh-CN' } })
  expect(chinese.text).toContain('在真正的企业微信页面上，要用手机扫码')
  await emulator.close()
})
