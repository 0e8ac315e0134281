import { present } from '@preflow/contract'
import { compactVerify, createLocalJWKSet, type JWK, type JWTPayload, jwtVerify } from 'jose'
import { makeMissingKeys, nextChangeOf, stateOf } from '../../domain/tenants/signing-keys.ts'
import type { Database } from '../../ground/store/database.ts'
import {
  type KeyTimes,
  listKeyTimes,
  listSigningKeys,
  type SigningKey,
  type TokenAlgorithm,
} from '../../ground/store/signing-keys.ts'

/** The keys of a tenant as a server needs them. */
export interface IssuerKeys {
  /** Private keys. The first of an algorithm signs, all are published. */
  keys: JWK[]
  /** Identifies this set of keys. */
  mark: string
  /** Epoch milliseconds at which another key signs, or one is published no longer. Absent: not known. */
  changesAt?: number
}

/**
 * The private keys of a tenant, those of `algorithm` first. The first key of an algorithm signs, all are published. Creates
 * missing keys. RSA keys are also published for PS256, which an application may choose for its ID tokens.
 */
export async function openSigningKeys(db: Database, tenantId: string, algorithm: TokenAlgorithm): Promise<IssuerKeys> {
  await makeMissingKeys(db, tenantId)
  const nowMs = db.now()
  const listed = await listSigningKeys(db, tenantId)
  const rankOf = (key: SigningKey) => {
    const isOfChoice = key.alg === algorithm
    return (isOfChoice ? 0 : 2) + (stateOf(key, listed, nowMs) === 'active' ? 0 : 1)
  }
  const ranked = listed.toSorted((one, other) => rankOf(one) - rankOf(other))
  const named = ranked.map(({ kid, alg, jwk }): JWK => ({ ...jwk, kid, alg, use: 'sig' }))
  const forPss = named
    .filter(({ alg }) => alg === 'RS256')
    .map(key => ({ ...key, kid: `${key.kid}-pss`, alg: 'PS256' }))
  return {
    keys: [...named, ...forPss],
    mark: markOf(listed),
    ...present({ changesAt: nextChangeOf(listed, nowMs) }),
  }
}

/** Identifies the set of keys of a tenant, without reading the keys themselves. */
export async function readKeysMark(db: Database, tenantId: string): Promise<string> {
  return markOf(await listKeyTimes(db, tenantId))
}

function markOf(keys: readonly KeyTimes[]): string {
  return JSON.stringify(keys.map(({ kid, activeFrom, expiresAt }) => [kid, activeFrom, expiresAt]))
}

/**
 * Returns the claims of a token that the issuer signed and that has not expired. Access tokens have the type `at+jwt` (RFC 9068).
 * ID tokens have none.
 */
export type Verify = (jwt: string, type?: 'at+jwt') => Promise<JWTPayload | undefined>

/** Creates the function for one issuer. */
export function createVerifier(keys: readonly JWK[], issuer: string): Verify {
  const keySet = publicKeysOf(keys)
  return async (jwt, type) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, keySet, { issuer })
      return protectedHeader.typ === type ? payload : undefined
    } catch {
      return undefined
    }
  }
}

/** Returns the claims of an `id_token_hint`: an ID token that the issuer signed, expired or not. */
export type ReadHint = (jwt: string) => Promise<JWTPayload | undefined>

/** Creates the function for one issuer. Every published key counts, because hints outlive a change of the algorithm. */
export function createHintReader(keys: readonly JWK[], issuer: string): ReadHint {
  const keySet = publicKeysOf(keys)
  return async jwt => {
    try {
      const { payload, protectedHeader } = await compactVerify(jwt, keySet)
      const claims: JWTPayload = JSON.parse(new TextDecoder().decode(payload))
      return protectedHeader.typ === undefined && claims.iss === issuer ? claims : undefined
    } catch {
      return undefined
    }
  }
}

function publicKeysOf(keys: readonly JWK[]) {
  return createLocalJWKSet({
    keys: keys.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key }) => key),
  })
}
