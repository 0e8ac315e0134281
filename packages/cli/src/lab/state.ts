import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDataFolder, unusableDataFolder } from '@preflow/server'

/** What the lab stores between starts, beside the server's data. It holds secrets, so only its owner may read it. */
export interface LabState {
  /** The key that the server sends to the lab's extensions. */
  extensionKey: string
  /** The secrets of pin-authenticator: the pepper of its PINs, and the key of its enrolment API. */
  pinSecrets: { pepper: string; adminKey: string }
  /** Present until the demonstration tenant is complete, so that an interrupted first start can be continued. */
  adminPassword?: string
  /** Present once the demonstration tenant is complete. */
  demo?: Demo
  /**
   * The address of each extension at the last start, by name. Extensions whose action could not be created are missing.
   * Empty until the demonstration tenant is complete.
   */
  endpoints: Record<string, string>
}

/** The state of older labs: without pin-authenticator, or with token-guard only. */
interface EarlierState extends Omit<LabState, 'endpoints' | 'pinSecrets'> {
  endpoints?: LabState['endpoints']
  pinSecrets?: LabState['pinSecrets']
  endpoint?: string
}

/** The names for trying things out. */
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
  /** Absent until the web application requires one. */
  pin?: string
}

const fileOf = (dataFolder: string): string => join(dataFolder, 'lab.json')

/** Reads the lab's state; `undefined` on the first start. */
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
      `${file} is not readable. Move the folder away to start over, or restore the file. Nothing was changed.`,
      { cause },
    )
  }
}

function complete({ endpoint, ...state }: EarlierState): LabState {
  // Old data may lack the address, but its action exists.
  const endpoints: LabState['endpoints'] = state.demo ? { 'token-guard': endpoint ?? '' } : {}
  return { endpoints, pinSecrets: makePinSecrets(), ...state }
}

/** The state of a new lab. */
export function newState(): LabState {
  return { extensionKey: randomBytes(24).toString('base64url'), pinSecrets: makePinSecrets(), endpoints: {} }
}

function makePinSecrets(): LabState['pinSecrets'] {
  return { pepper: randomBytes(32).toString('base64url'), adminKey: randomBytes(32).toString('base64url') }
}

/** Writes the lab's state atomically. */
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
