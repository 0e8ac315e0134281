import type { Platform } from '@preflow/contract'
import { isSelfService, isServerScope } from '../access/permission-names.ts'
import type { TokenPlan } from './token-plan.ts'

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/**
 * When the reference runs actions (T1 to T30 of docs/reference/conformance.md). For a refresh, the grant of the replaced token
 * decides, and the grant of a refreshed token is `refresh_token`. So the second refresh of a device's chain runs actions that the
 * first did not.
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
/** Only in this order of words. `code token` has no ID token, and the implicit types run no action. */
const ID_TOKEN_RESPONSE_TYPES: ReadonlySet<string> = new Set(['code id_token', 'code id_token token'])

/**
 * Whether the token is only for managing this server: it belongs to an administrator or a system application and has only the
 * server's scopes, of which one is for more than its user's own account. Actions never run for it. Otherwise an action that refuses everyone could not be deactivated any more.
 */
export function isForManaging({ application, grantedScopes, user }: TokenPlan): boolean {
  const isManager = user?.isAdministrator === true || application.isSystem
  return isManager && !grantedScopes.every(isSelfService) && grantedScopes.every(isServerScope)
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
