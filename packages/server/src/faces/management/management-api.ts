import { decide, type Target } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { type AuthenticatePorts, createAuthenticate } from '../../domain/credentials/authenticate.ts'
import { mustBeAllowed, mustHold } from '../../domain/credentials/credential-problems.ts'
import type { PasswordRules } from '../../domain/credentials/password-rules.ts'
import { type MountedApi, mountRoutes, type RoutedRequest, weightOf } from '../../ground/http/mount.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { problemResponse } from '../../ground/http/send.ts'
import type { Log } from '../../ground/observe/log.ts'
import { Problem, problemOf } from '../../ground/problem.ts'
import { insertAuditRecord } from '../../ground/store/audit.ts'
import { inTransaction } from '../../ground/store/database.ts'
import type { AuditRecord } from '../../ground/store/model.ts'
import type { SecurityLog } from '../../ground/store/security-log.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { actionHandlers } from './actions.ts'
import { apiResourceHandlers } from './api-resources.ts'
import { applicationHandlers } from './applications.ts'
import { authenticatorHandlers } from './authenticators.ts'
import { callHandlers } from './calls.ts'
import { describeFaults } from './describe-faults.ts'
import type { Handler, Handlers } from './handler.ts'
import { openApiDocument } from './routes/open-api.ts'
import type { Route } from './routes/route.ts'
import { MANAGEMENT_BASE_PATH, type ManagementRouteName, managementRouteList, openApiRoute } from './routes/routes.ts'
import { ruleHandlers } from './rules.ts'
import { tenantHandlers } from './tenants.ts'

export interface ManagementPorts extends AuthenticatePorts {
  /** Epoch milliseconds. */
  now(): number
  newId(): string
  randomBytes(count: number): Uint8Array
  passwordRules: PasswordRules
  /** Absent: no security events are written. */
  securityLog?: Pick<SecurityLog, 'flush'>
  log: Pick<Log, 'error' | 'info'>
}

export interface ManagementSettings {
  /** Maximum size of a body. Default 1 MiB. */
  maxBodyBytes?: number
  /** Maximum number of actions per organization and type. Default 1, as in the reference. More than one never run. */
  maxActionsPerType?: number
  /** The version of the server, for the OpenAPI document. */
  version?: string
}

type AnyHandler = Handler<ManagementRouteName>

/**
 * Creates the management API from its declaration in `routes`, which defines routing, authorization, validation and the OpenAPI
 * document. The handlers beside this file do the work.
 *
 * A change and its audit record are stored together or not at all.
 */
export function createManagementApi(ports: ManagementPorts, settings: ManagementSettings = {}): MountedApi {
  const { maxBodyBytes = 1_048_576, maxActionsPerType = 1, version = '0.0.0' } = settings
  const answerRoute = createAnswer(ports, maxBodyBytes)
  const handlers: Handlers<ManagementRouteName> = {
    ...actionHandlers(maxActionsPerType),
    ...ruleHandlers,
    ...callHandlers(ports.securityLog),
    ...applicationHandlers,
    ...apiResourceHandlers,
    ...authenticatorHandlers,
    ...tenantHandlers,
  }

  const openApi = (prefix: string) =>
    Response.json(openApiDocument(managementRouteList, { server: prefix + MANAGEMENT_BASE_PATH, version }))
  return mountRoutes(MANAGEMENT_BASE_PATH, [openApiRoute, ...managementRouteList], {
    async answer(route, routed) {
      if (!('name' in route)) return openApi(routed.mounted.prefix)
      return answerRoute({ ...routed, route, handler: handlers[route.name] as AnyHandler })
    },
    noSuchPath: () => requestProblems.notFound('The path does not exist. openapi.json lists all paths.'),
    wrongMethod: requestProblems.methodNotAllowed,
    refuse(error) {
      const defect = { line: 'a management request failed', problem: unexpected }
      const { problem, traceId } = problemOf(error, ports, defect)
      return problemResponse(problem, traceId)
    },
  })
}

/** A request for a route. */
interface Visit extends RoutedRequest {
  route: Route
  handler: AnyHandler
}

