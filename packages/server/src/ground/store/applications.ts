import { isDeepStrictEqual } from 'node:util'
import { present } from '@preflow/contract'
import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { remembered } from './configuration-snapshot.ts'
import { type Database, inTransaction, mustLockRows } from './database.ts'
import { newGeneration } from './generation.ts'
import type { Application } from './model.ts'
import type { Tables } from './tables.ts'

type ApplicationRow = Selectable<Tables['applications']>

/** `false`: the tenant already has the name or the client id. */
export async function insertApplication(db: Database, application: Application): Promise<boolean> {
  const { id, tenantId: tenant_id, createdAt: created_at } = application
  return unlessTaken(
    db.queries
      .insertInto('applications')
      .values({ ...toRow(db, application), id, tenant_id, generation: newGeneration(), created_at })
      .execute(),
  )
}

/**
 * Replaces everything. `false`: the tenant already has the new name or client id.
 *
 * New or removed credentials end all grants and tokens of the application, and so does disabling it.
 */
export function updateApplication(db: Database, application: Application): Promise<boolean> {
  const { id, tenantId } = application
  return unlessTaken(
    inTransaction(db, async tx => {
      const before = await findApplicationById(tx, tenantId, id)
      const generation = before && endsTokens(before, application) ? newGeneration() : undefined
      await tx.queries
        .updateTable('applications')
        .set({ ...toRow(tx, application), ...present({ generation }) })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
    }),
  )
}

function endsTokens(before: Application, after: Application): boolean {
  const isSwitchedOff = before.isEnabled !== false && after.isEnabled === false
  return (
    isSwitchedOff ||
    before.clientSecret !== after.clientSecret ||
    !isDeepStrictEqual(before.publicKeys, after.publicKeys)
  )
}

/** Deletes an application with its authorizations and roles. Returns whether it existed. */
export function deleteApplication(db: Database, tenantId: string, id: string): Promise<boolean> {
  return inTransaction(db, async tx => {
    await tx.queries
      .deleteFrom('roles')
      .where('tenant_id', '=', tenantId)
      .where('audience_type', '=', 'application')
      .where('audience_id', '=', id)
      .execute()
    const { numDeletedRows } = await tx.queries
      .deleteFrom('applications')
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .executeTakeFirst()
    return numDeletedRows > 0n
  })
}

export async function findApplicationById(
  db: Database,
  tenantId: string,
  id: string,
): Promise<Application | undefined> {
  const row = await db.queries
    .selectFrom('applications')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .$if(mustLockRows(db), query => query.forUpdate())
    .executeTakeFirst()
  return row && toApplication(db, row)
}

/** See {@link remembered}. */
export function findApplicationByClientId(
  db: Database,
  tenantId: string,
  clientId: string,
): Promise<Application | undefined> {
  return remembered(db, tenantId, `application ${clientId}`, async () => {
    const row = await db.queries
      .selectFrom('applications')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('client_id', '=', clientId)
      .executeTakeFirst()
    return row && toApplication(db, row)
  })
}

/** All applications of the tenant, by name. */
export async function listApplications(db: Database, tenantId: string): Promise<Application[]> {
  const rows = await db.queries
    .selectFrom('applications')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('name')
    .orderBy('id')
    .execute()
  return rows.map(row => toApplication(db, row))
}

/** The origins that enabled applications of the tenant list, and those of their callbacks. See {@link remembered}. */
export function findApplicationOrigins(db: Database, tenantId: string): Promise<ReadonlySet<string>> {
  return remembered(db, tenantId, 'application origins', async () => {
    const { queries } = db
    const rows = await queries.selectFrom('applications').select('settings').where('tenant_id', '=', tenantId).execute()
    const origins = rows.flatMap(({ settings }) => {
      const { allowedOrigins, callbackUrls, isEnabled = true } = JSON.parse(settings) as Application
      return isEnabled ? [...allowedOrigins, ...callbackUrls.map(url => URL.parse(url)?.origin ?? '')] : []
    })
    return new Set(origins.filter(origin => /^https?:/.test(origin)))
  })
}

function contextOf(id: string): string {
  return `application/${id}/client-secret`
}

function toRow(db: Database, application: Application) {
  const { id, tenantId, name, clientId, clientSecret, generation, createdAt, updatedAt, ...settings } = application
  return {
    name,
    client_id: clientId,
    client_secret: clientSecret === undefined ? null : db.seal.seal(clientSecret, contextOf(id)),
    settings: JSON.stringify(settings),
    updated_at: updatedAt,
  }
}

function toApplication(db: Database, row: ApplicationRow): Application {
  return {
    ...(JSON.parse(row.settings) as Omit<Application, keyof ReturnType<typeof columnsOf>>),
    ...columnsOf(db, row),
  }
}

function columnsOf(db: Database, row: ApplicationRow) {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    clientId: row.client_id,
    ...(row.client_secret === null ? {} : { clientSecret: db.seal.open(row.client_secret, contextOf(row.id)) }),
    generation: row.generation,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
