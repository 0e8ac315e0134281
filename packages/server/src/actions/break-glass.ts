import type { Configuration } from '../configuration.ts'
import { openData } from '../data.ts'
import type { Ports } from '../ports.ts'
import { type ActionState, listActionStates, setActionStatus } from '../store/actions.ts'
import { insertAuditRecord } from '../store/audit.ts'
import { inTransaction } from '../store/database.ts'

/** Switching actions on and off beside the server, for when the server or an administrator's sign-in cannot be reached. */
export interface BreakGlass {
  list(): Promise<ActionState[]>
  /**
   * Sets the status of the chosen actions and leaves an audit record for each that changes. A running server sees it with
   * its next token request.
   *
   * @returns Those that changed.
   */
  set(status: ActionState['status'], isChosen: (action: ActionState) => boolean): Promise<ActionState[]>
  close(): Promise<void>
}

/** Who made the change, in the audit. */
const INITIATOR = 'command line'

/** Opens the data of the configuration, whether a server runs on it or not. Rejects with a sentence that says what to do. */
export async function openBreakGlass(configuration: Configuration, ports: Ports): Promise<BreakGlass> {
  const { newId, now } = ports
  const db = await openData(configuration, ports)
  return {
    list: () => listActionStates(db),
    set: (status, isChosen) =>
      inTransaction(db, async tx => {
        const changing = (await listActionStates(tx)).filter(action => action.status !== status && isChosen(action))
        for (const { id, tenantId } of changing) {
          await setActionStatus(tx, tenantId, id, status)
          await insertAuditRecord(tx, {
            id: newId(),
            tenantId,
            recordedAt: now(),
            initiator: INITIATOR,
            action: status === 'ACTIVE' ? 'ACTIVATE' : 'DEACTIVATE',
            targetType: 'ACTION',
            targetId: id,
            details: null,
          })
        }
        return changing.map(action => ({ ...action, status }))
      }),
    close: () => db.close(),
  }
}
