import { present } from '@preflow/contract'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Connected } from './connect.ts'

/** Every change of the tables, by name. They run in the order of their names. A published one is never edited. */
export type Migrations = Record<string, Migration>

/** The table with the names of the migrations that have run. Default: Kysely's. */
export interface MigrationTables {
  table: string
  lockTable: string
}

/**
 * Runs the pending migrations: all of them or none. Several processes may call it at once; they take turns.
 *
 * Rejects with the error of the database.
 */
export async function migrate<Tables>(
  { queries, engine }: Pick<Connected<Tables>, 'queries' | 'engine'>,
  migrations: Migrations,
  tables?: MigrationTables,
): Promise<void> {
  // Without the schema, the migrator would mistake tables of another schema for its own.
  const schema = engine === 'postgresql' ? await currentSchema(queries) : undefined
  const { error } = await new Migrator({
    db: queries,
    provider: { getMigrations: async () => migrations },
    ...present({
      migrationTableName: tables?.table,
      migrationLockTableName: tables?.lockTable,
      migrationTableSchema: schema,
    }),
  }).migrateToLatest()
  if (error) throw error
}

/** The names of the tables. On PostgreSQL, those of the schema in which this connection creates tables. */
export async function listTables<Tables>({
  queries,
  engine,
}: Pick<Connected<Tables>, 'queries' | 'engine'>): Promise<string[]> {
  const query =
    engine === 'postgresql'
      ? sql<{ name: string }>`select tablename as name from pg_tables where schemaname = current_schema()`
      : sql<{ name: string }>`select name from sqlite_schema where type = 'table'`
  return (await query.execute(queries)).rows.map(({ name }) => name)
}

async function currentSchema<Tables>(queries: Kysely<Tables>): Promise<string | undefined> {
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(queries)
  return rows[0]?.name ?? undefined
}
