/** What events of several action types share, written from the server's own nouns. */
import {
  localClaimUri,
  type UserClaim,
  type Organization as WireOrganization,
  type Tenant as WireTenant,
} from '@preflow/contract'
import { readLocalClaim } from '../../ground/claims/document-claims.ts'
import { localClaims } from '../../ground/claims/local-claims.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'

/** The store that every user of Preflow is in, named as in WSO2's products; the id is the base64 of the name. */
export const PRIMARY_USER_STORE = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }

export function wireTenant({ id, domain }: Tenant): WireTenant {
  return { id, name: domain }
}

export function wireOrganization({ id, name, handle, depth }: Organization): WireOrganization {
  return { id, name, orgHandle: handle, depth }
}

const GROUPS = localClaimUri('groups')

/** Attributes that are no claims of the store but something else of the user. What is absent, the user does not have (yet). */
const COMPUTED: Record<string, (user: Partial<User>) => string | undefined> = {
  [localClaimUri('username')]: ({ userName }) => userName,
  [localClaimUri('userid')]: ({ id }) => id,
  [localClaimUri('active')]: ({ isActive }) => (isActive === undefined ? undefined : String(isActive)),
  [localClaimUri('created')]: ({ createdAt }) => instant(createdAt),
  [localClaimUri('modified')]: ({ updatedAt }) => instant(updatedAt),
}

function instant(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString()
}

/** Whether an attribute is a list on the wire, even of one value. */
export function isMultiValued(uri: string): boolean {
  const kind = localClaims.get(uri)?.place.kind
  return kind === 'texts' || kind === 'list'
}

/**
 * The attributes an action asks for, as far as the user has them. Groups are no claim on the wire but a member of their own.
 *
 * @param user A user, or what is known of one who is about to be.
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
  const groups = attributes.includes(GROUPS) ? (user.groups ?? []) : []
  return { ...(claims.length > 0 ? { claims } : {}), ...(groups.length > 0 ? { groups } : {}) }
}
