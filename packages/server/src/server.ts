import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Platform, type PlatformName, platforms } from '@preflow/contract'
import { createBreakers, createCredentialSource, createSend } from '@preflow/engine'
import { LRUCache } from 'lru-cache'
import type { Configuration } from './configuration.ts'
import { createCallKeeper } from './domain/actions/call-record.ts'
import { createTriggerAction } from './domain/actions/trigger-action.ts'
import { createPasswordCheck } from './domain/credentials/check-password.ts'
import { createTenant, publishManagementApis } from './domain/tenants/create-tenant.ts'
import { type Issuer, makeIssuer } from './domain/tenants/issuer.ts'
import { handleInvitation } from './faces/account/invitation-page.ts'
import { createUsersApi } from './faces/account/users-api.ts'
import { createManagementApi } from './faces/management/management-api.ts'
import { createIssuerServers } from './faces/oauth/provider.ts'
import { createScimApi } from './faces/scim/scim-api.ts'
import { COMMON_AUTH, handleCommonAuth } from './faces/sign-in/common-auth.ts'
import { handleSignIn } from './faces/sign-in/sign-in.ts'
import { type ClientRequest, readClientRequest, trustNetworks } from './ground/http/client-request.ts'
import { BodyTooLarge, readBody } from './ground/http/http-body.ts'
import type { Mounted } from './ground/http/mounted.ts'
import type { Ports } from './ground/ports.ts'
import { openData, StartError } from './ground/store/data.ts'
import type { Database } from './ground/store/database.ts'
import type { Organization, Tenant } from './ground/store/model.ts'
import { purgeExpiredArtifacts } from './ground/store/oidc-artifacts.ts'
import { findOrganization, findOrganizationById } from './ground/store/organizations.ts'
import { purgeSignInFlows } from './ground/store/sign-in-flows.ts'
import { FIRST_TENANT, findTenantByDomain, findTenantById } from './ground/store/tenants.ts'
import { insertUser, listUsers } from './ground/store/users.ts'
import { purgeWrongPasswords } from './ground/store/wrong-passwords.ts'

/** A server that is ready to listen. */
export interface Server {
  /**
   * The password of the user `admin`, when this start created that user and none was configured. Show it once; it cannot be
   * read again.
   */
  generatedAdminPassword?: string
  /** Starts to answer. Rejects with a {@link StartError} when the address cannot be had. */
  listen(): Promise<{ port: number }>
  /** Where it is reached, for example `http://127.0.0.1:9400`. Stands after {@link Server.listen}. */
  readonly address: string
  /** Stops accepting, lets requests in progress finish for a while, and lets go of the database. */
  close(): Promise<void>
}

const MAX_FORM_BYTES = 16_384
const HOUSEKEEPING_MS = 3_600_000
/** So long a tenant that was removed or moved may still be found. */
const TENANT_MEMORY_MS = 5000

/**
 * Opens the database, creates the first tenant and its administrator when they are not there, and makes the HTTP server.
 *
 * Rejects with a sentence for the operator when it cannot: `ConfigurationError`, `DatabaseError`, {@link StartError}.
 *
 * @example
 * const server = await createServer(completeConfiguration({ port: 0 }), ports)
 * const { port } = await server.listen()
 */
export async function createServer(configuration: Configuration, ports: Ports): Promise<Server> {
  const db = await openData(configuration, ports)
  try {
    const generatedAdminPassword = await createFirstTenant(db, configuration, ports)
    await publishManagementApis(db, ports)
    const running = assemble(configuration, ports, db)
    return Object.assign(running, generatedAdminPassword === undefined ? {} : { generatedAdminPassword })
  } catch (error) {
    await db.close()
    throw error
  }
}

/** What a request is answered with, after its tenant and organization are known. */
interface Visit {
  request: IncomingMessage
  response: ServerResponse
  issuer: Issuer
  /** What follows the issuer's path, without the query. */
  path: string
}

/** A part of the server and the paths it answers, looked through in order. */
interface Room {
  answers: RegExp
  answer(visit: Visit): Promise<void>
}

