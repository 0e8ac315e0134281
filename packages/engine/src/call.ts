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

/** Everything the engine needs to know for one call. The identity server builds it. */
export interface ActionCall {
  action: {
    id: string
    type: ActionType
    /** Major version, `v1`: sent as `x-wso2-api-version`. */
    version: string
    /** For people; the texts of the steps use the display name of the type. */
    name?: string
    endpoint: {
      /** Absolute http or https URL. Its query is sent, and never shown in a trace or a message. */
      uri: string
      authentication: EndpointAuthentication
      /** Header names to forward, without regard to case. Empty or absent: what server and type say. */
      allowedHeaders?: readonly string[]
      /** Parameter names to forward; case counts. */
      allowedParameters?: readonly string[]
      /** Standard Webhooks secrets (`whsec_…`). The request is signed once with each, so that keys can be rotated. */
      signingSecrets?: readonly string[]
    }
    /** Absent: the action always runs. */
    rule?: Rule
    /**
     * What becomes of the flow when the call cannot be decided: timeout, transport failure, 5xx, ERROR, broken contract, an open
     * circuit. Default `error`, which is the reference.
     */
    onFailure?: FailureMode
  }
  /** The product version whose behaviour is reproduced. */
  platform: Platform
  /**
   * The event with everything, before disclosure. `request.additionalHeaders` and `request.additionalParams` hold all that the
   * client sent; the engine leaves out what must not travel, and what the platform's contract revision does not know.
   */
  event: object
  /** Default: what {@link allowedOperationsFor} offers on the event. */
  allowedOperations?: AllowedOperation[]
  /** What the server keeps an extension from, whatever the platform would accept. Absent: nothing. */
  bounds?: Bounds
  /** What rules may ask, by field: a value, or all values of a field that has several. */
  facts: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names this call in logs on both sides. Sent where the platform sends it; the same for every attempt. */
  requestId: string
  /** Only for types whose flows span several calls. */
  flowId?: string
  /** Server-level lists of names to forward, for types that disclose everything by default. */
  disclosure?: { allowedHeaders?: readonly string[]; allowedParameters?: readonly string[] }
  /** Ends the call at once; then, and only then, {@link executeAction} rejects, with the signal's reason. */
  signal?: AbortSignal
}

/** Limits of the server on what an extension may change. Each leaves a verdict, and the flow goes on. */
export interface Bounds {
  /**
   * Whether scopes and claims that belong to the platform are kept from extensions even where the reference would let an
   * extension give them. Platforms with the reference's bugs fixed always keep them.
   */
  protectsPlatform?: boolean
  /** Longest lifetime in seconds, by the path of the lifetime. A longer one is cut down to it. */
  maxLifetimeSeconds?: Readonly<Record<string, number>>
  /** An audience that may not be removed: the client the token is issued to. */
  keptAudience?: string
  /** Which of these audiences may not be added, because they are other clients. Called only when an answer adds any. */
  findForeignAudiences?(audiences: readonly string[]): Promise<readonly string[]>
}

/** What became of one requested operation. */
export interface OperationVerdict {
  op: OperationName | string
  path?: string
  /** `not_allowed`: the platform did not offer it; it changed nothing and does no harm. */
  verdict: 'applied' | 'rejected' | 'not_allowed'
  /** The reference's message where it has one: `Scope added.`, `Invalid index.` */
  reason: string
}

/** What became of the members of a token response. */
export interface Changes {
  addedParameters: { name: string; value: unknown }[]
  removedParameters: string[]
}

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

/** One try to get an answer. */
export interface Attempt {
  /** Milliseconds since the epoch. */
  startedAt: number
  durationMs: number
  /** Absent when no answer came. */
  status?: number
  failure?: CallError
}

/**
 * Everything a call record needs. Credentials, forwarded values and claim values are not in it: what stands for them is their
 * JSON type, `<string>`.
 */
export interface CallTrace {
  /** Absent when nothing was sent. */
  request?: { url: string; headers: Record<string, string>; body: unknown }
  /** The last answer that was obtained. A body that is not JSON is described, not shown. */
  answer?: { status: number; headers: Record<string, string>; body: unknown }
  attempts: Attempt[]
  /** Absent when the action has no rule. `decidedBy` names the expressions that decided. */
  rule?: { outcome: boolean; decidedBy?: string }
  steps: DiagnosticStep[]
  durationMs: number
}

/** What became of one call. */
export type Outcome =
  /** Not called; the flow goes on. */
  | { status: 'skipped'; why: string; trace: CallTrace }
  /** `event` is the event after the operations. `data` is what the types with `answerDataSchema` answer. */
  | {
      status: 'success'
      event: object
      changes: Changes
      operations: OperationVerdict[]
      data?: unknown
      trace: CallTrace
    }
  /** FAILED by the extension, or an undecided call under `onFailure: 'deny'`; then `error` says why. */
  | { status: 'failed'; reason: string; description?: string; error?: CallError; trace: CallTrace }
  /** The browser must go there first. */
  | { status: 'incomplete'; redirectUrl: string; operations: OperationVerdict[]; trace: CallTrace }
  /** An undecided call under `onFailure: 'continue'`: the flow goes on unmodified. */
  | { status: 'continued'; error: CallError; trace: CallTrace }
  | { status: 'error'; error: CallError; trace: CallTrace }
