import { type Kysely, SqliteAdapter, sql } from 'kysely'

/** Tables whose rows are cached, with the column of their tenant. */
const TENANT_OF: Readonly<Record<string, string>> = {
  tenants: 'id',
  organizations: 'tenant_id',
  applications: 'tenant_id',
  api_resources: 'tenant_id',
  api_scopes: 'tenant_id',
  authorized_apis: 'tenant_id',
  // This table has no column for the tenant. If an application is deleted, its own row has the tenant.
  authorized_scopes: 'application_id',
  actions: 'tenant_id',
  authenticators: 'tenant_id',
}

/** The tables of the configuration, see {@link ConfigurationSnapshot}. */
export const CONFIGURATION_TABLES: readonly string[] = Object.keys(TENANT_OF)

/** PostgreSQL announces each configuration change on this channel, with the id of the tenant. */
export const CONFIGURATION_CHANNEL = 'preflow_configuration'

/**
 * Makes the database itself count configuration changes, so that no query can forget to: on SQLite in a row that readers check,
 * on PostgreSQL with a notification. There a counter would make the changes of all tenants wait for each other.
 */
export async function addConfigurationClock(db: Kysely<unknown>): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  for (const statement of isSqlite ? sqliteStatements() : postgresStatements()) {
    await sql.raw(statement).execute(db)
  }
}

const OPERATIONS = ['insert', 'update', 'delete']

function sqliteStatements(): string[] {
  const triggers = Object.entries(TENANT_OF).flatMap(([table, column]) =>
    OPERATIONS.map(operation => {
      const value = `${operation === 'delete' ? 'old' : 'new'}.${column}`
      const tenant =
        column === 'application_id'
          ? `select tenant_id, revision from applications, configuration_clock where applications.id = ${value}`
          : `select ${value}, revision from configuration_clock where true`
      return `create trigger configuration_${table}_${operation} after ${operation} on ${table} begin
        update configuration_clock set revision = revision + 1;
        insert into configuration_revisions (tenant_id, revision) ${tenant}
          on conflict (tenant_id) do update set revision = excluded.revision;
      end`
    }),
  )
  return [
    'create table configuration_clock (revision integer not null)',
    'insert into configuration_clock values (0)',
    'create table configuration_revisions (tenant_id text primary key, revision integer not null)',
    'create index configuration_revisions_newest on configuration_revisions (revision)',
    ...triggers,
  ]
}

function postgresStatements(): string[] {
  const triggers = Object.entries(TENANT_OF).map(
    ([table, column]) => `create trigger configuration_${table} after insert or update or delete on ${table}
      for each row execute function configuration_changed('${column}')`,
  )
  return [
    `create function configuration_changed() returns trigger language plpgsql as $$
    declare
      changed jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
      tenant text := changed ->> tg_argv[0];
    begin
      if tg_argv[0] = 'application_id' then
        execute format('select tenant_id from %I.applications where id = $1', tg_table_schema) into tenant using tenant;
      end if;
      if tenant is not null then
        perform pg_notify('${CONFIGURATION_CHANNEL}', tenant);
      end if;
      return null;
    end $$`,
    ...triggers,
  ]
}
