import { actionTypes, localClaimUri, type ProfileEvent, present, type UserClaim } from '@preflow/contract'
import { changedClaimsOf } from '../../ground/claims/document-claims.ts'
import type { Action, User } from '../../ground/store/model.ts'
import {
  attributesOf,
  isMultiValued,
  PRIMARY_USER_STORE,
  wireOrganization,
  wireTenant,
} from '../actions/event-nouns.ts'
import { flowOf } from './rule-flow.ts'
import type { Profile, UserChange } from './user-change.ts'

/** A profile change before it is stored. */
export interface ProfileChange extends UserChange {
  /** The user before the change. */
  user: User
  /** The complete new profile. A missing attribute is removed. */
  profile: Profile
}

const ACTIVE = localClaimUri('active')

/**
 * The new values of the changed attributes: `""` or `[]` for a removed one. The user name is never among them, as in the
 * reference.
 */
export function changedClaims({ profile, user }: Pick<ProfileChange, 'profile' | 'user'>): UserClaim[] {
  const changes = changedClaimsOf(user.document, profile.document)
  const claims = [...changes].map(([uri, value]): UserClaim => {
    return { uri, value: isMultiValued(uri) ? [value ?? []].flat() : (value ?? '') }
  })
  if (user.isActive !== profile.isActive) claims.push({ uri: ACTIVE, value: String(profile.isActive) })
  return claims
}

/** The facts for rules. */
export function profileFacts({ initiator }: ProfileChange, claims: readonly UserClaim[]) {
  return {
    flow: flowOf(actionTypes.PRE_UPDATE_PROFILE, initiator.type, 'ProfileUpdate'),
    claim: claims.map(({ uri }) => uri),
  }
}

/**
 * Writes a profile change as the event of its action. Of the attributes that the action selects, it shows those that have a value
 * now. A first value is only in `request.claims`.
 */
export function profileEvent(
  { initiator, organization, tenant, user }: ProfileChange,
  claims: UserClaim[],
  { attributes }: Pick<Action, 'attributes'>,
): ProfileEvent {
  const updating = new Map(claims.map(({ uri, value }) => [uri, value]))
  const { claims: stored, groups } = attributesOf(user, attributes)
  return {
    initiatorType: initiator.type,
    action: 'UPDATE',
    request: { claims },
    tenant: wireTenant(tenant),
    organization: wireOrganization(organization),
    user: {
      id: user.id,
      organization: wireOrganization(organization),
      ...(stored
        ? {
            claims: stored.map(claim => {
              const updatingValue = updating.get(claim.uri)
              return updatingValue === undefined ? claim : { ...claim, updatingValue }
            }),
          }
        : {}),
      ...present({ groups }),
    },
    userStore: PRIMARY_USER_STORE,
  }
}
