import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { remembered } from './configuration-snapshot.ts'
import { type Database, inTransaction, mustLockRows } from './database.ts'
import type { ApiResource } from './model.ts'
import type { Tables } from './tables.ts'

/** An API whose scopes an application may request. */
export interface AuthorizedApi {
  resourceId: string
  /** `RBAC` or `NO POLICY`, stored as given. */
  policy: string
  /** Names, in the order of the API resource. */
  scopes: string[]
}

/** `false`: the tenant already has the identifier or the name of a scope. */
export function insertApiResource(db: Database, resource: ApiResource): Promise<boolean> {
  return unlessTaken(
    inTransaction(db, async tx => {
      await tx.queries
        .insertInto('api_resources')
        .values({
          id: resource.id,
          tenant_id: resource.tenantId,
          name: resource.name,
          identifier: resource.identifier,
          description: resource.description ?? null,
          requires_authorization: Number(resource.requiresAuthorization),
          created_at: tx.now(),
        })
        .execute()
      await keepScopes(tx, resource, resource.scopes)
    }),
  )
}

/**
 * Replaces name, description and scopes. Scopes keep their authorizations by their id. `false`: the tenant already has the name
 * of a scope.
 */
export function updateApiResource(db: Database, resource: ApiResource): Promise<boolean> {
  return unlessTaken(
    inTransaction(db, async tx => {
      await tx.queries
        .updateTable('api_resources')
        .set({
          name: resource.name,
          description: resource.description ?? null,
          requires_authorization: Number(resource.requiresAuthorization),
        })
        .where('tenant_id', '=', resource.tenantId)
        .where('id', '=', resource.id)
        .execute()
      const before = await scopeNames(tx, resource.id)
      const kept = resource.scopes.map(scope => scope.id)
      let gone = tx.queries.deleteFrom('api_scopes').where('resource_id', '=', resource.id)
      if (kept.length > 0) gone = gone.where('id', 'not in', kept)
      await gone.execute()
      await keepScopes(tx, resource, resource.scopes)
      const left = resource.scopes.map(({ name }) => name)
      await takeFromRoles(
        tx,
        resource.tenantId,
        before.filter(name => !left.includes(name)),
      )
    }),
  )
}

async function scopeNames(tx: Database, resourceId: string): Promise<string[]> {
  const rows = await tx.queries.selectFrom('api_scopes').select('name').where('resource_id', '=', resourceId).execute()
  return rows.map(({ name }) => name)
}

/** Current roles must not give a later scope with the same name. */
async function takeFromRoles(tx: Database, tenantId: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await tx.queries
    .deleteFrom('role_permissions')
    .where('role_id', 'in', of => of.selectFrom('roles').select('id').where('tenant_id', '=', tenantId))
    .where('permission', 'in', names)
    .execute()
}

async function keepScopes(tx: Database, resource: ApiResource, scopes: ApiResource['scopes']): Promise<void> {
  for (const [position, scope] of scopes.entries()) {
    const changeable = {
      name: scope.name,
      display_name: scope.displayName ?? null,
      description: scope.description ?? null,
      position,
    }
    await tx.queries
      .insertInto('api_scopes')
      .values({ ...changeable, id: scope.id, tenant_id: resource.tenantId, resource_id: resource.id })
      .onConflict(conflict => conflict.column('id').doUpdateSet(changeable))
      .execute()
  }
}

/** Deletes an API resource with its scopes and their authorizations, also those by roles. Returns whether it existed. */
export function deleteApiResource(db: Database, tenantId: string, id: string): Promise<boolean> {
  return inTransaction(db, async tx => {
    const names = await scopeNames(tx, id)
    const { numDeletedRows } = await tx.queries
      .deleteFrom('api_resources')
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .executeTakeFirst()
    if (numDeletedRows === 0n) return false
    await takeFromRoles(tx, tenantId, names)
    return true
  })
}

