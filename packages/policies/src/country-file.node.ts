import { readFile, stat } from 'node:fs/promises'
import { Reader } from 'mmdb-lib'
import type { CountryFinding, CountryLookup } from './country.ts'
import { classifyAddress } from './source-address.ts'

/** How a country file is kept. */
export interface CountryFileOptions {
  /** How often to look whether the file was replaced, in milliseconds. Default 60,000; 0: never. */
  reloadEveryMs?: number
  /** Age in days from which {@link CountryFile} warns. Default 60: addresses move between countries every week. */
  warnAfterDays?: number
  /** Receives sentences about an old file or one that could not be reloaded. */
  warn?(message: string): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** An open country database. */
export interface CountryFile {
  lookup: CountryLookup
  /** When its data were compiled. */
  builtAt: Date
  /** Reads the file again if it was replaced. Keeps the old data, and warns, when the new file cannot be read. */
  reload(): Promise<void>
  /** Stops looking for a new file. */
  close(): void
}

/** The two shapes in the field: MaxMind's and DB-IP's nested one, and a flat one. */
type CountryRecord = { country?: { iso_code?: string }; country_code?: string }

/**
 * Opens a country database in MaxMind's format (`.mmdb`): GeoLite2-Country, DB-IP Country Lite, or another.
 *
 * The file is read once, in a few milliseconds, before anything is decided; look-ups are then synchronous. Special
 * addresses are answered before the look-up, because some databases give documentation addresses a country.
 *
 * @throws {Error} With a sentence that says what to do, when the file is missing or is no such database.
 */
export async function openCountryFile(path: string, options: CountryFileOptions = {}): Promise<CountryFile> {
  const { reloadEveryMs = 60_000, warnAfterDays = 60, warn = () => {}, now = Date.now } = options
  let opened = await open(path)

  function warnIfOld(): void {
    const days = Math.floor((now() - opened.builtAt.getTime()) / 86_400_000)
    if (days > warnAfterDays) {
      warn(
        `The country database is ${days} days old. Replace ${path} by a newer one; it is then read without a restart.`,
      )
    }
  }
  warnIfOld()

  async function reload(): Promise<void> {
    try {
      if ((await versionOf(path)) === opened.version) return
      opened = await open(path)
      warnIfOld()
    } catch (error) {
      warn(`${(error as Error).message} The data read before stay in use.`)
    }
  }
  const timer = reloadEveryMs > 0 ? setInterval(reload, reloadEveryMs).unref() : undefined

  return {
    get builtAt() {
      return opened.builtAt
    },
    lookup: address => {
      const { reader, known } = opened
      let finding = known.get(address)
      if (!finding) {
        finding = find(reader, address)
        if (known.size >= MAX_KNOWN) known.clear()
        known.set(address, finding)
      }
      return finding
    },
    reload,
    close: () => clearInterval(timer),
  }
}

function find(reader: Reader<never>, written: string): CountryFinding {
  const found = classifyAddress(written)
  if (found.kind === 'malformed') return { kind: 'unknown' }
  if (found.kind !== 'public') return { kind: 'special', range: found.range }
  const record = reader.get(found.address) as CountryRecord | null
  const code = record?.country?.iso_code ?? record?.country_code
  return code ? { kind: 'country', code } : { kind: 'unknown' }
}

interface OpenedFile {
  reader: Reader<never>
  builtAt: Date
  version: string
  /** Of addresses that asked lately. Walking through eight megabytes costs several times as much as all other policies. */
  known: Map<string, CountryFinding>
}

/** About three megabytes. */
const MAX_KNOWN = 20_000

async function open(path: string): Promise<OpenedFile> {
  const version = await versionOf(path)
  const bytes = await readFile(path).catch(cause => {
    throw unusable(path, cause)
  })
  let reader: Reader<never>
  try {
    reader = new Reader(bytes)
  } catch (cause) {
    throw new Error(`${path} is not a country database. Name a file in MaxMind's .mmdb format.`, { cause })
  }
  return { reader, builtAt: new Date(Number(reader.metadata.buildEpoch)), version, known: new Map() }
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path).catch(cause => {
    throw unusable(path, cause)
  })
  return `${ino}:${size}:${mtimeMs}`
}

function unusable(path: string, cause: NodeJS.ErrnoException): Error {
  return new Error(`The country database ${path} cannot be read (${cause.code}). Name an existing .mmdb file.`, {
    cause,
  })
}
