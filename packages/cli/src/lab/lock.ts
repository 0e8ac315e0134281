import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDataFolder, unusableDataFolder } from '@preflow/server'

/** `SQLITE_BUSY`: another process, or another lab in this process, holds the lock. */
const BUSY = 5

/**
 * Creates the data folder and locks it for one lab. A second lab would point the actions to its own extensions. After
 * it ends, the first lab would call addresses where nothing listens.
 *
 * The lock is a SQLite lock on a separate file, so the system releases it however the process ends.
 *
 * @returns Releases the folder.
 * @throws {Error} With a message, if another lab uses the folder or it is not usable.
 */
export async function lockDataFolder(dataFolder: string): Promise<() => void> {
  await makeDataFolder(dataFolder)
  const lock = open(dataFolder)
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return () => lock.close()
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== BUSY) throw unusableDataFolder(dataFolder, error)
    throw new Error(
      `Another lab uses the data in ${dataFolder}. Stop that lab, or set PREFLOW_DATA to another folder for this one.`,
      { cause: error },
    )
  }
}

function open(dataFolder: string): DatabaseSync {
  try {
    return new DatabaseSync(join(dataFolder, 'lab.lock'))
  } catch (error) {
    throw unusableDataFolder(dataFolder, error)
  }
}
