import { randomBytes, randomUUID } from 'node:crypto'
import type { OperationVerdict, Outcome } from '@preflow/engine'
import { type CallArchive, createLog, openCallArchive, readConfiguration } from '@preflow/server'
import { type Io, UsageError } from './command.ts'
import { didYouMean } from './nearest.ts'
import { plain } from './verify/paint.ts'

/** The record of a call, from the data of a server or from its API. */
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
    /** Why the answer could not be used, if there was one. */
    error?: { code: string }
    request?: { headers: Record<string, string>; body: unknown }
  }
}

/** The ways a call can end. */
const STATUSES: readonly Outcome['status'][] = ['failed', 'error', 'success', 'continued', 'incomplete', 'skipped']

/** @throws {UsageError} With the valid statuses. */
export function statusNamed(word: string): string {
  if ((STATUSES as readonly string[]).includes(word)) return word
  throw new UsageError(
    `--status ${word}: unknown status.${didYouMean(word, STATUSES)} Use one of ${STATUSES.join(', ')}.`,
  )
}

/** Opens the records of the server that the environment configures. Rejects with a message that states what to do. */
export function openArchive({ env }: Pick<Io, 'env'>): Promise<CallArchive> {
  return openCallArchive(readConfiguration(env), {
    now: Date.now,
    newId: randomUUID,
    randomBytes,
    log: createLog('warn', { write: () => true }),
  })
}

/** @param what What was not found: `no call 2588cb53-…`. */
export function noRecord(what: string): Error {
  return new Error(
    `There is ${plain(what)} in these records. Check PREFLOW_DATA or PREFLOW_DATABASE_URL, which name the data of the server. ` +
      'Records are kept for a month at most.',
  )
}
