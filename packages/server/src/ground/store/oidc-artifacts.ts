import { createHash } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import type { Database } from './database.ts'
import type { User } from './model.ts'
import type { Tables } from './tables.ts'

/** What is remembered so that it is accepted once: the ids of assertions. */
const USED_ONCE = ['Assertion', 'ReplayDetection']

/** An artifact that oidc-provider stores: a code, a token, a session, a grant, … Its own members stay unchanged. */
export interface OidcPayload {
  [member: string]: unknown
  grantId?: string
  userCode?: string
  uid?: string
  /** Epoch seconds. Absent until it is consumed. */
  consumed?: number
  /** The user, and their generation at the sign-in. */
  accountId?: string
  userGeneration?: string
  /** The client, and the generation of its application when this was issued. */
  clientId?: string
  clientGeneration?: string
  /** Its session, and whether it ends with it. */
  sessionUid?: string
  endsWithSession?: boolean
  /** For a grant: the grant of the token from which its tokens are derived. */
  parentGrantId?: string
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
    ...stampsOf(payload),
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
      ...stampsOf({}),
    })
    .onConflict(conflict => conflict.columns(['tenant_id', 'model', 'id']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/**
 * The facts that decide whether an artifact has ended. Sessions and grants store the generation of their user, grants and
 * tokens without a grant that of their application. Everything else has a grant and ends with it.
 */
function stampsOf(payload: OidcPayload) {
  const { accountId, clientGeneration = '', clientId, grantId, userGeneration = '' } = payload
  const hasUser = grantId === undefined && accountId !== undefined
  const hasClient = grantId === undefined && clientId !== undefined
  const { endsWithSession, sessionUid } = payload
  return {
    account_id: hasUser ? accountId : null,
    user_generation: hasUser ? userGeneration : null,
    client_id: hasClient ? clientId : null,
    client_generation: hasClient ? clientGeneration : null,
    session_uid: endsWithSession && sessionUid !== undefined ? hashOf(sessionUid) : null,
  }
}

/** Whether an artifact has not ended. It is part of the statement that reads it, so that no path can forget the check. */
function isLive(db: Database) {
  return sql<boolean>`(
    oidc_artifacts.account_id is null or exists (
      select 1 from users where users.id = oidc_artifacts.account_id and users.tenant_id = oidc_artifacts.tenant_id
        and users.generation = oidc_artifacts.user_generation and users.is_active = 1
    )
  ) and (
    oidc_artifacts.client_id is null or exists (
      select 1 from applications where applications.tenant_id = oidc_artifacts.tenant_id
        and applications.client_id = oidc_artifacts.client_id
        and applications.generation = oidc_artifacts.client_generation
    )
  ) and (
    oidc_artifacts.session_uid is null or exists (
      select 1 from oidc_artifacts as sessions where sessions.tenant_id = oidc_artifacts.tenant_id
        and sessions.uid = oidc_artifacts.session_uid and sessions.account_id is not null
        and sessions.expires_at > ${db.now()}
    )
  )`
}

/** Expired and ended artifacts are not found. */
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
    .where(isLive(db))
    .executeTakeFirst()
  const payload = row && open(db, row)
  // Written by an older version while this one was already running.
  return row && payload?.accountId !== undefined && !payload.grantId && row.account_id === null ? undefined : payload
}

/** The facts to check an access token of an application, which has no grant and, as a JWT, no row. */
export interface ApplicationToken {
  clientId: string
  /** The generation of the application when it was issued. */
  generation: string
  /** The id of its revocation, if it is revoked. */
  revocation: { model: string; id: string }
}

/** Whether the token is neither revoked nor ended with the tokens of its application. */
export async function isApplicationTokenLive(
  db: Database,
  tenantId: string,
  { clientId, generation, revocation }: ApplicationToken,
): Promise<boolean> {
  const row = await db.queries
    .selectFrom('applications')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('generation', '=', generation)
    .where(where =>
      where.not(
        where.exists(
          where
            .selectFrom('oidc_artifacts')
            .select('oidc_artifacts.id')
            .where('oidc_artifacts.tenant_id', '=', tenantId)
            .where('oidc_artifacts.model', '=', revocation.model)
            .where('oidc_artifacts.id', '=', hashOf(revocation.id)),
        ),
      ),
    )
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Lets a grant survive the end that gave its user this generation, together with the grants it was made from and the session
 * from which they come, but no unredeemed code. Artifacts that ended before are not restored.
 *
 * @param user The user before the change.
 */
export async function keepGrant(
  tx: Database,
  { generation: before = '', id: accountId, tenantId }: User,
  grantId: string,
  generation: string,
): Promise<void> {
  const keep = async (column: 'id' | 'uid', value: string): Promise<OidcPayload | undefined> => {
    const row = await tx.queries
      .selectFrom('oidc_artifacts')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('account_id', '=', accountId)
      .where('user_generation', '=', before)
      .where(column, '=', hashOf(value))
      .executeTakeFirst()
    if (!row) return undefined
    const payload: OidcPayload = { ...open(tx, row), userGeneration: generation }
    await tx.queries
      .updateTable('oidc_artifacts')
      .set({
        payload: tx.seal.seal(JSON.stringify(payload), contextOf(tenantId, row.model, row.id)),
        user_generation: generation,
      })
      .where('tenant_id', '=', tenantId)
      .where('model', '=', row.model)
      .where('id', '=', row.id)
      .execute()
    return payload
  }
  let next: string | undefined = grantId
  while (next !== undefined) {
    const grant: OidcPayload | undefined = await keep('id', next)
    await tx.queries
      .deleteFrom('oidc_artifacts')
      .where('tenant_id', '=', tenantId)
      .where('grant_id', '=', next)
      .where(where => where.or([where('model', 'like', 'AuthorizationCode%'), where('model', 'like', 'DeviceCode%')]))
      .execute()
    if (grant?.sessionUid !== undefined) await keep('uid', grant.sessionUid)
    next = grant?.parentGrantId
  }
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

/** An artifact of one use and its successor. */
export interface Replacement {
  tenantId: string
  model: string
  usedId: string
  /** Milliseconds after its use in which it can be used again, as long as nobody used its successor. 0: never. */
  graceMs: number
}

/**
 * Marks an artifact as used and notes its successor. Within the grace it replaces a successor that nobody used, so that a client that
 * did not receive it gets another. Call it in a transaction. `true` only if the successor may be stored, of concurrent calls for one.
 */
export async function replaceArtifact(tx: Database, replacement: Replacement, successorId: string): Promise<boolean> {
  const { tenantId, model, usedId } = replacement
  const rows = (change: 'use' | 'use again', lost: string | null) => {
    const update = tx.queries
      .updateTable('oidc_artifacts')
      .set({ replaced_by: hashOf(successorId), ...(change === 'use' ? { consumed_at: tx.now() } : {}) })
      .where('tenant_id', '=', tenantId)
      .where('model', '=', model)
      .where('id', '=', hashOf(usedId))
    return change === 'use' ? update.where('consumed_at', 'is', null) : update.where('replaced_by', '=', lost)
  }
  const first = await rows('use', null).executeTakeFirst()
  if (first.numUpdatedRows > 0n) return true
  const lost = await findUnusedSuccessor(tx, replacement)
  if (lost === undefined) return false
  const { numDeletedRows } = await tx.queries
    .deleteFrom('oidc_artifacts')
    .where('tenant_id', '=', tenantId)
    .where('model', '=', model)
    .where('id', '=', lost)
    .where('consumed_at', 'is', null)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return false
  const again = await rows('use again', lost).executeTakeFirst()
  return again.numUpdatedRows > 0n
}

/** Whether a used artifact can be used again: within the grace, and before anybody used its successor. */
export async function isReplaceable(db: Database, replacement: Replacement): Promise<boolean> {
  return (await findUnusedSuccessor(db, replacement)) !== undefined
}

/** The stored id of the successor. */
async function findUnusedSuccessor(
  db: Database,
  { graceMs, model, tenantId, usedId }: Replacement,
): Promise<string | undefined> {
  if (graceMs === 0) return undefined
  const row = await db.queries
    .selectFrom('oidc_artifacts as used')
    .innerJoin('oidc_artifacts as successor', join =>
      join
        .onRef('successor.tenant_id', '=', 'used.tenant_id')
        .onRef('successor.model', '=', 'used.model')
        .onRef('successor.id', '=', 'used.replaced_by'),
    )
    .select('successor.id')
    .where('used.tenant_id', '=', tenantId)
    .where('used.model', '=', model)
    .where('used.id', '=', hashOf(usedId))
    .where('used.consumed_at', '>', db.now() - graceMs)
    .where('successor.consumed_at', 'is', null)
    .executeTakeFirst()
  return row?.id
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

/** Ends every session, grant, code and token of a tenant. What is remembered so that it is used once stays. */
export async function endEverythingOfTenant(db: Database, tenantId: string): Promise<void> {
  await db.queries
    .deleteFrom('oidc_artifacts')
    .where('tenant_id', '=', tenantId)
    .where('model', 'not in', USED_ONCE)
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
