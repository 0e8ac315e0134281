import type { ActionRequest } from '../../call.ts'
import { organization, requestId, tenant, userStore } from '../sample-nouns.ts'
import type { AccessTokenEvent } from './event.ts'

/** A typical request. */
export const sample: ActionRequest<AccessTokenEvent> = {
  actionType: 'PRE_ISSUE_ACCESS_TOKEN',
  event: {
    request: {
      clientId: 'web1',
      grantType: 'authorization_code',
      scopes: ['openid', 'cart.read', 'orders.write'],
      additionalHeaders: [{ name: 'x-client-source-ip', value: ['8.8.8.8'] }],
    },
    tenant,
    organization,
    user: { id: 'u-9', organization },
    userStore,
    accessToken: {
      tokenType: 'JWT',
      scopes: ['cart.read', 'openid', 'orders.write'],
      claims: [
        { name: 'iss', value: 'https://idp.test/t/acme/oauth2/token' },
        { name: 'client_id', value: 'web1' },
        { name: 'aut', value: 'APPLICATION_USER' },
        { name: 'expires_in', value: 3600 },
        { name: 'aud', value: ['web1', 'https://api.shop.test'] },
        { name: 'sub', value: 'u-9' },
        { name: 'given_name', value: 'Mira' },
        { name: 'age', value: 41 },
        { name: 'groups', value: ['staff', 'eu'] },
      ],
    },
    refreshToken: { claims: [{ name: 'expires_in', value: 7200 }] },
    session: { sessionDataKeyConsent: 'k-1' },
    response: { parameters: ['access_token', 'token_type', 'scope', 'expires_in', 'refresh_token', 'id_token'] },
  },
  allowedOperations: [
    {
      op: 'add',
      paths: ['/accessToken/claims/', '/accessToken/scopes/', '/accessToken/claims/aud/', '/response/parameters/'],
    },
    {
      op: 'remove',
      paths: [
        '/accessToken/claims/given_name',
        '/accessToken/claims/age',
        '/accessToken/claims/groups/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/response/parameters/refresh_token',
        '/response/parameters/id_token',
      ],
    },
    {
      op: 'replace',
      paths: [
        '/accessToken/claims/given_name',
        '/accessToken/claims/age',
        '/accessToken/claims/groups/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/accessToken/claims/expires_in',
        '/refreshToken/claims/expires_in',
      ],
    },
  ],
  requestId,
}
