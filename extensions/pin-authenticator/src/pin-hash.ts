import { createHash, createHmac, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * The result of a PIN check.
 *
 * `outdated`: right, but hashed with an older pepper or another cost; hash it again. `unreadable`: hashed with a pepper
 * that is not configured, so it cannot be checked; enrol the user again.
 */
export type PinCheck = 'right' | 'outdated' | 'wrong' | 'unreadable'

/** Creates and checks what is stored instead of a PIN. */
export interface PinHasher {
  /** The string to store. It matches only for this user, so a copy in another row matches no PIN. */
  hash(userId: string, pin: string): Promise<string>
  /** Takes as long for a user without a PIN (`stored` is undefined) as for a wrong PIN. */
  check(userId: string, pin: string, stored: string | undefined): Promise<PinCheck>
  /** A pseudonym for a counter, because people type PINs into the wrong field. */
  disguise(text: string): string
}

export interface PinHasherOptions {
  /**
   * Secret of the deployment, not in the database. Without it, six digits are guessed from a stolen table in seconds.
   */
  pepper: string
  /** The previous pepper. PINs hashed with it still work, and are hashed again when they are entered. */
  previousPepper?: string | undefined
  /** log2 of scrypt's N. 15 means 32 MiB for each PIN check. */
  costLog2: number
  randomBytes(length: number): Uint8Array
}

const BLOCK_SIZE = 8
// N = 2^15 with these parameters is equivalent to N = 2^17, p = 1 in the OWASP Password Storage Cheat Sheet, with a
// quarter of the memory.
const PARALLELIZATION = 3
const SALT_BYTES = 16
const HASH_BYTES = 32
const STORED = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2}),k=([\w-]{8})\$([\w-]{22})\$([\w-]{43})$/

const derive = promisify<Buffer, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)

interface Stored {
  costLog2: number
  blockSize: number
  parallelization: number
  pepperId: string
  salt: Buffer
  hash: Buffer
}

/** Hashes PINs with scrypt (RFC 7914) over an HMAC with the pepper. The parameters are stored with each hash. */
export function createPinHasher(options: PinHasherOptions): PinHasher {
  const peppers = new Map(
    [options.pepper, options.previousPepper]
      .filter(pepper => pepper !== undefined)
      .map(pepper => [identify(pepper), pepper]),
  )
  const pepperId = identify(options.pepper)
  const present = { costLog2: options.costLog2, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION, pepperId }
  const nobody: Stored = {
    ...present,
    salt: Buffer.from(options.randomBytes(SALT_BYTES)),
    hash: Buffer.from(options.randomBytes(HASH_BYTES)),
  }

  function stretch(userId: string, pin: string, pepper: string, form: Omit<Stored, 'hash'>): Promise<Buffer> {
    // The length separates user `12` with PIN 3456 from user `1` with PIN 23456.
    const peppered = createHmac('sha256', pepper).update(`${userId.length}:${userId}:${pin}`).digest()
    const cost = 2 ** form.costLog2
    const memoryBytes = 128 * cost * form.blockSize
    return derive(peppered, form.salt, HASH_BYTES, {
      N: cost,
      r: form.blockSize,
      p: form.parallelization,
      maxmem: 2 * memoryBytes,
    })
  }

  return {
    async hash(userId, pin) {
      const salt = Buffer.from(options.randomBytes(SALT_BYTES))
      const hash = await stretch(userId, pin, options.pepper, { ...present, salt })
      return write({ ...present, salt, hash })
    },

    async check(userId, pin, stored) {
      const read = stored === undefined ? nobody : parse(stored)
      const pepper = read && peppers.get(read.pepperId)
      // The work is the same for every user, so the time reveals nothing.
      const form = read && pepper !== undefined ? read : nobody
      const equal = timingSafeEqual(await stretch(userId, pin, pepper ?? options.pepper, form), form.hash)
      if (form !== read) return 'unreadable'
      if (!equal || form === nobody) return 'wrong'
      return write(form).startsWith(prefix(present)) ? 'right' : 'outdated'
    },

    disguise: text => createHmac('sha256', options.pepper).update(`counter:${text}`).digest('base64url'),
  }
}

/** Identifies a pepper without revealing it. */
function identify(pepper: string): string {
  return createHash('sha256').update('preflow pin pepper').update(pepper).digest('base64url').slice(0, 8)
}

function prefix(form: Omit<Stored, 'salt' | 'hash'>): string {
  return `$scrypt$ln=${form.costLog2},r=${form.blockSize},p=${form.parallelization},k=${form.pepperId}$`
}

function write(form: Stored): string {
  return `${prefix(form)}${form.salt.toString('base64url')}$${form.hash.toString('base64url')}`
}

function parse(stored: string): Stored | undefined {
  const [, costLog2, blockSize, parallelization, pepperId = '', salt = '', hash = ''] = STORED.exec(stored) ?? []
  if (costLog2 === undefined) return undefined
  return {
    costLog2: Number(costLog2),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
    pepperId,
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  }
}
