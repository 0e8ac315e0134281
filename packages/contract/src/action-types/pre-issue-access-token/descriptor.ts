import type { ActionTypeDescriptor } from '../descriptor.ts'
import { tokenRequestInClear } from '../in-clear.ts'
import { type AccessTokenEvent, accessTokenEventSchema } from './event.ts'

export const preIssueAccessToken: ActionTypeDescriptor<AccessTokenEvent> = {
  type: 'PRE_ISSUE_ACCESS_TOKEN',
  path: 'preIssueAccessToken',
  displayName: 'Pre Issue Access Token',
  description: 'Configure an extension point for modifying access token via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v1',
  revisions: ['1.0', '1.1', '1.2', '1.3'],
  since: [
    { revision: '1.1', path: '/organization' },
    { revision: '1.1', path: '/user/organization' },
    { revision: '1.1', path: '/refreshToken' },
    { revision: '1.2', path: '/session' },
    { revision: '1.3', path: '/response' },
  ],
  mayBeConfiguredByOrganization: false,
  disclosedByDefault: 'everything',
  mayListHeaders: true,
  mayListAttributes: false,
  mayRedirect: false,
  ruleFields: [
    {
      name: 'application',
      displayName: 'application',
      value: {
        kind: 'reference',
        valueAttribute: 'id',
        displayAttribute: 'name',
        links: [
          { href: '/applications?excludeSystemPortals=true&offset=0&limit=10', rel: 'values' },
          { href: '/applications?excludeSystemPortals=true&filter=&limit=10', rel: 'filter' },
        ],
      },
    },
    {
      name: 'grantType',
      displayName: 'grant type',
      value: { kind: 'options', values: ['authorization_code', 'password', 'refresh_token', 'client_credentials'] },
    },
  ],
  places: [
    { kind: 'scopes', path: '/accessToken/scopes/' },
    { kind: 'audience', path: '/accessToken/claims/aud/', indices: 'snapshot', takesLikeNamed: true },
    { kind: 'lifetime', path: '/accessToken/claims/expires_in' },
    { kind: 'lifetime', path: '/refreshToken/claims/expires_in' },
    {
      kind: 'claims',
      path: '/accessToken/claims/',
      indices: 'snapshot',
      standard: [
        'sub',
        'iss',
        'aud',
        'client_id',
        'aut',
        'expires_in',
        'binding_ref',
        'binding_type',
        'subject_type',
        'iat',
      ],
      reserved: ['exp', 'nbf', 'jti', 'azp', 'act', 'cnf', 'org_id', 'org_name', 'org_handle'],
      reservedByReference: false,
      scopePath: '/accessToken/scopes/',
      reasons: {
        malformed: 'Invalid claim.',
        exists: 'An access token claim already exists.',
        reserved: "The claim '{name}' is written by the platform and cannot be added.",
      },
    },
    {
      kind: 'responseParameters',
      path: '/response/parameters/',
      removable: ['refresh_token', 'id_token'],
      reserved: ['refresh_token', 'id_token', 'error', 'error_description'],
    },
  ],
  offers: [
    {
      op: 'add',
      paths: [
        '/accessToken/claims/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        { path: '/response/parameters/', when: 'present' },
      ],
    },
    {
      op: 'remove',
      paths: [
        { eachClaimOf: '/accessToken/claims/' },
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        { path: '/response/parameters/refresh_token', when: 'present' },
        { path: '/response/parameters/id_token', when: 'present' },
      ],
    },
    {
      op: 'replace',
      paths: [
        { eachClaimOf: '/accessToken/claims/' },
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/accessToken/claims/expires_in',
        { path: '/refreshToken/claims/expires_in', when: 'present' },
      ],
    },
  ],
  serverErrorReasons: ['server_error', 'internal_server_error', '500'],
  sentWhenEmpty: [],
  inClear: {
    request: tokenRequestInClear,
    tenant: true,
    organization: true,
    user: { id: true, organization: true },
    userStore: true,
    accessToken: {
      tokenType: true,
      scopes: true,
      claims: { claimsNamed: ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'subject_type', 'binding_type', 'iat'] },
    },
    refreshToken: { claims: { claimsNamed: ['expires_in', 'iat'] } },
    response: true,
  },
  eventSchema: accessTokenEventSchema,
}
