import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the lab remembers between starts, beside the server's own data. Readable by its owner only: it holds secrets. */
export interface LabState {
  /** The key with which the server proves itself to the lab's extensions. */
  extensionKey: string
  /** Present until the demonstration tenant is complete, so that an interrupted first start is carried on. */
  adminPassword?: string
  /** Present once the demonstration tenant is complete. */
  demo?: Demo
}

/** The names a person needs to try things. */
export interface Demo {
  tenant: string
  m2m: { clientId: string; clientSecret: string }
  web: { clientId: string; clientSecret: string; callbackUrl: string }
  users: { userName: string; password: string }[]
}

const fileOf = (dataFolder: string): string => join(dataFolder, 'lab.json')

/** Reads the lab's memory; `undefined` on the first start. */
export async function readState(dataFolder: string): Promise<LabState | undefined> {
  const file = fileOf(dataFolder)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(dataFolder, error)
  }
  try {
    return JSON.parse(text) as LabState
  } catch (cause) {
    throw new Error(
      `${file} cannot be read. Move the folder away to start afresh, or restore the file; nothing was changed.`,
      { cause },
    )
  }
}

/** Writes the lab's memory, all or nothing. */
export async function writeState(dataFolder: string, state: LabState): Promise<void> {
  const file = fileOf(dataFolder)
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 })
    await writeFile(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  } catch (error) {
    throw unusable(dataFolder, error)
  }
}

const WHY_UNUSABLE: Record<string, string> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it is on a read-only file system',
  ENOTDIR: 'a file is where a folder should be',
  EEXIST: 'a file is where a folder should be',
  ENOSPC: 'the disk is full',
}

function unusable(dataFolder: string, cause: unknown): Error {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const why = WHY_UNUSABLE[code] ?? message
  return new Error(`The data folder ${dataFolder} cannot be used: ${why}. Set PREFLOW_DATA to another folder.`, {
    cause,
  })
}
