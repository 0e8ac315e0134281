import { type Database, inTransaction, takeTurn } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { hasAdministrator } from '../../ground/store/users.ts'
import { membershipProblems } from './membership-problems.ts'

/**
 * Runs work that may remove an administrator of the tenant, in a transaction. Such transactions run one after the other: of two
 * concurrent removals the second one sees the result of the first.
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
 * Runs work that may end memberships, in a transaction. If it would leave the tenant without an active administrator, nothing is
 * stored and a 403 is thrown.
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
