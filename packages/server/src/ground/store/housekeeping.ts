import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../observe/log.ts'
import type { Database } from './database.ts'
import { holdLease, releaseLease } from './leases.ts'
import { createRecordPurge, EXPIRING_TABLES, PURGE_LIMIT, purgeExpired } from './purge.ts'
import { listTenants } from './tenants.ts'

/** The retention of one tenant's records. */
export interface Retention {
  /** Maximum number of call records. */
  callsPerTenant: number
  /** Days after which a call record is deleted. */
  callRetentionDays: number
  /** Days after which an audit record is deleted. */
  auditRetentionDays: number
}

export interface HousekeepingPorts {
  log: Pick<Log, 'warn'>
  /** Identifies this process among those on the same database. */
  holder: string
  retention: Retention
  /** Tenants whose calls this process recorded since it was last called. */
  takeRecorded(): string[]
}

export interface Housekeeping {
  /** Deletes everything that is due. The first run, and one per hour, visits every tenant. */
  run(): Promise<void>
  /** Ends after the current statement. */
  stop(): Promise<void>
}

const DAY_MS = 86_400_000
const INTERVAL_MS = 60_000
const FULL_INTERVAL_MS = 3_600_000
const LEASE = 'housekeeping'
const LEASE_MS = 120_000
/** Pause after each statement: at least this long, and this many times as long as the statement took. */
const MIN_PAUSE_MS = 20
const PAUSE_RATIO = 4

/**
 * Creates the housekeeping that deletes expired and old rows in small statements with pauses, so that requests wait for one
 * of them at most. Expired rows and tenants without traffic are left to one process of the deployment.
 */
export function createHousekeeping(db: Database, ports: HousekeepingPorts): Housekeeping {
  const { holder, log, retention, takeRecorded } = ports
  const stopped = new AbortController()
  let running: Promise<void> | undefined
  let fullRunAt = Number.NEGATIVE_INFINITY

  async function hold(): Promise<boolean> {
    return !stopped.signal.aborted && (await holdLease(db, { name: LEASE, holder, lifetimeMs: LEASE_MS }))
  }

  /** Repeats a statement until it deletes fewer rows than its limit. */
  async function drain(step: () => Promise<number>, goesOn: () => Promise<boolean>): Promise<void> {
    let checkedAt = db.now()
    while (!stopped.signal.aborted) {
      const startedAt = performance.now()
      if ((await step()) < PURGE_LIMIT) return
      const pauseMs = Math.max(MIN_PAUSE_MS, PAUSE_RATIO * (performance.now() - startedAt))
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined)
      if (db.now() - checkedAt < LEASE_MS / 2) continue
      checkedAt = db.now()
      if (!(await goesOn())) return
    }
  }

  async function purgeCalls(tenantId: string, goesOn: () => Promise<boolean>): Promise<void> {
    const { callRetentionDays, callsPerTenant: keep } = retention
    const startedBefore = db.now() - callRetentionDays * DAY_MS
    await drain(await createRecordPurge(db, 'calls', tenantId, { keep, startedBefore }), goesOn)
  }

  async function purgeForAll(): Promise<void> {
    for (const table of EXPIRING_TABLES) await drain(() => purgeExpired(db, table), hold)
    if (db.now() - fullRunAt < FULL_INTERVAL_MS) return
    fullRunAt = db.now()
    for (const { id } of await listTenants(db)) {
      if (!(await hold())) return
      await purgeCalls(id, hold)
      const startedBefore = db.now() - retention.auditRetentionDays * DAY_MS
      await drain(await createRecordPurge(db, 'audit_records', id, { startedBefore }), hold)
    }
  }

  async function keepHouse(): Promise<void> {
    try {
      if (await hold()) await purgeForAll()
      for (const tenantId of takeRecorded()) await purgeCalls(tenantId, async () => true)
    } catch (error) {
      log.warn({ err: error }, 'old rows could not be deleted; the next attempt is in a minute')
    }
  }

  return {
    run() {
      running ??= keepHouse().finally(() => {
        running = undefined
      })
      return running
    },
    async stop() {
      stopped.abort()
      await running
      await releaseLease(db, LEASE, holder).catch(() => undefined)
    },
  }
}

/** Runs the housekeeping now and every minute. Returns the function that stops it. */
export function startHousekeeping(db: Database, ports: HousekeepingPorts): () => Promise<void> {
  const housekeeping = createHousekeeping(db, ports)
  const timer = setInterval(() => void housekeeping.run(), INTERVAL_MS).unref()
  void housekeeping.run()
  return () => {
    clearInterval(timer)
    return housekeeping.stop()
  }
}
