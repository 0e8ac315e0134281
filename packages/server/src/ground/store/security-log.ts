import { setTimeout as sleep } from 'node:timers/promises'
import { present } from '@preflow/contract'
import type { Log } from '../observe/log.ts'
import { eventsOf, type NotedEvent, type RequestScope, securityEvents } from '../observe/security-events.ts'
import { contextOf, insertAuditRecords } from './audit.ts'
import type { Database } from './database.ts'
import type { AuditRecord } from './model.ts'

/** Writes the security events of requests: each as a log line, and as a row if it belongs to a tenant. */
export interface SecurityLog {
  /** Writes the events of an answered request. The rows follow, many in one write. */
  write(scope: RequestScope, status: number): void
  /** Resolves when the rows of all earlier events are stored, or failed. */
  flush(): Promise<void>
}

const MAX_ROWS_A_WRITE = 200
/** Events within this time share one write. */
const GATHER_MS = 100
/** Maximum number of rows that wait for the database. Further events are only in the log. */
const MAX_WAITING = 5000
/**
 * Maximum number of refusals per tenant and minute that become rows, so that strangers cannot fill the disk. The log has all of
 * them.
 */
const MAX_REFUSALS_A_MINUTE = 1000
const MINUTE_MS = 60_000

/** Creates the one writer of security events. A row that cannot be stored changes no response. */
export function createSecurityLog(
  db: Database,
  { log, newId }: { log: Pick<Log, 'error' | 'info' | 'warn'>; newId(): string },
): SecurityLog {
  const mayKeep = limitRefusals(() => db.now())
  const waiting: AuditRecord[] = []
  let writing: Promise<void> | undefined
  let hurry = new AbortController()

  async function writeWaiting(): Promise<void> {
    // A write for each request would cost more than the request itself.
    await sleep(GATHER_MS, undefined, { signal: hurry.signal }).catch(() => undefined)
    hurry = new AbortController()
    while (waiting.length > 0) {
      const rows = waiting.splice(0, MAX_ROWS_A_WRITE)
      await insertAuditRecords(db.lanes.records, rows).catch(error =>
        log.error({ err: error, count: rows.length }, 'security events could not be stored; the log has them'),
      )
    }
    writing = undefined
  }

  function keep(record: AuditRecord): void {
    if (waiting.length >= MAX_WAITING) return
    waiting.push(record)
    writing ??= writeWaiting()
  }

  return {
    write(scope, status) {
      for (const event of eventsOf(scope, status)) {
        const { outcome, ...definition } = securityEvents[event.name]
        const { tenant } = scope
        if (!('hasOwnLine' in definition)) {
          log[outcome === 'success' ? 'info' : 'warn'](lineOf(event, scope), `security event: ${event.name}`)
        }
        if (!tenant || event.isStored) continue
        const { isKept, leftOut } = outcome === 'refused' ? mayKeep(tenant.id) : { isKept: true, leftOut: 0 }
        const at = { id: newId(), tenantId: tenant.id, recordedAt: db.now() }
        if (leftOut > 0)
          keep(recordOf({ name: 'events.left_out', details: { count: leftOut } }, scope, { ...at, id: newId() }))
        if (isKept) keep(recordOf(event, scope, at))
      }
    },
    async flush() {
      while (writing) {
        hurry.abort()
        await writing
      }
    },
  }
}

/** The members of an event in a log line. */
function lineOf(event: NotedEvent, { actor, address, agent, id, organizationId, tenant }: RequestScope): object {
  const { name, actor: own, clientId, targetId, reason, callId, details } = event
  return {
    securityEvent: name,
    outcome: securityEvents[name].outcome,
    requestId: id,
    address,
    ...present({ tenant: tenant?.domain, organization: organizationId, agent }),
    actor: own ?? actor ?? { kind: 'nobody' },
    ...present({ clientId, target: targetId, reason, callId }),
    ...details,
  }
}

function recordOf(
  event: NotedEvent,
  scope: RequestScope,
  at: Pick<AuditRecord, 'id' | 'tenantId' | 'recordedAt'>,
): AuditRecord {
  const { name, clientId, targetId = '', reason, callId, details } = event
  const { outcome, target } = securityEvents[name]
  const actor = event.actor ?? scope.actor ?? { kind: 'nobody' }
  return {
    ...at,
    ...contextOf({ ...scope, actor }),
    initiator: actor.id ?? '',
    action: name.toUpperCase().replace('.', '_'),
    targetType: target,
    targetId,
    details: details ?? null,
    event: name,
    outcome,
    ...present({ clientId, reason, callId }),
  }
}

/** Creates the function that decides whether a refusal becomes a row, and counts those of the previous minute that did not. */
function limitRefusals(now: () => number): (tenantId: string) => { isKept: boolean; leftOut: number } {
  let minute = 0
  let counts = new Map<string, number>()
  let before = new Map<string, number>()
  return tenantId => {
    const current = Math.floor(now() / MINUTE_MS)
    if (current !== minute) {
      minute = current
      before = counts
      counts = new Map()
    }
    const count = (counts.get(tenantId) ?? 0) + 1
    counts.set(tenantId, count)
    const leftOut = Math.max(0, (before.get(tenantId) ?? 0) - MAX_REFUSALS_A_MINUTE)
    before.delete(tenantId)
    return { isKept: count <= MAX_REFUSALS_A_MINUTE, leftOut }
  }
}