export async function findApiResource(db: Database, tenantId: string, id: string): Promise<ApiResource | undefined> {
  const [found] = await readApiResources(db, tenantId, id)
  return found
}

/** All API resources of the tenant, oldest first. */
export function listApiResources(db: Database, tenantId: string): Promise<ApiResource[]> {
  return readApiResources(db, tenantId)
}

async function readApiResources(db: Database, tenantId: string, id?: string): Promise<ApiResource[]> {
  let resources = db.queries.selectFrom('api_resources').selectAll().where('tenant_id', '=', tenantId)
  let scopes = db.queries.selectFrom('api_scopes').selectAll().where('tenant_id', '=', tenantId)
  if (id !== undefined) {
    resources = resources.where('id', '=', id)
    scopes = scopes.where('resource_id', '=', id)
  }
  const rows = await resources
    .orderBy('created_at')
    .orderBy('id')
    .$if(mustLockRows(db), query => query.forUpdate())
    .execute()
  const byResource = Map.groupBy(await scopes.orderBy('position').execute(), scope => scope.resource_id)
  return rows.map(row => toApiResource(row, byResource.get(row.id) ?? []))
}

/** Authorizes an application for an API and replaces an earlier authorization. Unknown scope names are ignored. */
export function authorizeApi(
  db: Database,
  tenantId: string,
  applicationId: string,
  { resourceId, policy, scopes }: AuthorizedApi,
): Promise<void> {
  return inTransaction(db, async tx => {
    await tx.queries
      .insertInto('authorized_apis')
      .values({ application_id: applicationId, resource_id: resourceId, tenant_id: tenantId, policy })
      .onConflict(conflict => conflict.columns(['application_id', 'resource_id']).doUpdateSet({ policy }))
      .execute()
    await tx.queries
      .deleteFrom('authorized_scopes')
      .where('application_id', '=', applicationId)
      .where('resource_id', '=', resourceId)
      .execute()
    if (scopes.length === 0) return
    await tx.queries
      .insertInto('authorized_scopes')
      .columns(['application_id', 'scope_id', 'resource_id'])
      .expression(from =>
        from
          .selectFrom('api_scopes')
          .select(select => [select.val(applicationId).as('application_id'), 'id', 'resource_id'])
          .where('resource_id', '=', resourceId)
          .where('name', 'in', scopes),
      )
      .execute()
  })
}

/** Withdraws an authorization. Returns whether it existed. */
export async function withdrawApi(
  db: Database,
  tenantId: string,
  applicationId: string,
  resourceId: string,
): Promise<boolean> {
  return await inTransaction(db, async tx => {
    await tx.queries
      .deleteFrom('authorized_scopes')
      .where('application_id', '=', applicationId)
      .where('resource_id', '=', resourceId)
      .execute()
    const { numDeletedRows } = await tx.queries
      .deleteFrom('authorized_apis')
      .where('tenant_id', '=', tenantId)
      .where('application_id', '=', applicationId)
      .where('resource_id', '=', resourceId)
      .executeTakeFirst()
    return numDeletedRows > 0n
  })
}

export async function listAuthorizedApis(
  db: Database,
  tenantId: string,
  applicationId: string,
): Promise<AuthorizedApi[]> {
  const apis = await db.queries
    .selectFrom('authorized_apis')
    .innerJoin('api_resources', 'api_resources.id', 'authorized_apis.resource_id')
    .select(['authorized_apis.resource_id', 'authorized_apis.policy'])
    .where('authorized_apis.tenant_id', '=', tenantId)
    .where('authorized_apis.application_id', '=', applicationId)
    .orderBy('api_resources.created_at')
    .orderBy('api_resources.id')
    .execute()
  const scopes = await readAuthorizedScopes(db, tenantId, applicationId)
  return apis.map(api => ({
    resourceId: api.resource_id,
    policy: api.policy,
    scopes: scopes.filter(scope => scope.resource_id === api.resource_id).map(scope => scope.name),
  }))
}

