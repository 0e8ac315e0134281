import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import type { Log } from '../../ground/observe/log.ts'
import { type Database, inTransaction } from '../../ground/store/database.ts'
import { endEverythingOfTenant } from '../../ground/store/oidc-artifacts.ts'
import {
  expireSigningKey,
  insertSigningKey,
  type KeyTimes,
  listKeyTimes,
  type TokenAlgorithm,
} from '../../ground/store/signing-keys.ts'
import { listTenants } from '../../ground/store/tenants.ts'

/** The algorithms for which every tenant has keys of its own. */
export const KEY_ALGORITHMS: readonly TokenAlgorithm[] = ['RS256', 'ES256']

/** Seconds for which clients may keep the discovery documents and the keys. */
export const PUBLISHED_SECONDS = 600
/** Milliseconds after which a process looks whether keys have changed. */
export const KEYS_CHECK_MS = 10_000
/**
 * Milliseconds for which a new key is published before it signs: twice the time that it takes to be known everywhere, because
 * caches of clients may be a little late.
 */
export const PUBLISHED_BEFORE_USE_MS: number = 2 * (PUBLISHED_SECONDS * 1000 + KEYS_CHECK_MS)
const KID_BYTES = 8
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export type KeyState = 'next' | 'active' | 'retired'

/** What a key of a tenant does now. `keys` are all of the tenant that are published. */
export function stateOf(key: KeyTimes, keys: readonly KeyTimes[], nowMs: number): KeyState {
  if (key.activeFrom > nowMs) return 'next'
  const newest = keys.filter(({ alg, activeFrom }) => alg === key.alg && activeFrom <= nowMs)
  return newest.every(({ activeFrom }) => activeFrom <= key.activeFrom) ? 'active' : 'retired'
}

/** The next moment at which a key of the tenant begins to sign or is published no longer. Absent: none is known. */
export function nextChangeOf(keys: readonly KeyTimes[], nowMs: number): number | undefined {
  const moments = keys.flatMap(({ activeFrom, expiresAt }) => [activeFrom, expiresAt ?? 0])
  const later = moments.filter(moment => moment > nowMs)
  return later.length === 0 ? undefined : Math.min(...later)
}

/** Makes the keys that a tenant lacks. Processes that start together agree on one. */
export async function makeMissingKeys(db: Database, tenantId: string): Promise<void> {
  const keys = await listKeyTimes(db, tenantId)
  for (const alg of KEY_ALGORITHMS) {
    if (!keys.some(key => key.alg === alg)) await makeKey(db, tenantId, alg, { activeFrom: db.now() })
  }
}

/** A key that was made, and the one that it replaces. */
export interface Rotated {
  tenantId: string
  kid: string
  alg: string
  activeFrom: number
  replaced: string
}

/**
 * Replaces the active keys of a tenant. A new key is published at once and signs later, when everybody knows it. The one before
 * is published until its last token is over.
 *
 * A key that has a successor already is left alone.
 *
 * @param options.maxTokenLifetimeSeconds Longest lifetime of a token, as the server is configured.
 * @param options.madeBefore Epoch milliseconds. Only keys that were made earlier are replaced. Default: all.
 */
export async function rotateSigningKeys(
  db: Database,
  tenantId: string,
  options: { maxTokenLifetimeSeconds: number; madeBefore?: number },
): Promise<Rotated[]> {
  const nowMs = db.now()
  const { madeBefore = Number.POSITIVE_INFINITY } = options
  const keys = await listKeyTimes(db, tenantId)
  const rotated: Rotated[] = []
  for (const key of keys) {
    const hasNext = keys.some(({ alg, activeFrom }) => alg === key.alg && activeFrom > nowMs)
    if (stateOf(key, keys, nowMs) !== 'active' || hasNext || key.createdAt >= madeBefore) continue
    const activeFrom = nowMs + PUBLISHED_BEFORE_USE_MS
    const alg = key.alg as TokenAlgorithm
    const kid = await makeKey(db, tenantId, alg, { activeFrom, follows: key.kid })
    if (kid === undefined) continue
    // A process may sign with it for a moment longer, until it looks again.
    const expiresAt = activeFrom + KEYS_CHECK_MS + options.maxTokenLifetimeSeconds * 1000
    await expireSigningKey(db, tenantId, key.kid, expiresAt)
    rotated.push({ tenantId, kid, alg, activeFrom, replaced: key.kid })
  }
  return rotated
}

/** Replaces keys that are older than configured, once an hour. Returns the function that stops it. */
export function startKeyRotation(
  db: Database,
  log: Pick<Log, 'info' | 'warn'>,
  settings: { keyRotationDays?: number; maxTokenLifetimeSeconds: number },
): () => void {
  const { keyRotationDays, maxTokenLifetimeSeconds } = settings
  if (keyRotationDays === undefined) return () => {}
  async function rotateOld(days: number): Promise<void> {
    try {
      const madeBefore = db.now() - days * DAY_MS
      for (const { domain, id } of await listTenants(db)) {
        for (const rotated of await rotateSigningKeys(db, id, { maxTokenLifetimeSeconds, madeBefore })) {
          log.info({ tenant: domain, ...rotated }, 'a signing key is replaced')
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'signing keys could not be replaced; this is retried in an hour')
    }
  }
  const timer = setInterval(() => void rotateOld(keyRotationDays), HOUR_MS).unref()
  return () => clearInterval(timer)
}

/**
 * Withdraws a key that somebody else may have. Nothing that it signed is accepted any more, and every session, grant and token
 * of the tenant ends. Where it was the one that signs, a new key signs at once.
 *
 * @returns `undefined` if no key with this id is published.
 */
export async function retireSigningKey(
  db: Database,
  tenantId: string,
  kid: string,
): Promise<{ successor?: string } | undefined> {
  const nowMs = db.now()
  const keys = await listKeyTimes(db, tenantId)
  const key = keys.find(one => one.kid === kid)
  if (!key) return undefined
  const isActive = stateOf(key, keys, nowMs) === 'active'
  const successor = isActive
    ? await makeKey(db, tenantId, key.alg as TokenAlgorithm, { activeFrom: nowMs, follows: `${kid}/withdrawn` })
    : undefined
  await inTransaction(db, async tx => {
    await expireSigningKey(tx, tenantId, kid, nowMs)
    await endEverythingOfTenant(tx, tenantId)
  })
  return successor === undefined ? {} : { successor }
}

/** Returns the id, or nothing if another process was faster. */
async function makeKey(
  db: Database,
  tenantId: string,
  alg: TokenAlgorithm,
  { activeFrom, follows }: { activeFrom: number; follows?: string },
): Promise<string | undefined> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = `${alg.toLowerCase()}-${randomBytes(KID_BYTES).toString('hex')}`
  const key = { kid, alg, jwk: await exportJWK(privateKey), createdAt: db.now(), activeFrom }
  return (await insertSigningKey(db, tenantId, key, follows)) ? kid : undefined
}
