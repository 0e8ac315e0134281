import { actionTypes } from '@preflow/contract'
import type { ActionCall, OperationVerdict } from './call.ts'
import { shownUrl } from './redact.ts'

/**
 * One observable moment of a call, with the names and texts of the reference's diagnostic log. Payloads, header values, operation
 * values and credentials are never in it.
 */
export interface DiagnosticStep {
  componentId: 'action-execution'
  actionId:
    | 'execute-action'
    | 'evaluate-rule'
    | 'process-action-request'
    | 'send-action-request'
    | 'receive-action-response'
    | 'validate-action-response'
    | 'process-action-response'
  resultStatus: 'SUCCESS' | 'FAILED'
  resultMessage: string
  /** Which action and which endpoint, and what came of its operations. */
  params?: Record<string, unknown>
}

/** Writes the steps of one call. */
export interface Diagnostics {
  initiated(): void
  ruleAbsent(): void
  ruleEvaluated(outcome: boolean): void
  started(): void
  calling(): void
  tokenObtained(tokenEndpoint: string): void
  tokenFailed(tokenEndpoint: string, why: string): void
  unavailable(attempt: number, attempts: number): void
  timedOut(attempt: number, attempts: number): void
  broken(): void
  unauthorized(attempt: number, max: number): void
  unauthorizedToTheEnd(max: number): void
  succeeded(): void
  incomplete(): void
  errored(message: string, description?: string): void
  failed(reason: string, description?: string): void
  unusable(why?: string): void
  validated(verdicts: readonly OperationVerdict[]): void
  reasonRefused(): void
  processed(verdicts: readonly OperationVerdict[]): void
  gaveUp(message: string): void
}

/**
 * @param uri The endpoint without what may be secret in it.
 * @param write Receives each step at its moment.
 * @see spec: the table of diagnostic logs; component `action-execution`.
 */
export function createDiagnostics(
  action: ActionCall['action'],
  uri: string,
  write: (step: DiagnosticStep) => void,
): Diagnostics {
  const x = actionTypes[action.type].displayName
  const configuration = {
    resourceId: action.id,
    actionType: x,
    actionEndpoint: uri,
    actionEndpointAuthenticationType: action.endpoint.authentication.type,
  }
  const step = (
    actionId: DiagnosticStep['actionId'],
    resultStatus: DiagnosticStep['resultStatus'],
    resultMessage: string,
    params?: Record<string, unknown>,
  ) => {
    write({ componentId: 'action-execution', actionId, resultStatus, resultMessage, ...(params ? { params } : {}) })
  }
  const retrying = (verb: string, attempt: number, attempts: number) =>
    attempt < attempts ? `${verb} ${attempt} of ${attempts - 1}.` : 'Maximum retry attempts reached.'
  const token = action.endpoint.authentication.type

  return {
    initiated: () => step('execute-action', 'SUCCESS', `${x} action execution is initiated.`),
    ruleAbsent: () =>
      step('evaluate-rule', 'SUCCESS', `No rule configured for action ${x}. Proceed executing the action.`),
    ruleEvaluated: outcome => step('evaluate-rule', 'SUCCESS', `Rule of ${x} action evaluated to ${outcome}`),
    started: () => step('execute-action', 'SUCCESS', `${x} action execution started.`),
    calling: () =>
      step(
        'process-action-request',
        'SUCCESS',
        `Call external service endpoint ${uri} for ${x} action.`,
        configuration,
      ),
    tokenObtained: tokenEndpoint =>
      step(
        'process-action-request',
        'SUCCESS',
        `Successfully retrieved a new access token using ${token} authentication from the token endpoint ${shownUrl(tokenEndpoint)} for action execution.`,
        configuration,
      ),
    tokenFailed: (tokenEndpoint, why) =>
      step(
        'process-action-request',
        'FAILED',
        `Failed to retrieve a new access token using ${token} authentication from the token endpoint ${shownUrl(tokenEndpoint)} for action execution.`,
        { ...configuration, 'Failure Message': why },
      ),
    unavailable: (attempt, attempts) =>
      step(
        'send-action-request',
        'SUCCESS',
        `External endpoint ${uri} for action execution seems to be unavailable. ${retrying('Retrying API call attempt', attempt, attempts)}`,
      ),
    timedOut: (attempt, attempts) =>
      step(
        'send-action-request',
        'SUCCESS',
        `Request to the external endpoint ${uri} for action execution timed out. ${retrying('Retrying attempt', attempt, attempts)}`,
      ),
    broken: () =>
      step('send-action-request', 'FAILED', `Request for external endpoint ${uri} for action failed due to an error.`),
    unauthorized: (attempt, max) =>
      step(
        'send-action-request',
        'SUCCESS',
        `Received unauthorized response from external endpoint ${uri} for action execution. Refreshing the token and retrying the API call. Attempt ${attempt} of ${max}.`,
        configuration,
      ),
    unauthorizedToTheEnd: max =>
      step(
        'send-action-request',
        'SUCCESS',
        `Maximum retry attempts (${max}) reached for action execution after receiving unauthorized response from external endpoint ${uri}.`,
        configuration,
      ),
    succeeded: () =>
      step(
        'receive-action-response',
        'SUCCESS',
        `Received success response from external endpoint ${uri} for ${x} action.`,
        configuration,
      ),
    incomplete: () =>
      step(
        'receive-action-response',
        'SUCCESS',
        `Received response with INCOMPLETE status from external endpoint ${uri} for ${x} action.`,
        configuration,
      ),
    errored: (message, description) =>
      step(
        'receive-action-response',
        'FAILED',
        `Received error response from external endpoint ${uri} for ${x} action.`,
        { ...configuration, 'Error Message': message, ...(description ? { 'Error Description': description } : {}) },
      ),
    failed: (reason, description) =>
      step(
        'receive-action-response',
        'FAILED',
        `Received failure response from external endpoint ${uri} for ${x} action.`,
        { ...configuration, 'Failure Message': reason, ...(description ? { 'Failure Description': description } : {}) },
      ),
    unusable: why =>
      step(
        'receive-action-response',
        'FAILED',
        `Failed to call external endpoint for ${x} action. ${why ?? 'Unknown error occured.'}`,
        configuration,
      ),
    validated: verdicts => {
      const named = (wanted: boolean) => {
        const list = verdicts
          .filter(({ verdict }) => (verdict !== 'not_allowed') === wanted)
          .map(({ op, path }) => `Operation: ${op.toUpperCase()} Path: ${path ?? ''}`)
        return list.length > 0 ? list : 'empty'
      }
      step('validate-action-response', 'SUCCESS', `Validated operations to perform on ${x} action.`, {
        ...configuration,
        allowedOperations: named(true),
        notAllowedOperations: named(false),
      })
    },
    reasonRefused: () =>
      step('validate-action-response', 'FAILED', 'Invalid value for failedReason attribute at FAILED state.'),
    processed: verdicts => {
      const executed = verdicts
        .filter(({ verdict }) => verdict !== 'not_allowed')
        .map(({ op, path, verdict, reason }) => ({
          operation: `${op.toUpperCase()} path: ${path ?? ''}`,
          status: verdict === 'applied' ? 'SUCCESS' : 'FAILURE',
          message: reason,
        }))
      step('process-action-response', 'SUCCESS', `Allowed operations are executed for ${x} action.`, {
        executedOperations: executed.length > 0 ? executed : 'empty',
      })
    },
    gaveUp: message => step('execute-action', 'FAILED', `Failed to execute ${x} action. ${message}`, configuration),
  }
}
