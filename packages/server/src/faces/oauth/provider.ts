import type { IncomingMessage, ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import { Provider } from 'oidc-provider'
import { isMember } from '../../domain/access/permissions.ts'
import { createScopesOfToken } from '../../domain/access/scopes-of-token.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { KEYS_CHECK_MS, PUBLISHED_SECONDS } from '../../domain/tenants/signing-keys.ts'
import { decideTokens } from '../../domain/tokens/decide-tokens.ts'
import { findApplicationByClientId } from '../../ground/store/applications.ts'
import { isApplicationTokenLive } from '../../ground/store/oidc-artifacts.ts'
import { createUserFinder } from './accounts.ts'
import { createArtifactAdapter, modelAt } from './adapter.ts'
import { createClientInformer, type InformClients } from './back-channel.ts'
import { answerWhatIsLeft, logFailures, reportUnavailable } from './failures.ts'
import { grants } from './grants/grants.ts'
import type { GrantPorts } from './grants/token-grant.ts'
import { createInteractions, type Interactions } from './interactions.ts'
import { nameUsersAtIntrospection } from './introspection.ts'
import { createHintReader, createVerifier, type IssuerKeys, openSigningKeys, readKeysMark } from './keys.ts'
import { limitSignIns } from './limit-sign-ins.ts'
import { answerLogout } from './logout.ts'
import { noteEvents } from './note-events.ts'
import type { OAuthPorts } from './oauth-ports.ts'
import { acceptPostedRequests } from './post-authorize.ts'
import { configurationOf, JWKS } from './provider-configuration.ts'
import { fillInDeviceCode } from './provider-pages.ts'
import { type AccessTokenClaims, readAccessToken } from './read-access-token.ts'
import { REVOKED } from './seam/access-tokens.ts'
import { createSeam } from './seam/seam.ts'

/** The authorization server of one issuer. */
export interface IssuerServer {
  issuer: Issuer
  keys: IssuerKeys
  interactions: Interactions
  /** Answers a request. Its `url` must start after the issuer's path. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The claims of a valid, unrevoked access token of this issuer, opaque ones included. */
  readAccessToken(token: string): Promise<AccessTokenClaims | undefined>
}

const MAX_ISSUERS = 500
/** After this time the keys of another process are loaded. */
const ISSUER_LIFETIME_MS = 600_000

/**
 * WSO2's products publish the discovery documents below the issuer, as OpenID Connect Discovery 1.0 requires, and here.
 * oidc-provider answers the path that the second part matches.
 */
const DISCOVERY_ALIAS =
  /^\/oauth2\/(?:token|oidcdiscovery)(\/\.well-known\/(?:openid-configuration|oauth-authorization-server))$/

/**
 * Creates the authorization servers of issuers, each on its first use. At most 500 are kept. Creating one takes less than a
 * millisecond if its keys exist.
 *
 * @returns A function from issuer to its server.
 */
export function createIssuerServers(ports: OAuthPorts): (issuer: Issuer) => Promise<IssuerServer> {
  const servers = new LRUCache<string, Remembered>({ max: MAX_ISSUERS, ttl: ISSUER_LIFETIME_MS })
  const informClients = createClientInformer(ports.log)
  return async issuer => {
    const known = servers.get(issuer.url)
    if (known && (await isCurrent(known, issuer, ports))) return known.server
    const made: Remembered = { server: createIssuerServer(issuer, ports, informClients), checkedAt: ports.now() }
    servers.set(issuer.url, made)
    // Do not cache the failure of a database that was unreachable for a moment.
    made.server.catch(() => servers.get(issuer.url) === made && servers.delete(issuer.url))
    return made.server
  }
}

interface Remembered {
  server: Promise<IssuerServer>
  /** Epoch milliseconds at which its keys were the current ones. */
  checkedAt: number
}

/**
 * Whether a server still has the current keys. Every process looks each few seconds, so a new key is published and a withdrawn
 * one is refused everywhere soon.
 */
async function isCurrent(known: Remembered, { tenant }: Issuer, { db, log, now }: OAuthPorts): Promise<boolean> {
  const { keys } = await known.server
  if (now() >= (keys.changesAt ?? Number.POSITIVE_INFINITY)) return false
  if (now() - known.checkedAt < KEYS_CHECK_MS) return true
  // The requests that arrive meanwhile do not look as well.
  known.checkedAt = now()
  try {
    return (await readKeysMark(db, tenant.id)) === keys.mark
  } catch (error) {
    log.warn({ err: error, tenant: tenant.domain }, 'cannot check the signing keys; the known ones are used')
    return true
  }
}

async function createIssuerServer(
  issuer: Issuer,
  ports: OAuthPorts,
  informClients: InformClients,
): Promise<IssuerServer> {
  const { clientRequestOf, db } = ports
  const issuerKeys = await openSigningKeys(db, issuer.tenant.id, ports.tokenAlgorithm)
  const { keys } = issuerKeys
  const verify = createVerifier(keys, issuer.url)
  const findUser = createUserFinder(db, issuer)
  const scopesOfToken = createScopesOfToken(db)
  const nowSeconds = () => Math.floor(ports.now() / 1000)
  const seam = createSeam({
    issuer,
    decide: plan => decideTokens(plan, ports),
    findUser,
    scopesOfToken,
    mayEnter: (user, organization) => isMember(db, user, organization),
    clientRequestOf,
    adapterOf: model => createArtifactAdapter(db, issuer, model, ports.refreshGraceSeconds),
    verify: jwt => verify(jwt, 'at+jwt'),
    isApplicationTokenLive: ({ clientId, generation, jti: id }) =>
      isApplicationTokenLive(db, issuer.tenant.id, {
        clientId,
        generation,
        revocation: { model: modelAt(issuer, REVOKED), id },
      }),
    nowSeconds,
    maxRefreshLifetimeSeconds: ports.maxRefreshLifetimeSeconds,
    limits: ports.limits,
  })

  const provider = new Provider(issuer.url, configurationOf({ db, issuer, keys, findUser, scopesOfToken, seam }, ports))
  // Host and protocol come from the configured public URL. The HTTP server sets both headers.
  provider.proxy = true
  answerWhatIsLeft(provider)
  allowCaching(provider)
  limitSignIns(provider, ports)
  acceptPostedRequests(provider, issuer, nowSeconds)
  fillInDeviceCode(provider)
  answerLogout(provider, { db, issuer, readHint: createHintReader(keys, issuer.url), informClients })
  nameUsersAtIntrospection(provider, findUser)
  seam.install(provider)
  registerGrants(provider, {
    db,
    issuer,
    checkPassword: ports.checkPassword,
    seam,
    nowSeconds,
    findUser,
    readAccessToken: token => readAccessToken(provider, token),
    findApplication: clientId => findApplicationByClientId(db, issuer.tenant.id, clientId),
  })
  noteEvents(provider)
  reportUnavailable(provider)
  logFailures(provider, ports.log, issuer.tenant.domain)

  return {
    issuer,
    keys: issuerKeys,
    interactions: createInteractions(provider),
    handle: createHandler(provider, issuer),
    readAccessToken: token => readAccessToken(provider, token),
  }
}

/** Lets verifiers cache the documents. New keys are published for longer than this before they sign. */
function allowCaching(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next()
    const isPublished = ctx.path === JWKS || ctx.path.startsWith('/.well-known/')
    if (isPublished && ctx.status === 200) ctx.set('cache-control', `public, max-age=${PUBLISHED_SECONDS}`)
  })
}

function registerGrants(provider: Provider, ports: GrantPorts): void {
  for (const { grantType, parameters, handle } of grants) {
    provider.registerGrantType(grantType, ctx => handle(ctx, ports), [...parameters, 'scope'])
  }
}

function createHandler(provider: Provider, { path: issuerPath }: Issuer): IssuerServer['handle'] {
  const answer = provider.callback()
  return async (request, response) => {
    const url = request.url ?? '/'
    request.url = DISCOVERY_ALIAS.exec(url.split('?', 1)[0] ?? '')?.[1] ?? url
    Object.assign(request, { originalUrl: issuerPath + request.url })
    await answer(request, response)
  }
}
