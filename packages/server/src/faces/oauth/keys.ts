import {
  compactVerify,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import type { Database } from '../../ground/store/database.ts'
import { insertSigningKey, listSigningKeys, type TokenAlgorithm } from '../../ground/store/signing-keys.ts'

/** The algorithms for which every tenant has its own key. */
const KEY_ALGORITHMS: readonly TokenAlgorithm[] = ['RS256', 'ES256']

/**
 * The private keys of a tenant, those of `algorithm` first. The first key of an algorithm signs, all are published. Creates
 * missing keys. RSA keys are also published for PS256, which an application may choose for its ID tokens.
 */
export async function openSigningKeys(db: Database, tenantId: string, algorithm: TokenAlgorithm): Promise<JWK[]> {
  const isOfChoice = ({ alg }: { alg?: string }) => Number(alg === algorithm)
  let keys = await listSigningKeys(db, tenantId)
  const missing = KEY_ALGORITHMS.filter(name => !keys.some(({ alg }) => alg === name))
  if (missing.length > 0) {
    for (const name of missing) await makeFirstKey(db, tenantId, name)
    keys = await listSigningKeys(db, tenantId)
  }
  const named = keys.map(({ kid, alg, jwk }): JWK => ({ ...jwk, kid, alg, use: 'sig' }))
  return [
    ...named.toSorted((one, other) => isOfChoice(other) - isOfChoice(one)),
    ...named.filter(({ alg }) => alg === 'RS256').map(key => ({ ...key, kid: `${key.kid}-pss`, alg: 'PS256' })),
  ]
}

/** The first key of an algorithm has a fixed id, so that two processes that start together agree on one. */
async function makeFirstKey(db: Database, tenantId: string, alg: TokenAlgorithm): Promise<void> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = `${alg.toLowerCase()}-1`
  await insertSigningKey(db, tenantId, { kid, alg, jwk: await exportJWK(privateKey), createdAt: db.now() })
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
