export type { AuthenticationData, AuthenticationEvent } from './action-types/authentication/event.ts'
export type { AccessTokenEvent } from './action-types/pre-issue-access-token/event.ts'
export type { IdTokenEvent } from './action-types/pre-issue-id-token/event.ts'
export type { PasswordCredential, PasswordEvent } from './action-types/pre-update-password/event.ts'
export type { ProfileEvent, UpdatingClaim } from './action-types/pre-update-profile/event.ts'
export {
  type ActionType,
  type ActionTypeDescriptor,
  actionTypes,
  type ClaimReasons,
  type EditablePlace,
  type Events,
  type InClear,
  type IndexBase,
  type Offer,
  type OfferedPath,
  type Revision,
  type RuleField,
  type Since,
  unimplementedActionTypes,
} from './action-types.ts'
export { type AnswerStatus, answerMembers, answerStatuses } from './answer.ts'
export {
  type ActionRequest,
  type ActionResponse,
  API_VERSION_HEADER,
  parseActionRequest,
} from './call.ts'
export {
  isCredential,
  isSecretHeader,
  isSecretParameter,
  mayDiscloseHeader,
  mayDiscloseParameter,
  RETURN_CODE_PARAMETER,
  SECRET_HEADERS,
  SECRET_PARAMETERS,
} from './disclosure.ts'
export {
  ENDPOINT_AUTHENTICATION_PROPERTIES,
  type EndpointAuthentication,
  type EndpointAuthenticationType,
} from './endpoint-authentication.ts'
export type {
  InitiatorType,
  NamedValues,
  Organization,
  Tenant,
  TokenClaim,
  TokenRequest,
  UserClaim,
  UserStore,
} from './event.ts'
export type { FailureMode } from './failure-mode.ts'
export { describeIssue, describeIssues, type Issue } from './issue.ts'
export { LOCAL_DIALECT, localClaimUri } from './local-dialect.ts'
export {
  type AllowedOperation,
  isAllowed,
  lastSegment,
  type Operation,
  type OperationName,
  operationMembers,
  operationNames,
  parentPath,
} from './operation.ts'
export { contractRevision, type Platform, type PlatformName, platforms } from './platforms.ts'
export { type Present, present } from './present.ts'
export { readDocument } from './read-document.ts'
export {
  type Expression,
  MAX_EXPRESSIONS,
  MAX_GROUPS,
  type Rule,
  type RuleOperator,
  ruleOperators,
  validateRule,
} from './rule.ts'
export { isAudience, isClaimName, isPlatformClaim, isPlatformScope, isScope, SCOPE_PATTERN } from './token-values.ts'
