/** A bare provider with the seam: rows are in memory, and the test defines the decisions. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach } from 'node:test'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose'
import { type AdapterPayload, Provider } from 'oidc-provider'
import type { Limits } from '../../../domain/limits/limits.ts'
import { makeIssuer } from '../../../domain/tenants/issuer.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import type { TokenPlan } from '../../../domain/tokens/token-plan.ts'
import type { Application, Organization, User } from '../../../ground/store/model.ts'
import { APPLICATION, type ArtifactAdapter } from '../adapter.ts'
import { RESOURCE } from '../resource.ts'
import { createSeam } from './seam.ts'

const organization: Organization = { id: 'o-1', tenantId: '7', name: 'Acme', handle: 'acme', depth: 0 }
const user = { id: 'u-1', isActive: true } as User

const GRANT_TYPES = ['authorization_code', 'refresh_token', 'client_credentials']

export interface SeamStage {
  /** The address of the provider. */
  base: string
  provider: Provider
  /** The decision and every write, in order. */
  events: string[]
  plans: TokenPlan[]
  /** The decision from now on, until the end of the test. */
  decision: (plan: TokenPlan) => TokenDecision
  /** Whether the user of the stage is active. */
  isUserActive: boolean
  /** Whether requests are within their limits. */
  isWithinLimits: boolean
  /** Every row, by model and id. */
  rows: Map<string, AdapterPayload>
  /** Creates a code as the authorize endpoint would. */
  makeCode(scope?: string): Promise<string>
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
  post(path: string, form: Form, client?: string): Promise<{ status: number; headers: Headers; body: any }>
  exchange(scope?: string): ReturnType<SeamStage['post']>
  refresh(refreshToken: string, more?: Record<string, string>): ReturnType<SeamStage['post']>
}

type Form = Record<string, string> | [string, string][]

/** A decision to issue tokens with these scopes. */
export function decided(scopes: string[], more: Partial<TokenDecision> = {}): TokenDecision {
  return {
    accessToken: {
      subject: 'u-1',
      subjectKind: 'APPLICATION_USER',
      scopes,
      audiences: ['one', 'two'],
      lifetimeSeconds: 77,
      claims: [{ name: 'tier', value: 'gold' }],
      refreshToken: { lifetimeSeconds: 500, willBeIssued: true },
    },
    response: { added: [], hidden: [], scopes },
    customisation: { accessToken: { claims: [], audiences: [], lifetimeSeconds: 77 } },
    organization,
    callIds: [],
    grantedScopes: scopes,
    ...more,
  }
}

/** Stores the rows of a model in a map, and records every relevant write. */
function createRows(rows: Map<string, AdapterPayload>, note: (event: string) => void) {
  return (model: string): ArtifactAdapter => {
    const key = (id: string) => `${model} ${id}`
    const write = (what: string) => {
      if (!['Session', 'Interaction', 'Grant'].includes(model)) note(`${what} ${model}`)
    }
    const where = (test: (row: AdapterPayload) => boolean) =>
      [...rows].find(([name, row]) => name.startsWith(`${model} `) && test(row))?.[1]
    return {
      async upsert(id, payload) {
        write('save')
        rows.set(key(id), payload)
      },
      find: async id => rows.get(key(id)),
      findByUid: async uid => where(row => row.uid === uid),
      findByUserCode: async userCode => where(row => row.userCode === userCode),
      async consume(id) {
        write('consume')
        rows.set(key(id), { ...rows.get(key(id)), consumed: 1 })
      },
      async replace(consumedId, id, payload) {
        write('replace')
        rows.set(key(consumedId), { ...rows.get(key(consumedId)), consumed: 1 })
        rows.set(key(id), payload)
      },
      async destroy(id) {
        rows.delete(key(id))
      },
      async revokeByGrantId(grantId) {
        for (const [name, row] of rows) if (row.grantId === grantId) rows.delete(name)
      },
    }
  }
}

function clientOf(clientId: string, grantTypes: string[]) {
  return {
    client_id: clientId,
    client_secret: 'secret',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: [...grantTypes, 'implicit'],
    response_types: grantTypes.includes('authorization_code') ? ['code' as const, 'code id_token' as const] : [],
    id_token_signed_response_alg: 'ES256' as const,
    [APPLICATION]: {
      id: `a-${clientId}`,
      clientId,
      accessTokenType: 'JWT',
      grantTypes,
      renewsRefreshToken: true,
    } as Application,
  }
}

