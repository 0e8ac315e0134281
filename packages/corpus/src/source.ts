import { hash } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CorpusError, type DigestKind, MAGIC } from './format.ts'

/** The source of a corpus, as recognized by its content. */
export type CorpusSource = {
  path: string
  /** Of the whole source; for a folder, the number of its range files. */
  size: number
  modifiedMs: number
  /** From the size and the length of the first lines. */
  estimatedKeys: number
} & (
  | { form: 'digests'; digest: DigestKind; isSorted: boolean }
  | { form: 'passwords' }
  /** A folder with a file for each value of the first five hexadecimal digits, as in the range API. */
  | { form: 'ranges'; digest: 'sha1'; names: string[] }
)

/** Range files in a complete download: one for each value of five hexadecimal digits. */
export const RANGES: number = 16 ** 5

const SAMPLE_BYTES = 65_536
/** The average number of lines of a range in recent corpora. Only the size of tables depends on it. */
const KEYS_PER_RANGE = 1500
const CONVERT = 'Unpack or convert it to plain text first.'
const FOREIGN: [signature: readonly number[] | Uint8Array, what: string, advice: string][] = [
  [[0x1f, 0x8b], 'a gzip archive', CONVERT],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7z archive', CONVERT],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive', CONVERT],
  [[0xff, 0xfe], 'in UTF-16', CONVERT],
  [[0xfe, 0xff], 'in UTF-16', CONVERT],
  [MAGIC, 'a corpus already', 'Use the list that it was built from.'],
]
/** Some editors write it before UTF-8. It is not part of the first password. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Detects the content of a path: digests with or without counts (`HASH:COUNT`), range files, or one password per line.
 *
 * @throws {CorpusError} If it has none of these forms.
 */
export async function recogniseSource(path: string): Promise<CorpusSource> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new CorpusError(
      `${path} does not exist. Use a list of passwords, a list of digests, or a folder of range files.`,
      {
        cause,
      },
    )
  })
  const modifiedMs = Math.trunc(stats.mtimeMs)
  if (stats.isDirectory()) {
    const names = (await readdir(path)).filter(name => /^[0-9A-F]{5}(\.txt)?$/i.test(name)).sort()
    if (names.length === 0) {
      throw new CorpusError(`${path} contains no range files. They are called 00000.txt to FFFFF.txt.`)
    }
    const estimatedKeys = names.length * KEYS_PER_RANGE
    return { form: 'ranges', digest: 'sha1', path, size: names.length, modifiedMs, estimatedKeys, names }
  }
  const file = await open(path)
  const sample = Buffer.alloc(Math.min(SAMPLE_BYTES, stats.size))
  await file.read(sample, 0, sample.length, 0).finally(() => file.close())
  const [, what, advice] = FOREIGN.find(([signature]) => beginsWith(sample, signature)) ?? []
  if (what) throw new CorpusError(`${path} is ${what}. ${advice}`)
  const whole = sample.length === stats.size ? sample.length : sample.lastIndexOf('\n') + 1
  const from = beginsWith(sample, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  const lines = sample.toString('latin1', from, whole).split(/\r?\n/).filter(Boolean)
  if (whole === 0 && sample.length > 0) {
    throw new CorpusError(
      `${path} begins with a line of more than ${SAMPLE_BYTES} bytes. Write one password or digest per line.`,
    )
  }
  if (lines.length === 0) throw new CorpusError(`${path} has no lines with passwords.`)
  const estimatedKeys = Math.ceil((lines.length / whole) * stats.size)
  const found = { path, size: stats.size, modifiedMs, estimatedKeys }
  // The majority of lines decides: one damaged line must not turn a list of digests into a list of odd passwords.
  const digests = DIGEST_LINES.find(([pattern]) => lines.filter(line => pattern.test(line)).length * 2 > lines.length)
  if (!digests) return { form: 'passwords', ...found }
  const [, digest] = digests
  if (!digest) {
    throw new CorpusError(`${path} contains NTLM digests, which no platform shares. Download the corpus in SHA-1.`)
  }
  const order = lines.map(line => line.slice(0, 16).toUpperCase())
  return { form: 'digests', digest, isSorted: order.every((key, index) => key >= (order[index - 1] ?? '')), ...found }
}

function beginsWith(bytes: Uint8Array, signature: readonly number[] | Uint8Array): boolean {
  return signature.every((byte, index) => bytes[index] === byte)
}

const DIGEST_LINES: [RegExp, DigestKind | undefined][] = [
  [/^[0-9a-f]{40}(:\d+)?$/i, 'sha1'],
  [/^[0-9a-f]{64}(:\d+)?$/i, 'sha256'],
  [/^[0-9a-f]{32}(:\d+)?$/i, undefined],
]

/** Receives one key; `false` stops the reading before its line. */
export type TakeKey = (high: number, low: number) => boolean

/** Converts one line into the key of a password. */
export type ReadLine = (bytes: Uint8Array, start: number, end: number, take: TakeKey) => boolean

const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? -1 : value
})
const COLON = 0x3a
const NEW_LINE = 0x0a
const RETURN = 0x0d

/**
 * Reads lines of `HASH:COUNT`, or only the rest of each hash if `prefix` is their common beginning.
 *
 * @param minimumCount Smaller counts are omitted. A line without a count counts as one.
 */
