import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import type { TokenHolder, VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { DEFAULT_PASSWORD_RULES } from '../../domain/credentials/password-rules.fixture.ts'
import { createLimits } from '../../domain/limits/limits.ts'
import { createTenant } from '../../domain/tenants/create-tenant.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { insertUser } from '../../ground/store/users.ts'
import { createManagementApi, type ManagementSettings } from './management-api.ts'
import { type ProblemView, problemViewSchema, type Route, type RouteAnswer } from './routes/route.ts'
import { MANAGEMENT_BASE_PATH, managementRouteList } from './routes/routes.ts'

/** A response whose body was read and checked against the declaration of its route. */
export interface Answered {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape, whose schemas were already checked
  body: any
}

export interface Asking {
  body?: unknown
  /** Sent unchanged instead of the JSON of `body`. */
  text?: string
  headers?: Record<string, string>
  /** Default: the administrator of the tenant. `nobody` sends no credentials. */
  as?: 'nobody' | { basic: string } | { bearer: string }
  organization?: Organization
}

/** A tenant with an administrator and its management API. */
export interface TenantUnderTest {
  tenant: Tenant
  root: Organization
  administrator: User
  prefix: string
  call(method: string, path: string, asking?: Asking): Promise<Answered>
}

export const ADMIN_PASSWORD = 'correct horse'

/** Access tokens for the tests, with their claims. */
export const tokens = new Map<string, TokenHolder>()
const verifyAccessToken: VerifyAccessToken = async token => tokens.get(token)

/** Creates the API on a database. Each tenant is empty and has an administrator. An unexpected error fails the test. */
export function createApiUnderTest(db: Database, settings: ManagementSettings = {}) {
  const faults: unknown[] = []
  const api = createManagementApi(
    {
      db,
      now: () => db.now(),
      newId: randomUUID,
      randomBytes,
      log: { info: () => {}, error: (facts: unknown) => faults.push((facts as { err: unknown }).err) },
      passwordRules: DEFAULT_PASSWORD_RULES,
      verifyAccessToken,
      limits: createLimits(db),
    },
    settings,
  )

  return async function newTenant(domain = `t-${randomBytes(4).toString('hex')}`): Promise<TenantUnderTest> {
    const tenant = await createTenant(db, { domain }, { newId: randomUUID })
    assert.ok(tenant)
    const root = await findOrganizationById(db, tenant.id, tenant.rootOrganizationId)
    assert.ok(root)
    const administrator = await addUser(db, tenant, { userName: 'admin', isAdministrator: true })
    const prefix = `/t/${domain}`

    return {
      tenant,
      root,
      administrator,
      prefix,
      async call(method, path, asking = {}) {
        const { organization = root } = asking
        const response = await api.fetch(toRequest(method, path, asking), {
          tenant,
          organization,
          origin: 'http://id.example',
          prefix: organization === root ? prefix : `${prefix}/o/${organization.handle}`,
        })
        const text = await response.text()
        if (faults.length > 0) throw faults.pop()
        const answered = {
          status: response.status,
          headers: response.headers,
          body: text === '' ? undefined : JSON.parse(text),
        }
        assertDeclared(method, path, answered)
        return answered
      },
    }
  }
}

export async function addUser(db: Database, tenant: Tenant, more: Partial<User> = {}): Promise<User> {
  const user: User = {
    id: randomUUID(),
    tenantId: tenant.id,
    organizationId: tenant.rootOrganizationId,
    userName: 'mira',
    document: {},
    groups: [],
    roles: [],
    isActive: true,
    isAdministrator: false,
    createdAt: 1,
    updatedAt: 1,
    ...more,
  }
  assert.ok(await insertUser(db, user, ADMIN_PASSWORD))
  return user
}

/** Asserts a refusal by status, code and description. */
export function assertRefused(answered: Answered, status: number, code: string, description?: string | RegExp): void {
  assert.equal(answered.status, status, JSON.stringify(answered.body))
  const problem: ProblemView = answered.body
  assert.equal(problem.code, code)
  if (typeof description === 'string') assert.equal(problem.description, description)
  else if (description) assert.match(problem.description ?? '', description)
}

function toRequest(method: string, path: string, { body, text, headers, as }: Asking): Request {
  const sent = new Headers()
  if (as === undefined) sent.set('authorization', basic(`admin:${ADMIN_PASSWORD}`))
  else if (as !== 'nobody') sent.set('authorization', 'basic' in as ? basic(as.basic) : `Bearer ${as.bearer}`)
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
  if (content !== undefined) sent.set('content-type', 'application/json')
  for (const [name, value] of Object.entries(headers ?? {})) sent.set(name, value)
  return new Request(`http://id.example${MANAGEMENT_BASE_PATH}${path}`, {
    method,
    headers: sent,
    ...(content === undefined ? {} : { body: content }),
  })
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}

/** Asserts that a response matches the declaration of its route: status, body and headers. Exported for the fuzzing run. */
export function assertDeclared(method: string, path: string, { status, headers, body }: Answered): void {
  const { pathname } = new URL(path, 'http://id.example')
  const route = managementRouteList.find(
    candidate => candidate.method === method && patternOf(candidate).test(pathname),
  )
  const title = `${method} ${pathname} answered ${status}`
  const declared = (route?.answers as Record<number, RouteAnswer> | undefined)?.[status]
  if (declared) {
    const expected = declared.schema
    if (expected) {
      const checked = expected.safeParse(body)
      assert.ok(checked.success, `${title} with a body its schema does not know: ${checked.error}`)
    } else assert.equal(body, undefined, `${title} with a body`)
    assert.equal(headers.has('location'), declared.hasLocation ?? false, `${title}: Location`)
    return
  }
  if (pathname === '/openapi.json' && status === 200) return
  const refusals = new Set([401, 403, 429, ...(route ? route.refusals : [404, 405])])
  if (route?.body) for (const refusal of [400, 413, 415]) refusals.add(refusal)
  assert.ok(refusals.has(status), `${title}, which is not declared`)
  assert.ok(problemViewSchema.safeParse(body).success, `${title} with a body that is no Problem`)
}

function patternOf(route: Route): RegExp {
  return new RegExp(`^${route.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`)
}
