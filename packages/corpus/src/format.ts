/**
 * The file that holds a corpus of breached passwords.
 *
 * | bytes | content |
 * |---|---|
 * | 0–7 | magic: a byte above 127, `PFPW`, CR, LF, EOF — a transfer in text mode visibly damages it |
 * | 8 | format version, 1 |
 * | 9 | kind: 1 sorted file, 2 binary fuse filter |
 * | 10 | digest of the password: 1 SHA-1, 2 SHA-256 |
 * | 11 | bits of the digest that choose a bucket (sorted file) or a shard (filter) |
 * | 12–15 | minimum count of a password in the corpus |
 * | 16–23 | number of keys |
 * | 24–31 | date of the source, milliseconds since the epoch |
 * | 32–39 | bytes of the table, which starts at 128 |
 * | 40–47 | bytes of the data, which follow the table |
 * | 48–63 | zero |
 * | 64–95 | SHA-256 of table and data |
 * | 96–127 | SHA-256 of the bytes 0–95 |
 *
 * Numbers are little endian; those of eight bytes are IEEE 754 doubles, exact for every integer that occurs.
 *
 * Of a digest the first 64 bits are the *key*. A **sorted file** has a table of `2^bits + 1` numbers of four bytes — the
 * index of the first key of each bucket — and five bytes of data for each key: the 40 bits after the bucket's, most
 * significant first. Two passwords are confused with a probability of keys per bucket / 2^40. A **filter** has a row of
 * four numbers per shard (keys, seed, segments, length of a segment) and the 16-bit fingerprints of each shard.
 */
export interface CorpusHeader {
  kind: CorpusKind
  digest: DigestKind
  prefixBits: number
  minimumCount: number
  keys: number
  sourceDateMs: number
  tableBytes: number
  dataBytes: number
  contentSha256: Uint8Array
}

/** `file`: a sorted file that is read from the disk; `filter`: a filter that is held in memory. */
export type CorpusKind = 'file' | 'filter'

/** The digest by which a corpus identifies its passwords. */
export type DigestKind = 'sha1' | 'sha256'

/** A corpus that cannot be used or built. The message states the file, the reason and what to do. */
export class CorpusError extends Error {
  override name = 'CorpusError'
}

export const HEADER_BYTES = 128
export const REST_BYTES = 5
export const SHARD_ROW_BYTES = 16

/** The first bytes of a corpus. */
export const MAGIC: Uint8Array = Uint8Array.of(0x89, 0x50, 0x46, 0x50, 0x57, 0x0d, 0x0a, 0x1a)
const VERSION = 1
const KINDS: readonly (CorpusKind | undefined)[] = [undefined, 'file', 'filter']
const DIGESTS: readonly (DigestKind | undefined)[] = [undefined, 'sha1', 'sha256']
const SIGNED_BYTES = 96

/** The header as written, with its own checksum. */
export async function encodeHeader(header: CorpusHeader): Promise<Uint8Array> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint8(8, VERSION)
  view.setUint8(9, KINDS.indexOf(header.kind))
  view.setUint8(10, DIGESTS.indexOf(header.digest))
  view.setUint8(11, header.prefixBits)
  view.setUint32(12, header.minimumCount, true)
  view.setFloat64(16, header.keys, true)
  view.setFloat64(24, header.sourceDateMs, true)
  view.setFloat64(32, header.tableBytes, true)
  view.setFloat64(40, header.dataBytes, true)
  bytes.set(header.contentSha256, 64)
  bytes.set(await sha256(bytes.subarray(0, SIGNED_BYTES)), SIGNED_BYTES)
  return bytes
}

/**
 * Reads a header and checks that it belongs to a complete file.
 *
 * @param name The name of the file in messages.
 * @param size Bytes of the whole file.
 * @throws {CorpusError} If it is another kind of file, of a newer version, damaged or truncated.
 */
export async function decodeHeader(bytes: Uint8Array, name: string, size: number): Promise<CorpusHeader> {
  if (bytes.length < HEADER_BYTES || !MAGIC.every((byte, index) => bytes[index] === byte)) {
    throw new CorpusError(`${name} is not a password corpus. Build one: preflow passwords build <source> --out <file>`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint8(8)
  if (version !== VERSION) {
    throw new CorpusError(
      `${name} has format ${version}, and this version reads ${VERSION}. Build it again, or update Preflow.`,
    )
  }
  const kind = KINDS[view.getUint8(9)]
  const digest = DIGESTS[view.getUint8(10)]
  const expected = await sha256(bytes.subarray(0, SIGNED_BYTES))
  if (!kind || !digest || !isEqual(expected, bytes.subarray(SIGNED_BYTES, HEADER_BYTES))) {
    throw new CorpusError(`${name} is damaged: its header does not match its checksum. ${AGAIN}`)
  }
  const header: CorpusHeader = {
    kind,
    digest,
    prefixBits: view.getUint8(11),
    minimumCount: view.getUint32(12, true),
    keys: view.getFloat64(16, true),
    sourceDateMs: view.getFloat64(24, true),
    tableBytes: view.getFloat64(32, true),
    dataBytes: view.getFloat64(40, true),
    contentSha256: bytes.slice(64, 96),
  }
  const expectedSize = HEADER_BYTES + header.tableBytes + header.dataBytes
  if (size !== expectedSize) {
    throw new CorpusError(`${name} is damaged: it has ${size} bytes and should have ${expectedSize}. ${AGAIN}`)
  }
  return header
}

/** What to do with a damaged file. */
export const AGAIN = 'Copy it again from where it was built, or build it again.'

export function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

/** For bytes in memory. Larger content is hashed while it is read. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}
