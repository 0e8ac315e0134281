import type { ActionRequest } from '../../call.ts'
import { organization, requestId, tenant, userStore } from '../sample-nouns.ts'
import type { IdTokenEvent } from './event.ts'

/** A typical request. */
export const sample: ActionRequest<IdTokenEvent> = {
  actionType: 'PRE_ISSUE_ID_TOKEN',
  event: {
    request: { clientId: 'web1', grantType: 'authorization_code', scopes: ['openid', 'profile'] },
    tenant,
    organization,
    user: { id: 'u-9', userType: 'LOCAL', organization },
    userStore,
    idToken: {
      claims: [
        { name: 'jti', value: 'j-1' },
        { name: 'iss', value: 'https://idp.test/t/acme/oauth2/token' },
        { name: 'azp', value: 'web1' },
        { name: 'amr', value: ['pwd'] },
        { name: 'at_hash', value: 'h' },
        { name: 'sub', value: 'u-9' },
        { name: 'given_name', value: 'Mira' },
        { name: 'groups', value: ['staff', 'eu'] },
        { name: 'aud', value: ['web1', 'https://api.shop.test', 'https://api.bank.test'] },
        { name: 'expires_in', value: 3600 },
      ],
    },
  },
  allowedOperations: [
    { op: 'add', paths: ['/idToken/claims/', '/idToken/claims/aud/'] },
    { op: 'remove', paths: ['/idToken/claims/given_name', '/idToken/claims/groups/', '/idToken/claims/aud/'] },
    {
      op: 'replace',
      paths: [
        '/idToken/claims/given_name',
        '/idToken/claims/groups/',
        '/idToken/claims/aud/',
        '/idToken/claims/expires_in',
      ],
    },
  ],
  requestId,
}
