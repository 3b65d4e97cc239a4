import { createPrivateKey, createPublicKey } from 'node:crypto'
import { RSA_KEYS } from './rsa-keys'

// The emulators share one pool of keys in the whole run.
jest.mock('../../emulators/key-pool', () => {
  const keys: string[] = JSON.parse(process.env[RSA_KEYS] ?? '[]')
  let taken = 0
  return {
    nextRsaPair() {
      const privateKey = createPrivateKey(keys[taken++ % keys.length] ?? '')
      return { privateKey, publicKey: createPublicKey(privateKey) }
    },
  }
})
