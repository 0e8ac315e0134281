export type { CallerAuthentication } from './caller.ts'
export type { Context, Facts } from './context.ts'
export {
  type Allow,
  allow,
  type DataFor,
  type Decision,
  type Deny,
  deny,
  type Fail,
  fail,
  type Redirect,
  redirectTo,
} from './decision.ts'
export type { DecisionRecord } from './decision-record.ts'
export { defineExtension, type Extension, type ExtensionOptions } from './define-extension.ts'
export {
  type AudienceEdit,
  addAudience,
  addClaim,
  addResponseParameter,
  addScope,
  type ClaimEdit,
  type ClaimValue,
  type Edit,
  type EditFor,
  keepScopes,
  type LifetimeEdit,
  type RefreshLifetimeEdit,
  type ResponseParameterEdit,
  removeAudience,
  removeClaim,
  removeResponseParameter,
  removeScope,
  replaceAudience,
  replaceClaim,
  type ScopeEdit,
  setClaim,
  setExpiresIn,
  setRefreshExpiresIn,
  setScopes,
  shortenRefreshTo,
  shortenTo,
} from './edits.ts'
export type { IncomingCall, OutgoingAnswer } from './exchange.ts'
export type { DecisionFor, Handler, HandlerName, Handlers } from './handlers.ts'
export { createReplayMemory, type ReplayMemory } from './replays.ts'
export {
  checkReturnCode,
  createReturnProof,
  type ReturnProof,
  type ReturnProofFacts,
  withReturnCode,
} from './return-proof.ts'
