import type { ActionRequest } from '../../call.ts'
import { localClaimUri } from '../../local-dialect.ts'
import { organization, requestId, tenant, userStore } from '../sample-nouns.ts'
import type { ProfileEvent } from './event.ts'

/** A typical request. */
export const sample: ActionRequest<ProfileEvent> = {
  actionType: 'PRE_UPDATE_PROFILE',
  event: {
    initiatorType: 'USER',
    action: 'UPDATE',
    request: { claims: [{ uri: localClaimUri('country'), value: 'LK' }] },
    tenant,
    organization,
    user: {
      id: 'u-9',
      organization,
      claims: [{ uri: localClaimUri('country'), value: 'DE', updatingValue: 'LK' }],
    },
    userStore,
  },
  requestId,
}
