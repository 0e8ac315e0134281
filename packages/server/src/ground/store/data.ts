import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { present } from '@preflow/contract'
import type { Log } from '../observe/log.ts'
import { OperatorError } from '../operator-error.ts'
import { type Database, type DatabaseLimits, openDatabase, type PasswordCost } from './database.ts'
import { createSeal, SEALING_KEY_BYTES, type Seal } from './sealed-secrets.ts'

/** The server cannot start. The message says what to do. */
export class StartError extends OperatorError {
  override name = 'StartError'
}

/** Where the data is and what it is sealed with: the part of the configuration that opening it needs. */
export interface DataSettings {
  /** PostgreSQL; without it the embedded database in the data folder. */
  databaseUrl?: string
  dataFolder: string
  /** Base64. Without it the key is a file beside the data. */
  sealKey?: string
  /** Without them: the defaults of the store. */
  databaseConnections?: number
  databaseAdministrationConnections?: number
  databaseConnectTimeoutMs?: number
  databaseStatementTimeoutMs?: number
  databaseLockTimeoutMs?: number
}

/** What opening the data needs of the world around the server. */
export interface DataPorts {
  /** Epoch milliseconds. */
  now(): number
  randomBytes(count: number): Uint8Array
  log: Pick<Log, 'warn'>
  /** See `Ports.passwordCost`. */
  passwordCost?: PasswordCost
}

const SEAL_FILE = 'seal.key'
const DATABASE_FILE = 'preflow.db'

/**
 * Opens the data of a configuration; the first time, makes its folder, key and tables.
 *
 * Rejects with a sentence for the operator when it cannot: `DatabaseError`, {@link StartError}. Nothing was changed then.
 */
export async function openData(configuration: DataSettings, ports: DataPorts): Promise<Database> {
  const { databaseUrl, dataFolder } = configuration
  if (databaseUrl === undefined) await makeDataFolder(dataFolder)
  return openDatabase({
    ...(databaseUrl === undefined ? {} : { url: databaseUrl }),
    file: join(dataFolder, DATABASE_FILE),
    seal: isSealed => openSeal(configuration, isSealed, ports),
    now: ports.now,
    limits: limitsOf(configuration),
    ...present({ passwordCost: ports.passwordCost }),
    onConnectionLost: error =>
      ports.log.warn({ err: error }, 'a connection to the database was lost; another is opened'),
  })
}

function limitsOf(settings: DataSettings): Partial<DatabaseLimits> {
  return present({
    maxConnections: settings.databaseConnections,
    administrationConnections: settings.databaseAdministrationConnections,
    connectMs: settings.databaseConnectTimeoutMs,
    statementMs: settings.databaseStatementTimeoutMs,
    lockMs: settings.databaseLockTimeoutMs,
  })
}

/** Makes the folder, for its owner only, and those above it. Rejects with a {@link StartError} when that cannot be. */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    await makeFolders(resolve(folder))
  } catch (error) {
    throw unusableDataFolder(folder, error)
  }
}

/**
 * Step by step, because Node's recursive `mkdir` never ends where a folder is but none can be made in it, as in `/proc`:
 * there the system says that the folder above is missing, and Node makes that one again and again.
 */
async function makeFolders(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const above = dirname(folder)
  if (above !== folder) await makeFolders(above)
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Another process that starts at the same moment may have made it.
    if (!(await isFolder(folder))) throw error
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

const WHY_UNUSABLE: Record<string, string> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it is on a read-only file system',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a file is where a folder should be',
  EEXIST: 'a file is where a folder should be',
  ENOSPC: 'the disk is full',
}

/** The sentence for whatever went wrong in the data folder. */
export function unusableDataFolder(folder: string, cause: unknown): StartError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const why = WHY_UNUSABLE[code] ?? message
  return new StartError(`The data folder ${folder} cannot be used: ${why}. Set PREFLOW_DATA to another folder.`, {
    cause,
  })
}

/** The configured key, or the one beside the data, which is made for a database that has none yet. */
async function openSeal(
  { dataFolder, sealKey }: DataSettings,
  isSealed: boolean,
  ports: Pick<DataPorts, 'randomBytes'>,
): Promise<Seal> {
  if (sealKey !== undefined) return createSeal(Buffer.from(sealKey, 'base64'))
  const file = join(dataFolder, SEAL_FILE)
  if (!isSealed) {
    await makeDataFolder(dataFolder)
    await makeKey(file, Buffer.from(ports.randomBytes(SEALING_KEY_BYTES)))
  }
  const key = Buffer.from(await readKey(file), 'base64')
  if (key.byteLength !== SEALING_KEY_BYTES) {
    throw new StartError(
      `${file} does not hold a sealing key. Restore it from a copy: without it nothing sealed can be opened.`,
    )
  }
  return createSeal(key)
}

/** How file systems without hard links refuse one. */
const HAS_NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/**
 * Leaves a key that exists as it is, and loses the race against another process that starts at the same moment. The file appears
 * whole or not at all. An empty one, which a process left that was killed in between, holds nothing to lose and is replaced.
 */
async function makeKey(file: string, key: Buffer): Promise<void> {
  const fresh = `${file}.${randomUUID()}.new`
  const text = `${key.toString('base64')}\n`
  try {
    if ((await stat(file).catch(() => undefined))?.size === 0) await rm(file)
    await writeFile(fresh, text, { mode: 0o600, flush: true })
    await link(fresh, file).catch(error => {
      if (!HAS_NO_LINKS.includes(error.code)) throw error
      return writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true })
    })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new StartError(
      `The sealing key ${file} cannot be written. Give the server the right to, or set PREFLOW_SEAL_KEY.`,
      { cause },
    )
  } finally {
    await rm(fresh, { force: true })
  }
}

async function readKey(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT'
      ? new StartError(
          `The sealing key ${file} is missing, and the database was sealed with one. Restore the file from a copy, or set PREFLOW_SEAL_KEY to what it held; to start without what is kept, name another folder or database. Nothing was changed.`,
          { cause },
        )
      : new StartError(
          `The sealing key ${file} cannot be read. Give the server the right to, or set PREFLOW_SEAL_KEY.`,
          {
            cause,
          },
        )
  }
}
