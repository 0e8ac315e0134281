import { type ActionType, actionTypes, type Platform, present } from '@preflow/contract'
import { type Bounds, type EnginePorts, executeAction, type Outcome } from '@preflow/engine'
import type { Log } from '../../ground/observe/log.ts'
import { findActiveAction } from '../../ground/store/actions.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Action, CallRecord, Organization, Tenant } from '../../ground/store/model.ts'
import { describeCall, sentenceForLog } from './call-record.ts'

/** A point of a flow where an action may have its say. */
export interface Trigger {
  type: ActionType
  /** The action to call, where the flow knows which. Absent: the active one of the type. */
  action?: Action
  tenant: Tenant
  /** Where the flow runs. Types that organizations cannot configure use the tenant's own action. */
  organization: Organization
  /** What rules may ask, by field. */
  facts: Record<string, string | readonly string[] | undefined>
  /** For the call record. */
  clientId?: string
  grantType?: string
  /** For the call record: the error the client gets when the call cannot be decided. Default `server_error`. */
  refusedWith?: string
  /** Ties the calls of one flow together; only types whose flows span several calls have one. */
  flowId?: string
  /** Whether a platform calls the action here at all. Absent: every one does. */
  appliesTo?(platform: Platform): boolean
  /** Describes what is about to happen. Asked only when there is an action to call, with the platform it is called as. */
  eventFor(platform: Platform, action: Action): object | Promise<object>
  /** What the flow keeps an extension from. */
  bounds?: Bounds
  /**
   * What the flow makes of the outcome before it is recorded: types whose answers it must check itself turn one it cannot use
   * into an `error` that says why.
   */
  review?(outcome: Outcome, platform: Platform): Promise<Outcome>
}

/** What became of it. `callId` names the record; it is absent when there was no action to call. */
export type Triggered = Outcome & { type: ActionType; platform: Platform; callId?: string }

export interface TriggerPorts {
  db: Database
  engine: EnginePorts
  log: Log
  keepCall(record: CallRecord): Promise<void>
  newId(): string
  /** The platform by its name, with the server's own deadlines in it; the server's platform when an action names none. */
  platformOf(name: string | undefined): Platform
  /** Break-glass: types whose actions are skipped, whatever is configured. */
  disabledActions: readonly ActionType[]
  disclosure: { allowedHeaders: readonly string[]; allowedParameters: readonly string[] }
  /** Most operations of one answer. */
  maxOperations: number
}

export type TriggerAction = (trigger: Trigger) => Promise<Triggered>

/**
 * Makes the one function through which flows reach extensions: it finds the active action, has the engine call it, and leaves
 * a record and one line in the log under the same id.
 *
 * Never rejects because of the extension. A record that cannot be written is logged and does not stop the flow.
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
      log.warn({ tenant: tenant.domain, actionType: type }, 'action skipped: PREFLOW_ACTIONS has switched its type off')
      return nothing('Actions of this type are switched off on the server.')
    }
    const holder = actionTypes[type].mayBeConfiguredByOrganization ? organization.id : tenant.rootOrganizationId
    const action = trigger.action ?? (await findActiveAction(db, tenant.id, holder, type))
    if (!action) return nothing('No active action of this type.')

    const platform = platformOf(action.platform)
    if (trigger.appliesTo?.(platform) === false) return nothing(`${platform.title} does not call it here.`)
    const callId = ports.newId()
    const startedAt = engine.now()
    const answered = await executeAction(
      {
        action,
        platform,
        event: await trigger.eventFor(platform, action),
        facts: trigger.facts,
        requestId: callId,
        owner: tenant.id,
        // Whatever an administrator corrects, the next call is made.
        circuit: `${tenant.id}/${action.id}/${action.updatedAt}`,
        bounds: { maxOperations: ports.maxOperations, ...trigger.bounds },
        ...present({ flowId: trigger.flowId }),
        disclosure: ports.disclosure,
      },
      // The reference's diagnostic log: which step of which call went how, and no payload.
      { ...engine, observe: step => log.debug({ callId, ...step }, step.resultMessage) },
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
    // The flow does not fail with its record: whoever must not go on unrecorded watches the log for this line.
    await ports.keepCall(record).catch(error => log.error({ callId, err: error }, 'a call record could not be kept'))
    return { ...outcome, type, platform, callId }
  }
}
