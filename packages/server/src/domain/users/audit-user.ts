import { insertAuditRecord } from '../../ground/store/audit.ts'
import type { AuditRecord, User } from '../../ground/store/model.ts'
import type { UserPorts } from './user-change.ts'

/** Keeps who did what to a user. Names of what changed may be in it, never values. */
export function auditUser(
  { db, newId, now }: Pick<UserPorts, 'db' | 'newId' | 'now'>,
  { id, tenantId }: User,
  entry: Pick<AuditRecord, 'initiator' | 'action' | 'details'>,
): Promise<void> {
  return insertAuditRecord(db, { ...entry, id: newId(), tenantId, recordedAt: now(), targetType: 'USER', targetId: id })
}
