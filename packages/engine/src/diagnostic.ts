import { actionTypes } from '@preflow/contract'
import type { ActionCall, DiagnosticStep, OperationVerdict } from './call.ts'
import { shownUrl } from './redact.ts'

/** The moments of a call that write a step, and the data for each. */
export interface Moments {
  initiated: []
  ruleAbsent: []
  ruleEvaluated: [outcome: boolean]
  started: []
  calling: []
  tokenObtained: [tokenEndpoint: string]
  tokenFailed: [tokenEndpoint: string, why: string]
  unavailable: [attempt: number, attempts: number]
  timedOut: [attempt: number, attempts: number]
  broken: []
  unauthorized: [attempt: number, max: number]
  unauthorizedToTheEnd: [max: number]
  succeeded: []
  incomplete: []
  errored: [message: string, description: string | undefined]
  failed: [reason: string, description: string | undefined]
  unusable: [why: string | undefined]
  validated: [verdicts: readonly OperationVerdict[]]
  reasonRefused: []
  processed: [verdicts: readonly OperationVerdict[]]
  gaveUp: [message: string]
}

/** Writes the step of one moment. */
export type Diagnose = <Moment extends keyof Moments>(moment: Moment, ...known: Moments[Moment]) => void

/**
 * @param uri The endpoint without parts that may be secret.
 * @param write Receives each step immediately.
 */
export function createDiagnose(
  action: ActionCall['action'],
  uri: string,
  write: (step: DiagnosticStep) => void,
): Diagnose {
  const x = actionTypes[action.type].displayName
  const authentication = action.endpoint.authentication.type
  const configuration = {
    resourceId: action.id,
    actionType: x,
    actionEndpoint: uri,
    actionEndpointAuthenticationType: authentication,
  }
  const called = { x, uri, authentication, configuration }
  return (moment, ...known) => {
    const [actionId, resultStatus, resultMessage, params] = steps[moment](called, ...known)
    write(
      params
        ? { componentId: 'action-execution', actionId, resultStatus, resultMessage, params }
        : { componentId: 'action-execution', actionId, resultStatus, resultMessage },
    )
  }
}

/** What every step of a call may contain. `x` is the display name of the action type. */
interface Called {
  x: string
  uri: string
  authentication: string
  configuration: Readonly<Record<string, unknown>>
}

type Step = [
  actionId: DiagnosticStep['actionId'],
  resultStatus: DiagnosticStep['resultStatus'],
  resultMessage: string,
  params?: Record<string, unknown>,
]