/** Starts a stage for the tests of a file. Its members are available from the first test on. */
export function stageSeam(): SeamStage {
  const stage: SeamStage = {
    base: '',
    provider: undefined as never,
    events: [],
    plans: [],
    decision: plan => decided(plan.grantedScopes),
    isUserActive: true,
    isWithinLimits: true,
    rows: new Map(),
    async makeCode(scope = 'openid read') {
      const grant = new stage.provider.Grant({ clientId: 'web', accountId: 'u-1' })
      grant.addOIDCScope('openid')
      grant.addResourceScope(RESOURCE, scope)
      const grantId = await grant.save()
      const id = `code-${stage.rows.size}`
      const now = Math.floor(Date.now() / 1000)
      stage.rows.set(`AuthorizationCode ${id}`, {
        kind: 'AuthorizationCode',
        jti: id,
        iat: now,
        exp: now + 60,
        clientId: 'web',
        accountId: 'u-1',
        grantId,
        redirectUri: 'http://127.0.0.1/callback',
        resource: RESOURCE,
        scope,
      })
      return id
    },
    async post(path, form, client = 'web:secret') {
      const response = await fetch(stage.base + path, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(client).toString('base64')}` },
        body: new URLSearchParams(form),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
    },
    exchange: async scope =>
      stage.post('/token', {
        grant_type: 'authorization_code',
        code: await stage.makeCode(scope),
        redirect_uri: 'http://127.0.0.1/callback',
      }),
    refresh: (refresh_token, more = {}) =>
      stage.post('/token', { grant_type: 'refresh_token', refresh_token, ...more }),
  }
  const server = createServer((request, response) => void stage.provider.callback()(request, response))
  before(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stage.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    stage.provider = await createProvider(stage)
  })
  beforeEach(() => {
    stage.events = []
    stage.plans = []
    stage.decision = plan => decided(plan.grantedScopes)
    stage.isUserActive = true
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return stage
}

/** Allows everything. The server's tests check the limits. */
const NO_LIMITS: Limits = {
  waitFor: async () => undefined,
  count: async () => undefined,
  forget: async () => {},
  flush: async () => undefined,
  isKnown: async () => false,
  know: async () => {},
}

async function createProvider(stage: SeamStage): Promise<Provider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const keys: JWK[] = [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'k-1' }]
  const issuer = makeIssuer(stage.base, { id: '7', domain: 'carbon.super', rootOrganizationId: 'o-1' }, organization)
  const adapterOf = createRows(stage.rows, event => stage.events.push(event))
  const seam = createSeam({
    issuer,
    async decide(plan) {
      stage.events.push('decide')
      stage.plans.push(plan)
      return stage.decision(plan)
    },
    findUser: async () => (stage.isUserActive ? { user, organization } : undefined),
    scopesOfToken: async ({ requested }) => [...requested],
    mayEnter: async () => true,
    clientRequestOf: () => ({ address: '', headers: [] }),
    adapterOf,
    verify: async jwt => (await jwtVerify(jwt, createLocalJWKSet({ keys }))).payload,
    isApplicationTokenLive: async () => true,
    nowSeconds: () => Math.floor(Date.now() / 1000),
    maxRefreshLifetimeSeconds: 90 * 24 * 3600,
    limits: { ...NO_LIMITS, count: async () => (stage.isWithinLimits ? undefined : 1) },
  })
  const provider = new Provider(issuer.url, {
    adapter: adapterOf,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k-1' }] as never },
    extraClientMetadata: { properties: [APPLICATION] },
    clients: [clientOf('web', GRANT_TYPES), clientOf('machine', ['client_credentials'])],
    responseTypes: ['code', 'code id_token'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['openid'],
    routes: { token: '/token', introspection: '/introspect', revocation: '/revoke', userinfo: '/userinfo' },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'openid read', audience: 'web', accessTokenFormat: 'jwt' }),
      },
    },
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    ...seam.configuration,
    ttl: {
      AccessToken: 60,
      ClientCredentials: 60,
      RefreshToken: 60,
      Grant: 60,
      AuthorizationCode: 60,
      ...seam.configuration.ttl,
    },
  })
  provider.proxy = true
  seam.install(provider)
  return provider
}
