import { present } from '@preflow/contract'
import { connect, hostOf, type Location, type Migrations, migrate, readLocation, type Wording } from '@preflow/database'
import type { Kysely } from 'kysely'

/** A message to be sent once. */
export interface OutboxMessage {
  /** A message with the same id is stored only once. */
  id: string
  recipient: string
  /** The content, for the function that renders the mail. */
  content: string
}

/** A message that this instance may send until its lease ends. */
export interface ClaimedMessage extends OutboxMessage {
  /** 1 for the first. */
  attempt: number
  /** Milliseconds since the epoch. */
  createdAt: number
}

/** The current state of the outbox. */
export interface OutboxStatus {
  waiting: number
  /** Given up. The operator must look at them. */
  dead: number
  /** When the oldest waiting message was queued, in milliseconds since the epoch. */
  oldestWaitingAt?: number
}

/**
 * Messages that survive the process. All instances that open the same location share them. One instance claims a
 * message at a time. If it crashes, the lease ends and another instance sends the message. So each message is sent at
 * least once. It is sent twice only if an instance crashes after the server's acceptance but before it has recorded it.
 */
export interface Outbox {
  /**
   * Stores messages. They are on disk when this resolves, all of them or none. A message that waits, or was sent within
   * `repeatMs`, is not stored again.
   *
   * @returns How many are new.
   */
  add(messages: readonly OutboxMessage[]): Promise<number>
  /** Claims the message that is due first; undefined if none is due. */
  claim(): Promise<ClaimedMessage | undefined>
  /** Records that it was sent, and deletes everything except its id. */
  markSent(message: ClaimedMessage): Promise<void>
  /** Postpones it until a time. @param cause The reason, without anything from the message. */
  postpone(message: ClaimedMessage, dueAt: number, cause: string): Promise<void>
  /** Gives it up. It stays for the operator. */
  bury(message: ClaimedMessage, cause: string): Promise<void>
  /** When the next message is due, in milliseconds since the epoch; undefined if none waits. */
  nextDueAt(): Promise<number | undefined>
  status(): Promise<OutboxStatus>
  close(): Promise<void>
}

export interface OutboxOptions {
  /** An SQLite file, created if missing, or a PostgreSQL URL. */
  location: string
  /**
   * Milliseconds for which a claimed message belongs to its instance. Must be longer than sending may take. Default
   * 120,000.
   */
  leaseMs?: number
  /** Milliseconds in which the same message is not stored again. Default 60,000. */
  repeatMs?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** The outbox cannot be used. The message states what to check. It contains no password. */
export class OutboxError extends Error {
  override name = 'OutboxError'
}

interface Tables {
  profile_guard_outbox: {
    id: string
    recipient: string
    content: string
    state: 'waiting' | 'sent' | 'dead'
    attempts: number
    /** While it waits: when it may be claimed, which is also the end of the current lease. */
    due_at: number
    created_at: number
    cause: string | null
  }
}

const TABLE = 'profile_guard_outbox'
/** A decision waits for the outbox, so this must be below its budget. */
const WAIT_FOR_DATABASE_MS = 2000

/** Every change of the table. A published one is never edited: add another below it. */
const migrations: Migrations = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      // An outbox of a version without a list of migrations already has them.
      await db.schema
        .createTable(TABLE)
        .ifNotExists()
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('recipient', 'text', column => column.notNull())
        .addColumn('content', 'text', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('due_at', 'bigint', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('cause', 'text')
        .execute()
      await db.schema.createIndex(`${TABLE}_due`).ifNotExists().on(TABLE).columns(['state', 'due_at']).execute()
    },
  },
}

/**
 * Opens the outbox and creates its table if it is missing. Several instances may do so at once.
 *
 * Rejects with an {@link OutboxError} if the location cannot be used.
 */
export async function openOutbox(options: OutboxOptions): Promise<Outbox> {
  const { leaseMs = 120_000, repeatMs = 60_000, now = Date.now } = options
  const location = readLocation(options.location)
  try {
    const { engine, queries, close } = await openDatabase(location)
    return { ...queriesOf(queries, { isPostgres: engine === 'postgresql', leaseMs, repeatMs, now }), close }
  } catch (error) {
    throw new OutboxError((error as Error).message, { cause: error })
  }
}

/** Rejects with a `DatabaseError`. */
async function openDatabase(location: Location) {
  const connected = connect<Tables>({
    location,
    wording: wordingOf(location),
    maxConnections: 4,
    connectMs: WAIT_FOR_DATABASE_MS,
    statementMs: WAIT_FOR_DATABASE_MS,
    lockMs: WAIT_FOR_DATABASE_MS,
  })
  try {
    await connected.exclusively(queries =>
      migrate({ ...connected, queries }, migrations, {
        table: `${TABLE}_migrations`,
        lockTable: `${TABLE}_migrations_lock`,
      }),
    )
    return connected
  } catch (error) {
    await connected.close().catch(() => undefined)
    throw connected.explain(error)
  }
}

