import type { Platform } from '@preflow/contract'
import { isServerScope } from '../access/permission-names.ts'
import type { TokenPlan } from './token-plan.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/**
 * When the actions of the reference run (T1 to T30 of docs/reference/conformance.md). A refresh is judged by the grant of the token it
 * replaces, and a refreshed token counts as one of the grant `refresh_token`: hence the second refresh of a device's chain runs what
 * the first did not.
 */
const ACCESS_TOKEN_GRANTS: ReadonlySet<string> = new Set(['authorization_code', 'client_credentials', 'password'])
const REFRESHED_GRANTS: ReadonlySet<string> = new Set(['authorization_code', 'password', 'refresh_token'])
const ID_TOKEN_GRANTS: ReadonlySet<string> = new Set([
  'authorization_code',
  'password',
  'refresh_token',
  DEVICE_CODE,
  'organization_switch',
])
/** In this order of words and no other; `code token` has no ID token, and the implicit types run nothing. */
const ID_TOKEN_RESPONSE_TYPES: ReadonlySet<string> = new Set(['code id_token', 'code id_token token'])

/**
 * Whether the token is for managing this server and nothing else: of an administrator or one of the server's own applications, with
 * no scopes but the server's. Actions never apply to it, otherwise one that refuses everybody could not be switched off any more.
 */
export function isForManaging({ application, grantedScopes, user }: TokenPlan): boolean {
  const isManager = user?.isAdministrator === true || application.isSystem
  return isManager && grantedScopes.length > 0 && grantedScopes.every(isServerScope)
}

/** Whether a platform calls the access token action for these tokens. */
export function runsAccessTokenAction(plan: TokenPlan, { issuing }: Platform): boolean {
  if (issuing.actionsRunFor === 'all') return true
  const { application, grantType, previousGrant } = plan
  if (application.accessTokenType !== 'JWT' || grantType === undefined) return false
  return previousGrant === undefined ? ACCESS_TOKEN_GRANTS.has(grantType) : REFRESHED_GRANTS.has(previousGrant)
}

/** Whether a platform calls the ID token action for these tokens. */
export function runsIdTokenAction({ grantType, responseType }: TokenPlan, { issuing }: Platform): boolean {
  if (issuing.actionsRunFor === 'all') return true
  return grantType === undefined ? ID_TOKEN_RESPONSE_TYPES.has(responseType ?? '') : ID_TOKEN_GRANTS.has(grantType)
}
