import type { Request } from 'express'
import {
  oauthRouter,
  type ProviderConfig,
  type Providers,
  providersFromEnv,
  TapdStrategy,
  TokenKeeper,
  type TokenStore,
} from 'passport-dialects'
import type { Emulator } from 'passport-dialects/emulators'

// Compiled, never run: slips in `providers` are errors where they stand, and what apps build at run time compiles.

const client = { clientID: 'id', clientSecret: 'secret' }
const [clientID, clientSecret] = ['id', 'secret']
const baseURL = 'https://site.example.com'

oauthRouter({
  providers: {
    tailchat: { clientID, clientSecret, baseURL, issuer: baseURL },
    tapd: { clientID, clientSecret, site: 'cloud', scope: ['user', 'story#read'], silentLogin: true },
    bbscloud: { clientID, clientSecret, baseURL },
    tiktok: { ...client, disableAutoAuth: true, timeout: 5000, callbackURL: '/cb' },
    aihubmix: { ...client, autoAuthorize: true },
    feishu: { ...client, edition: 'lark' },
    'tapd-cloud': { ...client, strategy: TapdStrategy, site: 'cloud' },
    acme: { ...client, strategy: TapdStrategy, whatever: 1 },
  },
})

// @ts-expect-error: clientID
oauthRouter({ providers: { tiktok: { clientId: 'id', clientSecret } } })
// @ts-expect-error: no secret
oauthRouter({ providers: { tiktok: { clientID } } })
// @ts-expect-error: no site
oauthRouter({ providers: { tailchat: { clientID, clientSecret } } })
// @ts-expect-error: no site
oauthRouter({ providers: { bbscloud: { clientID, clientSecret } } })
// @ts-expect-error: scope
oauthRouter({ providers: { tiktok: { clientID, clientSecret, scopes: ['user.info.basic'] } } })
// @ts-expect-error: another provider's option
oauthRouter({ providers: { feishu: { clientID, clientSecret, site: 'cloud' } } })
// @ts-expect-error: cloud
oauthRouter({ providers: { tapd: { clientID, clientSecret, site: 'clod' } } })
// @ts-expect-error: what every strategy has is known under every name
oauthRouter({ providers: { acme: { clientID, clientSecret: 7, strategy: TapdStrategy } } })
// @ts-expect-error: from a function of the request too; TypeScript lets pass there what is only too much
oauthRouter({ providers: () => ({ tiktok: { clientId: 'id', clientSecret } }) })
// @ts-expect-error: unless the function says what it returns
oauthRouter({ providers: (): Providers => ({ tiktok: { clientID, clientSecret, scopes: [] } }) })
// @ts-expect-error: and for a keeper
new TokenKeeper({ tokenStore, providers: { tiktok: { clientId: 'id', clientSecret } } })

// A strategy of one's own under a built-in name.
oauthRouter({ providers: { tapd: { clientID, clientSecret, strategy: TapdStrategy } } })
const own = { ...client, strategy: TapdStrategy, whatever: 1 }
oauthRouter({ providers: { tapd: own } })

// What apps build.
oauthRouter({ providers: providersFromEnv({}) })
oauthRouter({ providers: { ...providersFromEnv({}), tiktok: client, mine: own } })
oauthRouter({ providers: record })
oauthRouter({ providers: { ...record, tiktok: client } })
oauthRouter({ providers: () => record })
oauthRouter({ providers: async (req) => tenants.get(req.hostname) ?? {} })
oauthRouter({ providers: tenant })
oauthRouter({ providers: { [name]: client } })
oauthRouter({ providers: { tapd: { ...emulator.options }, [emulator.name]: { ...emulator.options, scope: ['user'] } } })
oauthRouter({ providers: { tailchat: { ...emulator.options }, tapd: condition ? { ...emulator.options } : undefined } })
oauthRouter({ providers: Object.fromEntries(Object.entries(providersFromEnv({})).map(([key, one]) => [key, one])) })
const filled: Providers = {}
filled[name] = { ...client, more: true }
filled.tiktok = client
const clientOfOne: string | undefined = providersFromEnv({}).tapd?.clientID
const read: ProviderConfig | undefined = filled[name]
void [read, clientOfOne]

declare const tokenStore: TokenStore
declare const record: Record<string, ProviderConfig>
declare const tenants: Map<string, Providers>
declare const name: string
declare const condition: boolean
declare const emulator: Emulator
async function tenant(req: Request): Promise<Providers> {
  return req.hostname === 'a' ? { tiktok: client } : record
}
