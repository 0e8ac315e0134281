import type { Migrations } from '@preflow/database'
import type { Kysely } from 'kysely'

/** Every change of the tables. A published one is never edited: add another below it. */
export const migrations: Migrations = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('pin_entries')
        .addColumn('flow_id', 'text', column => column.notNull())
        .addColumn('step', 'integer', column => column.notNull())
        .addColumn('handle', 'text', column => column.notNull().unique())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('organization', 'text')
        .addColumn('application', 'text', column => column.notNull())
        .addColumn('user_id', 'text')
        .addColumn('user_store', 'text')
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('refusal', 'text')
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('browser_hash', 'text')
        .addColumn('consumed_by', 'text')
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('pin_entries_key', ['flow_id', 'step'])
        .execute()
      await db.schema.createIndex('pin_entries_expires_at').on('pin_entries').column('expires_at').execute()
      await db.schema
        .createTable('pin_attempts')
        .addColumn('subject', 'text', column => column.primaryKey())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('count', 'integer', column => column.notNull())
        .addColumn('last_at', 'bigint', column => column.notNull())
        .addColumn('locked_until', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('pin_attempts_last_at').on('pin_attempts').column('last_at').execute()
      await db.schema
        .createTable('pin_enrolments')
        .addColumn('user_id', 'text', column => column.primaryKey())
        .addColumn('username', 'text', column => column.unique())
        .addColumn('pin_hash', 'text', column => column.notNull())
        .addColumn('user_store', 'text')
        .addColumn('claims', 'text', column => column.notNull())
        .addColumn('groups', 'text', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
  '0002-returns': {
    async up(db: Kysely<unknown>) {
      const columns = ['code_hash', 'confirm_handle', 'organization_name', 'started_from', 'started_with']
      // SQLite adds one column per statement.
      for (const name of columns) await db.schema.alterTable('pin_entries').addColumn(name, 'text').execute()
      await db.schema.alterTable('pin_entries').addColumn('started_at', 'bigint').execute()
      await db.schema
        .createIndex('pin_entries_confirm_handle')
        .on('pin_entries')
        .column('confirm_handle')
        .unique()
        .execute()
    },
  },
}
