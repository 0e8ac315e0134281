import type { NamedValues, Organization, Tenant, TokenClaim, UserStore } from '../event.ts'

/**
 * The people and places of the sample events. All names are fictional, and so are all addresses except the public one.
 */

export const tenant: Tenant = { id: '417', name: 'heron.example' }

/** The root organization of the tenant. */
export const heron: Organization = {
  id: '5d0c9d0e-0a51-4a5d-8a34-7f6d7a3c2b10',
  name: 'Heron',
  orgHandle: 'heron.example',
  depth: 0,
}

/** An organization below it. */
export const delta: Organization = {
  id: '9b1f6c0a-3d52-4c0e-8f57-2f4f0e6a7d11',
  name: 'Heron Delta',
  orgHandle: 'delta.heron.example',
  depth: 1,
}

export const userStore: UserStore = { id: 'UFJJTUFSWQ==', name: 'PRIMARY' }

export const ines = {
  id: 'b1d2b7a4-6a0c-4d0e-8c38-0a1d7e3f9a55',
  name: 'ines',
  email: 'ines@heron.example',
}

/** The application of the sample events. */
export const gaugeBoard = { id: 'c0ffee00-1111-4222-8333-444455556666', name: 'Gauge Board', clientId: 'gauge-board' }

/** The new password of the sample events. It is on no list, and easy to find if an answer repeats it. */
export const SAMPLE_PASSWORD = 'Blue-Heron_42!'

/** The same password, as an action that shares hashes sends it. */
export const SAMPLE_PASSWORD_HASH = 'NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w='

/** A public address with a good reputation, also in the lab's stand-in for the reputation service. */
export const PUBLIC_ADDRESS = '205.210.31.51'

/** The headers that a client, and the gateway in front of the platform, send with a token request. */
export const tokenRequestHeaders: NamedValues[] = [
  { name: 'host', value: ['id.heron.example'] },
  { name: 'user-agent', value: ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'] },
  { name: 'accept', value: ['application/json'] },
  { name: 'content-type', value: ['application/x-www-form-urlencoded'] },
  { name: 'x-forwarded-for', value: [PUBLIC_ADDRESS] },
  { name: 'x-client-source-ip', value: [PUBLIC_ADDRESS] },
]

export const ISSUER = 'https://id.heron.example/t/heron.example/oauth2/token'

/** Attributes of Ines that an application requested. */
export const userClaims: TokenClaim[] = [
  { name: 'given_name', value: 'Ines' },
  { name: 'email', value: ines.email },
  { name: 'age', value: 41 },
  { name: 'groups', value: ['ops', 'hydrology'] },
]
