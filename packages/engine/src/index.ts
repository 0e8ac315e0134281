export type { AddressPolicy } from './address-guard.ts'
export { type Applied, applyOperations } from './apply-operations.ts'
export {
  type CredentialSource,
  createCredentialSource,
  type OAuthAuthentication,
  type TokenCallLimits,
} from './authenticate.ts'
export { type BreakerOptions, type Breakers, createBreakers } from './breaker.ts'
export type {
  ActionCall,
  Attempt,
  Bounds,
  CallTrace,
  Changes,
  DiagnosticStep,
  OperationVerdict,
  Outcome,
} from './call.ts'
export type { CallError, CallErrorCode, Result } from './call-error.ts'
export { disclose } from './disclose.ts'
export { evaluateRule } from './evaluate-rule.ts'
export { executeAction } from './execute-action.ts'
export { allowedOperationsFor } from './offer.ts'
export type { EnginePorts } from './ports.ts'
export { type Reading, readAnswer } from './read-answer.ts'
export { type OfferCircumstances, trimEvent } from './revision.ts'
export { createSend, type Delivery, type Send, type SendOptions, type SendRequest } from './send.ts'
export { credentialOf, encryptCredential, type PasswordFormat } from './share-password.ts'
export { sign } from './sign.ts'
export { createTurns, type Place, type TurnHolder, type TurnLimits, type Turns } from './turns.ts'