/**
 * Creates the function that answers a route: it authenticates, authorizes, validates, and stores a change with its audit
 * records.
 */
function createAnswer(ports: ManagementPorts, maxBodyBytes: number): (visit: Visit) => Promise<Response> {
  const { db, newId } = ports
  const authenticate = createAuthenticate(ports)

  return async visit => {
    const { handler, mounted, request, route } = visit
    const caller = await authenticate(request, mounted, weightOf(route, request))
    refuseWrongLevel(route, mounted)
    if ('permission' in route.access) mustHold(caller, route.access.permission, mounted.organization)
    const valid = await readValid(visit, maxBodyBytes)

    const audited: AuditRecord[] = []
    const nowMs = ports.now()
    const call = {
      ...mounted,
      ...valid,
      caller,
      authorize: (operation: OperationName, target?: Target) =>
        mustBeAllowed(decide(caller, operation, mounted.organization, target)),
      nowMs,
      newId,
      randomBytes: ports.randomBytes,
      passwordRules: ports.passwordRules,
      audit: (entry: Pick<AuditRecord, 'action' | 'targetType' | 'targetId' | 'details'>) => {
        audited.push({ ...entry, id: newId(), tenantId: mounted.tenant.id, recordedAt: nowMs, initiator: caller.id })
      },
    }
    if (route.method === 'GET') return respond(await handler.handle({ ...call, db }), mounted)
    return await inTransaction(db, async tx => {
      const answered = await handler.handle({ ...call, db: tx })
      for (const record of audited) await insertAuditRecord(tx, record)
      return respond(answered, mounted)
    })
  }
}

/** Reads parameters, query and body as the route declares them. Throws a problem, in the order of the reference. */
async function readValid({ handler, mounted, request, route, ...given }: Visit, maxBodyBytes: number) {
  const params = route.params.safeParse(given.params)
  if (!params.success) throw requestProblems.invalid(describeFaults(params.error, given.params).description)
  handler.admit?.(params.data as never, mounted)
  // PostgreSQL accepts no NUL in a string, not even for a comparison.
  if (Object.values(given.query).some(value => value.includes('\0'))) {
    throw requestProblems.invalid('The query contains a NUL character. Remove it.')
  }
  const query = route.query.safeParse(given.query)
  if (!query.success) throw requestProblems.invalid(describeFaults(query.error, given.query).description)
  const body = route.body && (await readBody(route.body, request, handler, maxBodyBytes))
  return { params: params.data as never, query: query.data as never, body: body as never }
}

async function readBody(
  schema: NonNullable<Route['body']>,
  request: Request,
  handler: AnyHandler,
  maxBodyBytes: number,
): Promise<unknown> {
  const refuseMalformed = handler.refuseMalformed ?? requestProblems.invalid
  const read = await readJson(request, maxBodyBytes)
  if (!read) throw refuseMalformed('The body is not JSON in UTF-8.')
  const checked = schema.safeParse(read.value)
  if (checked.success) return checked.data
  const { isMalformed, description } = describeFaults(checked.error, read.value)
  throw isMalformed ? refuseMalformed(description) : requestProblems.invalid(description)
}

const unexpected = () =>
  new Problem(500, 'SE-50000', 'Server encountered an error while serving the request.', {
    title: 'Unexpected Processing Error.',
  })

function refuseWrongLevel({ level }: Route, { tenant, organization }: Mounted): void {
  if (level === 'first-tenant' && (tenant.id !== FIRST_TENANT.id || organization.depth > 0)) {
    throw requestProblems.forbidden('Only the first tenant manages tenants.')
  }
  if (level === 'tenant' && organization.depth > 0) {
    throw requestProblems.forbidden('This belongs to the tenant. Remove /o/{organization} from the path.')
  }
}

function respond(answered: { status: unknown; body?: unknown; location?: string }, { origin }: Mounted): Response {
  const headers: Record<string, string> = { 'cache-control': 'no-store' }
  if (answered.location !== undefined) headers['location'] = origin + answered.location
  const status = Number(answered.status)
  return answered.body === undefined
    ? new Response(null, { status, headers })
    : Response.json(answered.body, { status, headers })
}
