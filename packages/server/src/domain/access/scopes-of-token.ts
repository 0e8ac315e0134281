import { IDENTITY_SCOPES } from '../../ground/claims/oidc-claims.ts'
import { listAuthorizedScopes } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { isSelfService, isServerScope } from './permission-names.ts'
import { permissionsOf } from './permissions.ts'

/** What limits the scopes of a token. */
export interface TokenScopes {
  application: Application
  /** Absent when the application acts for itself. */
  user?: User
  /** Where the token is valid. */
  organization: Organization
  /** How the user signed in: RFC 8176, for example `pwd`. Absent: nothing is known of it. */
  amr?: readonly string[]
  /** The scopes of the token that this one is made from. Absent: it is not made from one. */
  input?: readonly string[]
  requested: readonly string[]
}

/** The scopes of a token: of those requested the ones that application, user and input token have. */
export type ScopesOfToken = (limits: TokenScopes) => Promise<string[]>

/** Factors of this server. What only an extension said is not enough to manage anything. */
const FIRST_PARTY_FACTORS: ReadonlySet<string> = new Set(['pwd'])

/**
 * Makes the one ceiling of every token, whatever its grant: at the sign-in and its consent, when a code is redeemed, at each
 * refresh, and when a token is made from another one.
 *
 * Scopes that are not given are left out without an error, as in the reference.
 */
export function createScopesOfToken(db: Database): ScopesOfToken {
  return async ({ input, requested, ...limits }) => {
    const asked = input ? requested.filter(scope => input.includes(scope)) : [...requested]
    if (asked.length === 0) return []
    const mayHave = await createCeiling(db, limits)
    return asked.filter(mayHave)
  }
}

/** What application and user may have together. */
async function createCeiling(
  db: Database,
  { amr = [], application, organization, user }: Omit<TokenScopes, 'input' | 'requested'>,
): Promise<(scope: string) => boolean> {
  const authorized = await listAuthorizedScopes(db, application.tenantId, application.id)
  const byRole = new Map(authorized.map(({ name, isByRole }) => [name, isByRole]))
  if (!user) return scope => byRole.has(scope) && mayApplicationHave(scope, organization)

  const isNeeded = authorized.some(({ name, isByRole }) => isByRole || isServerScope(name))
  const held = isNeeded
    ? await permissionsOf(db, user, { organization, applicationId: application.id })
    : new Set<string>()
  const mayManage = amr.some(method => FIRST_PARTY_FACTORS.has(method))
  return scope => {
    if (IDENTITY_SCOPES.includes(scope)) return true
    if (!byRole.has(scope)) return false
    if (isServerScope(scope)) return held.has(scope) && (mayManage || isSelfService(scope))
    return byRole.get(scope) === false || held.has(scope)
  }
}

/** Without a user there is no account to read or look after. Rights at the root and below are different ones. */
function mayApplicationHave(scope: string, { depth }: Organization): boolean {
  if (IDENTITY_SCOPES.includes(scope) || isSelfService(scope)) return false
  return !isServerScope(scope) || scope.startsWith('internal_org_') === depth > 0
}
