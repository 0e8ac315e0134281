import { randomBytes, randomUUID } from 'node:crypto'
import type { OperationVerdict, Outcome } from '@preflow/engine'
import { type CallArchive, createLog, openCallArchive, readConfiguration } from '@preflow/server'
import { type Io, UsageError } from './command.ts'
import { didYouMean } from './nearest.ts'
import { plain } from './verify/paint.ts'

/** A record of a call, from the data of a server or from its API. */
export interface Recorded {
  id: string
  actionType: string
  /** ISO 8601, or epoch milliseconds. */
  startedAt: string | number
  status: string
  reason: string
  details: {
    platform?: string
    operations?: OperationVerdict[]
    /** Why the answer, if there was one, could not be used. */
    error?: { code: string }
    request?: { headers: Record<string, string>; body: unknown }
  }
}

/** How a call ends. */
const STATUSES: readonly Outcome['status'][] = ['failed', 'error', 'success', 'continued', 'incomplete', 'skipped']

/** @throws {UsageError} With the statuses there are. */
export function statusNamed(word: string): string {
  if ((STATUSES as readonly string[]).includes(word)) return word
  throw new UsageError(
    `--status ${word}: is no end of a call.${didYouMean(word, STATUSES)} There are ${STATUSES.join(', ')}.`,
  )
}

/** Opens the records of the server that the environment configures. Rejects with a sentence that says what to do. */
export function openArchive({ env }: Pick<Io, 'env'>): Promise<CallArchive> {
  return openCallArchive(readConfiguration(env), {
    now: Date.now,
    newId: randomUUID,
    randomBytes,
    log: createLog('warn', { write: () => true }),
  })
}

/** @param what What is not there: `no call 2588cb53-…`. */
export function noRecord(what: string): Error {
  return new Error(
    `There is ${plain(what)} in these records. PREFLOW_DATA or PREFLOW_DATABASE_URL name the data of the server; a record is ` +
      'kept for a month at most.',
  )
}
