import type { TokenClaim } from '../../event.ts'
import { delta, gaugeBoard, heron, ISSUER, ines, tenant, userClaims, userStore } from '../cast.ts'
import type { Scenario } from '../scenario.ts'
import type { IdTokenEvent } from './event.ts'

const scopes = ['openid', 'profile', 'groups']
const local = { user: { id: ines.id, userType: 'LOCAL' as const, organization: heron }, userStore }

interface Issuance {
  request: Partial<IdTokenEvent['request']>
  who?: Pick<IdTokenEvent, 'user' | 'userStore'>
  /** Hashes of the tokens that are issued with it. */
  hashes?: TokenClaim[]
}

function issuance({ request, who = local, hashes = [{ name: 'at_hash', value: 'mZ8x3c1q' }] }: Issuance): IdTokenEvent {
  return {
    request: { clientId: gaugeBoard.clientId, ...request, scopes },
    tenant,
    organization: heron,
    ...who,
    idToken: {
      claims: [
        { name: 'jti', value: '2e7d9b3e-5b51-4d0f-9f2b-6d1b6c3f8a77' },
        { name: 'iss', value: ISSUER },
        { name: 'azp', value: gaugeBoard.clientId },
        { name: 'auth_time', value: 1_795_600_000 },
        { name: 'nonce', value: 'n-0S6_WzA2Mj' },
        { name: 'amr', value: ['BasicAuthenticator'] },
        ...hashes,
        { name: 'org_id', value: heron.id },
        { name: 'org_name', value: heron.name },
        { name: 'org_handle', value: heron.orgHandle },
        { name: 'sub', value: ines.id },
        ...userClaims,
        { name: 'aud', value: [gaugeBoard.clientId] },
        { name: 'expires_in', value: 3600 },
      ],
    },
  }
}

const byGrant = (grant: string, about: string, more: Omit<Issuance, 'request'> = {}): Scenario<IdTokenEvent> => ({
  name: grant.replace(/^.*:/, ''),
  about,
  grant,
  event: () => issuance({ ...more, request: { grantType: grant } }),
})

/** When an ID token is issued. */
export const scenarios: readonly Scenario<IdTokenEvent>[] = [
  byGrant('authorization_code', 'A user signs in with a code.'),
  byGrant('password', 'A legacy client sends the password of a user.'),
  byGrant('refresh_token', 'The tokens are refreshed.'),
  byGrant('urn:ietf:params:oauth:grant-type:device_code', 'A user has confirmed the code of a device.'),
  byGrant('organization_switch', 'A user switches to another organization.', {
    who: { ...local, user: { ...local.user, accessingOrganization: delta } },
  }),
  {
    name: 'hybrid',
    about: 'The authorize endpoint returns a code and an ID token at once.',
    flow: 'hybrid',
    event: () =>
      issuance({ request: { responseType: 'code id_token' }, hashes: [{ name: 'c_hash', value: 'pQ0r5t2u' }] }),
  },
  {
    name: 'federated',
    about: 'A user of another identity provider signs in with a code.',
    grant: 'authorization_code',
    flow: 'federated',
    event: () =>
      issuance({
        request: { grantType: 'authorization_code' },
        who: { user: { userType: 'FEDERATED', federatedIdP: 'Riverside', organization: heron } },
      }),
  },
]
