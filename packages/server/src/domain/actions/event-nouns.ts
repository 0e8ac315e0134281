/** The parts that events of several action types share, built from the server's objects. */

import {
  localClaimUri,
  type UserClaim,
  type Organization as WireOrganization,
  type Tenant as WireTenant,
} from '@preflow/contract'
import { readLocalClaim } from '../../ground/claims/document-claims.ts'
import { localClaims } from '../../ground/claims/local-claims.ts'
import { accountStateOf } from '../../ground/store/account-state.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'

/** The user store of every user, with the name of WSO2's products. The id is the base64 of the name. */
export const PRIMARY_USER_STORE = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }

export function wireTenant({ id, domain }: Tenant): WireTenant {
  return { id, name: domain }
}

export function wireOrganization({ id, name, handle, depth }: Organization): WireOrganization {
  return { id, name, orgHandle: handle, depth }
}

const GROUPS = localClaimUri('groups')

/** Attributes that come from other members of the user than the claims. Absent: the user does not have them yet. */
const COMPUTED: Record<string, (user: Partial<User>) => string | undefined> = {
  [localClaimUri('username')]: ({ userName }) => userName,
  [localClaimUri('userid')]: ({ id }) => id,
  [localClaimUri('active')]: ({ isActive }) => (isActive === undefined ? undefined : String(isActive)),
  [localClaimUri('identity/accountState')]: ({ document }) => document && accountStateOf(document, Date.now()),
  [localClaimUri('created')]: ({ createdAt }) => instant(createdAt),
  [localClaimUri('modified')]: ({ updatedAt }) => instant(updatedAt),
}

function instant(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString()
}

/** Whether an attribute is a list on the wire, even with one value. */
export function isMultiValued(uri: string): boolean {
  const kind = localClaims.get(uri)?.place.kind
  return kind === 'texts' || kind === 'list'
}

/**
 * The attributes that an action selects and that the user has. Groups are not a claim on the wire but a separate member.
 *
 * @param user A user, or the known part of a user during registration.
 */
export function attributesOf(
  user: Partial<User> & Pick<User, 'document'>,
  attributes: readonly string[],
): { claims?: UserClaim[]; groups?: string[] } {
  const claims = attributes.flatMap((uri): UserClaim[] => {
    const value = COMPUTED[uri]?.(user) ?? readLocalClaim(user.document, uri)
    if (uri === GROUPS || value === undefined || value.length === 0) return []
    return [{ uri, value: isMultiValued(uri) ? [value].flat() : value }]
  })
  const groups = attributes.includes(GROUPS) ? (user.groups ?? []).map(({ name }) => name) : []
  return { ...(claims.length > 0 ? { claims } : {}), ...(groups.length > 0 ? { groups } : {}) }
}
