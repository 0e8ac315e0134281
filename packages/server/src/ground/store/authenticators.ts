import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { deleteAction, findActionById, insertAction, listActions, setActionStatus, updateAction } from './actions.ts'
import { remembered } from './configuration-snapshot.ts'
import { type Database, inTransaction } from './database.ts'
import type { Action, Authenticator, Tenant } from './model.ts'
import type { Tables } from './tables.ts'

type AuthenticatorRow = Selectable<Tables['authenticators']>

/** Maximum number of custom authenticators of one organization. */
export const MAX_AUTHENTICATORS = 100

/** As in the reference, the id follows from the name. */
export function authenticatorIdOf(name: string): string {
  return Buffer.from(name).toString('base64url')
}

/** Stores an authenticator with its action. Call it in a transaction, and throw there unless the result is `inserted`. */
export async function insertAuthenticator(
  db: Database,
  authenticator: Authenticator,
): Promise<'inserted' | 'name_taken' | 'too_many'> {
  const { action, name } = authenticator
  if (!(await insertAction(db, action, MAX_AUTHENTICATORS))) return 'too_many'
  const isFree = await unlessTaken(
    db.queries
      .insertInto('authenticators')
      .values({
        action_id: action.id,
        tenant_id: action.tenantId,
        organization_id: action.organizationId,
        name,
        ...columnsOf(authenticator),
      })
      .execute(),
  )
  return isFree ? 'inserted' : 'name_taken'
}

/** Replaces everything except the name, including the status of the action. */
export function updateAuthenticator(db: Database, authenticator: Authenticator): Promise<void> {
  const { action } = authenticator
  return inTransaction(db, async tx => {
    await updateAction(tx, action)
    await setActionStatus(tx, action.tenantId, action.id, action.status)
    await tx.queries
      .updateTable('authenticators')
      .set(columnsOf(authenticator))
      .where('action_id', '=', action.id)
      .execute()
  })
}

/** Deletes an authenticator, but not its call records. Returns whether it existed. */
export function deleteAuthenticator(db: Database, { action }: Authenticator): Promise<boolean> {
  return deleteAction(db, action.tenantId, action.id)
}

/** The organization's own authenticator with this name, with its credentials decrypted. See {@link remembered}. */
export function findAuthenticator(
  db: Database,
  tenantId: string,
  organizationId: string,
  name: string,
): Promise<Authenticator | undefined> {
  return remembered(db, tenantId, `authenticator ${organizationId} ${name}`, async () => {
    const row = await db.queries
      .selectFrom('authenticators')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('organization_id', '=', organizationId)
      .where('name', '=', name)
      .executeTakeFirst()
    const action = row && (await findActionById(db, tenantId, row.action_id))
    return action && toAuthenticator(row, action)
  })
}

/** The organization's own authenticators, oldest first. */
export async function listAuthenticators(
  db: Database,
  tenantId: string,
  organizationId: string,
): Promise<Authenticator[]> {
  const rows = await db.queries
    .selectFrom('authenticators')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
    .execute()
  const byAction = new Map(rows.map(row => [row.action_id, row]))
  const actions = await listActions(db, tenantId, organizationId, 'AUTHENTICATION')
  return actions.flatMap(action => {
    const row = byAction.get(action.id)
    return row ? [toAuthenticator(row, action)] : []
  })
}

/**
 * The types of the authenticators with these names. A tenant's own authenticator has one type. Otherwise these are the types of
 * the authenticators of its organizations. Decrypts no secret.
 */
export async function authenticationTypesOf(
  db: Database,
  { id, rootOrganizationId }: Tenant,
  names: readonly string[],
): Promise<Map<string, Authenticator['authenticationType'][]>> {
  if (names.length === 0) return new Map()
  const rows = await db.queries
    .selectFrom('authenticators')
    .select(['name', 'organization_id', 'authentication_type'])
    .where('tenant_id', '=', id)
    .where('name', 'in', names)
    .execute()
  return new Map(
    [...Map.groupBy(rows, ({ name }) => name)].map(([name, all]) => {
      const own = all.filter(({ organization_id }) => organization_id === rootOrganizationId)
      const kinds = (own.length > 0 ? own : all).map(({ authentication_type }) => authentication_type)
      return [name, kinds as Authenticator['authenticationType'][]]
    }),
  )
}

function columnsOf({ displayName, authenticationType, image }: Authenticator) {
  return { display_name: displayName, authentication_type: authenticationType, image: image ?? null }
}

function toAuthenticator(row: AuthenticatorRow, action: Action): Authenticator {
  return {
    name: row.name,
    displayName: row.display_name,
    authenticationType: row.authentication_type as Authenticator['authenticationType'],
    ...(row.image === null ? {} : { image: row.image }),
    action,
  }
}
