import { present } from '@preflow/contract'
import { unlessTaken } from '@preflow/database'
import type { JWK } from 'jose'
import type { Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** The algorithm of tokens. An application can choose another one for its ID tokens. */
export type TokenAlgorithm = 'RS256' | 'ES256'

/** When a key of a tenant signs and how long it is published. It is published from the moment it exists. */
export interface KeyTimes {
  kid: string
  /** For example `ES256`. */
  alg: string
  /** Epoch milliseconds. */
  createdAt: number
  /** Epoch milliseconds from which it signs, until a key with a later moment does. */
  activeFrom: number
  /** Epoch milliseconds until which it is published. Absent: no end is known. */
  expiresAt?: number
}

/** A private key that signs tokens of a tenant. */
export interface SigningKey extends KeyTimes {
  /** With its private part. Sealed at rest. */
  jwk: JWK
}

/**
 * Stores a key.
 *
 * @param follows The id of the key that it replaces. Absent: it is the first of its algorithm.
 * @returns `false` if another process was faster: there is such a key already.
 */
export async function insertSigningKey(
  db: Database,
  tenantId: string,
  key: SigningKey,
  follows?: string,
): Promise<boolean> {
  const { kid, alg, jwk, activeFrom, createdAt, expiresAt } = key
  return unlessTaken(
    db.queries
      .insertInto('signing_keys')
      .values({
        tenant_id: tenantId,
        kid,
        alg,
        jwk: db.seal.seal(JSON.stringify(jwk), contextOf(tenantId, kid)),
        created_at: createdAt,
        active_from: activeFrom,
        expires_at: expiresAt ?? null,
        follows: follows === undefined ? `first/${tenantId}/${alg}` : `after/${tenantId}/${follows}`,
      })
      .execute(),
  )
}

/** The keys of a tenant that are published now, newest first. */
export async function listSigningKeys(db: Database, tenantId: string): Promise<SigningKey[]> {
  const rows = await publishedKeys(db, tenantId).selectAll().execute()
  return rows.map(row => ({
    ...timesOf(row),
    jwk: JSON.parse(db.seal.open(row.jwk, contextOf(tenantId, row.kid))),
  }))
}

/** The same without the keys themselves: cheap enough to look at every few seconds. */
export async function listKeyTimes(db: Database, tenantId: string): Promise<KeyTimes[]> {
  const rows = await publishedKeys(db, tenantId)
    .select(['kid', 'alg', 'created_at', 'active_from', 'expires_at'])
    .execute()
  return rows.map(timesOf)
}

/** Sets until when a key is published. */
export async function expireSigningKey(db: Database, tenantId: string, kid: string, expiresAt: number): Promise<void> {
  await db.queries
    .updateTable('signing_keys')
    .set({ expires_at: expiresAt })
    .where('tenant_id', '=', tenantId)
    .where('kid', '=', kid)
    .execute()
}

/** The algorithm of data that an earlier version created, unless the operator chose one. Absent for newer data. */
export async function keptTokenAlgorithm(db: Database): Promise<TokenAlgorithm | undefined> {
  const fact = await db.queries
    .selectFrom('store_facts')
    .select('value')
    .where('name', '=', 'token-algorithm')
    .executeTakeFirst()
  return fact?.value as TokenAlgorithm | undefined
}

function publishedKeys(db: Database, tenantId: string) {
  return db.queries
    .selectFrom('signing_keys')
    .where('tenant_id', '=', tenantId)
    .where(where => where.or([where('expires_at', 'is', null), where('expires_at', '>', db.now())]))
    .orderBy('active_from', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('kid')
}

function timesOf(row: Omit<Selectable<Tables['signing_keys']>, 'jwk' | 'tenant_id' | 'follows'>): KeyTimes {
  return {
    kid: row.kid,
    alg: row.alg,
    createdAt: row.created_at,
    activeFrom: row.active_from,
    ...present({ expiresAt: row.expires_at ?? undefined }),
  }
}

function contextOf(tenantId: string, kid: string): string {
  return `signing-key/${tenantId}/${kid}`
}
