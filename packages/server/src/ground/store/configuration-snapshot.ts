import type { ListenOptions, ReadNow } from '@preflow/database'
import { LRUCache } from 'lru-cache'
import { CONFIGURATION_CHANNEL } from './configuration-clock.ts'

/** Maximum number of tenants in the cache. The least recently used ones are dropped first. */
const MAX_TENANTS = 1000
/** Maximum number of entries per tenant. All of them are dropped if there are more. */
const MAX_ANSWERS = 5000

/**
 * A cache of the configuration that flows read, valid until it changes. All requests share the entries, so they are frozen.
 * Secrets in them stay decrypted in memory for as long.
 */
export interface ConfigurationSnapshot {
  /**
   * @param key Identifies the entry within the tenant.
   * @param load Loads the entry. Errors and `undefined` are not cached.
   */
  remember<Answer>(tenantId: string, key: string, load: () => Promise<Answer>): Promise<Answer>
  /** Call it after this process committed a change. */
  committed(): void
  close(): Promise<void>
}

/** The source of changes for the snapshot. */
interface Changes {
  /** The tenants that changed since the last call. `undefined`: unknown, so nothing may be cached. */
  take(): readonly string[] | 'all' | undefined
  committed(): void
  close(): Promise<void>
}

/** The parts of an open database that report changes. */
export interface ChangeSources {
  readNow?: ReadNow
  listen?(channel: string, options: ListenOptions): () => Promise<void>
}

/**
 * Returns an entry of the snapshot, or loads it if there is no snapshot: in transactions, and for the APIs, which read what
 * they are about to change.
 */
export function remembered<Answer>(
  { configuration, queries }: { configuration?: ConfigurationSnapshot; queries: { isTransaction: boolean } },
  tenantId: string,
  key: string,
  load: () => Promise<Answer>,
): Promise<Answer> {
  return configuration && !queries.isTransaction ? configuration.remember(tenantId, key, load) : load()
}

/**
 * Creates the snapshot of one open database.
 *
 * - SQLite: exact. At most once per turn of the event loop it reads a counter that triggers increment for every change.
 * - PostgreSQL: a change by this process applies at once, one by another process as soon as its notification arrives. A broken
 *   network is detected within two seconds. While no notifications arrive, nothing is cached.
 */
export function createConfigurationSnapshot(sources: ChangeSources): ConfigurationSnapshot | undefined {
  const { listen, readNow } = sources
  const changes = readNow ? counted(readNow) : listen ? notified(listen) : undefined
  if (!changes) return undefined
  const tenants = new LRUCache<string, Map<string, Promise<unknown>>>({ max: MAX_TENANTS })

  return {
    remember<Answer>(tenantId: string, key: string, load: () => Promise<Answer>) {
      const changed = changes.take()
      if (changed === undefined || changed === 'all') tenants.clear()
      else for (const tenant of changed) tenants.delete(tenant)
      if (changed === undefined) return load()

      const known = tenants.get(tenantId)
      const answer = known?.get(key)
      if (answer) return answer as Promise<Answer>
      const answers = known && known.size < MAX_ANSWERS ? known : new Map<string, Promise<unknown>>()
      const loading = load().then(deepFreeze)
      answers.set(key, loading)
      tenants.set(tenantId, answers)
      const forget = () => void answers.delete(key)
      loading.then(value => value === undefined && forget(), forget)
      return loading
    },
    committed: changes.committed,
    close: changes.close,
  }
}

const NOTHING: readonly string[] = []

function counted(readNow: ReadNow): Changes {
  let hasLooked = false
  let known: number | undefined
  const look = (): readonly string[] | 'all' => {
    const before = known
    known = readNow<{ revision: number }>('select revision from configuration_clock')[0]?.revision
    if (known === undefined || before === undefined || known < before) return 'all'
    if (known === before) return NOTHING
    const rows = readNow<{ id: string }>(
      'select tenant_id as id from configuration_revisions where revision > ?',
      before,
    )
    return rows.map(({ id }) => id)
  }
  return {
    take() {
      if (hasLooked) return NOTHING
      hasLooked = true
      setImmediate(() => {
        hasLooked = false
      })
      try {
        return look()
      } catch {
        known = undefined
        hasLooked = false
        return undefined
      }
    },
    committed() {
      hasLooked = false
    },
    close: async () => undefined,
  }
}

function notified(listen: NonNullable<ChangeSources['listen']>): Changes {
  let isListening = false
  let changed: Set<string> | 'all' = 'all'
  const close = listen(CONFIGURATION_CHANNEL, {
    onNotification: tenantId => void (changed === 'all' || changed.add(tenantId)),
    onState(now) {
      isListening = now
      changed = 'all'
    },
  })
  return {
    take() {
      if (!isListening) return undefined
      if (changed !== 'all' && changed.size === 0) return NOTHING
      const taken = changed === 'all' ? changed : [...changed]
      changed = new Set()
      return taken
    },
    committed() {
      changed = 'all'
    },
    close,
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
