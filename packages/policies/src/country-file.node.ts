import { readFile, stat } from 'node:fs/promises'
import { Reader } from 'mmdb-lib'
import type { CountryFinding, CountryLookup } from './country.ts'
import { classifyAddress } from './source-address.ts'

/** Options of a country file. */
export interface CountryFileOptions {
  /** Milliseconds between checks for a replaced file. Default 60,000; 0: never. */
  reloadEveryMs?: number
  /**
   * Age in days from which {@link CountryFile} warns. Default 60, because addresses move between countries every week.
   */
  warnAfterDays?: number
  /** Receives sentences about an old file or one that could not be reloaded. */
  warn?(message: string): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** An open country database. */
export interface CountryFile {
  lookup: CountryLookup
  /** When its data was compiled. */
  builtAt: Date
  /** Reads the file again if it was replaced. If the new file cannot be read, warns and keeps the old data. */
  reload(): Promise<void>
  /** Stops checking for a new file. */
  close(): void
}

/** The two common structures: the nested one of MaxMind and DB-IP, and a flat one. */
type CountryRecord = { country?: { iso_code?: string }; country_code?: string }

/**
 * Opens a country database in MaxMind's format (`.mmdb`): GeoLite2-Country, DB-IP Country Lite, or another.
 *
 * The file is read once, in a few milliseconds, before any decision. Lookups are then synchronous. Special addresses
 * are not looked up, because some databases assign a country to documentation addresses.
 *
 * @throws {Error} With a sentence that states what to do, if the file is missing or not such a database.
 */
export async function openCountryFile(path: string, options: CountryFileOptions = {}): Promise<CountryFile> {
  const { reloadEveryMs = 60_000, warnAfterDays = 60, warn = () => {}, now = Date.now } = options
  let opened = await open(path)

  function warnIfOld(): void {
    const days = Math.floor((now() - opened.builtAt.getTime()) / 86_400_000)
    if (days > warnAfterDays) {
      warn(`The country database is ${days} days old. Replace ${path} with a newer one; no restart is needed.`)
    }
  }
  warnIfOld()

  async function reload(): Promise<void> {
    try {
      if ((await versionOf(path)) === opened.version) return
      opened = await open(path)
      warnIfOld()
    } catch (error) {
      warn(`${(error as Error).message} The earlier data stays in use.`)
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
  /** For recent addresses. Searching eight megabytes costs several times as much as all other policies. */
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
    throw new Error(`${path} is not a country database. Specify a file in MaxMind's .mmdb format.`, { cause })
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
  return new Error(`The country database ${path} cannot be read (${cause.code}). Specify an existing .mmdb file.`, {
    cause,
  })
}
