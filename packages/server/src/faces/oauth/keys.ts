import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, type JWTPayload, jwtVerify } from 'jose'
import type { Database } from '../../ground/store/database.ts'
import { insertSigningKey, listSigningKeys } from '../../ground/store/signing-keys.ts'

/**
 * The private keys of a tenant, those of `algorithm` first: the first one signs, all are published. Makes one when there is
 * none of the algorithm yet.
 */
export async function openSigningKeys(db: Database, tenantId: string, algorithm: 'ES256' | 'RS256'): Promise<JWK[]> {
  let keys = await listSigningKeys(db, tenantId)
  if (!keys.some(({ alg }) => alg === algorithm)) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
    // The first key of an algorithm has a fixed id, so that two processes that start at the same moment agree on one.
    const kid = `${algorithm.toLowerCase()}-1`
    await insertSigningKey(db, tenantId, { kid, alg: algorithm, jwk: await exportJWK(privateKey), createdAt: db.now() })
    keys = await listSigningKeys(db, tenantId)
  }
  return keys
    .toSorted((one, other) => Number(other.alg === algorithm) - Number(one.alg === algorithm))
    .map(({ kid, alg, jwk }) => ({ ...jwk, kid, alg, use: 'sig' }))
}

/**
 * Reads the claims of a token that the issuer signed and that has not expired. Access tokens have the type `at+jwt` (RFC 9068),
 * ID tokens have none.
 */
export type Verify = (jwt: string, type?: 'at+jwt') => Promise<JWTPayload | undefined>

/** Makes it for one issuer. */
export function createVerifier(keys: readonly JWK[], issuer: string): Verify {
  const keySet = createLocalJWKSet({
    keys: keys.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key }) => key),
  })
  return async (jwt, type) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, keySet, { issuer })
      return protectedHeader.typ === type ? payload : undefined
    } catch {
      return undefined
    }
  }
}
