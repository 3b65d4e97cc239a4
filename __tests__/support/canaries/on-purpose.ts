import type { Kind } from './known'

// For the whole process: a test may load this file twice.
const SHOWN = Symbol.for('shows secrets')
const purposes: Kind[] = []

/** The body of this response shows secrets to its test; its headers must not. */
export function showsSecrets(res: object, why: string): void {
  Reflect.set(res, SHOWN, why)
}

export function isShown(res: object): boolean {
  return Reflect.has(res, SHOWN)
}

/** This test leaks a secret of this kind to see it found. It fails if none comes out. */
export function leaksOnPurpose(kind: Kind, _why: string): void {
  purposes.push(kind)
}

/** The kinds that the finished test was meant to leak. */
export function takePurposes(): Kind[] {
  return purposes.splice(0)
}
