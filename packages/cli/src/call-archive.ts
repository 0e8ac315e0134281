import { randomBytes, randomUUID } from 'node:crypto'
import type { OperationVerdict } from '@preflow/engine'
import { type CallArchive, createLog, openCallArchive, readConfiguration } from '@preflow/server'
import type { Io } from './command.ts'

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
    request?: { headers: Record<string, string>; body: unknown }
  }
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
