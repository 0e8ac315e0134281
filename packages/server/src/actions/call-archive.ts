import type { Configuration } from '../configuration.ts'
import { openData } from '../data.ts'
import type { Ports } from '../ports.ts'
import { findCallOfAnyTenant, findNewestCall } from '../store/calls.ts'
import type { CallRecord } from '../store/model.ts'

/** The records of calls, read beside the server. */
export interface CallArchive {
  /** By the id that the client's error, the log and the extension have. */
  find(id: string): Promise<CallRecord | undefined>
  /** @param status `success`, `failed`, `error`, `incomplete`, `skipped`, `continued`. Absent: whichever. */
  newest(status?: string): Promise<CallRecord | undefined>
  close(): Promise<void>
}

/** Opens the data of the configuration, whether a server runs on it or not. Rejects with a sentence that says what to do. */
export async function openCallArchive(configuration: Configuration, ports: Ports): Promise<CallArchive> {
  const db = await openData(configuration, ports)
  return {
    find: id => findCallOfAnyTenant(db, id),
    newest: status => findNewestCall(db, status),
    close: () => db.close(),
  }
}
