import { createHmac, randomBytes } from 'node:crypto'
import { present } from '@preflow/contract'
import { LRUCache } from 'lru-cache'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { findUserById, findUserByUserName } from '../../ground/store/users.ts'
import { createGuardedCheck } from './check-password.ts'
import { credentialProblems } from './credential-problems.ts'

/** In whose name a request is made. */
export interface Caller {
  /** For the audit: a user id, or the subject of an access token. */
  id: string
  /** Administrators may do everything; others what their scopes name. */
  isAdministrator: boolean
  /** The user, when the caller is one of the tenant. */
  userId?: string
  scopes: ReadonlySet<string>
}

/** Whom an access token speaks for. */
export interface TokenHolder {
  scopes: readonly string[]
  /** The id of a user, or the client id of an application. */
  subject: string
  /** Whether the subject is a user: a client id may be chosen, and may be that of one. Absent: an application. */
  isUser?: boolean
}

/**
 * Checks an access token that was issued by the tenant, or by the organization in which it is used. Nothing when it is not one, or
 * no longer.
 */
export type VerifyAccessToken = (
  token: string,
  tenant: Tenant,
  organization: Organization,
) => Promise<TokenHolder | undefined>

/** @param where Where the request came to, and from which address as far as that is known. */
export type Authenticate = (
  request: Request,
  where: { tenant: Tenant; organization: Organization; address?: string },
) => Promise<Caller>

/** Scopes of the management API: only these prove a right to manage. */
const MANAGEMENT_SCOPE = /^internal_/
/** What every user may do: look after their own account. */
const SCOPES_OF_EVERYBODY: ReadonlySet<string> = new Set(['internal_login', 'internal_user_password_update'])
const REMEMBERED_MS = 60_000

/**
 * Makes the function that finds out who calls a management API or SCIM: Basic credentials of a user, or an access token.
 *
 * A user name is looked for in the tenant first, then in the first tenant, whose administrators administer all tenants;
 * `name@domain` says which is meant. Whatever is wrong, one password check is made and one answer given: 401.
 */
export function createAuthenticate(db: Database, verifyAccessToken: VerifyAccessToken): Authenticate {
  const remembered = rememberPasswords()
  const check = createGuardedCheck(db)

  return async (request, { address = '', organization, tenant }) => {
    if (request.headers.get('sec-fetch-site') === 'cross-site') throw credentialProblems.crossSite()
    const [scheme = '', credentials = ''] = (request.headers.get('authorization') ?? '').split(/ +(.*)/s)
    const caller =
      scheme.toLowerCase() === 'basic'
        ? await byPassword(credentials, tenant, address)
        : scheme.toLowerCase() === 'bearer'
          ? await byToken(credentials, tenant, organization)
          : undefined
    if (!caller) throw credentialProblems.unauthorized()
    return caller
  }

  async function byPassword(credentials: string, tenant: Tenant, address: string): Promise<Caller | undefined> {
    const decoded = Buffer.from(credentials, 'base64').toString('utf8')
    const colon = decoded.indexOf(':')
    if (colon < 0 || decoded.includes('\0')) return undefined
    const password = decoded.slice(colon + 1)
    const { userName, tenantId } = await locateUser(decoded.slice(0, colon), tenant)
    const known = await remembered.find(tenantId, userName, password, () => findUserByUserName(db, tenantId, userName))
    const user = known ?? (await checkPassword({ tenantId, userName, password, address }))
    if (!user?.isActive) return undefined
    if (!known) remembered.keep(tenantId, userName, password, user)
    return {
      id: user.id,
      isAdministrator: user.isAdministrator,
      ...present({ userId: tenantId === tenant.id ? user.id : undefined }),
      scopes: SCOPES_OF_EVERYBODY,
    }
  }

  async function checkPassword(attempt: Parameters<typeof check>[0]): Promise<User | undefined> {
    const verdict = await check(attempt)
    if (verdict.status === 'resting') throw credentialProblems.tooManyWrongPasswords()
    return verdict.status === 'right' ? verdict.user : undefined
  }

  /** Exactly one tenant's user is meant, so that exactly one password check follows. */
  async function locateUser(given: string, tenant: Tenant): Promise<{ userName: string; tenantId: string }> {
    for (const { id, domain } of [tenant, FIRST_TENANT]) {
      if (given.toLowerCase().endsWith(`@${domain}`)) {
        const userName = given.slice(0, -domain.length - 1)
        if (await findUserByUserName(db, id, userName)) return { userName, tenantId: id }
      }
    }
    const own = await findUserByUserName(db, tenant.id, given)
    return { userName: given, tenantId: own ? tenant.id : FIRST_TENANT.id }
  }

  async function byToken(token: string, tenant: Tenant, organization: Organization): Promise<Caller | undefined> {
    const verified = await verifyAccessToken(token, tenant, organization)
    if (!verified) return undefined
    const { isUser = false, scopes, subject } = verified
    // A token speaks for a user or for an application. A user who is no administrator may manage nothing, whatever their
    // application was authorized for.
    const user = isUser ? await findUserById(db, tenant.id, subject) : undefined
    // The token of somebody who was deleted is nobody's, and not that of an application.
    if (isUser && !user?.isActive) return undefined
    const isLimited = user !== undefined && !user.isAdministrator
    return {
      id: subject,
      isAdministrator: false,
      ...present({ userId: user?.id }),
      scopes: new Set(
        scopes.filter(scope => !isLimited || !MANAGEMENT_SCOPE.test(scope) || SCOPES_OF_EVERYBODY.has(scope)),
      ),
    }
  }
}

/** Whether the caller may use what needs the scope. In organizations the reference's `internal_org_…` form counts as well. */
export function mayUse(caller: Caller, scope: string, organization: Organization): boolean {
  if (caller.isAdministrator || caller.scopes.has(scope)) return true
  return organization.depth > 0 && caller.scopes.has(scope.replace(MANAGEMENT_SCOPE, 'internal_org_'))
}

/**
 * Checking a password takes a quarter of a second on purpose; a tool that makes many calls pays once a minute. Only a keyed
 * hash of what was right is remembered, and every use looks at the user again: one that was changed since must be checked anew.
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
