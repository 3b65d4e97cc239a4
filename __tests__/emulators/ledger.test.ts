import { bearerOf, createEmulator, type Emulator, type Grant, Ledger } from 'passport-dialects/emulators'
import { ask, bearer } from './conversation'
import { resourceAt } from './logins'

/** As many codes or tokens as a ledger remembers. */
const ROOM = 20_000

const GRANT: Grant = { user: { id: '1', name: 'Ada' }, scope: [] }

let ledger: Ledger
let emulator: Emulator
beforeEach(async () => {
  emulator = await createEmulator({
    name: 'own',
    users: [GRANT.user],
    provider: (_origin, settings) => {
      ledger = new Ledger(settings, { code: 60, access: 60, refresh: 60 })
      const stateOf = (token: string) => (ledger.isExpiredRefresh(token) ? 'expired' : 'unknown')
      return {
        ledgers: [ledger],
        holder: (call) => {
          const token = bearerOf(call) ?? ''
          const error = ledger.isExpiredAccess(token) ? 'expired' : 'unknown'
          return ledger.accessGrant(token) ?? { status: 401, json: { error } }
        },
        routes: [
          {
            method: 'GET',
            path: '/refresh',
            endpoint: 'refresh',
            handle: (call) => ({ json: { state: stateOf(bearerOf(call) ?? '') } }),
          },
        ],
        refuse: () => ({}),
      }
    },
  })
})
afterEach(() => emulator.close())

const said = async (token: string) => (await resourceAt(emulator, token)).json
const EXPIRED = { error: 'expired' }
const UNKNOWN = { error: 'unknown' }

test('expireTokens leaves tokens of which an emulator can say that they expired', async () => {
  const [token, other] = [ledger.issueAccess(GRANT), ledger.issueAccess(GRANT)]
  expect(await said(token)).toMatchObject({ user: '1' })
  emulator.expireTokens()
  expect([await said(token), await said(other), await said('x')]).toEqual([EXPIRED, EXPIRED, UNKNOWN])
  const renewed = ledger.issueAccess(GRANT)
  expect([await said(token), await said(renewed)]).toEqual([EXPIRED, expect.objectContaining({ user: '1' })])
})

test('revokeGrants does the same to refresh tokens, and leaves access tokens', async () => {
  const [access, refresh] = [ledger.issueAccess(GRANT), ledger.issueRefresh(GRANT)]
  const state = async (token: string) => (await ask(`${emulator.origin}/refresh`, { headers: bearer(token) })).json
  emulator.revokeGrants()
  expect([await state(refresh), await state('x')]).toEqual([{ state: 'expired' }, { state: 'unknown' }])
  expect(ledger.refreshGrant(refresh)).toBeUndefined()
  expect(ledger.refreshSecondsLeft(refresh)).toBe(0)
  expect(await said(access)).toMatchObject({ user: '1' })
})

test('a token of a login that was revoked has not expired', async () => {
  const grant: Grant = { ...GRANT }
  const token = ledger.issueAccess(grant)
  grant.revoked = true
  emulator.expireTokens()
  expect(await said(token)).toEqual(UNKNOWN)
})

test('a token may be issued again after it expired', async () => {
  const token = ledger.issueAccess(GRANT)
  emulator.expireTokens()
  expect(await said(ledger.issueAccess(GRANT, token))).toMatchObject({ user: '1' })
})

test('the oldest expired tokens are forgotten, before any that is in use', async () => {
  const [first, again] = [ledger.issueAccess(GRANT, 'first'), ledger.issueAccess(GRANT, 'again')]
  emulator.expireTokens()
  ledger.issueAccess(GRANT, again)
  for (let nth = 0; nth < ROOM - 2; nth++) ledger.issueAccess(GRANT, String(nth))
  expect(await said(first)).toEqual(EXPIRED)
  emulator.expireTokens()
  ledger.issueAccess(GRANT, again)
  expect(await said(first)).toEqual(EXPIRED) // one that is issued again takes no more room
  for (const token of ['a', 'b']) ledger.issueAccess(GRANT, token)
  expect([await said(first), await said('0'), await said('1')]).toEqual([UNKNOWN, UNKNOWN, EXPIRED])
  expect(await said(again)).toMatchObject({ user: '1' })
})
