import { insertAuditRecord } from '../../ground/store/audit.ts'
import type { AuditRecord, User } from '../../ground/store/model.ts'
import type { UserPorts } from './user-change.ts'

/** Records a change of a user in the audit log, with the names of changed attributes, never values. */
export function auditUser(
  { db, newId, now }: Pick<UserPorts, 'db' | 'newId' | 'now'>,
  { id, tenantId }: User,
  entry: Pick<AuditRecord, 'initiator' | 'action' | 'details'>,
): Promise<void> {
  return insertAuditRecord(db, { ...entry, id: newId(), tenantId, recordedAt: now(), targetType: 'USER', targetId: id })
}
