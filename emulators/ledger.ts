import { randomBytes } from 'node:crypto'
import type { EmulatorUser } from './types'

/** What a provider remembers of a login from the consent to the token. */
export interface Grant {
  user: EmulatorUser
  scope: string[]
  redirectURI: string
  challenge?: string | undefined
  offline?: boolean
}

export interface Issued extends Grant {
  /** Milliseconds since the epoch. */
  endsAt: number
}

/** Codes and tokens of one emulator, each for its time, codes for one use. */
export class Ledger {
  private readonly codes = new Map<string, Issued & { usedFor?: string }>()
  private readonly access = new Map<string, Issued>()
  private readonly refresh = new Map<string, Grant>()

  constructor(
    private readonly codeSeconds: number,
    readonly accessSeconds: number,
  ) {}

  issueCode(grant: Grant, code = secret(32)): string {
    this.codes.set(code, { ...grant, endsAt: Date.now() + this.codeSeconds * 1000 })
    return code
  }

  /** The grant of a code, without using it up. */
  lookUpCode(code: string): (Issued & { state: 'fresh' | 'used' | 'expired' }) | undefined {
    const known = this.codes.get(code)
    if (!known) return undefined
    const expired = Date.now() >= known.endsAt
    return { ...known, state: known.usedFor !== undefined ? 'used' : expired ? 'expired' : 'fresh' }
  }

  /** The access token that a code was used for dies with the code's second use. */
  revokeTokenOf(code: string): void {
    const token = this.codes.get(code)?.usedFor
    if (token !== undefined) this.access.delete(token)
  }

  useCode(code: string, accessToken: string): void {
    const known = this.codes.get(code)
    if (known) known.usedFor = accessToken
  }

  issueAccess(grant: Grant, token = secret(32)): string {
    this.access.set(token, { ...grant, endsAt: Date.now() + this.accessSeconds * 1000 })
    return token
  }

  /** The grant of a live access token. */
  accessGrant(token: string | undefined): Grant | undefined {
    const known = token === undefined ? undefined : this.access.get(token)
    return known && Date.now() < known.endsAt ? known : undefined
  }

  revokeAccess(token: string): boolean {
    return this.access.delete(token)
  }

  issueRefresh(grant: Grant, token = secret(32)): string {
    this.refresh.set(token, grant)
    return token
  }

  refreshGrant(token: string | null): Grant | undefined {
    return token === null ? undefined : this.refresh.get(token)
  }

  /** A rotated refresh token dies at once. */
  dropRefresh(token: string): void {
    this.refresh.delete(token)
  }
}

/** Random text of `bytes` bytes, base64url. */
export function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}