function assemble(configuration: Configuration, ports: Ports, db: Database): Omit<Server, 'generatedAdminPassword'> {
  const { log, newId, now } = ports
  const isTrusted = trustNetworks(configuration.trustedProxies)
  const clientRequests = new WeakMap<IncomingMessage, ClientRequest>()
  const { deriveSecret } = db.seal

  const send = createSend({ allowedAddresses: configuration.privateEndpoints })
  const trigger = createTriggerAction({
    db,
    log,
    newId,
    keepCall: createCallKeeper(db),
    engine: {
      send,
      now,
      credentials: createCredentialSource({ send, now }),
      ...(configuration.breaksCircuits ? { breakers: createBreakers() } : {}),
    },
    platformOf: platformsOf(configuration),
    disabledActions: configuration.disabledActions,
    disclosure: configuration,
  })
  const clientRequestOf = (request: IncomingMessage) => clientRequests.get(request) ?? { address: '', headers: [] }
  const checkPassword = createPasswordCheck({ db, clientRequestOf })
  const issuerServerOf = createIssuerServers({
    db,
    log,
    newId,
    now,
    randomBytes: ports.randomBytes,
    trigger,
    isDisabled: type => configuration.disabledActions.includes(type),
    tokenAlgorithm: configuration.tokenAlgorithm,
    sessionLifetimeSeconds: configuration.sessionLifetimeSeconds,
    deriveSecret,
    clientRequestOf,
    checkPassword,
  })

  const apiPorts = {
    db,
    now,
    newId,
    randomBytes: ports.randomBytes,
    log,
    trigger,
    async verifyAccessToken(token: string, tenant: Tenant, organization: Organization) {
      for (const id of organization.depth > 0 ? [organization.id, undefined] : [undefined]) {
        const issuer = await findIssuer(tenant.domain, id)
        const read = issuer && (await (await issuerServerOf(issuer)).readAccessToken(token))
        if (!read) continue
        const { clientId, scopes, userId } = read
        return { scopes, subject: userId ?? clientId, isUser: userId !== undefined }
      }
      return undefined
    },
  }
  const limits = { maxBodyBytes: configuration.maxRequestBytes }
  const visits = new WeakMap<object, Visit>()
  /** A part of the server that speaks `Request` and `Response`, told where it was reached. */
  function mount(api: { fetch(request: Request, mounted: Mounted): Promise<Response> }): Room['answer'] {
    const listen = getRequestListener(
      async (request, { incoming }) => {
        const { issuer, request: message } = visits.get(incoming) as Visit
        const { path: prefix, tenant, organization } = issuer
        const { address } = clientRequestOf(message)
        return api.fetch(request, { tenant, organization, prefix, address })
      },
      { overrideGlobalObjects: false },
    )
    return async visit => {
      visits.set(visit.request, visit)
      await listen(visit.request, visit.response)
    }
  }

  const readForm = async (form: IncomingMessage) =>
    new URLSearchParams((await readBody(form, form.headers['content-length'], MAX_FORM_BYTES)).toString())

  const rooms: Room[] = [
    { answers: /^\/api\/server\/v1(\/|$)/, answer: mount(createManagementApi(apiPorts, limits)) },
    { answers: /^\/scim2(\/|$)/, answer: mount(createScimApi(apiPorts, limits)) },
    { answers: /^\/api\/users\/v1(\/|$)/, answer: mount(createUsersApi(apiPorts)) },
    {
      answers: /^\/set-password$/,
      answer: ({ request, response, issuer }) => handleInvitation(request, response, issuer, { ...apiPorts, readForm }),
    },
    {
      answers: /^\/sign-in\/[^/]+$/,
      answer: async ({ request, response, issuer }) =>
        handleSignIn(request, response, await issuerServerOf(issuer), {
          db,
          log,
          randomBytes: ports.randomBytes,
          deriveSecret,
          clientRequestOf,
          checkPassword,
          trigger,
          areAuthenticatorsOff: configuration.disabledActions.includes('AUTHENTICATION'),
          readForm,
        }),
    },
    {
      answers: /^\/(oauth2|oidc|device|\.well-known)(\/|$)/,
      answer: async ({ request, response, issuer }) => (await issuerServerOf(issuer)).handle(request, response),
    },
  ]

  let publicUrl = configuration.publicUrl?.replace(/\/$/, '')
  let isClosing = false
  const findIssuer = createIssuerFinder(db, () => publicUrl ?? '')

  async function findIssuerById({ tenantId, organizationId }: { tenantId: string; organizationId: string }) {
    const tenant = await findTenantById(db, tenantId)
    return tenant && findIssuer(tenant.domain, organizationId)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/'
    if (url === '/livez') return sendJson(response, 200, { status: 'alive' })
    if (url === '/readyz') {
      const isReady = !isClosing && (await isReachable(db))
      return sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' })
    }
    clientRequests.set(request, readClientRequest(request, isTrusted))
    pinHost(request, publicUrl ?? '')

    if (COMMON_AUTH.test(url.split('?', 1)[0] ?? '')) {
      return handleCommonAuth(request, response, { db, findIssuer: findIssuerById })
    }
    const { tenant, organization, rest } = splitPath(url)
    const issuer = await findIssuer(tenant, organization)
    if (!issuer)
      return sendProblem(response, 404, 'There is no such tenant or organization. Look at the path after /t/ and /o/.')
    request.url = rest
    const path = rest.split('?', 1)[0] ?? '/'
    const room = rooms.find(({ answers }) => answers.test(path))
    if (!room) return sendProblem(response, 404, 'Nothing is served at this path.')
    await room.answer({ request, response, issuer, path })
  }

  const http = createHttpServer(
    {
      requestTimeout: configuration.requestTimeoutMs,
      headersTimeout: Math.ceil(configuration.requestTimeoutMs / 2),
      // Node looks this often; its default of 30 s would stretch every shorter limit to that.
      connectionsCheckingInterval: Math.ceil(configuration.requestTimeoutMs / 10),
    },
    (request, response) => {
      // What was in progress when the server began to stop would keep its connection open for the next request.
      response.once('close', () => isClosing && setImmediate(() => http.closeIdleConnections()))
      answer(request, response).catch(error => {
        if (error instanceof BodyTooLarge) return sendProblem(response, 413, 'The body is too large.')
        log.error({ method: request.method, err: error }, 'a request could not be answered')
        return sendProblem(response, 500, 'Internal Server Error.')
      })
    },
  )

  let housekeeping: NodeJS.Timeout | undefined
  async function keepHouse(): Promise<void> {
    try {
      await purgeExpiredArtifacts(db)
      await purgeSignInFlows(db)
      await purgeWrongPasswords(db)
    } catch (error) {
      log.warn({ err: error }, 'what has expired could not be deleted; it is tried again in an hour')
    }
  }

  return {
    get address() {
      if (publicUrl === undefined) throw new Error('The address stands after listen().')
      return publicUrl
    },
    async listen() {
      const { host, port } = configuration
      await new Promise<void>((resolve, reject) => {
        http.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(whyNotListening(error, host, port))))
        http.listen(port, host, resolve)
      })
      const taken = (http.address() as AddressInfo).port
      publicUrl ??= `http://${host.includes(':') ? `[${host}]` : host}:${taken}`
      housekeeping = setInterval(() => void keepHouse(), HOUSEKEEPING_MS).unref()
      log.info(
        { address: publicUrl, host, port: taken, platform: configuration.platform, database: db.engine },
        'listening',
      )
      if (configuration.disabledActions.length > 0) {
        log.warn(
          { actionTypes: configuration.disabledActions },
          'actions of these types are switched off (PREFLOW_ACTIONS)',
        )
      }
      return { port: taken }
    },
    async close() {
      if (isClosing) return
      isClosing = true
      clearInterval(housekeeping)
      const closed = new Promise<void>(resolve => http.close(() => resolve()))
      http.closeIdleConnections()
      const patience = setTimeout(() => http.closeAllConnections(), configuration.shutdownGraceMs)
      await closed
      clearTimeout(patience)
      await send.close()
      await db.close()
      log.info('stopped')
    },
  }
}

