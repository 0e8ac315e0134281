import { unlessTaken } from '@preflow/database'
import type { JWK } from 'jose'
import type { Database } from './database.ts'

/** The algorithm that signs tokens. An application can choose another one for its ID tokens. */
export type TokenAlgorithm = 'RS256' | 'ES256'

/** A private key that signs tokens of a tenant. */
export interface SigningKey {
  kid: string
  /** For example `ES256`. */
  alg: string
  /** With its private part. Sealed at rest. */
  jwk: JWK
  /** Epoch milliseconds. */
  createdAt: number
}

/** `false`: the tenant already has a key with this id. */
export async function insertSigningKey(db: Database, tenantId: string, key: SigningKey): Promise<boolean> {
  const { kid, alg, jwk, createdAt: created_at } = key
  return unlessTaken(
    db.queries
      .insertInto('signing_keys')
      .values({
        tenant_id: tenantId,
        kid,
        alg,
        jwk: db.seal.seal(JSON.stringify(jwk), contextOf(tenantId, kid)),
        created_at,
      })
      .execute(),
  )
}

/** All keys of the tenant, newest first. */
export async function listSigningKeys(db: Database, tenantId: string): Promise<SigningKey[]> {
  const rows = await db.queries
    .selectFrom('signing_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at', 'desc')
    .orderBy('kid')
    .execute()
  return rows.map(({ kid, alg, jwk, created_at }) => ({
    kid,
    alg,
    jwk: JSON.parse(db.seal.open(jwk, contextOf(tenantId, kid))),
    createdAt: created_at,
  }))
}

/** Deletes a key. Tokens that it signed can no longer be verified. Returns whether it existed. */
export async function deleteSigningKey(db: Database, tenantId: string, kid: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('signing_keys')
    .where('tenant_id', '=', tenantId)
    .where('kid', '=', kid)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** The algorithm that data of an earlier version keeps if the operator configures none. Nothing for newer data. */
export async function keptTokenAlgorithm(db: Database): Promise<TokenAlgorithm | undefined> {
  const fact = await db.queries
    .selectFrom('store_facts')
    .select('value')
    .where('name', '=', 'token-algorithm')
    .executeTakeFirst()
  return fact?.value as TokenAlgorithm | undefined
}

function contextOf(tenantId: string, kid: string): string {
  return `signing-key/${tenantId}/${kid}`
}
