import { randomBytes } from 'node:crypto'
import type { Settings } from './settings'
import type { EmulatorUser } from './types'

/** What a provider remembers of a login, from the consent to the last token. All its codes and tokens share one object. */
export interface Grant {
  readonly user: EmulatorUser
  readonly scope: readonly string[]
  /** Absent if no request named one, as for an unsolicited code. */
  readonly redirectURI?: string
  readonly clientID?: string
  /** The state, if the token request must repeat it. */
  readonly state?: string
  readonly challenge?: string | undefined
  readonly offline?: boolean
  readonly nonce?: string | undefined
  /** The chosen project, company, workspace or shop. */
  readonly place?: string | undefined
  /** VK: the callback's `device_id`, which every later request must repeat. */
  readonly device?: string
  /** Whether the login has ended: then all its tokens are dead. */
  revoked?: boolean
}

/** The codes and tokens of one emulator, with their lifetimes. Codes work once. */
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

  /** The grant of a code. Does not use the code up. */
  lookUpCode(code: string): { grant: Grant; state: 'fresh' | 'used' | 'expired' } | undefined {
    const known = this.codes.get(code)
    if (!known) return undefined
    return { grant: known.grant, state: known.used ? 'used' : isOver(known) ? 'expired' : 'fresh' }
  }

  /** Uses a code up. */
  useCode(code: string): void {
    const known = this.codes.get(code)
    if (known) known.used = true
  }

  /** A new access token. */
  issueAccess(grant: Grant, token = secret(32)): string {
    return this.access.put(token, grant, this.accessSeconds, {})
  }

  /** The grant of a valid access token. */
  accessGrant(token: string | undefined): Grant | undefined {
    return this.access.live(token)
  }

  /** Lets an access token live `seconds` more at most. */
  shortenAccess(token: string, seconds: number): void {
    this.access.shorten(token, seconds)
  }

  /** Whether an access token was valid once and has expired. */
  isExpiredAccess(token: string): boolean {
    return this.access.isExpired(token)
  }

  /** Whether a refresh token was valid once and has expired. */
  isExpiredRefresh(token: string): boolean {
    return this.refresh.isExpired(token)
  }

  /** A new refresh token. `seconds` is its lifetime, for example the rest of an old one's. */
  issueRefresh(grant: Grant, token = secret(32), seconds = this.refreshSeconds): string {
    return this.refresh.put(token, grant, seconds, {})
  }

  /** The grant of a valid refresh token. */
  refreshGrant(token: string | undefined): Grant | undefined {
    return this.refresh.live(token)
  }

  /** How many seconds remain until a refresh token expires. */
  refreshSecondsLeft(token: string): number {
    return Math.max(0, ((this.refresh.get(token)?.endsAt ?? 0) - Date.now()) / 1000)
  }

  /** Ends a refresh token at once, when it is rotated. */
  dropRefresh(token: string): void {
    this.refresh.drop(token)
  }

  /** Expires every access token now. */
  expireAccess(): void {
    this.access.expire()
  }

  /** Expires every refresh token now. */
  expireRefresh(): void {
    this.refresh.expire()
  }
}

interface Issued {
  grant: Grant
  /** Milliseconds since the epoch. */
  endsAt: number
}

/** How many codes or tokens are remembered, expired ones too, so that a long run does not fill the memory. */
const ROOM = 20_000

class Shelf<Extra extends object = object> {
  private readonly items = new Map<string, Issued & Extra>()

  put(name: string, grant: Grant, seconds: number, extra: Extra): string {
    this.items.delete(name) // a name that is issued again is the newest
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

  /** One that was revoked before its end has not expired. */
  isExpired(name: string): boolean {
    const known = this.items.get(name)
    return known !== undefined && isOver(known) && !known.grant.revoked
  }

  shorten(name: string, seconds: number): void {
    const known = this.items.get(name)
    if (known) known.endsAt = Math.min(known.endsAt, Date.now() + seconds * 1000)
  }

  drop(name: string): void {
    this.items.delete(name)
  }

  /** Ends everything now, and keeps what it was: a provider can tell an expired token from an unknown one. */
  expire(): void {
    for (const known of this.items.values()) known.endsAt = 0
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
