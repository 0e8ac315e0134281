import { actionTypes } from '@preflow/contract'
import type { Ports } from '../../ground/ports.ts'
import {
  type ActionState,
  findActionById,
  listActionStates,
  setActionStatus,
  updateAction,
} from '../../ground/store/actions.ts'
import { findApplicationByClientId, findApplicationById, updateApplication } from '../../ground/store/applications.ts'
import { insertAuditRecord } from '../../ground/store/audit.ts'
import { authenticatorIdOf } from '../../ground/store/authenticators.ts'
import { type DataSettings, openData } from '../../ground/store/data.ts'
import { type Database, inTransaction } from '../../ground/store/database.ts'
import type { AuditRecord } from '../../ground/store/model.ts'
import { findTenantByDomain } from '../../ground/store/tenants.ts'

/**
 * Changes actions, and the callback URLs of applications, without the server. For emergencies in which the server or the
 * administrator's sign-in is not reachable.
 */
export interface BreakGlass {
  list(): Promise<ActionState[]>
  /**
   * Sets the status of the chosen actions and writes an audit record for each one that changes. A running server applies it to
   * the next request.
   *
   * @returns The changed actions.
   */
  set(status: ActionState['status'], isChosen: (action: ActionState) => boolean): Promise<ActionState[]>
  /**
   * Changes the endpoint of the chosen actions, including those of authenticators, from `from` to `to`. Credentials stay.
   * Writes an audit record for each.
   *
   * @param from The complete address, as it was configured.
   * @returns The moved actions, and those with another endpoint, which stay unchanged.
   */
  move(
    from: string | undefined,
    to: string,
    isChosen: (action: ActionState) => boolean,
  ): Promise<{ moved: ActionState[]; elsewhere: ActionState[] }>
  /**
   * Changes a callback URL of an application from `from` to `to`, and writes an audit record.
   *
   * @param application.tenant Its domain.
   * @returns `there` if it already has `to`, `elsewhere` if it has neither or does not exist. Nothing changes in either case.
   */
  moveCallback(
    from: string,
    to: string,
    application: { tenant: string; clientId: string },
  ): Promise<'moved' | 'there' | 'elsewhere'>
  close(): Promise<void>
}

/** The initiator in the audit log. */
const INITIATOR = 'command line'

/** Opens the data of the configuration, also while a server uses it. Rejects with a sentence for the operator. */
export async function openBreakGlass(settings: DataSettings, ports: Ports): Promise<BreakGlass> {
  const { newId, now } = ports
  const db = await openData(settings, ports)

  const audit = (
    tx: Database,
    record: Pick<AuditRecord, 'tenantId' | 'action' | 'targetType' | 'targetId' | 'details'>,
  ) => insertAuditRecord(tx, { ...record, id: newId(), recordedAt: now(), initiator: INITIATOR })

  return {
    list: () => listActionStates(db),
    set: (status, isChosen) =>
      inTransaction(db, async tx => {
        const changing = (await listActionStates(tx)).filter(action => action.status !== status && isChosen(action))
        for (const state of changing) {
          await setActionStatus(tx, state.tenantId, state.id, status)
          const { tenantId } = state
          const action = status === 'ACTIVE' ? 'ACTIVATE' : 'DEACTIVATE'
          await audit(tx, { tenantId, action, ...targetOf(state), details: null })
        }
        return changing.map(action => ({ ...action, status }))
      }),
    move: (from, to, isChosen) =>
      inTransaction(db, async tx => {
        const moved: ActionState[] = []
        const elsewhere: ActionState[] = []
        for (const state of (await listActionStates(tx)).filter(isChosen)) {
          const action = await findActionById(tx, state.tenantId, state.id)
          if (!action || action.endpoint.uri === to) continue
          if (action.endpoint.uri !== from) {
            elsewhere.push(state)
            continue
          }
          await updateAction(tx, { ...action, endpoint: { ...action.endpoint, uri: to }, updatedAt: now() })
          const { tenantId, type } = state
          const details = { type, fields: ['endpoint.uri'] }
          await audit(tx, { tenantId, action: 'UPDATE', ...targetOf(state), details })
          moved.push(state)
        }
        return { moved, elsewhere }
      }),
    moveCallback: (from, to, { tenant: domain, clientId }) =>
      inTransaction(db, async tx => {
        const tenant = await findTenantByDomain(tx, domain)
        const found = tenant && (await findApplicationByClientId(tx, tenant.id, clientId))
        const application = found && (await findApplicationById(tx, found.tenantId, found.id))
        if (application?.callbackUrls.includes(to)) return 'there'
        if (!application?.callbackUrls.includes(from)) return 'elsewhere'
        const callbackUrls = application.callbackUrls.map(url => (url === from ? to : url))
        await updateApplication(tx, { ...application, callbackUrls, updatedAt: now() })
        const { tenantId, id: targetId } = application
        const details = { fields: ['oidc.callbackURLs'] }
        await audit(tx, { tenantId, action: 'UPDATE', targetType: 'APPLICATION', targetId, details })
        return 'moved'
      }),
    close: () => db.close(),
  }
}

/** The type and id under which the management API audits it. The id of an authenticator follows from its name. */
function targetOf({ id, name, type }: ActionState): Pick<AuditRecord, 'targetType' | 'targetId'> {
  const targets = {
    PRE_POST: { targetType: 'ACTION', targetId: id },
    IN_FLOW: { targetType: 'AUTHENTICATOR', targetId: authenticatorIdOf(name) },
  }
  return targets[actionTypes[type].category]
}
