import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserById, listAdministrators } from '../../ground/store/users.ts'

/**
 * Whether the tenant has no other active administrator. A tenant without one could not be repaired from inside.
 *
 * Make the change that depends on the result in the same transaction. There the result stays true until the end.
 */
export async function isLastAdministrator(db: Database, { id, isAdministrator, tenantId }: User): Promise<boolean> {
  if (!isAdministrator) return false
  let hasOther = false
  for (const listed of await listAdministrators(db, tenantId)) {
    // Each is read separately and in the same order, which locks it in the transaction. Of two concurrent changes the second
    // waits here, and then sees the result of the first.
    const administrator = await findUserById(db, tenantId, listed.id)
    if (administrator?.isAdministrator && administrator.isActive && administrator.id !== id) hasOther = true
  }
  return !hasOther
}
