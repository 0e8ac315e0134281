import { localClaimUri } from '@preflow/contract'
import { readLocalClaim, withLocalClaims } from '../../ground/claims/document-claims.ts'
import type { UserDocument } from '../../ground/store/model.ts'

/** Claims that say of another claim that it was verified. */
const FLAGS: Record<string, string> = {
  [localClaimUri('identity/emailVerified')]: localClaimUri('emailaddress'),
  [localClaimUri('identity/phoneVerified')]: localClaimUri('mobile'),
}

/**
 * A changed e-mail address or phone number is unverified from that moment; one that is removed has no flag.
 *
 * @param stated Claims of flags that the change sets itself: an administrator may know that the new one is verified.
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