function wordingOf(location: Location): Wording {
  return 'file' in location
    ? { subject: `The outbox file ${location.file}`, advice: 'Choose a file in a folder with write permission.' }
    : {
        subject: `The outbox in PostgreSQL at ${hostOf(location.url)}`,
        advice: 'Check the URL, the password and that the user may create a table.',
      }
}

interface Settings {
  isPostgres: boolean
  leaseMs: number
  repeatMs: number
  now(): number
}

function queriesOf(db: Kysely<Tables>, settings: Settings): Omit<Outbox, 'close'> {
  return {
    ...addingTo(db, settings),
    ...deliveryFrom(db, settings),

    async nextDueAt() {
      const row = await db
        .selectFrom(TABLE)
        .select(({ fn }) => fn.min('due_at').as('due_at'))
        .where('state', '=', 'waiting')
        .executeTakeFirst()
      return row?.due_at ?? undefined
    },

    async status() {
      const rows = await db
        .selectFrom(TABLE)
        .select(({ fn }) => ['state', fn.countAll<number>().as('count'), fn.min('created_at').as('oldest')])
        .where('state', '!=', 'sent')
        .groupBy('state')
        .execute()
      const [waiting, dead] = ['waiting', 'dead'].map(state => rows.find(row => row.state === state))
      return {
        waiting: waiting?.count ?? 0,
        dead: dead?.count ?? 0,
        ...present({ oldestWaitingAt: waiting?.oldest }),
      }
    },
  }
}

function addingTo(db: Kysely<Tables>, { repeatMs, now }: Settings): Pick<Outbox, 'add'> {
  return {
    async add(messages) {
      if (messages.length === 0) return 0
      const at = now()
      const fresh = { state: 'waiting' as const, attempts: 0, due_at: at, created_at: at, cause: null }
      const rows = messages.map(({ id, recipient, content }) => ({ id, recipient, content, ...fresh }))
      // One statement, so that two instances with the same call cannot both find the message missing.
      const added = await db
        .insertInto(TABLE)
        .values(rows)
        .onConflict(conflict =>
          conflict
            .column('id')
            .doUpdateSet(({ ref }) => ({
              recipient: ref('excluded.recipient'),
              content: ref('excluded.content'),
              state: ref('excluded.state'),
              attempts: ref('excluded.attempts'),
              due_at: ref('excluded.due_at'),
              created_at: ref('excluded.created_at'),
              cause: ref('excluded.cause'),
            }))
            .where(`${TABLE}.state`, '!=', 'waiting')
            .where(`${TABLE}.created_at`, '<=', at - repeatMs),
        )
        .returning('id')
        .execute()
      return added.length
    },
  }
}

function deliveryFrom(
  db: Kysely<Tables>,
  { isPostgres, leaseMs, repeatMs, now }: Settings,
): Pick<Outbox, 'claim' | 'markSent' | 'postpone' | 'bury'> {
  /** Only the instance with the latest claim may set the result of a message. */
  const settle = async (message: ClaimedMessage, change: Partial<Tables[typeof TABLE]>) => {
    await db
      .updateTable(TABLE)
      .set(change)
      .where('id', '=', message.id)
      .where('state', '=', 'waiting')
      .where('attempts', '=', message.attempt)
      .execute()
  }

  return {
    async claim() {
      const at = now()
      const next = db
        .selectFrom(TABLE)
        .select('id')
        .where('state', '=', 'waiting')
        .where('due_at', '<=', at)
        .orderBy('due_at')
        .orderBy('id')
        .limit(1)
      const row = await db
        .updateTable(TABLE)
        .set(({ eb }) => ({ attempts: eb('attempts', '+', 1), due_at: at + leaseMs }))
        // SQLite has one writer at a time. In PostgreSQL each concurrent instance locks another row.
        .where('id', '=', isPostgres ? next.forUpdate().skipLocked() : next)
        .returningAll()
        .executeTakeFirst()
      if (!row) return undefined
      const { id, recipient, content, attempts, created_at } = row
      return { id, recipient, content, attempt: attempts, createdAt: created_at }
    },

    async markSent(message) {
      await settle(message, { state: 'sent', recipient: '', content: '', cause: null })
      await db
        .deleteFrom(TABLE)
        .where('state', '=', 'sent')
        .where('created_at', '<=', now() - repeatMs)
        .execute()
    },
    postpone: (message, dueAt, cause) => settle(message, { due_at: dueAt, cause }),
    bury: (message, cause) => settle(message, { state: 'dead', cause }),
  }
}
