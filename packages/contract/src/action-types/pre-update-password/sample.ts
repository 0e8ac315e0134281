import type { ActionRequest } from '../../call.ts'
import { localClaimUri } from '../../local-dialect.ts'
import { organization, requestId, tenant, userStore } from '../sample-nouns.ts'
import type { PasswordEvent } from './event.ts'

/** A typical request. */
export const sample: ActionRequest<PasswordEvent> = {
  actionType: 'PRE_UPDATE_PASSWORD',
  event: {
    initiatorType: 'USER',
    action: 'UPDATE',
    tenant,
    organization,
    user: {
      id: 'u-9',
      organization,
      claims: [{ uri: localClaimUri('username'), value: 'mira' }],
      updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'correct horse battery staple' },
    },
    userStore,
  },
  requestId,
}
