import { randomUUID } from 'node:crypto'
import { type Kysely, PostgresAdapter, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { documentOfClaims } from './claims-to-documents.ts'
import { addConfigurationClock } from './configuration-clock.ts'

// A migration describes the schema of its own version, so it must not use today's types.
type Schema = Kysely<unknown>

/**
 * Every change of the schema, in the order of the names. A published migration never changes: add a new one below it. The suite
 * checks that a fresh database and an upgraded one have the same schema.
 */
export const migrations: Record<string, Migration> = {
  '0001-first-schema': {
    async up(db: Schema) {
      await db.schema
        .createTable('store_facts')
        .addColumn('name', 'text', column => column.primaryKey())
        .addColumn('value', 'text', column => column.notNull())
        .execute()

      await db.schema
        .createTable('tenants')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('domain', 'text', column => column.notNull().unique())
        .addColumn('root_organization_id', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .execute()

      await db.schema
        .createTable('organizations')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('parent_id', 'text')
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('handle', 'text', column => column.notNull())
        .addColumn('depth', 'integer', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('organizations_handle', ['tenant_id', 'handle'])
        .execute()

      await db.schema
        .createTable('users')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('organization_id', 'text', column =>
          column.notNull().references('organizations.id').onDelete('cascade'),
        )
        .addColumn('user_name', 'text', column => column.notNull())
        .addColumn('user_name_key', 'text', column => column.notNull())
        .addColumn('password', 'text')
        .addColumn('claims', 'text', column => column.notNull())
        .addColumn('groups', 'text', column => column.notNull())
        .addColumn('is_active', 'integer', column => column.notNull())
        .addColumn('is_administrator', 'integer', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('users_user_name', ['tenant_id', 'organization_id', 'user_name_key'])
        .execute()

      await db.schema
        .createTable('applications')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('client_id', 'text', column => column.notNull())
        .addColumn('client_secret', 'text')
        .addColumn('settings', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('applications_name', ['tenant_id', 'name'])
        .addUniqueConstraint('applications_client_id', ['tenant_id', 'client_id'])
        .execute()

      await db.schema
        .createTable('api_resources')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('identifier', 'text', column => column.notNull())
        .addColumn('description', 'text')
        .addColumn('requires_authorization', 'integer', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('api_resources_identifier', ['tenant_id', 'identifier'])
        .execute()

      await db.schema
        .createTable('api_scopes')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull())
        .addColumn('resource_id', 'text', column => column.notNull().references('api_resources.id').onDelete('cascade'))
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('display_name', 'text')
        .addColumn('description', 'text')
        .addColumn('position', 'integer', column => column.notNull())
        .addUniqueConstraint('api_scopes_name', ['tenant_id', 'name'])
        .execute()
      await db.schema.createIndex('api_scopes_resource').on('api_scopes').column('resource_id').execute()

      await db.schema
        .createTable('authorized_apis')
        .addColumn('application_id', 'text', column =>
          column.notNull().references('applications.id').onDelete('cascade'),
        )
        .addColumn('resource_id', 'text', column => column.notNull().references('api_resources.id').onDelete('cascade'))
        .addColumn('tenant_id', 'text', column => column.notNull())
        .addColumn('policy', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('authorized_apis_key', ['application_id', 'resource_id'])
        .execute()

      await db.schema
        .createTable('authorized_scopes')
        .addColumn('application_id', 'text', column =>
          column.notNull().references('applications.id').onDelete('cascade'),
        )
        .addColumn('scope_id', 'text', column => column.notNull().references('api_scopes.id').onDelete('cascade'))
        .addColumn('resource_id', 'text', column => column.notNull().references('api_resources.id').onDelete('cascade'))
        .addPrimaryKeyConstraint('authorized_scopes_key', ['application_id', 'scope_id'])
        .execute()

      await db.schema
        .createTable('actions')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('organization_id', 'text', column =>
          column.notNull().references('organizations.id').onDelete('cascade'),
        )
        .addColumn('type', 'text', column => column.notNull())
        .addColumn('slot', 'integer', column => column.notNull())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('description', 'text')
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('version', 'text', column => column.notNull())
        .addColumn('uri', 'text', column => column.notNull())
        .addColumn('authentication', 'text', column => column.notNull())
        .addColumn('signing_secrets', 'text')
        .addColumn('settings', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('actions_slot', ['tenant_id', 'organization_id', 'type', 'slot'])
        .execute()

      await db.schema
        .createTable('calls')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('action_id', 'text', column => column.notNull())
        .addColumn('action_type', 'text', column => column.notNull())
        .addColumn('action_name', 'text', column => column.notNull())
        .addColumn('started_at', 'bigint', column => column.notNull())
        .addColumn('duration_ms', 'bigint', column => column.notNull())
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('reason', 'text', column => column.notNull())
        .addColumn('client_id', 'text')
        .addColumn('grant_type', 'text')
        .addColumn('flow_result', 'text', column => column.notNull())
        .addColumn('details', 'text', column => column.notNull())
        .execute()
      await db.schema.createIndex('calls_newest').on('calls').columns(['tenant_id', 'started_at', 'id']).execute()

      await db.schema
        .createTable('audit_records')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('recorded_at', 'bigint', column => column.notNull())
        .addColumn('initiator', 'text', column => column.notNull())
        .addColumn('action', 'text', column => column.notNull())
        .addColumn('target_type', 'text', column => column.notNull())
        .addColumn('target_id', 'text', column => column.notNull())
        .addColumn('details', 'text', column => column.notNull())
        .execute()
      await db.schema
        .createIndex('audit_records_newest')
        .on('audit_records')
        .columns(['tenant_id', 'recorded_at', 'id'])
        .execute()

      await db.schema
        .createTable('oidc_artifacts')
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('model', 'text', column => column.notNull())
        .addColumn('id', 'text', column => column.notNull())
        .addColumn('payload', 'text', column => column.notNull())
        .addColumn('grant_id', 'text')
        .addColumn('user_code', 'text')
        .addColumn('uid', 'text')
        .addColumn('expires_at', 'bigint')
        .addColumn('consumed_at', 'bigint')
        .addPrimaryKeyConstraint('oidc_artifacts_key', ['tenant_id', 'model', 'id'])
        .execute()
      for (const column of ['grant_id', 'user_code', 'uid']) {
        await db.schema
          .createIndex(`oidc_artifacts_${column}`)
          .on('oidc_artifacts')
          .columns(['tenant_id', column])
          .execute()
      }
      await db.schema.createIndex('oidc_artifacts_expires_at').on('oidc_artifacts').column('expires_at').execute()

      await db.schema
        .createTable('signing_keys')
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('kid', 'text', column => column.notNull())
        .addColumn('alg', 'text', column => column.notNull())
        .addColumn('jwk', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('signing_keys_key', ['tenant_id', 'kid'])
        .execute()
    },
  },

  '0002-wrong-passwords': {
    async up(db: Schema) {
      await db.schema
        .createTable('wrong_passwords')
        .addColumn('key', 'text', column => column.primaryKey())
        .addColumn('count', 'integer', column => column.notNull())
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .execute()
    },
  },

  '0003-authenticators': {
    async up(db: Schema) {
      await db.schema
        .createTable('authenticators')
        .addColumn('action_id', 'text', column => column.primaryKey().references('actions.id').onDelete('cascade'))
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('organization_id', 'text', column => column.notNull())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('display_name', 'text', column => column.notNull())
        .addColumn('authentication_type', 'text', column => column.notNull())
        .addColumn('image', 'text')
        .addUniqueConstraint('authenticators_name', ['tenant_id', 'organization_id', 'name'])
        .execute()

      await db.schema
        .createTable('sign_in_flows')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('organization_id', 'text', column => column.notNull())
        .addColumn('interaction_id', 'text', column => column.notNull().unique())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('sign_in_flows_expires_at').on('sign_in_flows').column('expires_at').execute()
    },
  },

  '0004-roles': {
    async up(db: Schema) {
      await db.schema
        .createTable('roles')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('audience_type', 'text', column => column.notNull())
        .addColumn('audience_id', 'text', column => column.notNull())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('kind', 'text')
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('roles_name', ['tenant_id', 'audience_type', 'audience_id', 'name'])
        .execute()
      await db.schema
        .createTable('role_permissions')
        .addColumn('role_id', 'text', column => column.notNull().references('roles.id').onDelete('cascade'))
        .addColumn('permission', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('role_permissions_key', ['role_id', 'permission'])
        .execute()
      await db.schema
        .createTable('role_members')
        .addColumn('role_id', 'text', column => column.notNull().references('roles.id').onDelete('cascade'))
        .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
        .addPrimaryKeyConstraint('role_members_key', ['role_id', 'user_id'])
        .execute()
      await db.schema.createIndex('role_members_user').on('role_members').column('user_id').execute()

      // The ids of roles are derived from those of the organizations. Both databases compute the same ids, and no earlier role
      // has one.
      await sql`insert into roles (id, tenant_id, audience_type, audience_id, name, kind, created_at, updated_at)
        select 'administrator-' || id, tenant_id, 'organization', id,
          case when depth = 0 then 'Administrator' else 'Organization Administrator' end,
          case when depth = 0 then 'administrator' else 'organization-administrator' end,
          created_at, created_at from organizations`.execute(db)
      await sql`insert into role_members (role_id, user_id)
        select 'administrator-' || tenants.root_organization_id, users.id
        from users join tenants on tenants.id = users.tenant_id where users.is_administrator = 1`.execute(db)
      await db.schema.alterTable('users').dropColumn('is_administrator').execute()
    },
  },

  '0005-token-algorithm': {
    async up(db: Schema) {
      // ES256 was the default before this migration. If the data already has keys, its clients may be configured for ES256.
      await sql`insert into store_facts (name, value) select 'token-algorithm', 'ES256'
        where exists (select 1 from signing_keys)`.execute(db)
    },
  },

  '0006-user-documents': {
    async up(db: Schema) {
      await db.schema
        .alterTable('users')
        .addColumn('document', 'text', column => column.notNull().defaultTo('{}'))
        .execute()
      const queries = db as Kysely<{ users: { id: string; claims: string; document: string } }>
      for (let after = ''; ; ) {
        const rows = await queries
          .selectFrom('users')
          .select(['id', 'claims'])
          .where('id', '>', after)
          .orderBy('id')
          .limit(1000)
          .execute()
        for (const { id, claims } of rows) {
          const document = JSON.stringify(documentOfClaims(JSON.parse(claims)))
          if (document !== '{}') await queries.updateTable('users').set({ document }).where('id', '=', id).execute()
        }
        const last = rows.at(-1)
        if (!last) break
        after = last.id
      }
      await db.schema.alterTable('users').dropColumn('claims').execute()
    },
  },

  '0007-ends': {
    async up(db: Schema) {
      for (const table of ['users', 'applications']) {
        await db.schema
          .alterTable(table)
          .addColumn('generation', 'text', column => column.notNull().defaultTo(''))
          .execute()
      }
      for (const column of ['account_id', 'user_generation', 'client_id', 'client_generation', 'session_uid']) {
        await db.schema.alterTable('oidc_artifacts').addColumn(column, 'text').execute()
      }
      await db.schema
        .createIndex('oidc_artifacts_account_id')
        .on('oidc_artifacts')
        .columns(['tenant_id', 'account_id'])
        .execute()
      // Their user and client are sealed, and a migration has no key, so the next start fills in the columns.
      await sql`insert into store_facts (name, value) select 'unstamped-artifacts', ''
        where exists (select 1 from oidc_artifacts)`.execute(db)
    },
  },

  '0008-groups': {
    async up(db: Schema) {
      // Only the type of a counting column has different names in the databases.
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
      await db.schema
        .createTable('groups')
        .addColumn('number', isPostgres ? 'bigserial' : 'integer', column =>
          isPostgres ? column.primaryKey() : column.primaryKey().autoIncrement(),
        )
        .addColumn('id', 'text', column => column.notNull().unique())
        .addColumn('tenant_id', 'text', column => column.notNull().references('tenants.id').onDelete('cascade'))
        .addColumn('organization_id', 'text', column =>
          column.notNull().references('organizations.id').onDelete('cascade'),
        )
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('name_key', 'text', column => column.notNull())
        .addColumn('external_id', 'text')
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .addUniqueConstraint('groups_name', ['tenant_id', 'organization_id', 'name_key'])
        .execute()
      await db.schema
        .createTable('group_members')
        .addColumn('group_id', 'text', column => column.notNull().references('groups.id').onDelete('cascade'))
        .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
        .addPrimaryKeyConstraint('group_members_key', ['group_id', 'user_id'])
        .execute()
      await db.schema.createIndex('group_members_user').on('group_members').column('user_id').execute()
      await db.schema
        .createTable('role_groups')
        .addColumn('role_id', 'text', column => column.notNull().references('roles.id').onDelete('cascade'))
        .addColumn('group_id', 'text', column => column.notNull().references('groups.id').onDelete('cascade'))
        .addPrimaryKeyConstraint('role_groups_key', ['role_id', 'group_id'])
        .execute()
      await db.schema.createIndex('role_groups_group').on('role_groups').column('group_id').execute()

      // Before this migration only the fixed roles exist, one per audience.
      await db.schema
        .alterTable('roles')
        .addColumn('name_key', 'text', column => column.notNull().defaultTo(''))
        .execute()
      await sql`update roles set name_key = lower(name)`.execute(db)
      await db.schema
        .createIndex('roles_name_key')
        .unique()
        .on('roles')
        .columns(['tenant_id', 'audience_type', 'audience_id', 'name_key'])
        .execute()

      await moveGroupsOfUsers(db)
      await db.schema.alterTable('users').dropColumn('groups').execute()
    },
  },

  '0009-user-index': {
    async up(db: Schema) {
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
      // Numbers in the order of creation. Lists are ordered by them, and the index has a third of the size that it would have
      // with ids.
      await db.schema.alterTable('users').addColumn('number', 'bigint').execute()
      await sql`update users set number = ordered.number from (
          select id, row_number() over (order by created_at, id) as number from users
        ) as ordered where ordered.id = users.id`.execute(db)
      await db.schema.createIndex('users_number').unique().on('users').column('number').execute()
      if (isPostgres) {
        await sql`create sequence user_numbers owned by users.number`.execute(db)
        await sql`select setval('user_numbers', coalesce((select max(number) from users), 0) + 1, false)`.execute(db)
        await sql`alter table users alter column number set default nextval('user_numbers'),
          alter column number set not null`.execute(db)
      }
      for (const column of ['is_active', 'created_at', 'updated_at']) {
        await db.schema
          .createIndex(`users_${column}`)
          .on('users')
          .columns(['organization_id', column, 'number'])
          .execute()
      }
      await db.schema.createIndex('users_in_order').on('users').columns(['organization_id', 'number']).execute()

      await db.schema
        .createTable('user_attributes')
        .addColumn('number', isPostgres ? 'serial' : 'integer', column =>
          isPostgres ? column.primaryKey() : column.primaryKey().autoIncrement(),
        )
        .addColumn('organization_id', 'text', column =>
          column.notNull().references('organizations.id').onDelete('cascade'),
        )
        .addColumn('name', 'text', column => column.notNull())
        .addUniqueConstraint('user_attributes_name', ['organization_id', 'name'])
        .execute()

      // Keys are compared by their characters, not by the language of the PostgreSQL server.
      const characters = isPostgres ? sql`text collate "C"` : 'text'
      await db.schema
        .createTable('user_values')
        .addColumn('attribute', 'integer', column => column.notNull())
        .addColumn('key', characters as 'text', column => column.notNull())
        .addColumn('user_number', 'bigint', column => column.notNull().references('users.number').onDelete('cascade'))
        .addColumn('element', 'integer', column => column.notNull())
        .addColumn('type', characters as 'text', column => column.notNull())
        .addPrimaryKeyConstraint('user_values_key', ['attribute', 'key', 'user_number', 'element'])
        .$call(table => (isPostgres ? table : table.modifyEnd(sql`without rowid`)))
        .execute()
      await db.schema.createIndex('user_values_user').on('user_values').columns(['user_number', 'attribute']).execute()
    },
  },

  '0010-limits': {
    async up(db: Schema) {
      // Its table stays, for the index that a later migration adds.
      await sql`delete from wrong_passwords`.execute(db)
      await db.schema
        .createTable('limits')
        .addColumn('key', 'text', column => column.primaryKey())
        .addColumn('points', 'integer', column => column.notNull())
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('limits_expires_at').on('limits').column('expires_at').execute()
      // The token that replaced a refresh token, for clients that did not receive it.
      await db.schema.alterTable('oidc_artifacts').addColumn('replaced_by', 'text').execute()
    },
  },

  '0011-keys': {
    async up(db: Schema) {
      const add = (name: string, type: 'text' | 'bigint') => db.schema.alterTable('signing_keys').addColumn(name, type)
      await db.schema
        .alterTable('signing_keys')
        .addColumn('active_from', 'bigint', column => column.notNull().defaultTo(0))
        .execute()
      await add('expires_at', 'bigint').execute()
      await add('follows', 'text').execute()
      // Until here a tenant has one key of each algorithm, which stays the first one.
      await sql`update signing_keys set follows = 'first/' || tenant_id || '/' || alg`.execute(db)
      await db.schema.createIndex('signing_keys_expires_at').on('signing_keys').column('expires_at').execute()
      await db.schema.createIndex('signing_keys_follows').unique().on('signing_keys').column('follows').execute()
    },
  },

  '0012-events': {
    async up(db: Schema) {
      const columns: [name: string, value?: string][] = [
        ['event', 'administration.changed'],
        ['outcome', 'success'],
        ...['organization_id', 'actor_kind', 'client_id', 'reason'].map((name): [string] => [name]),
        ...['address', 'agent', 'request_id', 'call_id'].map((name): [string] => [name]),
      ]
      // SQLite adds one column per statement.
      for (const [name, value] of columns) {
        await db.schema
          .alterTable('audit_records')
          .addColumn(name, 'text', column => (value === undefined ? column : column.notNull().defaultTo(value)))
          .execute()
      }
      await db.schema.createIndex('audit_records_oldest').on('audit_records').column('recorded_at').execute()
      await db.schema
        .createIndex('audit_records_newest_of_event')
        .on('audit_records')
        .columns(['tenant_id', 'event', 'recorded_at', 'id'])
        .execute()
    },
  },

  '0013-configuration-clock': { up: addConfigurationClock },

  '0014-background': {
    async up(db: Schema) {
      await db.schema
        .createTable('leases')
        .addColumn('name', 'text', column => column.primaryKey())
        .addColumn('holder', 'text', column => column.notNull())
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('wrong_passwords_expires_at').on('wrong_passwords').column('expires_at').execute()
    },
  },
}

/** Before this migration each user had a list of group names. */
async function moveGroupsOfUsers(db: Schema): Promise<void> {
  const queries = db as Kysely<Record<'users' | 'groups' | 'group_members', Record<string, unknown>>>
  const users = await queries
    .selectFrom('users')
    .select(['id', 'tenant_id', 'organization_id', 'groups', 'created_at'])
    .where('groups', '<>', '[]')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const ids = new Map<string, string>()
  for (const { created_at, groups, id: user_id, organization_id, tenant_id } of users) {
    const joined = new Set<string>()
    for (const name of JSON.parse(String(groups)) as string[]) {
      const name_key = name.normalize('NFC').toLowerCase()
      const place = JSON.stringify([organization_id, name_key])
      const group_id = ids.get(place) ?? randomUUID()
      if (!ids.has(place)) {
        ids.set(place, group_id)
        const group = { id: group_id, tenant_id, organization_id, name, name_key }
        await queries
          .insertInto('groups')
          .values({ ...group, created_at, updated_at: created_at })
          .execute()
      }
      if (!joined.has(group_id)) await queries.insertInto('group_members').values({ group_id, user_id }).execute()
      joined.add(group_id)
    }
  }
}
