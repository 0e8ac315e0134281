import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSeal, SEALING_KEY_BYTES } from './actions/sealed-secrets.ts'
import type { Configuration } from './configuration.ts'
import type { Ports } from './ports.ts'
import { type Database, openDatabase } from './store/database.ts'

/** The server cannot start. The message says what to do. */
export class StartError extends Error {
  override name = 'StartError'
}

const SEAL_FILE = 'seal.key'
const DATABASE_FILE = 'preflow.db'

/** What a server keeps: its database, and the key that opens what is sealed in it. */
export interface Data {
  db: Database
  sealKey: Uint8Array
}

/**
 * Opens the data of a configuration; the first time, makes its folder, key and tables.
 *
 * Rejects with a sentence for the operator when it cannot: `DatabaseError`, {@link StartError}. Nothing was changed then.
 */
export async function openData(
  configuration: Configuration,
  ports: Pick<Ports, 'now' | 'randomBytes' | 'log'>,
): Promise<Data> {
  const { databaseUrl, dataFolder } = configuration
  await makeFolder(dataFolder)
  const sealKey = await openSealKey(configuration, ports)
  const db = await openDatabase({
    ...(databaseUrl === undefined ? {} : { url: databaseUrl }),
    file: join(dataFolder, DATABASE_FILE),
    seal: createSeal(sealKey),
    now: ports.now,
    onConnectionLost: error =>
      ports.log.warn({ err: error }, 'a connection to the database was lost; another is opened'),
  })
  return { db, sealKey }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const { message } = cause as Error
    throw new StartError(`The data folder ${folder} cannot be made: ${message}. Set PREFLOW_DATA to another one.`, {
      cause,
    })
  }
}

/** The configured key, or the one beside the data, which the first start makes. */
async function openSealKey(
  { dataFolder, sealKey }: Configuration,
  ports: Pick<Ports, 'randomBytes'>,
): Promise<Uint8Array> {
  if (sealKey !== undefined) return Buffer.from(sealKey, 'base64')
  const file = join(dataFolder, SEAL_FILE)
  const fresh = Buffer.from(ports.randomBytes(SEALING_KEY_BYTES)).toString('base64')
  try {
    // `wx` loses the race against another process that starts at the same moment, and then reads what that one wrote.
    await writeFile(file, `${fresh}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StartError(
        `The sealing key ${file} cannot be written. Give the server the right to, or set PREFLOW_SEAL_KEY.`,
        { cause: error },
      )
    }
  }
  const key = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64')
  if (key.byteLength !== SEALING_KEY_BYTES) {
    throw new StartError(
      `${file} does not hold a sealing key. Restore it from a copy: without it nothing sealed can be opened.`,
    )
  }
  return key
}
