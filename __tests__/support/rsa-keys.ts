import { generateKeyPairSync } from 'node:crypto'

/** The variable in which the workers find the keys of this run. */
export const RSA_KEYS = 'RSA_KEYS_OF_THIS_RUN'

/**
 * RSA keys for the emulators of a whole run, passed to jest's workers in their environment: a pair takes a tenth of a
 * second of CPU, and otherwise each test file would make its own.
 */
export function makeRsaKeys(count: number): string {
  const keys = Array.from({ length: count }, () => {
    return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  })
  return JSON.stringify(keys)
}
