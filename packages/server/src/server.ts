import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import type { Configuration } from './configuration.ts'
import { createPasswordRules, type PasswordRules } from './domain/credentials/password-rules.ts'
import { publishManagementApis } from './domain/tenants/create-tenant.ts'
import { startKeyRotation } from './domain/tenants/signing-keys.ts'
import { createFirstAdministrator } from './domain/users/first-administrator.ts'
import { createDomain, type Domain } from './domain.ts'
import { COMMON_AUTH, handleCommonAuth } from './faces/sign-in/common-auth.ts'
import { createFaces } from './faces.ts'
import { createAdmission } from './ground/http/admission.ts'
import { createListener } from './ground/http/listener.ts'
import { createRouter, pinHost, tenantIn } from './ground/http/router.ts'
import { sendJson, sendProblem, serverProblems } from './ground/http/send.ts'
import { belowIssuer } from './ground/http/well-known.ts'
import { currentRequest, inRequestScope, type RequestScope } from './ground/observe/security-events.ts'
import type { Ports } from './ground/ports.ts'
import { problemOf } from './ground/problem.ts'
import { openData } from './ground/store/data.ts'
import type { Database } from './ground/store/database.ts'
import { startHousekeeping } from './ground/store/housekeeping.ts'
import { createSecurityLog } from './ground/store/security-log.ts'
import { keptTokenAlgorithm, type TokenAlgorithm } from './ground/store/signing-keys.ts'
import { FIRST_TENANT, findTenantByDomain } from './ground/store/tenants.ts'

/** A browser that used https once never uses http again. */
const ONE_YEAR = 'max-age=31536000'
/** Enough characters of a hash to distinguish user agents. */
const AGENT_LENGTH = 16
/** The headers of every response, unless its handler sets others. */
const HEADERS = new Headers({
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
})

/** A server that is ready to listen. */
export interface Server {
  /**
   * The generated password of the user `admin`, if this start created the user and no password was configured. Show it once. It
   * cannot be read again.
   */
  generatedAdminPassword?: string
  /** Starts listening. Rejects with a `StartError` if the address is not available. */
  listen(): Promise<{ port: number }>
  /** The public URL, for example `http://127.0.0.1:9400`. Known after {@link Server.listen}. */
  readonly address: string
  /** Stops accepting requests, lets those in progress finish for the grace period, and closes the database. */
  close(): Promise<void>
}

/**
 * Opens the database, creates the first tenant and its administrator if they do not exist, and creates the HTTP server.
 *
 * Rejects with a sentence for the operator if it fails: `ConfigurationError`, `DatabaseError`, `StartError`.
 *
 * @example
 * const server = await createServer(completeConfiguration({ port: 0 }), ports)
 * const { port } = await server.listen()
 */
export async function createServer(configuration: Configuration, ports: Ports): Promise<Server> {
  const db = await openData(configuration, ports)
  try {
    const passwordRules = await createPasswordRules(configuration)
    const generatedAdminPassword = await createFirstAdministrator(db, configuration, { ...ports, passwordRules })
    await publishManagementApis(db, ports)
    const tokenAlgorithm = configuration.tokenAlgorithm ?? (await defaultTokenAlgorithm(db, ports))
    const server = compose({ ...configuration, tokenAlgorithm }, ports, db, passwordRules)
    return generatedAdminPassword === undefined ? server : Object.assign(server, { generatedAdminPassword })
  } catch (error) {
    await db.close()
    throw error
  }
}

/** Keeps the algorithm of existing data after an update of the server. */
async function defaultTokenAlgorithm(db: Database, { log }: Ports): Promise<TokenAlgorithm> {
  const kept = await keptTokenAlgorithm(db)
  if (kept !== undefined) {
    const sentence = `this data is older than the default RS256, so tokens are still signed with ${kept}; set PREFLOW_TOKEN_ALGORITHM to change it`
    log.info({ tokenAlgorithm: kept }, sentence)
  }
  return kept ?? 'RS256'
}