function isReachable(db: Database): Promise<boolean> {
  return findTenantByDomain(db, FIRST_TENANT.domain).then(
    tenant => tenant !== undefined,
    () => false,
  )
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is in use. Stop the program that uses it, or set PREFLOW_PORT to another port (0 takes a free one).`,
    EACCES: `Port ${port} may not be used by this user. Set PREFLOW_PORT to a port above 1023.`,
    EADDRNOTAVAIL: `${host} is no address of this machine. Set PREFLOW_HOST to one, for example 127.0.0.1 or ::.`,
    ENOTFOUND: `${host} is no address of this machine. Set PREFLOW_HOST to one, for example 127.0.0.1 or ::.`,
  }
  return reasons[error.code ?? ''] ?? `The server cannot listen at ${host}:${port}: ${error.message}.`
}

/** The named platform, or the server's own, with the deadlines of the configuration in it. */
function platformsOf(configuration: Configuration): (name: string | undefined) => Platform {
  const { actionConnectTimeoutMs, actionReadTimeoutMs, platform } = configuration
  const deadlines = {
    ...(actionConnectTimeoutMs === undefined ? {} : { connectTimeoutMs: actionConnectTimeoutMs }),
    ...(actionReadTimeoutMs === undefined ? {} : { readTimeoutMs: actionReadTimeoutMs }),
  }
  const adjusted = Object.fromEntries(
    Object.values(platforms).map(known => [known.name, { ...known, calling: { ...known.calling, ...deadlines } }]),
  ) as Record<PlatformName, Platform>
  return name => adjusted[(name ?? platform) as PlatformName] ?? adjusted[platform]
}

/** `/t/acme/o/shop/oauth2/token?x=1` names the tenant `acme`, its organization `shop` and the rest. */
function splitPath(url: string): { tenant: string; organization?: string; rest: string } {
  const [, tenant, organization, rest = ''] = /^(?:\/t\/([^/?#]+))?(?:\/o\/([^/?#]+))?(.*)$/s.exec(url) ?? []
  return {
    tenant: tenant === undefined ? FIRST_TENANT.domain : decode(tenant),
    ...(organization === undefined ? {} : { organization: decode(organization) }),
    rest: rest.startsWith('/') ? rest : `/${rest}`,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Finds issuers by the names in a path, and remembers them for a moment. */
function createIssuerFinder(
  db: Database,
  publicUrl: () => string,
): (tenant: string, organization: string | undefined) => Promise<Issuer | undefined> {
  const known = new LRUCache<string, Issuer>({ max: 1000, ttl: TENANT_MEMORY_MS })
  return async (domain, idOrHandle) => {
    const key = JSON.stringify([domain, idOrHandle])
    const remembered = known.get(key)
    if (remembered) return remembered
    const tenant = await findTenantByDomain(db, domain)
    if (!tenant) return undefined
    const organization =
      idOrHandle === undefined
        ? await findOrganizationById(db, tenant.id, tenant.rootOrganizationId)
        : await findOrganization(db, tenant.id, idOrHandle)
    if (!organization) return undefined
    const issuer = makeIssuer(publicUrl(), tenant, organization)
    known.set(key, issuer)
    return issuer
  }
}

/** Every address the server writes begins with the public URL, whatever a request or a proxy claims. */
function pinHost(request: IncomingMessage, publicUrl: string): void {
  const { host, protocol } = new URL(publicUrl)
  delete request.headers['x-forwarded-host']
  request.headers.host = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.destroy()
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

function sendProblem(response: ServerResponse, status: number, description: string): void {
  const errors: Record<number, string> = { 404: 'not_found', 413: 'invalid_request', 500: 'server_error' }
  sendJson(response, status, { error: errors[status] ?? 'invalid_request', error_description: description })
}

/** Makes the tenant `carbon.super` and its user `admin`, once. Returns the password when one had to be generated. */
async function createFirstTenant(
  db: Database,
  configuration: Configuration,
  ports: Ports,
): Promise<string | undefined> {
  const { newId, now } = ports
  // Nothing when it is there: from an earlier start, or from another process that was faster.
  await createTenant(db, { domain: FIRST_TENANT.domain, name: 'Super' }, ports)
  const tenant = (await findTenantByDomain(db, FIRST_TENANT.domain)) as Tenant
  if ((await listUsers(db, tenant.id, { limit: 1 })).total > 0) return undefined

  const password = configuration.adminPassword ?? Buffer.from(ports.randomBytes(18)).toString('base64url')
  const isFirst = await insertUser(
    db,
    {
      id: newId(),
      tenantId: tenant.id,
      organizationId: tenant.rootOrganizationId,
      userName: 'admin',
      claims: {},
      groups: [],
      isActive: true,
      isAdministrator: true,
      createdAt: now(),
      updatedAt: now(),
    },
    password,
  )
  return isFirst && configuration.adminPassword === undefined ? password : undefined
}
