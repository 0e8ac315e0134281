import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { type Database, keepOnlyCurrentKey } from './database.ts'

/** A column with sealed values. */
interface SealedColumn {
  table: string
  column: string
  /** The columns of the primary key. */
  key: readonly string[]
  /** The context in which a value was sealed, as the file with the queries of the table makes it. */
  contextOf(row: Record<string, string>): string
}

/** Every column with sealed values. A test looks through all tables for others. */
const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'applications',
    column: 'client_secret',
    key: ['id'],
    contextOf: ({ id }) => `application/${id}/client-secret`,
  },
  { table: 'actions', column: 'authentication', key: ['id'], contextOf: ({ id }) => `action/${id}/authentication` },
  { table: 'actions', column: 'signing_secrets', key: ['id'], contextOf: ({ id }) => `action/${id}/signing-secrets` },
  {
    table: 'signing_keys',
    column: 'jwk',
    key: ['tenant_id', 'kid'],
    contextOf: ({ kid, tenant_id }) => `signing-key/${tenant_id}/${kid}`,
  },
  {
    table: 'oidc_artifacts',
    column: 'payload',
    key: ['tenant_id', 'model', 'id'],
    contextOf: ({ id, model, tenant_id }) => `oidc-artifact/${tenant_id}/${model}/${id}`,
  },
  { table: 'sign_in_flows', column: 'state', key: ['id'], contextOf: ({ id }) => `sign-in-flow/${id}` },
]

const ROWS_AT_ONCE = 200

/** What one column had to be sealed anew. */
export interface Resealed {
  table: string
  column: string
  count: number
}

/**
 * Seals everything with the current key that another one had sealed, in small batches, while servers run. Afterwards the other
 * keys are no longer needed.
 *
 * Every running server must seal with the current key already. A row that somebody changes meanwhile is sealed with it anyway.
 *
 * @param progress Called after each batch.
 */
export async function reseal(db: Database, progress: (resealed: Resealed) => void = () => {}): Promise<Resealed[]> {
  const done: Resealed[] = []
  for (const sealed of SEALED_COLUMNS) {
    const { column, table } = sealed
    let count = 0
    for (;;) {
      const changed = await resealBatch(db, sealed)
      if (changed === 0) break
      count += changed
      progress({ table, column, count })
    }
    done.push({ table, column, count })
  }
  await keepOnlyCurrentKey(db)
  return done
}

/** How many values each other key has sealed. Those of no row are left out. */
export async function countSealedWithOthers(db: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { column, table } of SEALED_COLUMNS) {
    const rows = await queriesOf(db)
      .selectFrom(table)
      .select([sql<string>`substr(${sql.ref(column)}, 4, 8)`.as('key_id'), sql<number>`count(*)`.as('count')])
      .where(column, 'not like', currentForm(db))
      .groupBy('key_id')
      .execute()
    for (const { count, key_id } of rows as unknown as { count: number; key_id: string }[]) {
      counts[key_id] = (counts[key_id] ?? 0) + Number(count)
    }
  }
  return counts
}

async function resealBatch(db: Database, { column, contextOf, key, table }: SealedColumn): Promise<number> {
  const queries = queriesOf(db)
  const rows = await queries
    .selectFrom(table)
    .select([...key, column])
    .where(column, 'not like', currentForm(db))
    .limit(ROWS_AT_ONCE)
    .execute()
  for (const row of rows) {
    const context = contextOf(row)
    const sealed = row[column] ?? ''
    let update = queries
      .updateTable(table)
      .set({ [column]: db.seal.seal(db.seal.open(sealed, context), context) })
      // Nothing that somebody has written meanwhile is replaced.
      .where(column, '=', sealed)
    for (const name of key) update = update.where(name, '=', row[name] ?? '')
    await update.execute()
  }
  return rows.length
}

function currentForm({ seal }: Database): string {
  return `v1.${seal.keyId}.%`
}

/** The same queries for any of the tables. All of these columns are strings. */
function queriesOf({ queries }: Database): Kysely<Record<string, Record<string, string>>> {
  return queries as unknown as Kysely<Record<string, Record<string, string>>>
}