/** Configuration → ground → domain → faces → listener. */
function compose(
  configuration: Configuration & { tokenAlgorithm: TokenAlgorithm },
  ports: Ports,
  db: Database,
  passwordRules: PasswordRules,
): Server {
  const { log } = ports
  let publicUrl = configuration.publicUrl?.replace(/\/$/, '')
  const domain = createDomain(configuration, ports, db, passwordRules, () => publicUrl ?? '')
  const securityLog = createSecurityLog(db, ports)
  const faces = createFaces(configuration, ports, { ...domain, securityLog })
  const route = createRouter(faces, createPlaceFinder(domain), ({ tenant }, origin) =>
    domain.isAllowedOrigin(tenant.id, origin),
  )
  const admit = createAdmission(configuration.maxRequests)
  const listener = createListener(configuration, (request, response) =>
    answer(request, response).catch(error => refuse(error, request, response, ports)),
  )

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/'
    response.setHeaders(HEADERS)
    if (url === '/livez') return sendJson(response, 200, { status: 'alive' })
    if (url === '/readyz') {
      const isReady = !listener.isClosing && (await isReachable(db.lanes.probe))
      return sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' })
    }
    domain.readClient(request)
    const scope = scopeOf(request, domain, ports)
    await inRequestScope(scope, () => answerWithin(request, response)).finally(() =>
      securityLog.write(scope, response.statusCode),
    )
  }

  async function answerWithin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/'
    if (publicUrl?.startsWith('https:')) response.setHeader('strict-transport-security', ONE_YEAR)
    pinHost(request, publicUrl ?? '')
    // Extensions return browsers to one address for all tenants. The flow knows its tenant.
    if (COMMON_AUTH.test(url.split('?', 1)[0] ?? '')) {
      return handleCommonAuth(request, response, { db, findIssuer: domain.issuers.byId })
    }
    request.url = belowIssuer(url)
    await admit(request, tenantIn(request.url), () => route(request, response))
  }

  let stopHousekeeping = async () => {}
  let stopKeyRotation = () => {}
  return {
    get address() {
      if (publicUrl === undefined) throw new Error('The address is known after listen().')
      return publicUrl
    },
    async listen() {
      const { disabledActions, host, platform } = configuration
      const port = await listener.listen()
      publicUrl ??= `http://${host.includes(':') ? `[${host}]` : host}:${port}`
      stopKeyRotation = startKeyRotation(db.lanes.background, log, configuration)
      stopHousekeeping = startHousekeeping(db.lanes.background, {
        log,
        holder: ports.newId(),
        takeRecorded: domain.takeRecorded,
        retention: configuration,
      })
      log.info({ address: publicUrl, host, port, platform, database: db.engine }, 'listening')
      warnOfDisabled(disabledActions, log)
      return { port }
    },
    async close() {
      if (listener.isClosing) return
      stopKeyRotation()
      await listener.close()
      await stopHousekeeping()
      await domain.close()
      await securityLog.flush()
      await db.close()
      log.info('stopped')
    },
  }
}

function warnOfDisabled(actionTypes: Configuration['disabledActions'], log: Ports['log']): void {
  if (actionTypes.length > 0) log.warn({ actionTypes }, 'actions of these types are disabled (PREFLOW_ACTIONS)')
}

/** Answers requests that no face answered. */
function refuse(error: unknown, { method }: IncomingMessage, response: ServerResponse, ports: Ports): void {
  const defect = {
    line: 'a request could not be answered',
    facts: { method },
    problem: serverProblems.unexpected,
    unavailableCode: 'temporarily_unavailable',
  }
  sendProblem(response, problemOf(error, ports, defect).problem)
}

function isReachable(db: Database): Promise<boolean> {
  return findTenantByDomain(db, FIRST_TENANT.domain).then(
    tenant => tenant !== undefined,
    () => false,
  )
}

/** The members of a request in its security events. */
function scopeOf(request: IncomingMessage, { clientRequestOf }: Domain, { newId }: Ports): RequestScope {
  const agent = request.headers['user-agent']
  return {
    id: newId(),
    address: clientRequestOf(request).address,
    ...present({ agent: agent && createHash('sha256').update(agent).digest('base64url').slice(0, AGENT_LENGTH) }),
    // The query may contain secrets.
    path: (request.url ?? '/').split('?', 1)[0] ?? '/',
    events: [],
  }
}

/** Finds tenant and organization by the names in the path, and notes them for security events. */
function createPlaceFinder({ issuers }: Domain): Domain['issuers']['byName'] {
  return async (tenant, organization) => {
    const place = await issuers.byName(tenant, organization)
    const scope = currentRequest()
    if (scope && place) Object.assign(scope, { tenant: place.tenant, organizationId: place.organization.id })
    return place
  }
}
