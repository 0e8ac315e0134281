import { type Connected, unlessTaken } from '@preflow/database'
import type { Kysely } from 'kysely'
import type { AttemptStore, Attempts } from './attempts.ts'
import type { Entry } from './entry.ts'

/** A user who has a PIN. */
export interface Enrolment {
  /** The id of the user in the platform. In federated mode, the id of the external user. */
  userId: string
  /** What the user enters if the platform does not identify the user. As returned by {@link normalizeUsername}. */
  username?: string
  pinHash: string
  userStore?: string
  /** Federated mode: the data of the user for the platform. */
  claims: { uri: string; value: string | string[] }[]
  groups: string[]
  /** Epoch milliseconds. */
  updatedAt: number
}

/**
 * What several instances share. Nothing is locked between two calls: entries and attempts are read, changed and
 * swapped. A swap fails if another request was faster.
 */
export interface Store extends EntryStore, AttemptStore, EnrolmentStore {
  /** Deletes entries that ended earlier and attempts that were last made earlier. */
  prune(before: { entriesEnded: number; attemptsMade: number }): Promise<void>
  /** Rejects if the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface EntryStore {
  /** Adds the entry, or returns the one that a repetition of the same call has already added. */
  addEntry(entry: Entry): Promise<Entry>
  findEntry(
    by: Pick<Entry, 'handle'> | { confirmHandle: string } | Pick<Entry, 'flowId' | 'step'>,
  ): Promise<Entry | undefined>
  /** `false` if the stored entry is no longer `before`. */
  swapEntry(before: Entry, after: Entry): Promise<boolean>
}

export interface EnrolmentStore {
  findEnrolment(by: { userId: string } | { username: string }): Promise<Enrolment | undefined>
  /** Adds or replaces the user's enrolment. `false` if another user has the user name. */
  putEnrolment(enrolment: Enrolment): Promise<boolean>
  /** Replaces the hash, unless it is no longer `before`. So a concurrent change of the PIN is kept. */
  swapPinHash(userId: string, before: string, after: string): Promise<void>
  /** `false` if there was none. */
  deleteEnrolment(userId: string): Promise<boolean>
}

/** People type their user name in capitals and with blanks around it. All of these are one name. */
export function normalizeUsername(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase()
}

/** A row of the optional members of `T`: a column that may be null. */
type Row<T> = { [K in keyof T]-?: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] }

/** The tables, as both databases have them: names in snake case, times in epoch milliseconds, lists as JSON. */
export interface Tables {
  pinEntries: Row<Entry>
  pinAttempts: Attempts
  pinEnrolments: Row<Omit<Enrolment, 'claims' | 'groups'>> & { claims: string; groups: string }
}

/** The queries, the same for both databases. */
export function createStore({ queries: db, close }: Pick<Connected<Tables>, 'queries' | 'close'>): Store {
  return {
    ...entryQueries(db),
    ...attemptQueries(db),
    ...enrolmentQueries(db),

    async prune({ entriesEnded, attemptsMade }) {
      await db.deleteFrom('pinEntries').where('expiresAt', '<', entriesEnded).execute()
      await db.deleteFrom('pinAttempts').where('lastAt', '<', attemptsMade).execute()
    },

    async ping() {
      await db.selectFrom('pinAttempts').select('subject').limit(1).execute()
    },

    close,
  }
}

function entryQueries(db: Kysely<Tables>): EntryStore {
  const findEntry: EntryStore['findEntry'] = async by => {
    const entries = db.selectFrom('pinEntries').selectAll()
    const row = await ('handle' in by
      ? entries.where('handle', '=', by.handle)
      : 'confirmHandle' in by
        ? entries.where('confirmHandle', '=', by.confirmHandle)
        : entries.where('flowId', '=', by.flowId).where('step', '=', by.step)
    ).executeTakeFirst()
    return row && (withoutNulls(row) as Entry)
  }

  const addEntry: EntryStore['addEntry'] = async entry => {
    const added = await db
      .insertInto('pinEntries')
      .values(entry)
      .onConflict(conflict => conflict.columns(['flowId', 'step']).doNothing())
      .executeTakeFirst()
    if (added.numInsertedOrUpdatedRows) return entry
    // The entry is missing again only if it was pruned between the two statements. Then this one can be added.
    return (await findEntry({ flowId: entry.flowId, step: entry.step })) ?? addEntry(entry)
  }

  return {
    addEntry,
    findEntry,

    async swapEntry(before, after) {
      const { numUpdatedRows } = await db
        .updateTable('pinEntries')
        // An entry never loses a field, so fields that are absent now were never set.
        .set(after)
        .where('handle', '=', before.handle)
        .where('version', '=', before.version)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
  }
}

function attemptQueries(db: Kysely<Tables>): AttemptStore {
  return {
    findAttempts: subject => db.selectFrom('pinAttempts').selectAll().where('subject', '=', subject).executeTakeFirst(),

    async swapAttempts(before, after) {
      if (before) {
        const { numUpdatedRows } = await db
          .updateTable('pinAttempts')
          .set(after)
          .where('subject', '=', before.subject)
          .where('version', '=', before.version)
          .executeTakeFirst()
        return numUpdatedRows > 0n
      }
      const added = await db
        .insertInto('pinAttempts')
        .values(after)
        .onConflict(conflict => conflict.column('subject').doNothing())
        .executeTakeFirst()
      return Boolean(added.numInsertedOrUpdatedRows)
    },

    async forgetAttempts(subject) {
      await db.deleteFrom('pinAttempts').where('subject', '=', subject).execute()
    },
  }
}

function enrolmentQueries(db: Kysely<Tables>): EnrolmentStore {
  return {
    async findEnrolment(by) {
      const enrolments = db.selectFrom('pinEnrolments').selectAll()
      const row = await ('userId' in by
        ? enrolments.where('userId', '=', by.userId)
        : enrolments.where('username', '=', by.username)
      ).executeTakeFirst()
      if (!row) return undefined
      return { ...withoutNulls(row), claims: JSON.parse(row.claims), groups: JSON.parse(row.groups) } as Enrolment
    },

    async putEnrolment({ userId, username = null, pinHash, userStore = null, claims, groups, updatedAt }) {
      const lists = { claims: JSON.stringify(claims), groups: JSON.stringify(groups) }
      const row = { userId, username, pinHash, userStore, updatedAt, ...lists }
      return unlessTaken(
        db
          .insertInto('pinEnrolments')
          .values(row)
          .onConflict(conflict => conflict.column('userId').doUpdateSet(row))
          .execute(),
      )
    },

    async swapPinHash(userId, before, after) {
      await db
        .updateTable('pinEnrolments')
        .set({ pinHash: after })
        .where('userId', '=', userId)
        .where('pinHash', '=', before)
        .execute()
    },

    async deleteEnrolment(userId) {
      const { numDeletedRows } = await db.deleteFrom('pinEnrolments').where('userId', '=', userId).executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

function withoutNulls(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}
