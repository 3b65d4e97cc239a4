import type { Kind } from './known'

// Of the whole process: a test may load this file twice.
const SHOWN = Symbol.for('shows secrets')
const purposes: Kind[] = []

/** The body of this answer is there to show secrets to its test; its head is not. */
export function showsSecrets(res: object, why: string): void {
  Reflect.set(res, SHOWN, why)
}

export function isShown(res: object): boolean {
  return Reflect.has(res, SHOWN)
}

/** This test lets a secret of this kind out to see it found. It fails where none came out. */
export function leaksOnPurpose(kind: Kind, _why: string): void {
  purposes.push(kind)
}

/** What the test that is over was to let out. */
export function takePurposes(): Kind[] {
  return purposes.splice(0)
}
