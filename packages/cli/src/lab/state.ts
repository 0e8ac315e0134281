import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataFolder, unusableDataFolder } from '@preflow/server'

/** What the lab remembers between starts, beside the server's own data. Readable by its owner only: it holds secrets. */
export interface LabState {
  /** The key with which the server proves itself to the lab's extensions. */
  extensionKey: string
  /** Those of pin-authenticator: what its users' PINs are hashed with, and the key of its enrolment. */
  pinSecrets: { pepper: string; adminKey: string }
  /** Present until the demonstration tenant is complete, so that an interrupted first start is carried on. */
  adminPassword?: string
  /** Present once the demonstration tenant is complete. */
  demo?: Demo
  /**
   * Where each extension answered at the last start, by its name. One whose action could not be made yet is not among them.
   * Empty until the demonstration tenant is complete.
   */
  endpoints: Record<string, string>
}

/** As it was written before pin-authenticator, and when token-guard was the only extension. */
interface EarlierState extends Omit<LabState, 'endpoints' | 'pinSecrets'> {
  endpoints?: LabState['endpoints']
  pinSecrets?: LabState['pinSecrets']
  endpoint?: string
}

/** The names a person needs to try things. */
export interface Demo {
  tenant: string
  m2m: { clientId: string; clientSecret: string }
  web: { clientId: string; clientSecret: string; callbackUrl: string }
  /** The public application for single-page applications under development. Absent in older data. */
  spa?: { clientId: string }
  users: DemoUser[]
}

export interface DemoUser {
  userName: string
  password: string
  /** Absent until the web application asks for one. */
  pin?: string
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
    throw unusableDataFolder(dataFolder, error)
  }
  try {
    return complete(JSON.parse(text) as EarlierState)
  } catch (cause) {
    throw new Error(
      `${file} cannot be read. Move the folder away to start afresh, or restore the file; nothing was changed.`,
      { cause },
    )
  }
}

function complete({ endpoint, ...state }: EarlierState): LabState {
  // Where it answered was not always kept; that its action was made is certain.
  const endpoints: LabState['endpoints'] = state.demo ? { 'token-guard': endpoint ?? '' } : {}
  return { endpoints, pinSecrets: makePinSecrets(), ...state }
}

/** The memory of a lab that was never started. */
export function newState(): LabState {
  return { extensionKey: randomBytes(24).toString('base64url'), pinSecrets: makePinSecrets(), endpoints: {} }
}

function makePinSecrets(): LabState['pinSecrets'] {
  return { pepper: randomBytes(32).toString('base64url'), adminKey: randomBytes(32).toString('base64url') }
}

/** Writes the lab's memory, all or nothing. */
export async function writeState(dataFolder: string, state: LabState): Promise<void> {
  const file = fileOf(dataFolder)
  await makeDataFolder(dataFolder)
  try {
    await writeFile(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  } catch (error) {
    throw unusableDataFolder(dataFolder, error)
  }
}
