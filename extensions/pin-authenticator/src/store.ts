import { type Connected, unlessTaken } from '@preflow/database'
import type { Kysely } from 'kysely'
import type { AttemptStore, Attempts } from './attempts.ts'
import type { Entry } from './entry.ts'

/** A user who has a PIN. */
export interface Enrolment {
  /** The id that the platform knows the user by; in federated mode the id of the user that is made. */
  userId: string
  /** What the user enters when the platform does not say who is there. In {@link normalizeUsername}'s form. */
  username?: string
  pinHash: string
  userStore?: string
  /** Federated mode: what the platform learns of the user. */
  claims: { uri: string; value: string | string[] }[]
  groups: string[]
  /** Epoch milliseconds. */
  updatedAt: number
}

/**
 * What several instances share. Nothing is held between two calls: entries and attempts are read, computed and swapped, and a
 * swap fails when somebody else was faster.
 */
export interface Store extends EntryStore, AttemptStore, EnrolmentStore {
  /** Deletes entries that ended before and attempts that were last made before. */
  prune(before: { entriesEnded: number; attemptsMade: number }): Promise<void>
  /** Rejects when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface EntryStore {
  /** Adds the entry, or finds the one that a repetition of the same call has already added. */
  addEntry(entry: Entry): Promise<Entry>
  findEntry(by: Pick<Entry, 'handle'> | Pick<Entry, 'flowId' | 'step'>): Promise<Entry | undefined>
  /** `false` when the stored entry is no longer `before`. */
  swapEntry(before: Entry, after: Entry): Promise<boolean>
}

export interface EnrolmentStore {
  findEnrolment(by: { userId: string } | { username: string }): Promise<Enrolment | undefined>
  /** Adds or replaces the user's enrolment. `false` when another user has the user name. */
  putEnrolment(enrolment: Enrolment): Promise<boolean>
  /** Replaces the hash, unless it is no longer `before`: a PIN that was changed meanwhile stays changed. */
  swapPinHash(userId: string, before: string, after: string): Promise<void>
  /** `false` when there was none. */
  deleteEnrolment(userId: string): Promise<boolean>
}

/** People write their user name in capitals and with blanks around it; all of these are one name. */
export function normalizeUsername(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase()
}

/** A row of what is optional in `T`: a column that may be null. */
type Row<T> = { [K in keyof T]-?: undefined extends T[K] ? Exclude<T[K], undefined> | null : T[K] }

/** The tables, as both databases have them: names in snake case there, times in epoch milliseconds, lists as JSON. */
export interface Tables {
  pinEntries: Row<Entry>
  pinAttempts: Attempts
  pinEnrolments: Row<Omit<Enrolment, 'claims' | 'groups'>> & { claims: string; groups: string }
}

/** The one set of queries, for both databases. */
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
    // Deleted again only if it was pruned between the two statements; then there is room for this one.
    return (await findEntry({ flowId: entry.flowId, step: entry.step })) ?? addEntry(entry)
  }

  return {
    addEntry,
    findEntry,

    async swapEntry(before, after) {
      const { numUpdatedRows } = await db
        .updateTable('pinEntries')
        // What an entry knows it never forgets, so fields that are absent now were never there.
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
