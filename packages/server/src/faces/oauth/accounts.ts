import { present } from '@preflow/contract'
import { asSeenBy } from '../../domain/access/permissions.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { claimsOf } from '../../ground/claims/oidc-claims.ts'
import { maySignIn } from '../../ground/store/account-state.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { findUserById } from '../../ground/store/users.ts'

/** Finds an active user of the tenant, with the organization of the account. */
export type FindUser = (id: string) => Promise<{ user: User; organization?: Organization } | undefined>

/** Creates the function for one issuer. */
export function createUserFinder(db: Database, { organization: own, tenant }: Issuer): FindUser {
  return async id => {
    const user = await findUserById(db, tenant.id, id)
    if (!user || !maySignIn(user, db.now())) return undefined
    const organization =
      user.organizationId === own.id ? own : await findOrganizationById(db, tenant.id, user.organizationId)
    return { user, ...present({ organization }) }
  }
}

/** The user in the form of oidc-provider, for one application. */
export function accountOf(user: User, application: Application, organization: Organization) {
  return {
    accountId: user.id,
    user,
    claims: async (_use: string, scope: string) => ({
      sub: user.id,
      ...Object.fromEntries(
        claimsOf(asSeenBy(user, application, organization), scope.split(' '), [], application.requestedClaims),
      ),
    }),
  }
}
