import type { AccessTokenEvent, ActionRequest } from '@preflow/contract'

/** A request as a platform sends it for a code grant: about 2 kB, with the headers of a browser. */
export function tokenRequest(address: string): ActionRequest<AccessTokenEvent> {
  const organization = { id: 'b7a2e6f0-0f0b-4b55-9d57-0f2f1a6f5c11', name: 'Acme', orgHandle: 'acme', depth: 0 }
  const listPaths = ['/accessToken/scopes/', '/accessToken/claims/aud/']
  const userPaths = ['given_name', 'family_name', 'email'].map(name => `/accessToken/claims/${name}`)
  return {
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    event: {
      request: {
        clientId: 'CCm5aWk4TjKgprfH_fmuMI7edDQa',
        grantType: 'authorization_code',
        scopes: ['openid', 'orders.read', 'orders.write'],
        additionalHeaders: [
          { name: 'x-client-source-ip', value: [address] },
          { name: 'user-agent', value: ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)'] },
          { name: 'accept-language', value: ['en-GB,en;q=0.9,de;q=0.8'] },
          { name: 'accept', value: ['application/json, text/plain, */*'] },
        ],
      },
      tenant: { id: '41', name: 'acme' },
      organization,
      user: { id: '8eebb941-51e1-4d13-9d5a-81da190383ae', organization },
      userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
      accessToken: {
        tokenType: 'JWT',
        claims: [
          { name: 'iss', value: 'https://id.acme.example/t/acme/oauth2/token' },
          { name: 'client_id', value: 'CCm5aWk4TjKgprfH_fmuMI7edDQa' },
          { name: 'aut', value: 'APPLICATION_USER' },
          { name: 'expires_in', value: 3600 },
          { name: 'aud', value: ['CCm5aWk4TjKgprfH_fmuMI7edDQa', 'https://api.acme.example'] },
          { name: 'sub', value: '8eebb941-51e1-4d13-9d5a-81da190383ae' },
          { name: 'given_name', value: 'Mira' },
          { name: 'family_name', value: 'Example' },
          { name: 'email', value: 'mira@acme.example' },
        ],
        scopes: ['openid', 'orders.read', 'orders.write'],
      },
      refreshToken: { claims: [{ name: 'expires_in', value: 86_400 }] },
      response: { parameters: ['access_token', 'token_type', 'scope', 'expires_in', 'refresh_token', 'id_token'] },
    },
    allowedOperations: [
      { op: 'add', paths: ['/accessToken/claims/', ...listPaths, '/response/parameters/'] },
      { op: 'remove', paths: [...userPaths, ...listPaths] },
      {
        op: 'replace',
        paths: [...userPaths, ...listPaths, '/accessToken/claims/expires_in', '/refreshToken/claims/expires_in'],
      },
    ],
    // Without a request id. With one, a repeated request would be answered from memory.
  }
}
