import type {
  ActionType,
  AllowedOperation,
  EndpointAuthentication,
  FailureMode,
  OperationName,
  Platform,
  Rule,
} from '@preflow/contract'
import type { CallError } from './call-error.ts'

/** Everything the engine needs for one call. The identity server builds it. */
export interface ActionCall {
  action: {
    id: string
    type: ActionType
    /** Major version, `v1`: sent as `x-wso2-api-version`. */
    version: string
    /** The display name. The messages of the steps use the display name of the type. */
    name?: string
    endpoint: {
      /** Absolute http or https URL. Its query is sent, and never shown in a trace or a message. */
      uri: string
      authentication: EndpointAuthentication
      /** Header names to forward, ignoring case. Empty or absent: the lists of server and type apply. */
      allowedHeaders?: readonly string[]
      /** Parameter names to forward, case-sensitive. */
      allowedParameters?: readonly string[]
      /** Standard Webhooks secrets (`whsec_…`). The request is signed with each, so that keys can be rotated. */
      signingSecrets?: readonly string[]
    }
    /** Absent: the action always runs. */
    rule?: Rule
    /**
     * What happens to the flow if the call has no decision: timeout, transport failure, 5xx, ERROR, invalid answer, an
     * open circuit. Default `error`, as in the reference.
     */
    onFailure?: FailureMode
  }
  /** The product version whose behaviour is reproduced. */
  platform: Platform
  /**
   * The complete event, before disclosure. `request.additionalHeaders` and `request.additionalParams` contain
   * everything that the client sent. The engine omits what may not be sent, and what the platform's contract revision
   * does not have.
   */
  event: object
  /** Default: what {@link allowedOperationsFor} offers for the event. */
  allowedOperations?: AllowedOperation[]
  /** What the server forbids to an extension, for every platform. Absent: nothing. */
  bounds?: Bounds
  /** The facts for rules, by field: a value, or all values of a field that has several. */
  facts: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Identifies this call in logs on both sides. Sent if the platform sends it. The same for every attempt. */
  requestId: string
  /** Only for types whose flows span several calls. */
  flowId?: string
  /**
   * What a circuit breaker counts together. Default: the calls of the action. With the version of its credentials in it, a
   * corrected action is called at once.
   */
  circuit?: string
  /** For whom the call is made, such as a tenant: see `owner` of a request. */
  owner?: string
  /** Server-level lists of names to forward, for types that disclose everything by default. */
  disclosure?: { allowedHeaders?: readonly string[]; allowedParameters?: readonly string[] }
  /** Ends the call at once. Only then {@link executeAction} rejects, with the signal's reason. */
  signal?: AbortSignal
}

/** Limits of the server on what an extension may change. Each but the first leads to a verdict, and the flow continues. */
export interface Bounds {
  /** An answer with more operations is invalid. Default 64. */
  maxOperations?: number
  /**
   * Whether scopes and claims of the platform are reserved even if the reference would let an extension add them.
   * Platforms without the reference's bugs always reserve them.
   */
  protectsPlatform?: boolean
  /** Maximum lifetime in seconds, by the path of the lifetime. A longer one is cut to it. */
  maxLifetimeSeconds?: Readonly<Record<string, number>>
  /** An audience that may not be removed: the client of the token. */
  keptAudience?: string
  /** Which of these audiences may not be added, because they are other clients. Called only if an answer adds any. */
  findForeignAudiences?(audiences: readonly string[]): Promise<readonly string[]>
}

/** The result of one requested operation. */
export interface OperationVerdict {
  op: OperationName | string
  path?: string
  /** `not_allowed`: the platform did not offer it. It changed nothing. */
  verdict: 'applied' | 'rejected' | 'not_allowed'
  /** The reference's message if it has one: `Scope added.`, `Invalid index.` */
  reason: string
}

/** The changes to the members of a token response. */
export interface Changes {
  addedParameters: { name: string; value: unknown }[]
  removedParameters: string[]
}

/**
 * One observable moment of a call, with the names and messages of the reference's diagnostic log. It never contains
 * payloads, header values, operation values or credentials.
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
  /** The action, the endpoint and the result of its operations. */
  params?: Record<string, unknown>
}

/** One attempt to get an answer. */
export interface Attempt {
  /** Milliseconds since the epoch. */
  startedAt: number
  durationMs: number
  /** Absent if no answer came. */
  status?: number
  failure?: CallError
}

/**
 * Everything for a call record. Credentials, forwarded values and claim values are replaced by their JSON type,
 * `<string>`.
 */
export interface CallTrace {
  /** Absent if nothing was sent. */
  request?: { url: string; headers: Record<string, string>; body: unknown }
  /** The last answer. A body that is not JSON is described, not shown. */
  answer?: { status: number; headers: Record<string, string>; body: unknown }
  attempts: Attempt[]
  /** Absent if the action has no rule. `decidedBy` names the expressions that decided. */
  rule?: { outcome: boolean; decidedBy?: string }
  steps: DiagnosticStep[]
  durationMs: number
}

/** The result of one call. */
export type Outcome =
  /** Not called. The flow continues. */
  | { status: 'skipped'; why: string; trace: CallTrace }
  /** `event` is the event after the operations. `data` is the answer's data for types with `answerDataSchema`. */
  | {
      status: 'success'
      event: object
      changes: Changes
      operations: OperationVerdict[]
      data?: unknown
      trace: CallTrace
    }
  /** FAILED by the extension, or a call without a decision with `onFailure: 'deny'`. Then `error` has the cause. */
  | { status: 'failed'; reason: string; description?: string; error?: CallError; trace: CallTrace }
  /** The browser must be redirected first. */
  | { status: 'incomplete'; redirectUrl: string; operations: OperationVerdict[]; trace: CallTrace }
  /** A call without a decision with `onFailure: 'continue'`. The flow continues unmodified. */
  | { status: 'continued'; error: CallError; trace: CallTrace }
  | { status: 'error'; error: CallError; trace: CallTrace }
