import { type ActionType, actionTypes, type Platform, present } from '@preflow/contract'
import { type Bounds, type DiagnosticStep, type EnginePorts, executeAction, type Outcome } from '@preflow/engine'
import { stepAside } from '../../ground/http/admission.ts'
import type { Log } from '../../ground/observe/log.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import { findActiveAction } from '../../ground/store/actions.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Action, CallRecord, Organization, Tenant } from '../../ground/store/model.ts'
import { describeCall, sentenceForLog } from './call-record.ts'

/** A point in a flow that can call an action. */
export interface Trigger {
  type: ActionType
  /** The action to call, if the flow knows it. Absent: the active action of the type. */
  action?: Action
  tenant: Tenant
  /** The organization of the flow. For types that organizations cannot configure, the tenant's action is called. */
  organization: Organization
  /** The facts for rules, by field. */
  facts: Record<string, string | readonly string[] | undefined>
  /** For the call record. */
  clientId?: string
  grantType?: string
  /** For the call record: the error for the client if the call fails. Default `server_error`. */
  refusedWith?: string
  /** Connects the calls of one flow. Only types whose flows make several calls have one. */
  flowId?: string
  /** Whether a platform calls the action here. Absent: every platform does. */
  appliesTo?(platform: Platform): boolean
  /** Describes what is about to happen. Called only if an action will be called, with its platform. */
  eventFor(platform: Platform, action: Action): object | Promise<object>
  /** Limits that the flow sets for an extension. */
  bounds?: Bounds
  /**
   * Lets the flow change the outcome before it is recorded. A flow that must check answers itself turns an unusable one into an
   * `error` with the reason.
   */
  review?(outcome: Outcome, platform: Platform): Promise<Outcome>
}

/** The outcome. `callId` is the id of the call record. Absent: no action was called. */
export type Triggered = Outcome & { type: ActionType; platform: Platform; callId?: string }

export interface TriggerPorts {
  db: Database
  engine: EnginePorts
  log: Log
  keepCall(record: CallRecord): Promise<void>
  newId(): string
  /** Finds a platform by its name, with the server's deadlines. Without a name: the server's platform. */
  platformOf(name: string | undefined): Platform
  /** Break-glass: types whose actions are skipped, regardless of their configuration. */
  disabledActions: readonly ActionType[]
  disclosure: { allowedHeaders: readonly string[]; allowedParameters: readonly string[] }
  /** Maximum number of operations of one answer. */
  maxOperations: number
}

export type TriggerAction = (trigger: Trigger) => Promise<Triggered>

/**
 * Creates the one function through which flows call extensions. It finds the active action, lets the engine call it, and writes a
 * record and one log line with the same id.
 *
 * It never rejects because of the extension. A record that cannot be written is logged and does not stop the flow.
 */
export function createTriggerAction(ports: TriggerPorts): TriggerAction {
  const { db, disabledActions, engine, log, platformOf } = ports

  return async trigger => {
    const { type, tenant, organization } = trigger
    const nothing = (why: string): Triggered => ({
      status: 'skipped',
      why,
      trace: { attempts: [], steps: [], durationMs: 0 },
      type,
      platform: platformOf(undefined),
    })
    if (disabledActions.includes(type)) {
      log.warn({ tenant: tenant.domain, actionType: type }, 'action skipped: PREFLOW_ACTIONS disables its type')
      return nothing('Actions of this type are disabled by the configuration of the server.')
    }
    const holder = actionTypes[type].mayBeConfiguredByOrganization ? organization.id : tenant.rootOrganizationId
    const action = trigger.action ?? (await findActiveAction(db, tenant.id, holder, type))
    if (!action) return nothing('No active action of this type.')

    const platform = platformOf(action.platform)
    if (trigger.appliesTo?.(platform) === false) return nothing(`${platform.title} does not call the action here.`)
    const callId = ports.newId()
    const startedAt = engine.now()
    stepAside()
    const answered = await executeAction(
      {
        action,
        platform,
        event: await trigger.eventFor(platform, action),
        facts: trigger.facts,
        requestId: callId,
        owner: tenant.id,
        // After any correction by an administrator the next call is made.
        circuit: `${tenant.id}/${action.id}/${action.updatedAt}`,
        bounds: { maxOperations: ports.maxOperations, ...trigger.bounds },
        ...present({ flowId: trigger.flowId }),
        disclosure: ports.disclosure,
      },
      // The reference's diagnostic log: the result of each step of a call, without payload.
      { ...engine, observe: step => log.debug({ callId, ...withoutWords(step) }, step.resultMessage) },
    )
    const outcome = trigger.review ? await trigger.review(answered, platform) : answered
    const { clientId, grantType, refusedWith } = trigger
    const record = describeCall(outcome, {
      id: callId,
      tenantId: tenant.id,
      action,
      platform,
      startedAt,
      ...(clientId === undefined ? {} : { clientId }),
      ...(grantType === undefined ? {} : { grantType }),
      ...(refusedWith === undefined ? {} : { refusedWith }),
    })
    const { durationMs, flowResult, status } = record
    log['error' in outcome && outcome.error ? 'warn' : 'info'](
      { callId, tenant: tenant.domain, actionType: type, actionId: action.id, status, flowResult, durationMs },
      `action call: ${sentenceForLog(outcome)}`,
    )
    noteOutcome(outcome, action, { callId, type })
    // A failed record does not stop the flow. Operators who need every record watch the log for this line.
    await ports.keepCall(record).catch(error => log.error({ callId, err: error }, 'a call record could not be stored'))
    return { ...outcome, type, platform, callId }
  }
}

/** Parameters of a diagnostic step with an extension's message for a user. */
const WORDS = ['Failure Description', 'Error Description']

/** A step without values that may quote the user. Only the call record has those. */
function withoutWords(step: DiagnosticStep): object {
  const params = Object.entries(step.params ?? {}).filter(([name]) => !WORDS.includes(name))
  return { ...step, params: Object.fromEntries(params) }
}

/** Records the security events of a call: the extension exceeded its limits, or could not be called. */
function noteOutcome(outcome: Outcome, { id }: Action, { callId, type }: { callId: string; type: ActionType }): void {
  const about = { targetId: id, callId }
  if ('error' in outcome && outcome.error) {
    noteEvent('extension.not_called', { ...about, reason: outcome.error.code, details: { actionType: type } })
  }
  const operations = 'operations' in outcome ? outcome.operations : []
  const count = operations.filter(({ verdict }) => verdict !== 'applied').length
  if (count > 0) noteEvent('extension.operations_rejected', { ...about, details: { count, actionType: type } })
}
