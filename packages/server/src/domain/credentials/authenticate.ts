import { createHmac, randomBytes } from 'node:crypto'
import { present } from '@preflow/contract'
import { LRUCache } from 'lru-cache'
import { noteActor, noteEvent } from '../../ground/observe/security-events.ts'
import { maySignIn } from '../../ground/store/account-state.ts'
import { findApplicationByClientId } from '../../ground/store/applications.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import { listRolesOf } from '../../ground/store/roles.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { findUserById, findUserByUserName } from '../../ground/store/users.ts'
import { isSelfService, ORGANIZATION_PERMISSIONS, TENANT_PERMISSIONS } from '../access/permission-names.ts'
import { permissionsByRoles, permissionsOf, rolesUsableAt } from '../access/permissions.ts'
import type { Principal } from '../access/principal.ts'
import { EVERY_PERMISSION, reachOfRoles } from '../access/reach.ts'
import type { Limits } from '../limits/limits.ts'
import { createGuardedCheck, passwordComplaint } from './check-password.ts'
import { credentialProblems } from './credential-problems.ts'

/** The authenticated caller of a request. */
export interface Caller extends Principal {
  /** The user id, if the caller is a user of the tenant. */
  userId?: string
  /** The grant of the user's access token. */
  grantId?: string
}

/** The subject of an access token. */
export interface TokenHolder {
  scopes: readonly string[]
  /** The id of a user, or the client id of an application. */
  subject: string
  /**
   * Whether the subject is a user. The subject alone does not decide, because a chosen client id may equal a user id. Absent:
   * an application.
   */
  isUser?: boolean
  /** The grant that a user gave with it. */
  grantId?: string
  /** The client of the token. Absent: no application acts for the user. */
  clientId?: string
}

/**
 * Verifies an access token at the organization where it is used. Returns nothing if it is not a valid token. Throws a 403 if it
 * belongs to another organization of the tenant.
 */
export type VerifyAccessToken = (
  token: string,
  tenant: Tenant,
  organization: Organization,
) => Promise<TokenHolder | undefined>

/**
 * @param where The place of the request, the server's own origin, and the client's address if it is known.
 * @param weight Number of requests that it counts as. Default 1.
 */
export type Authenticate = (
  request: Request,
  where: { tenant: Tenant; organization: Organization; origin?: string; address?: string },
  weight?: number,
) => Promise<Caller>

/** The ports of authentication. */
export interface AuthenticatePorts {
  db: Database
  limits: Limits
  verifyAccessToken: VerifyAccessToken
}

const REMEMBERED_MS = 60_000

/**
 * Creates the function that authenticates callers of management APIs and SCIM: Basic credentials of a user, or an access token.
 *
 * A user name is looked up in the tenant first, then in the first tenant, whose administrators administer all tenants.
 * `name@domain` selects one. Every failure costs one password check and returns the same 401.
 */
export function createAuthenticate({ db, limits, verifyAccessToken }: AuthenticatePorts): Authenticate {
  const remembered = rememberPasswords()
  const check = createGuardedCheck({ db, limits })

  return async (request, { address = '', organization, origin, tenant }, weight = 1) => {
    const [scheme = '', credentials = ''] = (request.headers.get('authorization') ?? '').split(/ +(.*)/s)
    const isBasic = scheme.toLowerCase() === 'basic'
    if (isBasic && isFromOtherPage(request, origin)) throw credentialProblems.passwordFromOtherPage()
    const caller = isBasic
      ? await byPassword(credentials, { tenant, organization, address })
      : scheme.toLowerCase() === 'bearer'
        ? await byToken(credentials, tenant, organization)
        : undefined
    if (!caller) throw credentialProblems.unauthorized()
    noteActor({ kind: caller.kind, id: caller.id })
    if (caller.tenantId !== tenant.id) noteEvent('administrator.elsewhere', { targetId: tenant.id })
    await countRequest(caller, weight, limits)
    return caller
  }

  async function byPassword(
    credentials: string,
    { tenant, organization, address }: { tenant: Tenant; organization: Organization; address: string },
  ): Promise<Caller | undefined> {
    const decoded = Buffer.from(credentials, 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon < 0 || decoded.includes('\0')) return undefined
    const password = decoded.slice(colon + 1)
    const { userName, tenantId } = await locateUser(db, decoded.slice(0, colon), tenant)
    const known = await remembered.find(tenantId, userName, password, () => findUserByUserName(db, tenantId, userName))
    const user = known ?? (await checkPassword({ tenantId, userName, password, address }))
    if (!user || !maySignIn(user, db.now())) return undefined
    if (!known) {
      remembered.keep(tenantId, userName, password, user)
      const actor = { kind: 'user', id: user.id } as const
      noteEvent('sign_in.succeeded', { actor, targetId: user.id, details: { factors: ['basic'] } })
    }
    const isOwn = tenantId === tenant.id
    const roles = await listRolesOf(db, tenantId, user.id)
    return {
      kind: 'user',
      id: user.id,
      tenantId,
      permissions: isOwn
        ? await permissionsByRoles(db, user, roles, { organization })
        : visitingPermissions(user, organization),
      authority: isOwn ? reachOfRoles(await rolesUsableAt(db, roles, organization)) : visitingAuthority(user),
      via: 'basic',
      ...present({ userId: isOwn ? user.id : undefined }),
    }
  }

  async function checkPassword(attempt: Parameters<typeof check>[0]): Promise<User | undefined> {
    const verdict = await check(attempt)
    if (verdict.status === 'resting')
      throw credentialProblems.tooManyWrongPasswords(passwordComplaint(verdict), verdict.afterSeconds)
    if (verdict.status === 'busy') throw credentialProblems.busy(passwordComplaint(verdict), verdict.afterSeconds)
    return verdict.status === 'right' ? verdict.user : undefined
  }

  async function byToken(token: string, tenant: Tenant, organization: Organization): Promise<Caller | undefined> {
    const verified = await verifyAccessToken(token, tenant, organization)
    if (!verified) return undefined
    const { clientId, grantId, isUser = false, scopes, subject } = verified
    const holder = { id: subject, tenantId: tenant.id, via: 'token' as const }
    if (!isUser) {
      // Self-service is for users. An application has no account here.
      const permissions = new Set(scopes.filter(scope => !isSelfService(scope)))
      return { ...holder, kind: 'application', permissions, authority: permissions }
    }
    const user = await findUserById(db, tenant.id, subject)
    // The token of a deleted user is invalid. It is not a token of an application.
    if (!user || !maySignIn(user, db.now())) return undefined
    // A token never allows more than its user may do now, even if its application is authorized for more.
    const application = clientId === undefined ? undefined : await findApplicationByClientId(db, tenant.id, clientId)
    const held = await permissionsOf(db, user, { organization, ...present({ application }) })
    const permissions = new Set(scopes.filter(scope => held.has(scope)))
    return { ...holder, kind: 'user', permissions, authority: permissions, userId: user.id, ...present({ grantId }) }
  }
}

