import type { StrategyClass } from 'passport-dialects'
import { ID_TOKEN_FORGERIES } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit } from 'passport-dialects/testing'
import { isForgeryOfEachKind } from '../support/kinds'
import { IS_WHOLE, usually } from '../support/whole'
import * as signed from './signed'

// The kit at providers that sign id_tokens, and at one that posts its callback: what is right passes whole, and what is
// wrong on purpose is found.

describe.each(Object.entries(signed.SIGNED))('%s', (provider, kit) => {
  const checks = collectDialectChecks(kit as unknown as DialectKit) // as the kit takes any class
  const own = checks.filter(
    ({ group, name }) =>
      /login|state|id_token/.test(group) || /says no| new access/.test(name) || (IS_WHOLE && name.includes(' at keys')), // as Apple's own strategy meets them in providers-*.test.ts
  )
  // All forgeries at one: the kit makes the same of them at each.
  const isUsual = ({ group, name }: (typeof own)[number]) =>
    group !== 'id_token' || provider === 'slack' || isForgeryOfEachKind(name)
  test.each(usually(own, isUsual))('$group: $name', ({ run }) => run())
})

test.each<[string, unknown, keyof typeof signed.SIGNED, Partial<DialectKit>, RegExp, RegExp]>([
  [
    'a client that only decodes',
    signed.OnlyDecodes,
    'slack',
    { idToken: { nonce: false }, endpoints: ['token'] },
    /^other-key/,
    /somebody is logged in all the same/,
  ],
  [
    'an expected nonce that is not sent',
    signed.WithoutNonce,
    'slack',
    {},
    /^other-nonce/,
    /carries no `nonce`: say `nonce: true`/,
  ],
  ['an issuer too many', signed.OfAnyIssuer, 'slack', {}, /^other-iss/, /somebody is logged in all the same/],
  [
    'a login without the id_token that must come',
    signed.DoesWithout,
    'slack',
    {},
    /^no-id-token/,
    /somebody is logged in all the same/,
  ],
  [
    'one that must not come',
    signed.Slackish,
    'slack',
    { idToken: { required: false } },
    /^no-id-token/,
    /no id_token comes, the login fails/,
  ],
  [
    'a callback by POST that is not taken',
    signed.TakesNoPost,
    'apple',
    {},
    /two tabs.* under oauthRouter/,
    /answers 405: say `callback: 'form_post'`/,
  ],
  [
    'a callback by POST that the kit is not told of',
    signed.Posting,
    'apple',
    { callback: undefined },
    /two tabs.* under oauthRouter/,
    /tell the kit `callback: 'form_post'`/,
  ],
])('%s is found', async (_title, strategy, provider, more, check, says) => {
  const kit = { ...signed.SIGNED[provider], ...more, strategy: strategy as StrategyClass } as unknown as DialectKit // wrong on purpose
  const [found, ...others] = collectDialectChecks(kit).filter(({ name }) => check.test(name))
  expect(others).toEqual([])
  await expect(found?.run()).rejects.toThrow(says)
})

describe('an id_token that nobody looks at', () => {
  const kit: DialectKit = { ...signed.SIGNED.slack, strategy: signed.LooksAtNone }
  const checks = collectDialectChecks(kit).filter(({ group }) => group === 'id_token')

  test('is tried in every way that the emulators know, but as the right token of somebody else', () => {
    const names = checks.map(({ name }) => name.split(' ')[0])
    expect([...names, 'other-sub'].sort()).toEqual([...ID_TOKEN_FORGERIES].sort())
  })

  test.each(checks)('$name: is found', async ({ run }) => {
    await expect(run()).rejects.toThrow(/somebody is logged in all the same/)
  })
})
