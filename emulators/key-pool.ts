import { generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface KeyPair {
  privateKey: KeyObject
  publicKey: KeyObject
}

/** A pool, because creating a pair can take a second on a busy machine: the ninth request gets the first pair again. */
const POOL: KeyPair[] = []
const POOL_SIZE = 8
let taken = 0

/** An RSA pair of 2048 bits. */
export function nextRsaPair(): KeyPair {
  const at = taken++ % POOL_SIZE
  const pair = POOL[at] ?? generateKeyPairSync('rsa', { modulusLength: 2048 })
  POOL[at] = pair
  return pair
}

let unpublished: KeyPair | undefined

/** An RSA pair of 2048 bits that no emulator publishes: one is enough for all forgeries of a process. */
export function unpublishedRsaPair(): KeyPair {
  unpublished ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
  return unpublished
}