/** The reference's diagnostic log of the component `action-execution`, with its messages unchanged. */
const steps: { [Moment in keyof Moments]: (called: Called, ...known: Moments[Moment]) => Step } = {
  initiated: ({ x }) => ['execute-action', 'SUCCESS', `${x} action execution is initiated.`],
  ruleAbsent: ({ x }) => [
    'evaluate-rule',
    'SUCCESS',
    `No rule configured for action ${x}. Proceed executing the action.`,
  ],
  ruleEvaluated: ({ x }, outcome) => ['evaluate-rule', 'SUCCESS', `Rule of ${x} action evaluated to ${outcome}`],
  started: ({ x }) => ['execute-action', 'SUCCESS', `${x} action execution started.`],
  calling: ({ x, uri, configuration }) => [
    'process-action-request',
    'SUCCESS',
    `Call external service endpoint ${uri} for ${x} action.`,
    configuration,
  ],
  tokenObtained: ({ authentication, configuration }, tokenEndpoint) => [
    'process-action-request',
    'SUCCESS',
    `Successfully retrieved a new access token using ${authentication} authentication from the token endpoint ${shownUrl(tokenEndpoint)} for action execution.`,
    configuration,
  ],
  tokenFailed: ({ authentication, configuration }, tokenEndpoint, why) => [
    'process-action-request',
    'FAILED',
    `Failed to retrieve a new access token using ${authentication} authentication from the token endpoint ${shownUrl(tokenEndpoint)} for action execution.`,
    { ...configuration, 'Failure Message': why },
  ],
  unavailable: ({ uri }, attempt, attempts) => [
    'send-action-request',
    'SUCCESS',
    `External endpoint ${uri} for action execution seems to be unavailable. ${retrying('Retrying API call attempt', attempt, attempts)}`,
  ],
  timedOut: ({ uri }, attempt, attempts) => [
    'send-action-request',
    'SUCCESS',
    `Request to the external endpoint ${uri} for action execution timed out. ${retrying('Retrying attempt', attempt, attempts)}`,
  ],
  broken: ({ uri }) => [
    'send-action-request',
    'FAILED',
    `Request for external endpoint ${uri} for action failed due to an error.`,
  ],
  unauthorized: ({ uri, configuration }, attempt, max) => [
    'send-action-request',
    'SUCCESS',
    `Received unauthorized response from external endpoint ${uri} for action execution. Refreshing the token and retrying the API call. Attempt ${attempt} of ${max}.`,
    configuration,
  ],
  unauthorizedToTheEnd: ({ uri, configuration }, max) => [
    'send-action-request',
    'SUCCESS',
    `Maximum retry attempts (${max}) reached for action execution after receiving unauthorized response from external endpoint ${uri}.`,
    configuration,
  ],
  succeeded: ({ x, uri, configuration }) => [
    'receive-action-response',
    'SUCCESS',
    `Received success response from external endpoint ${uri} for ${x} action.`,
    configuration,
  ],
  incomplete: ({ x, uri, configuration }) => [
    'receive-action-response',
    'SUCCESS',
    `Received response with INCOMPLETE status from external endpoint ${uri} for ${x} action.`,
    configuration,
  ],
  errored: ({ x, uri, configuration }, message, description) => [
    'receive-action-response',
    'FAILED',
    `Received error response from external endpoint ${uri} for ${x} action.`,
    { ...configuration, 'Error Message': message, ...(description ? { 'Error Description': description } : {}) },
  ],
  failed: ({ x, uri, configuration }, reason, description) => [
    'receive-action-response',
    'FAILED',
    `Received failure response from external endpoint ${uri} for ${x} action.`,
    { ...configuration, 'Failure Message': reason, ...(description ? { 'Failure Description': description } : {}) },
  ],
  unusable: ({ x, configuration }, why) => [
    'receive-action-response',
    'FAILED',
    `Failed to call external endpoint for ${x} action. ${why ?? 'Unknown error occured.'}`,
    configuration,
  ],
  validated: ({ x, configuration }, verdicts) => [
    'validate-action-response',
    'SUCCESS',
    `Validated operations to perform on ${x} action.`,
    {
      ...configuration,
      allowedOperations: orEmpty(verdicts.filter(isAllowed).map(named)),
      notAllowedOperations: orEmpty(verdicts.filter(verdict => !isAllowed(verdict)).map(named)),
    },
  ],
  reasonRefused: () => [
    'validate-action-response',
    'FAILED',
    'Invalid value for failedReason attribute at FAILED state.',
  ],
  processed: ({ x }, verdicts) => [
    'process-action-response',
    'SUCCESS',
    `Allowed operations are executed for ${x} action.`,
    { executedOperations: orEmpty(verdicts.filter(isAllowed).map(executed)) },
  ],
  gaveUp: ({ x, configuration }, message) => [
    'execute-action',
    'FAILED',
    `Failed to execute ${x} action. ${message}`,
    configuration,
  ],
}

function retrying(verb: string, attempt: number, attempts: number): string {
  return attempt < attempts ? `${verb} ${attempt} of ${attempts - 1}.` : 'Maximum retry attempts reached.'
}

function isAllowed({ verdict }: OperationVerdict): boolean {
  return verdict !== 'not_allowed'
}

function named({ op, path }: OperationVerdict): string {
  return `Operation: ${op.toUpperCase()} Path: ${path ?? ''}`
}

function executed({ op, path, verdict, reason }: OperationVerdict): object {
  return {
    operation: `${op.toUpperCase()} path: ${path ?? ''}`,
    status: verdict === 'applied' ? 'SUCCESS' : 'FAILURE',
    message: reason,
  }
}

/** The reference writes a word if the value is empty. */
function orEmpty<Item>(items: readonly Item[]): readonly Item[] | 'empty' {
  return items.length > 0 ? items : 'empty'
}
