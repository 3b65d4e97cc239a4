import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** The variable in which the workers find the keys of this run. */
const RSA_KEYS = 'RSA_KEYS_OF_THIS_RUN'

/** Whose keys they are: the emulators' pool, an attacker's that no emulator publishes, and two for a test's own use. */
const OWNERS = ['pool', 'pool', 'pool', 'pool', 'attacker', 'test', 'test'] as const

/**
 * RSA keys for a whole run, passed to jest's workers in their environment: a pair takes a tenth of a second of CPU, and
 * otherwise each test file would make its own.
 */
export function makeRsaKeys(): void {
  const keys = OWNERS.map(() => {
    return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  })
  process.env[RSA_KEYS] = JSON.stringify(keys)
}

/** The nth pair of an owner's; after the last one comes the first again. */
export function rsaPair(owner: (typeof OWNERS)[number], nth = 0): { publicKey: KeyObject; privateKey: KeyObject } {
  const keys: string[] = JSON.parse(process.env[RSA_KEYS] ?? '[]')
  const own = keys.filter((_key, at) => OWNERS[at] === owner)
  const privateKey = createPrivateKey(own[nth % own.length] ?? '')
  return { privateKey, publicKey: createPublicKey(privateKey) }
}
