import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { present } from '@preflow/contract'
import type { Log } from '../observe/log.ts'
import { OperatorError } from '../operator-error.ts'
import { type Database, type DatabaseLimits, openDatabase } from './database.ts'
import { DEFAULT_HASHING, type HashingLimits, type PasswordCost } from './passwords.ts'
import { createSeal, SEALING_KEY_BYTES, type Seal } from './sealed-secrets.ts'

/** The server cannot start. The message states the cause and the next step. */
export class StartError extends OperatorError {
  override name = 'StartError'
}

/** The part of the configuration that opens the data: its place and its sealing key. */
export interface DataSettings {
  /** URL of a PostgreSQL database. Default: the SQLite file in the data folder. */
  databaseUrl?: string
  dataFolder: string
  /** Base64. Default: a key file in the data folder. */
  sealKey?: string
  /** Default: the limits of the store. */
  databaseConnections?: number
  databaseAdministrationConnections?: number
  databaseConnectTimeoutMs?: number
  databaseStatementTimeoutMs?: number
  databaseLockTimeoutMs?: number
  /** Default: those of the store. */
  hashesAtOnce?: number
  hashQueue?: number
}

/** The ports that opening the data needs. */
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
 * Opens the data of a configuration. The first call creates its folder, key and tables.
 *
 * If that fails, it rejects with a sentence for the operator and changes nothing: `DatabaseError`, {@link StartError}.
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
    hashing: hashingOf(configuration),
    ...present({ passwordCost: ports.passwordCost }),
    onConnectionLost: error =>
      ports.log.warn({ err: error }, 'a connection to the database was lost; the next query opens a new one'),
  })
}

function hashingOf({ hashesAtOnce, hashQueue }: DataSettings): HashingLimits {
  return { ...DEFAULT_HASHING, ...present({ atOnce: hashesAtOnce, waiting: hashQueue }) }
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

/** Creates the folder, readable by its owner only, and its parents. Rejects with a {@link StartError} if that fails. */
export async function makeDataFolder(folder: string): Promise<void> {
  try {
    await makeFolders(resolve(folder))
  } catch (error) {
    throw unusableDataFolder(folder, error)
  }
}

/**
 * Creates one folder after the other, because Node's recursive `mkdir` never ends in places such as `/proc`: the system reports
 * that the existing parent is missing, and Node tries to create it again and again.
 */
async function makeFolders(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const above = dirname(folder)
  if (above !== folder) await makeFolders(above)
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Another process that starts at the same time may have created it.
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
  EACCES: 'this user has no permission to write there',
  EPERM: 'this user has no permission to write there',
  EROFS: 'it is on a read-only file system',
  ENOENT: 'a folder cannot be created there',
  ENOTDIR: 'a file exists where a folder should be',
  EEXIST: 'a file exists where a folder should be',
  ENOSPC: 'the disk is full',
}

/** The error for a failure in the data folder. */
export function unusableDataFolder(folder: string, cause: unknown): StartError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const why = WHY_UNUSABLE[code] ?? message
  return new StartError(`The data folder ${folder} cannot be used: ${why}. Set PREFLOW_DATA to another folder.`, {
    cause,
  })
}

/** Returns the configured key, or the key file in the data folder. Creates the file if the database has no key yet. */
async function openSeal(
  { dataFolder, sealKey }: DataSettings,
  isSealed: boolean,
  ports: Pick<DataPorts, 'randomBytes'>,
): Promise<Seal> {
  if (sealKey !== undefined) return sealOf(sealKey.split(','))
  const file = join(dataFolder, SEAL_FILE)
  if (!isSealed) {
    await makeDataFolder(dataFolder)
    await makeKey(file, Buffer.from(ports.randomBytes(SEALING_KEY_BYTES)))
  }
  const keys = (await readKey(file)).split(/\s+/)
  if (keys.some(key => Buffer.from(key, 'base64').byteLength !== SEALING_KEY_BYTES)) {
    throw new StartError(
      `${file} does not contain a sealing key. Restore it from a copy. Sealed values cannot be decrypted without it.`,
    )
  }
  return sealOf(keys)
}

/** @param keys In base64, the current one first. */
function sealOf(keys: readonly string[]): Seal {
  const [current = Buffer.alloc(0), ...older] = keys.map(key => Buffer.from(key, 'base64'))
  return createSeal(current, older)
}

/** Error codes of file systems that have no hard links. */
const HAS_NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/**
 * Writes a key file, but never replaces an existing key: if another process starts at the same time, the first one wins. The
 * file appears complete or not at all. An empty file is left from a killed process. It contains no key, so it is replaced.
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
      `The sealing key ${file} cannot be written. Give the server write permission, or set PREFLOW_SEAL_KEY.`,
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
          `The sealing key ${file} is missing, but the database was sealed with one. Restore the file from a copy, or set PREFLOW_SEAL_KEY to its content. To start without this data, name another folder or database. Nothing was changed.`,
          { cause },
        )
      : new StartError(
          `The sealing key ${file} cannot be read. Give the server read permission, or set PREFLOW_SEAL_KEY.`,
          {
            cause,
          },
        )
  }
}
