import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { PasswordCost } from './database.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32
/**
 * Hashing shares Node's four threads with file reads and name look-ups. Some are left to those: without this, a crowd that
 * signs in turns the look-ups of extensions into connect timeouts.
 */
const MAX_HASHES_AT_ONCE = 2

const turns: (() => void)[] = []
let hashesRunning = 0

/** Hashes a password for keeping: `scrypt.<cost>.<blockSize>.<parallelization>.<salt>.<hash>`. Off the main thread. */
export async function hashPassword(password: string, cost: PasswordCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, cost)
  const { cost: n, blockSize, parallelization } = cost
  return ['scrypt', n, blockSize, parallelization, salt.toString('base64url'), hash.toString('base64url')].join('.')
}

/**
 * Whether `password` is the one that was hashed. Without a hash it does the same work and answers `false`, so that the time
 * does not tell whether a user exists.
 */
export async function matchesPassword(
  kept: string | undefined,
  password: string,
  costWithoutHash: PasswordCost,
): Promise<boolean> {
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

async function derive(password: string, salt: Buffer, cost: PasswordCost): Promise<Buffer> {
  if (hashesRunning === MAX_HASHES_AT_ONCE) await new Promise<void>(resolve => turns.push(resolve))
  else hashesRunning++
  try {
    return await deriveNow(password, salt, cost)
  } finally {
    const next = turns.shift()
    // The turn is handed on, so that nobody who comes later takes it.
    if (next) next()
    else hashesRunning--
  }
}

function deriveNow(
  password: string,
  salt: Buffer,
  { cost, blockSize, parallelization }: PasswordCost,
): Promise<Buffer> {
  // The same password typed on another system may arrive in another Unicode form (RFC 8265, section 4).
  const normalized = password.normalize('NFC')
  // Twice what the parameters need: OpenSSL counts its working memory too.
  const maxmem = 256 * cost * blockSize
  return new Promise((resolve, reject) => {
    scrypt(normalized, salt, HASH_BYTES, { cost, blockSize, parallelization, maxmem }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}
