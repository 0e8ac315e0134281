import { IDENTITY_SCOPES } from '../../ground/claims/oidc-claims.ts'
import { listAuthorizedScopes } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { isSelfService, isServerScope, OWN_PROFILE } from './permission-names.ts'
import { permissionsOf } from './permissions.ts'

/** The limits of a token's scopes. */
export interface TokenScopes {
  application: Application
  /** Absent if the application acts for itself. */
  user?: User
  /** Where the token is valid. */
  organization: Organization
  /** The authentication methods of the sign-in (RFC 8176), for example `pwd`. Absent: unknown. */
  amr?: readonly string[]
  /** The scopes of the token that this one is derived from. Absent: it is not derived from one. */
  input?: readonly string[]
  requested: readonly string[]
}

/** Returns the scopes of a token: the requested ones that application, user and input token all have. */
export type ScopesOfToken = (limits: TokenScopes) => Promise<string[]>

/** Factors that this server checks itself. A sign-in that only an extension decided gives no management permission. */
const FIRST_PARTY_FACTORS: ReadonlySet<string> = new Set(['pwd'])

/**
 * Creates the one limit of scopes for every token and grant: at the sign-in and its consent, for a code, for each refresh, and
 * for a token that is derived from another one.
 *
 * Scopes beyond the limit are left out without an error, as in the reference.
 */
export function createScopesOfToken(db: Database): ScopesOfToken {
  return async ({ input, requested, ...limits }) => {
    const asked = input ? requested.filter(scope => input.includes(scope)) : [...requested]
    if (asked.length === 0) return []
    const mayHave = await createCeiling(db, limits, asked)
    return asked.filter(mayHave)
  }
}

/** The scopes that application and user may have together. */
async function createCeiling(
  db: Database,
  { amr = [], application, organization, user }: Omit<TokenScopes, 'input' | 'requested'>,
  asked: readonly string[],
): Promise<(scope: string) => boolean> {
  const authorized = await listAuthorizedScopes(db, application.tenantId, application.id)
  const byRole = new Map(authorized.map(({ name, isByRole }) => [name, isByRole]))
  if (!user) return scope => byRole.has(scope) && mayApplicationHave(scope, organization)

  const isNeeded =
    asked.includes(OWN_PROFILE) || authorized.some(({ name, isByRole }) => isByRole || isServerScope(name))
  const held = isNeeded ? await permissionsOf(db, user, { organization, application }) : new Set<string>()
  const mayManage = amr.some(method => FIRST_PARTY_FACTORS.has(method))
  return scope => {
    if (IDENTITY_SCOPES.includes(scope)) return true
    if (scope === OWN_PROFILE) return held.has(scope)
    if (!byRole.has(scope)) return false
    if (isServerScope(scope)) return held.has(scope) && (mayManage || isSelfService(scope))
    return byRole.get(scope) === false || held.has(scope)
  }
}

/** Without a user there is no account to read or manage. Rights at the root and below it are different. */
function mayApplicationHave(scope: string, { depth }: Organization): boolean {
  if (IDENTITY_SCOPES.includes(scope) || isSelfService(scope)) return false
  return !isServerScope(scope) || scope.startsWith('internal_org_') === depth > 0
}
