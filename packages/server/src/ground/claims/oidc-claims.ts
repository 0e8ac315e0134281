import { localClaimUri } from '@preflow/contract'
import type { User } from '../store/model.ts'
import { readLocalClaim } from './document-claims.ts'

/** A claim value in a token. */
export type ClaimValue = string | number | boolean | string[] | Record<string, string>

/** The conversion of a local claim to an OIDC claim. Values in the store are strings. */
type Reading = 'text' | 'boolean' | 'seconds'

/** OIDC claims of OpenID Connect Core 5.1 and their local claims, as in WSO2's claim dialect. */
const OIDC_CLAIMS: Record<string, { local: string; reading?: Reading }> = {
  name: { local: 'fullname' },
  given_name: { local: 'givenname' },
  family_name: { local: 'lastname' },
  middle_name: { local: 'middleName' },
  nickname: { local: 'nickname' },
  preferred_username: { local: 'displayName' },
  profile: { local: 'url' },
  picture: { local: 'photourl' },
  website: { local: 'url' },
  gender: { local: 'gender' },
  birthdate: { local: 'dob' },
  zoneinfo: { local: 'timeZone' },
  locale: { local: 'local' },
  updated_at: { local: 'modified', reading: 'seconds' },
  email: { local: 'emailaddress' },
  email_verified: { local: 'identity/emailVerified', reading: 'boolean' },
  phone_number: { local: 'mobile' },
  phone_number_verified: { local: 'identity/phoneVerified', reading: 'boolean' },
}

const ADDRESS_MEMBERS: Record<string, string> = {
  formatted: 'addresses.formatted',
  street_address: 'streetaddress',
  locality: 'addresses.locality',
  region: 'region',
  postal_code: 'postalcode',
  country: 'country',
}

/** The claims that a scope requests. The keys are the identity scopes that every application may request. */
export const SCOPE_CLAIMS: Record<string, readonly string[]> = {
  openid: ['sub'],
  profile: [
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  groups: ['groups'],
  roles: ['roles', 'application_roles'],
}

/** Scopes about the signed-in user, not about an API. */
export const IDENTITY_SCOPES: readonly string[] = Object.keys(SCOPE_CLAIMS)

/** Every claim that a scope can bring. */
export const STANDARD_CLAIMS: readonly string[] = [...new Set(Object.values(SCOPE_CLAIMS).flat())]

/** The OIDC claims that have the value of a local claim. */
export function oidcClaimsFrom(localUri: string): string[] {
  const isIt = (local: string) => localClaimUri(local) === localUri
  return [
    ...Object.entries(OIDC_CLAIMS).flatMap(([name, { local }]) => (isIt(local) ? [name] : [])),
    ...['groups', 'roles', 'username'].filter(isIt),
    ...(Object.values(ADDRESS_MEMBERS).some(isIt) ? ['address'] : []),
  ]
}

/**
 * The user's attributes that the scopes and the named claims request, without `sub`. Attributes that the user does not have are
 * absent.
 *
 * @param named Claims in addition to those of the scopes.
 * @param limit Limits the claims of the scopes. Absent: no limit.
 */
export function claimsOf(
  user: User,
  scopes: Iterable<string>,
  named: readonly string[] = [],
  limit?: readonly string[],
): [string, ClaimValue][] {
  const ofScopes = [...scopes].flatMap(scope => SCOPE_CLAIMS[scope] ?? [])
  const wanted = new Set(ofScopes.filter(name => limit?.includes(name) ?? true).concat(named))
  wanted.delete('sub')
  // In the order of the standard, not of the scopes, so that tokens and events always look the same.
  const ordered = new Set([...STANDARD_CLAIMS.filter(name => wanted.has(name)), ...wanted])
  return [...ordered].flatMap(name => {
    const value = readClaim(user, name)
    return value === undefined ? [] : [[name, value] as [string, ClaimValue]]
  })
}

/** Claims with the names of the user's groups and roles. */
const MEMBERSHIPS: ReadonlyMap<string, (user: User) => readonly { name: string }[]> = new Map([
  ['groups', ({ groups }: User) => groups],
  ['roles', ({ roles }: User) => roles],
  ['application_roles', ({ roles }: User) => roles.filter(({ audience }) => audience.type === 'application')],
])

function readClaim(user: User, name: string): ClaimValue | undefined {
  const memberships = MEMBERSHIPS.get(name)?.(user).map(({ name }) => name)
  if (memberships) return memberships.length > 0 ? memberships : undefined
  if (name === 'address') return readAddress(user)
  if (name === 'username') return user.userName
  // A claim outside the standard set is looked up by its name in the local dialect, or as a full claim URI.
  const { local, reading = 'text' } = OIDC_CLAIMS[name] ?? { local: name }
  const value = readLocalClaim(user.document, localClaimUri(local)) ?? readLocalClaim(user.document, local)
  return value === undefined || value.length === 0 ? otherwise[name]?.(user) : readings[reading](value)
}

/** The values of claims that the user's attributes do not have. */
const otherwise: Record<string, (user: User) => ClaimValue | undefined> = {
  name: user =>
    ['given_name', 'family_name']
      .map(part => String(readClaim(user, part) ?? ''))
      .join(' ')
      .trim() || undefined,
  updated_at: ({ updatedAt }) => Math.floor(updatedAt / 1000),
}

const readings: Record<Reading, (value: string | string[]) => ClaimValue | undefined> = {
  text: value => value,
  boolean: value => value === 'true',
  seconds: value => {
    const milliseconds = Date.parse(String(value))
    return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
  },
}

function readAddress(user: User): Record<string, string> | undefined {
  const members = Object.entries(ADDRESS_MEMBERS).flatMap(([member, local]) => {
    const value = readLocalClaim(user.document, localClaimUri(local))
    return typeof value === 'string' && value !== '' ? [[member, value]] : []
  })
  return members.length > 0 ? Object.fromEntries(members) : undefined
}
