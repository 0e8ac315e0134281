import type { ActionType } from '@preflow/contract'
import type { Configuration } from '../configuration.ts'
import { openData } from '../data.ts'
import type { Ports } from '../ports.ts'
import { type CallOfTenant, findCallOfAnyTenant, listCallsOfAllTenants } from '../store/calls.ts'

/** What is looked for; all that are given must hold. */
export interface ArchiveSearch {
  /** The domain of the tenant. */
  tenant?: string
  actionType?: ActionType
  /** `success`, `failed`, `error`, `incomplete`, `skipped`, `continued`. */
  status?: string
  /** Default 50. */
  limit?: number
}

/** The records of calls, read beside the server. */
export interface CallArchive {
  /** By the id that the client's error, the log and the extension have. */
  find(id: string): Promise<CallOfTenant | undefined>
  /** Newest first. */
  list(search: ArchiveSearch): Promise<CallOfTenant[]>
  close(): Promise<void>
}

/** Opens the data of the configuration, whether a server runs on it or not. Rejects with a sentence that says what to do. */
export async function openCallArchive(configuration: Configuration, ports: Ports): Promise<CallArchive> {
  const db = await openData(configuration, ports)
  return {
    find: id => findCallOfAnyTenant(db, id),
    list: search => listCallsOfAllTenants(db, search),
    close: () => db.close(),
  }
}
