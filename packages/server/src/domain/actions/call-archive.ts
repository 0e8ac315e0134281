import { stat } from 'node:fs/promises'
import type { ActionType } from '@preflow/contract'
import type { Ports } from '../../ground/ports.ts'
import { type CallOfTenant, findCallOfAnyTenant, listCallsOfAllTenants } from '../../ground/store/calls.ts'
import { type DataSettings, openData, StartError } from '../../ground/store/data.ts'

/** The search criteria. A call must match all of them. */
export interface ArchiveSearch {
  /** The domain of the tenant. */
  tenant?: string
  actionType?: ActionType
  /** `success`, `failed`, `error`, `incomplete`, `skipped`, `continued`. */
  status?: string
  /** Default 50. */
  limit?: number
}

/** Reads call records without the server. */
export interface CallArchive {
  /** Finds a call by the id in the client's error, the log and the extension. */
  find(id: string): Promise<CallOfTenant | undefined>
  /** Newest first. */
  list(search: ArchiveSearch): Promise<CallOfTenant[]>
  close(): Promise<void>
}

/**
 * Opens the data of the configuration, also while a server uses it. Rejects with a sentence for the operator, also if the
 * folder does not exist: the reader probably misspelt it, and must not create new data.
 */
export async function openCallArchive(settings: DataSettings, ports: Ports): Promise<CallArchive> {
  const { databaseUrl, dataFolder } = settings
  if (databaseUrl === undefined && !(await isThere(dataFolder))) {
    throw new StartError(`The data folder ${dataFolder} does not exist. Set PREFLOW_DATA to the folder of the server.`)
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
