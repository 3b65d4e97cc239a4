import { rsaPair } from './rsa-keys'

// The emulators share one pool of keys in the whole run, and so do the forgers of their tokens.
jest.mock('../../emulators/key-pool', () => {
  let taken = 0
  return {
    nextRsaPair: () => rsaPair('pool', taken++),
    unpublishedRsaPair: () => rsaPair('attacker'),
  }
})
