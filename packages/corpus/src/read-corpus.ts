import {
  AGAIN,
  CorpusError,
  type CorpusHeader,
  type CorpusKind,
  type DigestKind,
  decodeHeader,
  HEADER_BYTES,
  isEqual,
  REST_BYTES,
  SHARD_ROW_BYTES,
  sha256,
} from './format.ts'
import { type FuseShard, fuseHas } from './fuse.ts'

/** A corpus of breached passwords for lookups. */
export interface Corpus {
  kind: CorpusKind
  /** The digest for lookups. */
  digest: DigestKind
  keys: number
  /** Passwords that were seen less often are not in it. */
  minimumCount: number
  /** The date of the source, milliseconds since the epoch. */
  sourceDateMs: number
  /** The probability that a password outside the corpus is reported as inside. */
  falsePositiveRate: number
  /**
   * Whether a password is in the corpus. A negative answer is always right.
   *
   * @param digest The whole digest of the password's UTF-8 bytes, of the kind {@link Corpus.digest}.
   * @throws If the file cannot be read. A filter returns at once and never throws.
   */
  has(digest: Uint8Array): boolean | Promise<boolean>
  /** Closes the file. Lookups after that throw. */
  close(): Promise<void>
}

/** The source of the bytes of a corpus. */
export interface CorpusBytes {
  /** Its name in messages: a path. */
  name: string
  size: number
  /** Exactly `length` bytes; throws if there are fewer. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
  /** SHA-256 of everything from `offset` to the end. */
  sha256From(offset: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Bytes that are already in memory: an embedded list. */
export function corpusInMemory(name: string, bytes: Uint8Array): CorpusBytes {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    sha256From: offset => sha256(bytes.subarray(offset)),
    close: async () => {},
  }
}

/**
 * Opens a corpus.
 *
 * @param options.verify `content`, the default, reads the whole file once and compares it with its checksum: about a
 *   second per gigabyte. `header` checks only the header and the size.
 * @throws {CorpusError} If the file is foreign, damaged, truncated or of another version.
 */
export async function readCorpus(
  bytes: CorpusBytes,
  { verify = 'content' }: { verify?: 'content' | 'header' } = {},
): Promise<Corpus> {
  const header = await decodeHeader(await bytes.read(0, Math.min(HEADER_BYTES, bytes.size)), bytes.name, bytes.size)
  if (verify === 'content' && !isEqual(await bytes.sha256From(HEADER_BYTES), header.contentSha256)) {
    throw new CorpusError(`${bytes.name} is damaged: its content does not match its checksum. ${AGAIN}`)
  }
  const table = new Uint32Array(ownBuffer(await bytes.read(HEADER_BYTES, header.tableBytes)))
  return {
    kind: header.kind,
    digest: header.digest,
    keys: header.keys,
    minimumCount: header.minimumCount,
    sourceDateMs: header.sourceDateMs,
    ...(await kinds[header.kind](bytes, header, table)),
    close: () => bytes.close(),
  }
}

type Lookup = Pick<Corpus, 'has' | 'falsePositiveRate'>

const kinds: Record<CorpusKind, (bytes: CorpusBytes, header: CorpusHeader, table: Uint32Array) => Promise<Lookup>> = {
  file: async (bytes, { prefixBits, keys }, table) => {
    if (table.length !== 2 ** prefixBits + 1 || table[2 ** prefixBits] !== keys) throw inconsistent(bytes)
    const dataStart = HEADER_BYTES + table.byteLength
    return {
      falsePositiveRate: keys / 2 ** (prefixBits + 8 * REST_BYTES),
      has: digest => {
        const high = wordAt(digest, 0)
        const low = wordAt(digest, 4)
        const bucket = high >>> (32 - prefixBits)
        const first = table[bucket] as number
        const length = ((table[bucket + 1] as number) - first) * REST_BYTES
        if (length === 0) return false
        const restHigh = ((high << prefixBits) | (low >>> (32 - prefixBits))) >>> 0
        const restLow = (low << prefixBits) >>> 24
        const found = bytes.read(dataStart + first * REST_BYTES, length)
        return found instanceof Uint8Array
          ? hasRest(found, restHigh, restLow)
          : found.then(bucketBytes => hasRest(bucketBytes, restHigh, restLow))
      },
    }
  },
  filter: async (bytes, { prefixBits, keys, dataBytes }, table) => {
    const shards: FuseShard[] = []
    let offset = HEADER_BYTES + table.byteLength
    for (let row = 0; row < table.length; row += SHARD_ROW_BYTES / 4) {
      const [count = 0, seed = 0, segments = 0, segmentLength = 0] = table.subarray(row)
      const length = count === 0 ? 0 : (segments + 2) * segmentLength * 2
      if (offset + length > HEADER_BYTES + table.byteLength + dataBytes) throw inconsistent(bytes)
      const fingerprints = new Uint16Array(ownBuffer(await bytes.read(offset, length)))
      shards.push({ keys: count, seed, segments, segmentLength, fingerprints })
      offset += length
    }
    if (shards.length !== 2 ** prefixBits || shards.reduce((sum, shard) => sum + shard.keys, 0) !== keys) {
      throw inconsistent(bytes)
    }
    return {
      falsePositiveRate: 2 ** -16,
      has: digest => {
        const high = wordAt(digest, 0)
        // In two steps, because a shift by 32 has no effect.
        const shard = shards[(high >>> 1) >>> (31 - prefixBits)] as FuseShard
        return fuseHas(shard, high, wordAt(digest, 4))
      },
    }
  },
}

/** A copy, because numbers are read in place, and a part of another buffer may begin at any byte. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

function inconsistent({ name }: CorpusBytes): CorpusError {
  return new CorpusError(`${name} is damaged: its table does not match its header. ${AGAIN}`)
}

/** Four bytes of a digest, most significant first, as an unsigned number. */
function wordAt(digest: Uint8Array, index: number): number {
  return (
    (((digest[index] as number) << 24) |
      ((digest[index + 1] as number) << 16) |
      ((digest[index + 2] as number) << 8) |
      (digest[index + 3] as number)) >>>
    0
  )
}

/** Binary search over five-byte numbers in ascending order. */
function hasRest(bucket: Uint8Array, restHigh: number, restLow: number): boolean {
  let from = 0
  let to = bucket.length / REST_BYTES
  while (from < to) {
    const middle = (from + to) >>> 1
    const high = wordAt(bucket, middle * REST_BYTES)
    const low = bucket[middle * REST_BYTES + 4] as number
    if (high === restHigh && low === restLow) return true
    if (high < restHigh || (high === restHigh && low < restLow)) from = middle + 1
    else to = middle
  }
  return false
}
