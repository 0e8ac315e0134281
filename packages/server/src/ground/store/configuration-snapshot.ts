import type { ListenOptions, ReadNow } from '@preflow/database'
import { LRUCache } from 'lru-cache'
import { CONFIGURATION_CHANNEL } from './configuration-clock.ts'

/** Most tenants whose configuration is remembered. The ones that were not used for longest are forgotten first. */
const MAX_TENANTS = 1000
/** Most answers for one tenant. All of them are forgotten when there are more. */
const MAX_ANSWERS = 5000

/**
 * What flows read of the configuration, remembered until it changes. Answers are shared by all requests, so they are frozen.
 * Secrets in them stay opened in memory as long.
 */
export interface ConfigurationSnapshot {
  /**
   * @param key Names the question within the tenant.
   * @param load Reads the answer. What it rejects with, and `undefined`, is not remembered.
   */
  remember<Answer>(tenantId: string, key: string, load: () => Promise<Answer>): Promise<Answer>
  /** A change by this process was committed. */
  committed(): void
  close(): Promise<void>
}

/** Where the snapshot learns what changed. */
interface Changes {
  /** The tenants that changed since the last call. `undefined`: this is not known, and nothing may be remembered. */
  take(): readonly string[] | 'all' | undefined
  committed(): void
  close(): Promise<void>
}

/** What of an open database tells changes. */
export interface ChangeSources {
  readNow?: ReadNow
  listen?(channel: string, options: ListenOptions): () => Promise<void>
}

/**
 * Answers from the snapshot, or loads the answer where there is none: in transactions, and for the APIs, which read what they
 * are about to change.
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
 * Makes the snapshot of one open database.
 *
 * - SQLite: exact. At most once per turn of the event loop it looks at a counter that triggers raise, whoever made the change.
 * - PostgreSQL: a change by this process is seen at once, one by another as soon as its notification arrives. A broken network is
 *   noticed within two seconds. While no notifications arrive, nothing is remembered.
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
