import { randomBytes } from 'node:crypto'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** What a provider remembers of a login, from the consent to the last token. One object for all of them. */
export interface Grant {
  readonly user: EmulatorUser
  readonly scope: readonly string[]
  /** Absent where no request named one: the code of an entry that no one asked for. */
  readonly redirectURI?: string
  readonly clientID?: string
  /** Where the token request must repeat it. */
  readonly state?: string
  readonly challenge?: string | undefined
  readonly offline?: boolean
  readonly nonce?: string | undefined
  /** The project, company, workspace or shop that was chosen. */
  readonly place?: string | undefined
  /** VK: the id of the device that the callback brought, which every later request must repeat. */
  readonly device?: string
  /** The login is over: every token of it is dead. */
  revoked?: boolean
}

/** Codes and tokens of one emulator, each for its time, codes for one use. */
export class Ledger {
  readonly accessSeconds: number
  readonly refreshSeconds: number
  private readonly codeSeconds: number
  private readonly codes = new Shelf<{ used: boolean }>()
  private readonly access = new Shelf()
  private readonly refresh = new Shelf()

  /** @param defaults the provider's own lifetimes, in seconds */
  constructor(settings: Settings, defaults: { code: number; access: number; refresh?: number }) {
    this.codeSeconds = settings.codeLifetime ?? defaults.code
    this.accessSeconds = settings.accessTokenLifetime ?? defaults.access
    this.refreshSeconds = settings.refreshTokenLifetime ?? defaults.refresh ?? 0
  }

  /** A new code for what the user agreed to. */
  issueCode(grant: Grant, code = secret(32)): string {
    return this.codes.put(code, grant, this.codeSeconds, { used: false })
  }

  /** The grant of a code, without using it up. */
  lookUpCode(code: string): { grant: Grant; state: 'fresh' | 'used' | 'expired' } | undefined {
    const known = this.codes.get(code)
    if (!known) return undefined
    return { grant: known.grant, state: known.used ? 'used' : isOver(known) ? 'expired' : 'fresh' }
  }

  /** A code is good once. */
  useCode(code: string): void {
    const known = this.codes.get(code)
    if (known) known.used = true
  }

  /** A new access token. */
  issueAccess(grant: Grant, token = secret(32)): string {
    return this.access.put(token, grant, this.accessSeconds, {})
  }

  /** The grant of a live access token. */
  accessGrant(token: string | undefined): Grant | undefined {
    return this.access.live(token)
  }

  /** Whether an access token was good once and has lived its time. */
  isExpiredAccess(token: string): boolean {
    const known = this.access.get(token)
    return known !== undefined && isOver(known)
  }

  /** Whether a refresh token was good once and has lived its time. */
  isExpiredRefresh(token: string): boolean {
    const known = this.refresh.get(token)
    return known !== undefined && isOver(known)
  }

  /** A new refresh token; with `seconds`, one that ends when another would have. */
  issueRefresh(grant: Grant, token = secret(32), seconds = this.refreshSeconds): string {
    return this.refresh.put(token, grant, seconds, {})
  }

  /** The grant of a live refresh token. */
  refreshGrant(token: string | undefined): Grant | undefined {
    return this.refresh.live(token)
  }

  /** How long a refresh token has to live. */
  refreshSecondsLeft(token: string): number {
    return Math.max(0, ((this.refresh.get(token)?.endsAt ?? 0) - Date.now()) / 1000)
  }

  /** A rotated refresh token dies at once. */
  dropRefresh(token: string): void {
    this.refresh.drop(token)
  }

  /** Every access token dies now. */
  expireAccess(): void {
    this.access.empty()
  }

  /** Every refresh token dies now. */
  expireRefresh(): void {
    this.refresh.empty()
  }
}

interface Issued {
  grant: Grant
  /** Milliseconds since the epoch. */
  endsAt: number
}

/** How many codes or tokens are remembered: a long run must not fill the memory. */
const ROOM = 20_000

class Shelf<Extra extends object = object> {
  private readonly items = new Map<string, Issued & Extra>()

  put(name: string, grant: Grant, seconds: number, extra: Extra): string {
    const [oldest] = this.items.keys()
    if (this.items.size >= ROOM && oldest !== undefined) this.items.delete(oldest)
    this.items.set(name, { grant, endsAt: Date.now() + seconds * 1000, ...extra })
    return name
  }

  get(name: string): (Issued & Extra) | undefined {
    return this.items.get(name)
  }

  live(name: string | undefined): Grant | undefined {
    const known = name === undefined ? undefined : this.items.get(name)
    return known && !isOver(known) && !known.grant.revoked ? known.grant : undefined
  }

  drop(name: string): void {
    this.items.delete(name)
  }

  empty(): void {
    this.items.clear()
  }
}

function isOver({ endsAt }: Issued): boolean {
  return Date.now() >= endsAt
}

/** Random text of `bytes` bytes, base64url. */
export function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}
