import { type Database, inTransaction, takeTurn } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { hasAdministrator } from '../../ground/store/users.ts'
import { membershipProblems } from './membership-problems.ts'

/**
 * Runs work that may end that somebody administers the tenant, in a transaction. Transactions of this kind take turns: of two
 * administrators who leave at the same moment, the second one sees that the first one has left.
 */
export function inTurnOfAdministrators<T>(
  db: Database,
  tenantId: string,
  work: (tx: Database) => Promise<T>,
): Promise<T> {
  return inTransaction(db, async tx => {
    await takeTurn(tx, `changing administrators of tenant ${tenantId}`)
    return work(tx)
  })
}

/**
 * Whether the tenant has no other active administrator. A tenant without one could not be repaired from inside.
 *
 * In {@link inTurnOfAdministrators} the result stays true until the end of the transaction.
 */
export async function isLastAdministrator(db: Database, { id, tenantId }: User): Promise<boolean> {
  return (await hasAdministrator(db, tenantId)) && !(await hasAdministrator(db, tenantId, id))
}

/**
 * Runs work that may end memberships, in a transaction. Nothing is stored, and a 403 thrown, if it leaves the tenant without an
 * active administrator.
 */
export function keepingAdministrator<T>(
  db: Database,
  tenantId: string,
  work: (tx: Database) => Promise<T>,
): Promise<T> {
  return inTurnOfAdministrators(db, tenantId, async tx => {
    const hadOne = await hasAdministrator(tx, tenantId)
    const result = await work(tx)
    if (hadOne && !(await hasAdministrator(tx, tenantId))) throw membershipProblems.lastAdministrator()
    return result
  })
}
