import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserById, listAdministrators } from '../../ground/store/users.ts'

/**
 * Whether the tenant has no other administrator who is active. A tenant that nobody can administer any more could not be repaired
 * from inside.
 *
 * What depends on the answer belongs into the same transaction: there it stays true until the end.
 */
export async function isLastAdministrator(db: Database, { id, isAdministrator, tenantId }: User): Promise<boolean> {
  if (!isAdministrator) return false
  let hasOther = false
  for (const listed of await listAdministrators(db, tenantId)) {
    // Each is read on its own, which locks it in a transaction, and all in one order: of two who leave at the same moment the
    // second waits here, and then sees that the first is gone.
    const administrator = await findUserById(db, tenantId, listed.id)
    if (administrator?.isAdministrator && administrator.isActive && administrator.id !== id) hasOther = true
  }
  return !hasOther
}
