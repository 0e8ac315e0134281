import type { ActionRequest } from '../../call.ts'
import { organization, requestId, tenant } from '../sample-nouns.ts'
import type { AuthenticationEvent } from './event.ts'

/** A typical request. */
export const sample: ActionRequest<AuthenticationEvent> = {
  actionType: 'AUTHENTICATION',
  flowId: 'flow-1',
  event: {
    tenant,
    organization,
    application: { id: 'app-1', name: 'Shop' },
    currentStepIndex: 1,
  },
  allowedOperations: [{ op: 'redirect' }],
  requestId,
}
