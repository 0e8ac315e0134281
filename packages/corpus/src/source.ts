import { hash } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CorpusError, type DigestKind, MAGIC } from './format.ts'

/** What a corpus is built from, recognised by its content. */
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
  /** A folder with a file for each of the first five hexadecimal digits, as the range API answers. */
  | { form: 'ranges'; digest: 'sha1'; names: string[] }
)

/** Range files in a complete download: one for each value of five hexadecimal digits. */
export const RANGES: number = 16 ** 5

const SAMPLE_BYTES = 65_536
/** Lines of a range, on average, in the corpora of the last years. Only the size of tables follows from it. */
const KEYS_PER_RANGE = 1500
const CONVERT = 'Unpack or convert it to plain text first.'
const FOREIGN: [signature: readonly number[] | Uint8Array, what: string, advice: string][] = [
  [[0x1f, 0x8b], 'a gzip archive', CONVERT],
  [[0x37, 0x7a, 0xbc, 0xaf], 'a 7z archive', CONVERT],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive', CONVERT],
  [[0xff, 0xfe], 'in UTF-16', CONVERT],
  [[0xfe, 0xff], 'in UTF-16', CONVERT],
  [MAGIC, 'a corpus already', 'Give the list that it was made of.'],
]
/** What some editors put before UTF-8. It is no part of the first password. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/**
 * Finds out what a path holds: digests with or without counts (`HASH:COUNT`), range files, or one password per line.
 *
 * @throws {CorpusError} When it holds none of them.
 */
export async function recogniseSource(path: string): Promise<CorpusSource> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw new CorpusError(`${path} does not exist. Give a list of passwords, of digests, or a folder of range files.`, {
      cause,
    })
  })
  const modifiedMs = Math.trunc(stats.mtimeMs)
  if (stats.isDirectory()) {
    const names = (await readdir(path)).filter(name => /^[0-9A-F]{5}(\.txt)?$/i.test(name)).sort()
    if (names.length === 0) {
      throw new CorpusError(`${path} holds no range files. They are called 00000.txt to FFFFF.txt.`)
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
      `${path} begins with a line of more than ${SAMPLE_BYTES} bytes. Give one password or digest a line.`,
    )
  }
  if (lines.length === 0) throw new CorpusError(`${path} has no lines to take passwords from.`)
  const estimatedKeys = Math.ceil((lines.length / whole) * stats.size)
  const found = { path, size: stats.size, modifiedMs, estimatedKeys }
  // Most lines decide: one damaged line must not turn a list of digests into a list of odd passwords.
  const digests = DIGEST_LINES.find(([pattern]) => lines.filter(line => pattern.test(line)).length * 2 > lines.length)
  if (!digests) return { form: 'passwords', ...found }
  const [, digest] = digests
  if (!digest) {
    throw new CorpusError(`${path} holds NTLM digests, which no platform shares. Download the corpus in SHA-1.`)
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

/** Takes one key; `false` stops the reading before its line. */
export type TakeKey = (high: number, low: number) => boolean

/** Turns one line into the key of a password. */
export type ReadLine = (bytes: Uint8Array, start: number, end: number, take: TakeKey) => boolean

const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? -1 : value
})
const COLON = 0x3a
const NEW_LINE = 0x0a
const RETURN = 0x0d

/**
 * Reads lines of `HASH:COUNT`, or only the rest of each hash when `prefix` holds what all of them begin with.
 *
 * @param minimumCount Smaller counts are left out. A line without a count counts as one.
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
    // Stays positive as long as everything read is a digit.
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

/** Reads one password per line, byte for byte: a platform digests exactly what was typed. */
export function passwordLines(digest: DigestKind): ReadLine {
  return (bytes, start, end, take) => {
    const result = hash(digest, bytes.subarray(start, end), 'buffer')
    return take(result.readUInt32BE(0), result.readUInt32BE(4))
  }
}

/** A line that is no digest. Where it is, is added by whoever knows it. */
class MalformedLine extends Error {
  override name = 'MalformedLine'
}

/** Reads a text file line by line in bounded memory, from any line on. */
export interface LineReader {
  /** Where the next line begins: here reading can go on in another process. */
  offset(): number
  /**
   * Reads until `take` stops it, or through one more chunk.
   *
   * @returns Whether there may be more: `false` when it was stopped or the last line was taken.
   */
  read(readLine: ReadLine, take: TakeKey): Promise<boolean>
  close(): Promise<void>
}

/**
 * @param from Where a line begins.
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
  // Every range has hundreds of lines; a download that broke off leaves an empty file.
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

const DOWNLOAD = 'The download is incomplete or damaged: start it again for this file.'

/** @param place Where the first of the bytes is, for a message about one of them. */
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
      // A last line without its end is a line.
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