/** A scope that an application is authorized for, and how users get it. */
export interface AuthorizedScope {
  name: string
  /**
   * With the policy `RBAC` users need a role for it. With another policy, or if the API requires no authorization, every user
   * has it.
   */
  isByRole: boolean
}

/** All scopes that the application may request, of all its APIs. See {@link remembered}. */
export function listAuthorizedScopes(
  db: Database,
  tenantId: string,
  applicationId: string,
): Promise<readonly AuthorizedScope[]> {
  return remembered(db, tenantId, `scopes ${applicationId}`, async () => {
    const rows = await db.queries
      .selectFrom('authorized_scopes')
      .innerJoin('api_scopes', 'api_scopes.id', 'authorized_scopes.scope_id')
      .innerJoin('authorized_apis', join =>
        join
          .onRef('authorized_apis.resource_id', '=', 'authorized_scopes.resource_id')
          .onRef('authorized_apis.application_id', '=', 'authorized_scopes.application_id'),
      )
      .innerJoin('api_resources', 'api_resources.id', 'authorized_scopes.resource_id')
      .select(['api_scopes.name', 'authorized_apis.policy', 'api_resources.requires_authorization'])
      .where('authorized_scopes.application_id', '=', applicationId)
      .where('api_scopes.tenant_id', '=', tenantId)
      .orderBy('api_scopes.resource_id')
      .orderBy('api_scopes.position')
      .execute()
    return rows.map(({ name, policy, requires_authorization }) => ({
      name,
      isByRole: policy.toUpperCase() === 'RBAC' && requires_authorization === 1,
    }))
  })
}

/** The names of all scopes that the application of a client may currently request. None for an unknown client. */
export async function listScopesOfClient(db: Database, tenantId: string, clientId: string): Promise<string[]> {
  const rows = await db.queries
    .selectFrom('applications')
    .innerJoin('authorized_scopes', 'authorized_scopes.application_id', 'applications.id')
    .innerJoin('api_scopes', 'api_scopes.id', 'authorized_scopes.scope_id')
    .select('api_scopes.name')
    .where('applications.tenant_id', '=', tenantId)
    .where('applications.client_id', '=', clientId)
    .execute()
  return rows.map(({ name }) => name)
}

function readAuthorizedScopes(db: Database, tenantId: string, applicationId: string) {
  return db.queries
    .selectFrom('authorized_scopes')
    .innerJoin('api_scopes', 'api_scopes.id', 'authorized_scopes.scope_id')
    .select(['api_scopes.name', 'api_scopes.resource_id'])
    .where('authorized_scopes.application_id', '=', applicationId)
    .where('api_scopes.tenant_id', '=', tenantId)
    .orderBy('api_scopes.resource_id')
    .orderBy('api_scopes.position')
    .execute()
}

function toApiResource(
  row: Selectable<Tables['api_resources']>,
  scopes: readonly Selectable<Tables['api_scopes']>[],
): ApiResource {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    identifier: row.identifier,
    ...(row.description === null ? {} : { description: row.description }),
    requiresAuthorization: row.requires_authorization === 1,
    scopes: scopes.map(scope => ({
      id: scope.id,
      name: scope.name,
      ...(scope.display_name === null ? {} : { displayName: scope.display_name }),
      ...(scope.description === null ? {} : { description: scope.description }),
    })),
  }
}

/** The scopes of all APIs of the tenant with these names. */
export async function findScopes(
  db: Database,
  tenantId: string,
  names: readonly string[],
): Promise<{ name: string; displayName: string }[]> {
  if (names.length === 0) return []
  const rows = await db.queries
    .selectFrom('api_scopes')
    .select(['name', 'display_name'])
    .where('tenant_id', '=', tenantId)
    .where('name', 'in', names)
    .execute()
  return rows.map(({ display_name, name }) => ({ name, displayName: display_name ?? name }))
}
