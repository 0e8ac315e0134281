import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDataFolder, unusableDataFolder } from '@preflow/server'

/** `SQLITE_BUSY`: another process, or another lab of this one, has the lock. */
const BUSY = 5

/**
 * Makes the data folder and takes it for one lab: a second one would point the actions to its own extensions, and the first would
 * call these when they have ended.
 *
 * The lock is one of SQLite's on a file of its own, so the system releases it however the process ends.
 *
 * @returns Releases the folder.
 * @throws {Error} With a sentence, when another lab uses it or the folder cannot be used.
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
      `Another lab uses the data in ${dataFolder}. Stop it, or set PREFLOW_DATA to another folder for this one.`,
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
