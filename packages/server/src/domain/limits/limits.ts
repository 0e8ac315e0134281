import { createHmac } from 'node:crypto'
import { present } from '@preflow/contract'
import { LRUCache } from 'lru-cache'
import { RateLimiterRes, type RateLimiterStoreAbstract } from 'rate-limiter-flexible'
import type { Database } from '../../ground/store/database.ts'
import { createStoredLimiter } from '../../ground/store/limits.ts'
import { type Bucket, type BucketName, bucketsWith } from './buckets.ts'
import { createGatheredCounts } from './gathered-counts.ts'
import { networkOf, networksOf } from './networks.ts'

/** What is counted. */
export interface Use {
  bucket: BucketName
  /** The owner of the count, such as a tenant and a user name. */
  of: readonly string[]
  /** The client's address, if the bucket counts by networks. */
  address?: string
}

/** Limits what can be abused. All processes on one database share the counts. */
export interface Limits {
  /** Returns the seconds until all of these are allowed again. Undefined: now. It counts nothing. */
  waitFor(...uses: readonly Use[]): Promise<number | undefined>
  /**
   * Counts one more.
   *
   * @param points Number of points. Default 1.
   * @returns Seconds until it is allowed, if it exceeds the limit.
   */
  count(use: Use, points?: number): Promise<number | undefined>
  forget(use: Use): Promise<void>
  /** Writes the counts that are only in this process. */
  flush(): Promise<void>
  /** Whether a right secret of this owner came from this network within the last 30 days. */
  isKnown(of: readonly string[], address: string): Promise<boolean>
  /** Records that a right secret of this owner came from this network. */
  know(of: readonly string[], address: string): Promise<void>
}

const DAY_SECONDS = 86_400
const KNOWN_SECONDS = 30 * DAY_SECONDS
/** Time in which a process does not write the same record again. */
const WRITTEN_MS = 3_600_000

/**
 * Creates the limits of the server.
 *
 * @param overrides See {@link bucketsWith}.
 */
export function createLimits(db: Database, overrides: readonly string[] = []): Limits {
  const limitersOf = createLimiters(db, overrides)
  const gathered = createGatheredCounts(db)
  const strikes = createStoredLimiter(db, { points: Number.MAX_SAFE_INTEGER, duration: DAY_SECONDS })
  return {
    ...createKnownNetworks(db),
    async waitFor(...uses) {
      const found = await Promise.all(
        uses.flatMap(limitersOf).map(async ({ bucket, key, limiter }) => {
          if (bucket.isGathered) return gathered.waitFor(key, limiter)
          const state = await limiter.get(key)
          return state && state.consumedPoints >= limiter.points ? secondsOf(state) : 0
        }),
      )
      return Math.max(0, ...found) || undefined
    },
    async count(use, points = 1) {
      const found = await Promise.all(
        limitersOf(use).map(async one => {
          const { bucket, key, limiter } = one
          if (bucket.isGathered) return gathered.add(key, points, { points: limiter.points, seconds: bucket.seconds })
          if (bucket.pauseSeconds === undefined) return consume(limiter, key, points)
          const { consumedPoints } = await limiter.penalty(key, points)
          const isLast = consumedPoints >= limiter.points && consumedPoints - points < limiter.points
          return isLast ? pause(one, strikes) : 0
        }),
      )
      return Math.max(0, ...found) || undefined
    },
    async forget(use) {
      for (const { key, limiter } of limitersOf(use)) await limiter.delete(key)
    },
    flush: gathered.flush,
  }
}

/** One count: a bucket, or a bucket and a network. */
interface Counter {
  bucket: Bucket
  key: string
  limiter: RateLimiterStoreAbstract
}

/** The counters of each use: one, or one for each network of its address. */
function createLimiters(db: Database, overrides: readonly string[]): (use: Use) => Counter[] {
  const buckets = bucketsWith(overrides)
  const limiters = new Map<string, RateLimiterStoreAbstract>()
  const keyOf = createKeys(db)

  function limiterOf(name: BucketName, bucket: Bucket, times: number): RateLimiterStoreAbstract {
    const id = `${name}*${times}`
    const known = limiters.get(id)
    if (known) return known
    const points = bucket.points * times
    const limiter = createStoredLimiter(db, {
      points,
      duration: bucket.seconds,
      // Requests beyond a limit cause no query.
      ...present({ inMemoryBlockOnConsumed: bucket.pauseSeconds === undefined ? points + 1 : undefined }),
    })
    limiters.set(id, limiter)
    return limiter
  }

  return ({ address, bucket: name, of }) => {
    const bucket = buckets.get(name)
    if (!bucket) return []
    const places = address === undefined ? [{ name: '', times: 1 }] : networksOf(address)
    return places.map(place => ({
      bucket,
      key: keyOf(name, ...of, place.name),
      limiter: limiterOf(name, bucket, place.times),
    }))
  }
}

function createKnownNetworks(db: Database): Pick<Limits, 'isKnown' | 'know'> {
  const networks = createStoredLimiter(db, { points: 1, duration: KNOWN_SECONDS, isInsured: false })
  const written = new LRUCache<string, true>({ max: 10_000, ttl: WRITTEN_MS })
  const keyOf = createKeys(db)
  return {
    async isKnown(of, address) {
      return (await networks.get(keyOf('known', ...of, networkOf(address)))) !== null
    },
    async know(of, address) {
      const key = keyOf('known', ...of, networkOf(address))
      if (written.has(key)) return
      // A failed write must not fail the right secret.
      await networks.set(key, 1, KNOWN_SECONDS).then(
        () => written.set(key, true),
        () => undefined,
      )
    },
  }
}

/** People type their password into the name field, so the stored key must not reveal what was typed. */
function createKeys(db: Database): (...parts: readonly string[]) => string {
  const secret = db.seal.deriveSecret('limits')
  return (...parts) => createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url')
}

/** Starts the pause after the last point. Returns its seconds. */
async function pause({ bucket, key, limiter }: Counter, strikes: RateLimiterStoreAbstract): Promise<number> {
  const { maxPauseSeconds, pauseSeconds = 0 } = bucket
  let seconds = pauseSeconds
  if (maxPauseSeconds !== undefined) {
    const { consumedPoints } = await strikes.penalty(`${key}/strikes`)
    seconds = Math.min(maxPauseSeconds, pauseSeconds * 2 ** Math.min(30, consumedPoints - 1))
  }
  await limiter.block(key, seconds)
  return seconds
}

/** Consumes points. Returns the seconds to wait if they exceed the limit, otherwise 0. */
async function consume(limiter: RateLimiterStoreAbstract, key: string, points: number): Promise<number> {
  try {
    await limiter.consume(key, points)
    return 0
  } catch (error) {
    if (error instanceof RateLimiterRes) return secondsOf(error)
    throw error
  }
}

function secondsOf({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000))
}
