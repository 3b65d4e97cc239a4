import { randomBytes } from 'node:crypto'
import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import { Pool } from 'pg'
import { loginSuite, type SessionPlace, USUAL } from '../support/login-suite'
import { describeWith, SERVICES } from '../support/services'

describeWith('PostgreSQL', 'connect-pg-simple', () => {
  describe.each(USUAL)('sessions in PostgreSQL', (setting) => loginSuite(setting, openPostgres))
})

/** A store in a table of its own, which is dropped afterwards. */
async function openPostgres(): Promise<SessionPlace> {
  const pool = new Pool({ connectionString: SERVICES.PostgreSQL.url, max: 4 })
  const table = `sessions_${randomBytes(6).toString('hex')}`
  // The store's own creation names its index alike for every table of a schema.
  await pool.query(`create table ${table} (sid varchar primary key, sess json not null, expire timestamp(6) not null)`)
  const Store = connectPgSimple(session)
  const store = new Store({ pool, tableName: table, pruneSessionInterval: false })
  return {
    hasID: true,
    middleware: session({ secret: 'a test session secret', resave: false, saveUninitialized: false, store }),
    close: async () => {
      const { rows } = await pool.query(`select count(*)::int as kept from ${table}`)
      await pool.query(`drop table ${table}`)
      store.close()
      await pool.end()
      // A store that kept its sessions somewhere else would have tested nothing.
      expect(rows[0].kept).toBeGreaterThan(0)
    },
  }
}