async function countRequest({ id, kind, tenantId }: Caller, weight: number, limits: Limits): Promise<void> {
  const seconds = await limits.count({ bucket: 'api', of: [tenantId, kind, id] }, weight)
  if (seconds !== undefined) throw credentialProblems.tooManyRequests(seconds)
}

/** Whether a page of another origin sends the request: with or without `Sec-Fetch-Site`, which old browsers do not send. */
function isFromOtherPage({ headers }: Request, ownOrigin: string | undefined): boolean {
  if (['cross-site', 'same-site'].includes(headers.get('sec-fetch-site') ?? '')) return true
  const origin = headers.get('origin')
  return origin !== null && ownOrigin !== undefined && origin !== ownOrigin
}

/** Selects the user of exactly one tenant, so that exactly one password check follows. */
async function locateUser(
  db: Database,
  given: string,
  tenant: Tenant,
): Promise<{ userName: string; tenantId: string }> {
  for (const { id, domain } of [tenant, FIRST_TENANT]) {
    if (given.toLowerCase().endsWith(`@${domain}`)) {
      const userName = given.slice(0, -domain.length - 1)
      if (await findUserByUserName(db, id, userName)) return { userName, tenantId: id }
    }
  }
  const own = await findUserByUserName(db, tenant.id, given)
  return { userName: given, tenantId: own ? tenant.id : FIRST_TENANT.id }
}

/** The permissions that administrators of the first tenant could obtain in another tenant. */
function visitingAuthority({ isAdministrator }: User): ReadonlySet<string> {
  return isAdministrator ? EVERY_PERMISSION : new Set()
}

/** The permissions of the first tenant's administrators in another tenant. */
function visitingPermissions({ isAdministrator }: User, { depth }: Organization): ReadonlySet<string> {
  if (!isAdministrator) return new Set()
  return new Set<string>(depth > 0 ? ORGANIZATION_PERMISSIONS : TENANT_PERMISSIONS)
}

/**
 * Remembers right passwords for a minute, because a password check takes a quarter of a second on purpose and tools make many
 * calls. It stores only a keyed hash. Every use loads the user again, and a changed user must be checked again.
 */
function rememberPasswords() {
  const key = randomBytes(32)
  const checked = new LRUCache<string, { id: string; updatedAt: number }>({ max: 1000, ttl: REMEMBERED_MS })
  const entryOf = (...parts: string[]) => createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64')

  return {
    async find(
      tenantId: string,
      userName: string,
      password: string,
      read: () => ReturnType<typeof findUserByUserName>,
    ) {
      const entry = checked.get(entryOf(tenantId, userName, password))
      if (!entry) return undefined
      const user = await read()
      return user?.id === entry.id && user.updatedAt === entry.updatedAt ? user : undefined
    },
    keep(tenantId: string, userName: string, password: string, user: { id: string; updatedAt: number }) {
      checked.set(entryOf(tenantId, userName, password), { id: user.id, updatedAt: user.updatedAt })
    },
  }
}
