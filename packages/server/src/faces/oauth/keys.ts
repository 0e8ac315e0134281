import { exportJWK, generateKeyPair, type JWK } from 'jose'
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
