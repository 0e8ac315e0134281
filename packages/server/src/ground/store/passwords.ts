import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { PasswordCost } from './database.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32
/**
 * Hashing shares Node's four threads with file reads and name lookups. Two threads stay free for those. Without this limit, many
 * concurrent sign-ins would make the lookups of extensions time out.
 */
const MAX_HASHES_AT_ONCE = 2

const turns: (() => void)[] = []
let hashesRunning = 0

/** Hashes a password for storage: `scrypt.<cost>.<blockSize>.<parallelization>.<salt>.<hash>`. Runs off the main thread. */
export async function hashPassword(password: string, cost: PasswordCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, cost)
  const { cost: n, blockSize, parallelization } = cost
  return ['scrypt', n, blockSize, parallelization, salt.toString('base64url'), hash.toString('base64url')].join('.')
}

/**
 * Whether `password` matches the hash. Without a hash it does the same work and returns `false`, so that the duration does not
 * reveal whether a user exists.
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
    // Pass the turn to the next in the queue, so that no later caller overtakes it.
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
  // Twice the memory of the parameters, because OpenSSL also counts its working memory.
  const maxmem = 256 * cost * blockSize
  return new Promise((resolve, reject) => {
    scrypt(normalized, salt, HASH_BYTES, { cost, blockSize, parallelization, maxmem }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}