export function digestLines(digest: DigestKind, minimumCount: number, prefix = ''): ReadLine {
  const digits = { sha1: 40, sha256: 64 }[digest] - prefix.length
  const given = Number.parseInt(`0${prefix}`, 16)
  const lastOfHigh = 8 - prefix.length
  const lastOfKey = 16 - prefix.length
  return (bytes, start, end, take) => {
    if (end - start < digits || end - start === digits + 1) throw new MalformedLine()
    let high = given
    let low = 0
    // Stays positive while everything read is a digit.
    let sign = 0
    for (let index = 0; index < digits; index++) {
      const value = HEX[bytes[start + index] as number] as number
      sign |= value
      if (index < lastOfHigh) high = (high << 4) | value
      else if (index < lastOfKey) low = (low << 4) | value
    }
    let count = 1
    if (end - start > digits) {
      if (bytes[start + digits] !== COLON) sign = -1
      count = 0
      for (let index = start + digits + 1; index < end; index++) {
        const value = HEX[bytes[index] as number] as number
        sign |= value > 9 ? -1 : value
        count = count * 10 + value
      }
    }
    if (sign < 0) throw new MalformedLine()
    return count < minimumCount || take(high >>> 0, low >>> 0)
  }
}

/** Reads one password per line, byte for byte, because a platform hashes exactly what was entered. */
export function passwordLines(digest: DigestKind): ReadLine {
  return (bytes, start, end, take) => {
    const result = hash(digest, bytes.subarray(start, end), 'buffer')
    return take(result.readUInt32BE(0), result.readUInt32BE(4))
  }
}

/** A line that is not a digest. The caller adds its position. */
class MalformedLine extends Error {
  override name = 'MalformedLine'
}

/** Reads a file line by line in bounded memory, starting at any line. */
export interface LineReader {
  /** The position of the next line, from which another process can continue. */
  offset(): number
  /**
   * Reads until `take` stops it, or through one more chunk.
   *
   * @returns Whether there may be more: `false` after a stop or the last line.
   */
  read(readLine: ReadLine, take: TakeKey): Promise<boolean>
  close(): Promise<void>
}

/**
 * @param from The position of a line.
 * @param chunkBytes Bytes read at a time; a line must be shorter.
 */
export async function openLines(path: string, from: number, chunkBytes: number): Promise<LineReader> {
  const file: FileHandle = await open(path)
  const buffer = new Uint8Array(chunkBytes)
  let bufferOffset = from
  let start = 0
  let filled = 0
  let isAtEnd = false

  async function refill(): Promise<void> {
    buffer.copyWithin(0, start, filled)
    bufferOffset += start
    filled -= start
    start = 0
    if (filled === chunkBytes) throw new CorpusError(`${path} has a line of more than ${chunkBytes} bytes.`)
    const { bytesRead } = await file.read(buffer, filled, chunkBytes - filled, bufferOffset + filled)
    if (bufferOffset === 0 && filled === 0 && beginsWith(buffer, BYTE_ORDER_MARK)) start = BYTE_ORDER_MARK.length
    filled += bytesRead
    isAtEnd = bytesRead === 0
  }

  return {
    offset: () => bufferOffset + start,
    read: async (readLine, take) => {
      const first = scanLines({ path, offset: bufferOffset }, buffer, start, filled, isAtEnd, readLine, take)
      start = first.next
      if (first.stopped || isAtEnd) return false
      await refill()
      return true
    },
    close: () => file.close(),
  }
}

/** Reads one range file. `name` is five digits, with or without `.txt`. */
export async function readRange(folder: string, name: string, minimumCount: number, take: TakeKey): Promise<void> {
  const path = join(folder, name)
  const bytes = await readFile(path)
  // Every range has hundreds of lines. An aborted download leaves an empty file.
  if (bytes.length === 0) throw new CorpusError(`${path} is empty. ${DOWNLOAD}`)
  scanLines(
    { path, offset: 0 },
    bytes,
    0,
    bytes.length,
    true,
    digestLines('sha1', minimumCount, name.slice(0, 5)),
    take,
  )
}

const DOWNLOAD = 'The download is incomplete or damaged. Download this file again.'

/** @param place The position of the first byte, for messages. */
function scanLines(
  place: { path: string; offset: number },
  bytes: Uint8Array,
  from: number,
  to: number,
  isLast: boolean,
  readLine: ReadLine,
  take: TakeKey,
): { next: number; stopped: boolean } {
  let start = from
  try {
    for (let at = start; at <= to; at++) {
      // The last line may have no line break.
      if (at === to ? !isLast : bytes[at] !== NEW_LINE) continue
      const end = at > start && bytes[at - 1] === RETURN ? at - 1 : at
      if (end > start && !readLine(bytes, start, end, take)) return { next: start, stopped: true }
      start = Math.min(at + 1, to)
    }
    return { next: start, stopped: false }
  } catch (cause) {
    if (!(cause instanceof MalformedLine)) throw cause
    const at = place.offset + start
    throw new CorpusError(`${place.path} has a line at its byte ${at} that is not HASH:COUNT. ${DOWNLOAD}`, { cause })
  }
}
