import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Database } from '../../ground/store/database.ts'
import { addPoints } from '../../ground/store/limits.ts'

/** How long points are gathered before they are written. */
const GATHER_MS = 1000
const MAX_KEYS = 50_000
const MAX_KEYS_A_WRITE = 300

/** A count of frequent requests: exact in this process, and shared with others once a second. */
interface Count {
  /** All points as far as the process knows, its own included. */
  points: number
  /** Of these, the ones that the database does not have. */
  unwritten: number
  /** Epoch milliseconds. */
  expiresAt: number
  durationMs: number
}

/** Counts in memory, and with other processes through the database. */
export interface GatheredCounts {
  /** Adds points unless they exceed the limit. Returns the seconds to wait in that case, otherwise 0. */
  add(key: string, points: number, limit: { points: number; seconds: number }): number
  /** The seconds to wait until the limit allows more. 0: it does now. */
  waitFor(key: string, limit: { points: number }): number
  /** Writes what was gathered. Never rejects. */
  flush(): Promise<void>
}

/**
 * Creates the counts of frequent requests. A write for each request would cost more than the request. While the database does
 * not answer, the process counts alone.
 */
export function createGatheredCounts(db: Database): GatheredCounts {
  const counts = new LRUCache<string, Count>({ max: MAX_KEYS })
  const touched = new Map<string, Count>()
  let writing: Promise<void> | undefined
  let hurry = new AbortController()

  function current(key: string, durationMs: number): Count {
    const now = db.now()
    const known = counts.get(key)
    if (known && known.expiresAt > now) return known
    const fresh = { points: 0, unwritten: 0, expiresAt: now + durationMs, durationMs }
    counts.set(key, fresh)
    return fresh
  }

  async function write(entries: [string, Count][]): Promise<void> {
    const added = entries.map(([key, { durationMs, unwritten }]) => ({ key, points: unwritten, durationMs }))
    for (const [, count] of entries) count.unwritten = 0
    const rows = await addPoints(db.lanes.records, added).catch(() => undefined)
    if (!rows) return
    for (const [key, count] of entries) {
      const row = rows.get(key)
      // What was added meanwhile is not in the row.
      if (row) Object.assign(count, { points: Number(row.points) + count.unwritten, expiresAt: Number(row.expires_at) })
    }
  }

  async function writeLater(): Promise<void> {
    await sleep(GATHER_MS, undefined, { signal: hurry.signal, ref: false }).catch(() => undefined)
    hurry = new AbortController()
    const entries = [...touched]
    touched.clear()
    for (let start = 0; start < entries.length; start += MAX_KEYS_A_WRITE) {
      await write(entries.slice(start, start + MAX_KEYS_A_WRITE))
    }
    writing = touched.size > 0 ? writeLater() : undefined
  }

  return {
    add(key, points, limit) {
      const count = current(key, limit.seconds * 1000)
      if (count.points + points > limit.points) return secondsUntil(count, db)
      count.points += points
      count.unwritten += points
      touched.set(key, count)
      writing ??= writeLater()
      return 0
    },
    waitFor(key, limit) {
      const count = counts.get(key)
      return count && count.expiresAt > db.now() && count.points >= limit.points ? secondsUntil(count, db) : 0
    },
    async flush() {
      while (writing) {
        hurry.abort()
        await writing
      }
    },
  }
}

function secondsUntil({ expiresAt }: Count, db: Database): number {
  return Math.max(1, Math.ceil((expiresAt - db.now()) / 1000))
}
