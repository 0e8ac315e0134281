import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** An artifact that oidc-provider stores: a code, a token, a session, a grant, … Its own members stay unchanged. */
export interface OidcPayload {
  [member: string]: unknown
  grantId?: string
  userCode?: string
  uid?: string
  /** Epoch seconds. Absent until it is consumed. */
  consumed?: number
}

/**
 * Stores an artifact and replaces an earlier one with the same id.
 *
 * The id of an opaque token *is* the token, and the id of a session is its cookie. So ids are stored as hashes and payloads are
 * sealed: a reader of the database can use none of them.
 *
 * @param expiresInSeconds Absent: it never expires.
 */
export async function upsertArtifact(
  db: Database,
  tenantId: string,
  model: string,
  id: string,
  payload: OidcPayload,
  expiresInSeconds?: number,
): Promise<void> {
  const key = hashOf(id)
  const { grantId, userCode, uid } = payload
  const columns = {
    payload: db.seal.seal(JSON.stringify(payload), contextOf(tenantId, model, key)),
    grant_id: grantId ?? null,
    user_code: userCode === undefined ? null : hashOf(userCode),
    uid: uid === undefined ? null : hashOf(uid),
    expires_at: expiresInSeconds === undefined ? null : db.now() + expiresInSeconds * 1000,
  }
  await db.queries
    .insertInto('oidc_artifacts')
    .values({ tenant_id: tenantId, model, id: key, ...columns, consumed_at: null })
    .onConflict(conflict => conflict.columns(['tenant_id', 'model', 'id']).doUpdateSet(columns))
    .execute()
}

/**
 * Records that something for single use was used, until it expires. Returns `true` only for the first call, also among
 * concurrent ones.
 */
export async function useOnce(
  db: Database,
  tenantId: string,
  model: string,
  id: string,
  expiresInSeconds: number,
): Promise<boolean> {
  const key = hashOf(id)
  const { numInsertedOrUpdatedRows = 0n } = await db.queries
    .insertInto('oidc_artifacts')
    .values({
      tenant_id: tenantId,
      model,
      id: key,
      payload: db.seal.seal('{}', contextOf(tenantId, model, key)),
      grant_id: null,
      user_code: null,
      uid: null,
      expires_at: db.now() + expiresInSeconds * 1000,
      consumed_at: db.now(),
    })
    .onConflict(conflict => conflict.columns(['tenant_id', 'model', 'id']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/** An expired artifact is not found. */
export function findArtifact(
  db: Database,
  tenantId: string,
  model: string,
  id: string,
): Promise<OidcPayload | undefined> {
  return findBy(db, tenantId, model, 'id', hashOf(id))
}

export function findArtifactByUid(
  db: Database,
  tenantId: string,
  model: string,
  uid: string,
): Promise<OidcPayload | undefined> {
  return findBy(db, tenantId, model, 'uid', hashOf(uid))
}

export function findArtifactByUserCode(
  db: Database,
  tenantId: string,
  model: string,
  userCode: string,
): Promise<OidcPayload | undefined> {
  return findBy(db, tenantId, model, 'user_code', hashOf(userCode))
}

async function findBy(
  db: Database,
  tenantId: string,
  model: string,
  column: 'id' | 'uid' | 'user_code',
  value: string,
): Promise<OidcPayload | undefined> {
  const row = await db.queries
    .selectFrom('oidc_artifacts')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('model', '=', model)
    .where(column, '=', value)
    .where(where => where.or([where('expires_at', 'is', null), where('expires_at', '>', db.now())]))
    .executeTakeFirst()
  return row && open(db, row)
}

/** Marks the artifact as used. Returns `true` only for the first call, also among concurrent ones. */
export async function consumeArtifact(db: Database, tenantId: string, model: string, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db.queries
    .updateTable('oidc_artifacts')
    .set({ consumed_at: db.now() })
    .where('tenant_id', '=', tenantId)
    .where('model', '=', model)
    .where('id', '=', hashOf(id))
    .where('consumed_at', 'is', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function destroyArtifact(db: Database, tenantId: string, model: string, id: string): Promise<void> {
  await db.queries
    .deleteFrom('oidc_artifacts')
    .where('tenant_id', '=', tenantId)
    .where('model', '=', model)
    .where('id', '=', hashOf(id))
    .execute()
}

/** Deletes every code and token of the grant, of every model. */
export async function revokeByGrantId(db: Database, tenantId: string, grantId: string): Promise<void> {
  await db.queries
    .deleteFrom('oidc_artifacts')
    .where('tenant_id', '=', tenantId)
    .where('grant_id', '=', grantId)
    .execute()
}

function open(db: Database, row: Selectable<Tables['oidc_artifacts']>): OidcPayload {
  const payload: OidcPayload = JSON.parse(db.seal.open(row.payload, contextOf(row.tenant_id, row.model, row.id)))
  return row.consumed_at === null ? payload : { ...payload, consumed: Math.floor(row.consumed_at / 1000) }
}

function contextOf(tenantId: string, model: string, key: string): string {
  return `oidc-artifact/${tenantId}/${model}/${key}`
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
