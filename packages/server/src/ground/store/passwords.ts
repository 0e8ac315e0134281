import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { createTurns, type TurnHolder } from '@preflow/engine'
import { codeOfStatus, Problem } from '../problem.ts'

/** The cost of checking one password: the parameters of scrypt (RFC 7914). They are stored with each hash. */
export interface PasswordCost {
  /** Cost in memory and time, a power of two. It uses `128 * blockSize * cost` bytes. */
  cost: number
  blockSize: number
  /** Cost in time only. */
  parallelization: number
}

/** How many passwords are hashed at once, and how many wait. */
export interface HashingLimits {
  /** Default 2. Hashing uses Node's four threads, and name lookups and file reads need the others. */
  atOnce: number
  /** Default 64. One tenant may use half of the places, and one network an eighth. */
  waiting: number
}

export const DEFAULT_HASHING: HashingLimits = { atOnce: 2, waiting: 64 }

/**
 * Hashes and checks passwords, off the main thread. Tenants take turns. A {@link Busy} is thrown if too many wait, or after ten
 * seconds of waiting.
 */
export interface Passwords {
  /** Hashes a password for storage: `scrypt.<cost>.<blockSize>.<parallelization>.<salt>.<hash>`. */
  hash(password: string, holder: TurnHolder): Promise<string>
  /**
   * Whether `password` is the one that was hashed. Without a hash it takes the same time and returns `false`, so that the time
   * does not show whether a user exists.
   */
  matches(kept: string | undefined, password: string, holder: TurnHolder): Promise<boolean>
}

/** Too many passwords are being checked. */
export class Busy extends Problem {
  override name = 'Busy'
}

/** A full queue takes some seconds. */
export const RETRY_AFTER_SECONDS = 5
const MAX_WAIT_MS = 10_000
const SALT_BYTES = 16
const HASH_BYTES = 32

/** @param cost The cost of new hashes. */
export function createPasswords(cost: PasswordCost, { atOnce, waiting }: HashingLimits = DEFAULT_HASHING): Passwords {
  const turns = createTurns({
    atOnce,
    waiting,
    waitingPerOwner: Math.ceil(waiting / 2),
    waitingPerGuest: Math.ceil(waiting / 8),
  })

  async function inTurn<Value>(holder: TurnHolder, work: () => Promise<Value>): Promise<Value> {
    const turn = Promise.withResolvers<void>()
    const place = turns.enter(holder, turn.resolve)
    if (!place) throw busy()
    const timer = setTimeout(() => turn.reject(busy()), MAX_WAIT_MS)
    try {
      await turn.promise
      clearTimeout(timer)
      return await work()
    } finally {
      clearTimeout(timer)
      place.leave()
    }
  }

  return {
    hash: (password, holder) =>
      inTurn(holder, async () => {
        const salt = randomBytes(SALT_BYTES)
        const { cost: n, blockSize, parallelization } = cost
        const hash = await derive(password, salt, cost)
        const parts = [n, blockSize, parallelization, salt.toString('base64url'), hash.toString('base64url')]
        return ['scrypt', ...parts].join('.')
      }),
    matches: (kept, password, holder) => inTurn(holder, () => matches(kept, password, cost)),
  }
}

function busy(): Busy {
  return new Busy(503, codeOfStatus(503), 'Too many passwords are being checked. Try again later.', {
    title: 'Service Unavailable.',
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  })
}

async function matches(kept: string | undefined, password: string, costWithoutHash: PasswordCost): Promise<boolean> {
  const [, cost, blockSize, parallelization, salt, hash] = kept?.split('.') ?? []
  if (salt === undefined || hash === undefined) {
    await derive(password, Buffer.alloc(SALT_BYTES), costWithoutHash)
    return false
  }
  const derived = await derive(password, Buffer.from(salt, 'base64url'), {
    cost: Number(cost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  })
  const expected = Buffer.from(hash, 'base64url')
  return expected.length === derived.length && timingSafeEqual(expected, derived)
}

function derive(password: string, salt: Buffer, { cost, blockSize, parallelization }: PasswordCost): Promise<Buffer> {
  // The same password typed on another system may arrive in another Unicode form (RFC 8265, section 4).
  const normalized = password.normalize('NFC')
  // Twice the memory of the parameters, because OpenSSL also counts its working memory.
  const maxmem = 256 * cost * blockSize
  return new Promise((resolve, reject) => {
    scrypt(normalized, salt, HASH_BYTES, { cost, blockSize, parallelization, maxmem }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}
