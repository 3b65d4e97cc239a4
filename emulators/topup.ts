import { escapeHtml, noSuchUser, page } from './page'
import { type Call, formOf, type Reply, type Route } from './server'
import type { EmulatorUser } from './types'

const PATH = '/topup'
/** The documentation's example shows 1000000 less 250000 as "750.00". */
const UNIT = 1000
const PAYMENT = 100 * UNIT

/** AIHubMix's top-up page, where a click counts as a payment; the user endpoint returns the new balance. */
export class TopupDesk {
  private readonly quotas = new Map<string, number>()

  readonly routes: Route[] = [
    { method: 'GET', path: PATH, endpoint: 'request', handle: (call) => this.show(call) },
    { method: 'POST', path: PATH, endpoint: 'request', handle: (call) => this.pay(call) },
  ]

  constructor(private readonly users: readonly EmulatorUser[]) {}

  addressOf({ id }: EmulatorUser): string {
    return `${PATH}?user=${encodeURIComponent(id)}`
  }

  balanceOf({ id }: EmulatorUser): { quota: number; used_quota: number; balance_formatted: string } {
    const [quota, used_quota] = [this.quotas.get(id) ?? 1_000_000, 250_000]
    return { quota, used_quota, balance_formatted: format(quota - used_quota) }
  }

  private show(call: Call): Reply {
    const user = this.userOf(call)
    if (!user) return noSuchUser(404, 'AIHubMix', this.users)
    const { balance_formatted } = this.balanceOf(user)
    return page('AIHubMix', (texts) => ({
      heading: texts.topupTitle('AIHubMix'),
      body: `<p class="soft">${escapeHtml(user.name)} <small>${escapeHtml(user.id)}</small></p>
<p class="soft">${texts.balance}</p>
<p class="amount">${balance_formatted}</p>
<form method="post">
<button name="pay" value="${PAYMENT}" class="plain">${escapeHtml(texts.pay(format(PAYMENT)))}</button>
</form>`,
    }))
  }

  private pay(call: Call): Reply {
    const user = this.userOf(call)
    if (!user || formOf(call).get('pay') !== String(PAYMENT)) return this.show(call)
    this.quotas.set(user.id, this.balanceOf(user).quota + PAYMENT)
    return { status: 303, location: this.addressOf(user) } // so that a reload pays nothing
  }

  private userOf({ query }: Call): EmulatorUser | undefined {
    return this.users.find(({ id }) => id === query.get('user'))
  }
}

function format(quota: number): string {
  return (quota / UNIT).toFixed(2)
}
