import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Dialect, Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import pg from 'pg'

/** A message to be sent once. */
export interface OutboxMessage {
  /** The same id means the same message: it is kept once. */
  id: string
  recipient: string
  /** What to say, for whoever writes the mail. */
  content: string
}

/** A message that this instance may send until its lease ends. */
export interface ClaimedMessage extends OutboxMessage {
  /** 1 for the first. */
  attempt: number
  /** Milliseconds since the epoch. */
  createdAt: number
}

/** What is in the outbox now. */
export interface OutboxStatus {
  waiting: number
  /** Given up: somebody has to look at them. */
  dead: number
  /** When the oldest waiting message was queued, in milliseconds since the epoch. */
  oldestWaitingAt?: number
}

/**
 * Messages that survive the end of the process, shared by every instance that opens the same place. A message is claimed by
 * one instance at a time; if that instance dies, the lease ends and another one sends it. So each is sent at least once, and
 * twice only when an instance dies between the server's acceptance and its own note of it.
 */
export interface Outbox {
  /**
   * Keeps messages; they are on disk when this resolves, all of them or none. A message that is waiting, or was sent within
   * `repeatMs`, is not kept again.
   *
   * @returns How many are new.
   */
  add(messages: readonly OutboxMessage[]): Promise<number>
  /** Takes the message that has waited longest for its turn; undefined when none is due. */
  claim(): Promise<ClaimedMessage | undefined>
  /** Notes that it was sent, and forgets everything about it but its id. */
  markSent(message: ClaimedMessage): Promise<void>
  /** Lets it wait until a time. @param cause Why, without anything from the message. */
  postpone(message: ClaimedMessage, dueAt: number, cause: string): Promise<void>
  /** Gives it up. It stays, for somebody to look at. */
  bury(message: ClaimedMessage, cause: string): Promise<void>
  /** When the next message is due, in milliseconds since the epoch; undefined when none waits. */
  nextDueAt(): Promise<number | undefined>
  status(): Promise<OutboxStatus>
  close(): Promise<void>
}

export interface OutboxOptions {
  /** An SQLite file, created when it does not exist, or a PostgreSQL URL. */
  location: string
  /** Milliseconds that a claimed message belongs to its instance. Longer than sending may take. Default 120,000. */
  leaseMs?: number
  /** Milliseconds in which the same message is not kept again. Default 60,000. */
  repeatMs?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** The outbox cannot be used. The message says what to look at; it holds no password. */
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
    /** While it waits: when it may be claimed, which is also when the lease of the current claim ends. */
    due_at: number
    created_at: number
    cause: string | null
  }
}

const TABLE = 'profile_guard_outbox'
/** Instances that start together create the table one after the other. The number is `outb` in ASCII. */
const CREATION_LOCK = 0x6f757462
/** A decision waits for the outbox, so this must stay below its budget. */
const WAIT_FOR_DATABASE_MS = 2000
const INT8 = 20

/**
 * Opens the outbox and creates its table when it is not there.
 *
 * Rejects with an {@link OutboxError} when the place cannot be used.
 */
export async function openOutbox(options: OutboxOptions): Promise<Outbox> {
  const { location, leaseMs = 120_000, repeatMs = 60_000, now = Date.now } = options
  const isPostgres = isPostgresUrl(location)
  let db: Kysely<Tables> | undefined
  try {
    db = new Kysely<Tables>({ dialect: isPostgres ? postgres(location) : sqlite(location) })
    await createTable(db, isPostgres)
  } catch (cause) {
    await db?.destroy().catch(() => undefined)
    throw new OutboxError(explain(cause, location, isPostgres), { cause })
  }
  return queriesOf(db, { isPostgres, leaseMs, repeatMs, now })
}

/** Whether a location names a PostgreSQL database; anything else is a file. */
export function isPostgresUrl(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location)
}

function queriesOf(
  db: Kysely<Tables>,
  { isPostgres, leaseMs, repeatMs, now }: { isPostgres: boolean; leaseMs: number; repeatMs: number; now(): number },
): Outbox {
  /** Only the instance whose claim is the latest may say what became of a message. */
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
    async add(messages) {
      if (messages.length === 0) return 0
      const at = now()
      // One statement, so that two instances which get the same call at once cannot both find the message missing.
      const added = await db
        .insertInto(TABLE)
        .values(
          messages.map(({ id, recipient, content }) => ({
            id,
            recipient,
            content,
            state: 'waiting' as const,
            attempts: 0,
            due_at: at,
            created_at: at,
            cause: null,
          })),
        )
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
        // SQLite has one writer at a time. In PostgreSQL instances that ask at once each lock another row.
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
        ...(waiting && { oldestWaitingAt: waiting.oldest }),
      }
    },

    close: () => db.destroy(),
  }
}

async function createTable(db: Kysely<Tables>, isPostgres: boolean): Promise<void> {
  const statements = (queries: Kysely<Tables>) => [
    queries.schema
      .createTable(TABLE)
      .ifNotExists()
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('recipient', 'text', column => column.notNull())
      .addColumn('content', 'text', column => column.notNull())
      .addColumn('state', 'text', column => column.notNull())
      .addColumn('attempts', 'integer', column => column.notNull())
      .addColumn('due_at', 'bigint', column => column.notNull())
      .addColumn('created_at', 'bigint', column => column.notNull())
      .addColumn('cause', 'text'),
    queries.schema.createIndex(`${TABLE}_due`).ifNotExists().on(TABLE).columns(['state', 'due_at']),
  ]
  const create = async (queries: Kysely<Tables>) => {
    for (const statement of statements(queries)) await statement.execute()
  }
  if (!isPostgres) return create(db)
  // "if not exists" alone is not enough in PostgreSQL: two sessions can both find it missing, and one fails.
  await db.transaction().execute(async queries => {
    await sql`select pg_advisory_xact_lock(${CREATION_LOCK})`.execute(queries)
    await create(queries)
  })
}

function sqlite(file: string): Dialect {
  // The file holds addresses: created for its owner only. SQLite gives its companions the same rights.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: WAIT_FOR_DATABASE_MS })
  // Every query here is one statement, so nothing of this process holds the write lock while it waits for something else.
  // Full synchronisation: an answer that was given must be followed by its alert even after a power cut.
  database.exec('pragma journal_mode = wal; pragma synchronous = full')
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(text) {
        const statement = database.prepare(text)
        return {
          reader: statement.columns().length > 0,
          all: parameters => statement.all(...(parameters as SQLInputValue[])),
          run: parameters => statement.run(...(parameters as SQLInputValue[])),
          iterate: parameters => statement.iterate(...(parameters as SQLInputValue[])),
        }
      },
    },
  })
}

function postgres(url: string): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: WAIT_FOR_DATABASE_MS,
    query_timeout: WAIT_FOR_DATABASE_MS,
    types: {
      // Times and counts stay far below 2^53.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  // Without a listener an idle connection that breaks would end the process; the pool opens another by itself.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}

function explain(cause: unknown, location: string, isPostgres: boolean): string {
  const said =
    cause instanceof Error && cause.message !== '' ? cause.message : String((cause as { code?: string }).code)
  if (!isPostgres)
    return `The outbox file ${location} cannot be used: ${said}. Name a file in a folder that may be written.`
  const place = URL.canParse(location) ? new URL(location).host : 'the configured URL'
  return `The outbox in PostgreSQL at ${place} cannot be used: ${said}. Check the URL, the password and that the user may create a table.`
}
