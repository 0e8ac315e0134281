import { stat } from 'node:fs/promises'
import type { ActionType } from '@preflow/contract'
import type { Ports } from '../../ground/ports.ts'
import { type CallOfTenant, findCallOfAnyTenant, listCallsOfAllTenants } from '../../ground/store/calls.ts'
import { type DataSettings, openData, StartError } from '../../ground/store/data.ts'

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

/**
 * Opens the data of the configuration, whether a server runs on it or not. Rejects with a sentence that says what to do, also when
 * the folder is not there: who reads records has misspelt it, and wants no server's data made in its place.
 */
export async function openCallArchive(settings: DataSettings, ports: Ports): Promise<CallArchive> {
  const { databaseUrl, dataFolder } = settings
  if (databaseUrl === undefined && !(await isThere(dataFolder))) {
    throw new StartError(`The data folder ${dataFolder} is not there. Set PREFLOW_DATA to the one of the server.`)
  }
  const db = await openData(settings, ports)
  return {
    find: id => findCallOfAnyTenant(db, id),
    list: search => listCallsOfAllTenants(db, search),
    close: () => db.close(),
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
