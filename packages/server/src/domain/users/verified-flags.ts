import { localClaimUri } from '@preflow/contract'
import { readLocalClaim, withLocalClaims } from '../../ground/claims/document-claims.ts'
import type { UserDocument } from '../../ground/store/model.ts'

/** The claims that mark another claim as verified. */
const FLAGS: Record<string, string> = {
  [localClaimUri('identity/emailVerified')]: localClaimUri('emailaddress'),
  [localClaimUri('identity/phoneVerified')]: localClaimUri('mobile'),
}

/**
 * Resets the flag of a changed e-mail address or phone number. A removed one has no flag.
 *
 * @param stated Claims of flags that the change sets explicitly: an administrator may know that the new value is verified.
 */
export function resetVerifiedFlags(
  before: UserDocument,
  after: UserDocument,
  stated: readonly string[] = [],
): UserDocument {
  const changes = Object.entries(FLAGS).flatMap(([flag, claim]) => {
    const value = readLocalClaim(after, claim)
    if (stated.includes(flag) || readLocalClaim(after, flag) === undefined) return []
    if (value === readLocalClaim(before, claim)) return []
    return [[flag, value === undefined ? '' : 'false'] as const]
  })
  return changes.length === 0 ? after : withLocalClaims(after, Object.fromEntries(changes))
}
