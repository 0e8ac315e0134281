import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import * as z from 'zod/mini'
import {
  CorpusError,
  type CorpusKind,
  type DigestKind,
  encodeHeader,
  HEADER_BYTES,
  REST_BYTES,
  SHARD_ROW_BYTES,
} from './format.ts'
import { buildFuse } from './fuse.ts'
import {
  type CorpusSource,
  digestLines,
  type LineReader,
  openLines,
  passwordLines,
  RANGES,
  type ReadLine,
  readRange,
  recogniseSource,
  type TakeKey,
} from './source.ts'

/** What to build, and from which source. */
export interface CorpusBuild {
  /**
   * A file with one password per line, a file of `HASH:COUNT` in any order, or a folder of range files as the
   * downloaders of Pwned Passwords write it. The content determines which.
   */
  source: string
  /** The path of the corpus. It appears there at the end, complete, and replaces an existing file. */
  out: string
  /**
   * `file` (default): exact, read from the disk, five bytes per key. `filter`: in memory, 18 bits per key, one false
   * positive in 65,536.
   */
  kind?: CorpusKind
  /** For a list of passwords: the digest to compute, default `sha1`. For digests: their kind. */
  digest?: DigestKind
  /** Passwords that were seen less often are omitted. Default 1: all. */
  minimumCount?: number
  /**
   * Builds from a folder even if range files are missing. Default `false`, because the passwords in them would be
   * accepted.
   */
  mayBePartial?: boolean
  /** Stops the build soon. Finished work is kept, and the same build continues from there. */
  signal?: AbortSignal
  onProgress?(progress: BuildProgress): void
  /**
   * Sizes of the pieces, for tests. Defaults: a million keys per slice, 4 MiB per chunk, a checkpoint every 64 chunks.
   */
  pieces?: { keysPerSlice?: number; chunkBytes?: number; chunksPerCheckpoint?: number }
}

/** The progress of a build. */
export interface BuildProgress {
  /**
   * `sorting`: distributes lines by their digest; `writing`: writes the corpus; `checking`: reads it once for its
   * checksum.
   */
  step: 'sorting' | 'writing' | 'checking'
  done: number
  total: number
  /** Distinct passwords in the corpus so far. */
  keys: number
}

/** The result of a build. */
export interface CorpusSummary {
  path: string
  kind: CorpusKind
  digest: DigestKind
  keys: number
  bytes: number
  /** Whether an earlier, interrupted run had done a part. */
  resumed: boolean
}

/**
 * Builds a corpus in bounded memory: less than 400 MB for any size of the source.
 *
 * The keys are divided into slices of about a million by their first bits. A sorted source is read slice by slice. Any
 * other source is first distributed into one file per slice. The folder `<out>.build` beside `out` contains the work
 * and a checkpoint. After the process was killed, the same call compares the disk with the checkpoint and continues
 * from there.
 *
 * @throws {CorpusError} If the source is not usable.
 * @throws The reason of `signal` if it aborts.
 */
export async function buildCorpus(build: CorpusBuild): Promise<CorpusSummary> {
  const plan = await planOf(build)
  const { source, kind, digest, minimumCount } = plan
  const work = await openWork(`${build.out}.build`, plan.identity, plan.tableBytes)
  const { state } = work
  const resumed = state.slice > 0 || state.offset > 0
  try {
    await writeSlices(plan, work)
    if (state.keys === 0) throw new CorpusError(`${source.path} has no password that was seen ${minimumCount} times.`)
    const bytes = await seal(plan, work)
    await rename(work.corpusPath, build.out)
    await rm(work.folder, { recursive: true })
    return { path: build.out, kind, digest, keys: state.keys, bytes, resumed }
  } finally {
    await work.close()
  }
}

/** How a source becomes a corpus: everything that is known before the first key is read. */
interface Plan {
  source: CorpusSource
  kind: CorpusKind
  digest: DigestKind
  minimumCount: number
  /** The number of bits of a key that select its slice. */
  sliceBits: number
  slices: number
  /** The number of bits of a key that select its bucket or shard. */
  prefixBits: number
  tableBytes: number
  chunkBytes: number
  chunksPerCheckpoint: number
  signal: AbortSignal | undefined
  onProgress(progress: BuildProgress): void
  /** Continuing an interrupted build requires the same value. */
  identity: string
}

async function planOf(build: CorpusBuild): Promise<Plan> {
  const { kind = 'file', minimumCount = 1, onProgress = () => {} } = build
  const { keysPerSlice = 2 ** 20, chunkBytes = 2 ** 22, chunksPerCheckpoint = 64 } = build.pieces ?? {}
  const source = await recogniseSource(build.source)
  const digest = digestOf(source, build)
  if (source.form === 'ranges' && source.size < RANGES && !build.mayBePartial) {
    throw new CorpusError(
      `${source.path} contains ${source.size} of ${RANGES} range files. Finish the download. Otherwise passwords in the missing files would be accepted.`,
    )
  }
  const sliceBits = bitsFor(source.estimatedKeys / keysPerSlice, 0, 12)
  // In steps of four, so that with as many keys as in the range API, a bucket is one range.
  const bucketBits = Math.ceil(bitsFor(source.estimatedKeys / KEYS_PER_BUCKET, 8, 24) / 4) * 4
  const prefixBits = kind === 'file' ? Math.max(bucketBits, sliceBits) : sliceBits
  const tableBytes = kind === 'file' ? (2 ** prefixBits + 1) * 4 : 2 ** prefixBits * SHARD_ROW_BYTES
  const identity = JSON.stringify([
    [resolve(source.path), source.size, source.modifiedMs],
    [kind, digest, minimumCount, sliceBits, prefixBits],
  ])
  return {
    ...{ source, kind, digest, minimumCount, sliceBits, slices: 2 ** sliceBits, prefixBits, tableBytes },
    ...{ chunkBytes, chunksPerCheckpoint, signal: build.signal, onProgress, identity },
  }
}

/** Appends each slice to the corpus, starting at the checkpoint. */
async function writeSlices(plan: Plan, work: Work): Promise<void> {
  const { kind, slices, prefixBits, signal, onProgress } = plan
  const { state } = work
  const keysOf = await openSlices(plan, work)
  const encode = encoders[kind]
  const keys = createKeyList()
  try {
    while (state.slice < slices) {
      signal?.throwIfAborted()
      keys.clear()
      const offset = await keysOf.read(state.slice, keys)
      const distinct = keys.sortDistinct()
      const encoded = encode(distinct, { slice: state.slice, slices, prefixBits, keysBefore: state.keys })
      await work.append('table', encoded.table)
      await work.append('data', encoded.data)
      state.keys += distinct.length / 2
      state.slice += 1
      state.offset = offset
      if (state.keys >= 2 ** 32)
        throw new CorpusError('More than 4,294,967,295 passwords do not fit. Raise --min-count.')
      await work.checkpoint()
      await keysOf.forget(state.slice - 1)
      onProgress({ step: 'writing', done: state.slice, total: slices, keys: state.keys })
    }
  } finally {
    await keysOf.close()
  }
}

/** Reads the keys of each slice, starting at the checkpoint. */
async function openSlices(plan: Plan, work: Work): Promise<SliceReader> {
  const { source, digest, minimumCount, sliceBits, chunkBytes, signal } = plan
  const { state } = work
  if (source.form === 'ranges') return rangeSlices(source, minimumCount, sliceBits)
  const readLine = source.form === 'passwords' ? passwordLines(digest) : digestLines(digest, minimumCount)
  if (source.form === 'digests' && source.isSorted) {
    const lines = await openLines(source.path, state.offset, chunkBytes)
    return sortedSlices(source, lines, sliceBits, take => lines.read(readLine, take), signal)
  }
  if (state.dealt === undefined) await dealOut(plan, work, readLine)
  return dealtSlices(work.folder, state.parts ?? [])
}

/** Distributes the keys of an unsorted source into one file per slice. */
async function dealOut(plan: Plan, work: Work, readLine: ReadLine): Promise<void> {
  const { source, slices, sliceBits, chunkBytes, chunksPerCheckpoint, signal, onProgress } = plan
  const { state } = work
  const deal = createDeal(work.folder, slices, state.parts)
  const lines = await openLines(source.path, state.offset, chunkBytes)
  const take: TakeKey = (high, low) => {
    deal.add(sliceOf(high, sliceBits), high, low)
    return true
  }
  try {
    for (let chunk = 1, isMore = true; isMore; chunk++) {
      isMore = await lines.read(readLine, take)
      onProgress({ step: 'sorting', done: lines.offset(), total: source.size, keys: 0 })
      if (isMore && !signal?.aborted && chunk % chunksPerCheckpoint > 0) continue
      state.parts = deal.flush()
      state.offset = lines.offset()
      if (!isMore) state.dealt = true
      await work.checkpoint()
      signal?.throwIfAborted()
    }
  } finally {
    await lines.close()
  }
}

/** Reads the written data once for its checksum, and writes the header. Returns the bytes of the corpus. */
async function seal(plan: Plan, work: Work): Promise<number> {
  const { kind, digest, prefixBits, minimumCount, source, tableBytes, chunkBytes, signal, onProgress } = plan
  const { state } = work
  if (kind === 'file' && state.table.bytes < tableBytes) await work.append('table', Uint32Array.of(state.keys))
  const dataBytes = state.data.bytes
  const contentSha256 = createHash('sha256')
  const total = tableBytes + dataBytes
  let done = 0
  for (const { bytes, crc } of [state.table, state.data]) {
    let readCrc = 0
    for (const end = done + bytes; done < end; ) {
      signal?.throwIfAborted()
      const part = await work.read(HEADER_BYTES + done, Math.min(chunkBytes, end - done))
      contentSha256.update(part)
      readCrc = continueCrc(part, readCrc)
      done += part.length
      onProgress({ step: 'checking', done, total, keys: state.keys })
    }
    // Without this check, another process that builds the same corpus, or a failing disk, would never be noticed.
    if (readCrc !== crc) throw damaged(work.folder)
  }
  await work.writeHeader(
    await encodeHeader({
      ...{ kind, digest, prefixBits, minimumCount, keys: state.keys, sourceDateMs: source.modifiedMs },
      ...{ tableBytes, dataBytes, contentSha256: contentSha256.digest() },
    }),
  )
  return HEADER_BYTES + total
}

const KEYS_PER_BUCKET = 1024

function damaged(folder: string): CorpusError {
  return new CorpusError(`${folder} was changed or damaged while the corpus was built. Remove it and start again.`)
}

function digestOf(source: CorpusSource, { digest, minimumCount = 1 }: CorpusBuild): DigestKind {
  if (source.form === 'passwords') {
    if (minimumCount > 1) {
      throw new CorpusError(`${source.path} is a list of passwords without counts. Remove --min-count.`)
    }
    return digest ?? 'sha1'
  }
  if (digest && digest !== source.digest) {
    throw new CorpusError(
      `${source.path} contains ${source.digest} digests, and a digest cannot be converted into another. For ${digest} use a list of passwords.`,
    )
  }
  return source.digest
}

/** The smallest number of bits that can distinguish so many values, within limits. */
function bitsFor(count: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.ceil(Math.log2(Math.max(1, count)))))
}

function sliceOf(high: number, sliceBits: number): number {
  return (high >>> 1) >>> (31 - sliceBits)
}

// --- The content of a slice -----------------------------------------------------------------------------------------

interface Encoded {
  table: Uint32Array
  data: Uint8Array
}

const encoders: Record<
  CorpusKind,
  (
    /** Pairs of words, low before high, in ascending order. */
    keys: Uint32Array,
    place: { slice: number; slices: number; prefixBits: number; keysBefore: number },
  ) => Encoded
> = {
  file: (keys, { slice, slices, prefixBits, keysBefore }) => {
    const buckets = 2 ** prefixBits / slices
    const table = new Uint32Array(buckets)
    const data = new Uint8Array((keys.length / 2) * REST_BYTES)
    let bucket = 0
    for (let key = 0, at = 0; key < keys.length; key += 2, at += REST_BYTES) {
      const low = keys[key] as number
      const high = keys[key + 1] as number
      const own = (high >>> (32 - prefixBits)) - slice * buckets
      for (; bucket <= own; bucket++) table[bucket] = keysBefore + key / 2
      const rest = (high << prefixBits) | (low >>> (32 - prefixBits))
      data[at] = rest >>> 24
      data[at + 1] = rest >>> 16
      data[at + 2] = rest >>> 8
      data[at + 3] = rest
      data[at + 4] = (low << prefixBits) >>> 24
    }
    table.fill(keysBefore + keys.length / 2, bucket)
    return { table, data }
  },
  filter: keys => {
    const shard = buildFuse(keys)
    const table = Uint32Array.of(shard.keys, shard.seed, shard.segments, shard.segmentLength)
    return { table, data: new Uint8Array(shard.fingerprints.buffer) }
  },
}

/** A growing list of keys that sorts itself and removes duplicates. */
interface KeyList {
  add(high: number, low: number): void
  addAll(words: Uint32Array): void
  clear(): void
  /** A view that is valid until the next `clear`. */
  sortDistinct(): Uint32Array
}

/** A slice with more keys comes from a source that does not spread over the digests, and needs half a gigabyte. */
const MAXIMUM_KEYS = 2 ** 26

function createKeyList(): KeyList {
  let words = new Uint32Array(2 ** 12)
  let length = 0
  const reserve = (more: number) => {
    if (length + more <= words.length) return
    if (length + more > 2 * MAXIMUM_KEYS) {
      throw new CorpusError('Too many digests have the same beginning. This is not a list of digests of passwords.')
    }
    const larger = new Uint32Array(Math.max(2 * words.length, length + more))
    larger.set(words.subarray(0, length))
    words = larger
  }
  return {
    add: (high, low) => {
      if (length === words.length) reserve(2)
      words[length++] = low
      words[length++] = high
    },
    addAll: more => {
      reserve(more.length)
      words.set(more, length)
      length += more.length
    },
    clear: () => {
      length = 0
    },
    sortDistinct: () => {
      // With the low word first, each pair is one little-endian 64-bit number, which sorts natively.
      new BigUint64Array(words.buffer, 0, length / 2).sort()
      let distinct = 0
      for (let at = 0; at < length; at += 2) {
        if (distinct > 0 && words[at] === words[distinct - 2] && words[at + 1] === words[distinct - 1]) continue
        words[distinct++] = words[at] as number
        words[distinct++] = words[at + 1] as number
      }
      return words.subarray(0, distinct)
    },
  }
}

// --- The source of the keys of a slice ------------------------------------------------------------------------------

interface SliceReader {
  /** Reads the next slice. Returns the position of the following one in the source. */
  read(slice: number, keys: KeyList): Promise<number>
  /** Releases what only this slice needed. */
  forget(slice: number): Promise<void>
  close(): Promise<void>
}

function sortedSlices(
  { path }: CorpusSource,
  lines: LineReader,
  sliceBits: number,
  read: (take: TakeKey) => Promise<boolean>,
  signal: AbortSignal | undefined,
): SliceReader {
  return {
    read: async (slice, keys) => {
      const take: TakeKey = (high, low) => {
        const own = sliceOf(high, sliceBits)
        if (own > slice) return false
        if (own < slice) {
          throw new CorpusError(
            `${path} is sorted only up to its byte ${lines.offset()}. Sort it: LC_ALL=C sort -o sorted.txt ${path}`,
          )
        }
        keys.add(high, low)
        return true
      }
      while (await read(take)) signal?.throwIfAborted()
      return lines.offset()
    },
    forget: async () => {},
    close: () => lines.close(),
  }
}

/** Files read in parallel: reading a million of them in sequence would mostly wait. */
const FILES_AT_ONCE = 16

function rangeSlices(source: CorpusSource & { form: 'ranges' }, minimumCount: number, sliceBits: number): SliceReader {
  const sliceOfName = (name: string) => sliceOf(Number.parseInt(name.slice(0, 5), 16) * 2 ** 12, sliceBits)
  let next = 0
  return {
    read: async (slice, keys) => {
      const take: TakeKey = (high, low) => {
        keys.add(high, low)
        return true
      }
      // A resumed build starts in the middle.
      while (next < source.names.length && sliceOfName(source.names[next] as string) < slice) next++
      let end = next
      while (end < source.names.length && sliceOfName(source.names[end] as string) === slice) end++
      for (; next < end; next += FILES_AT_ONCE) {
        const names = source.names.slice(next, Math.min(end, next + FILES_AT_ONCE))
        await Promise.all(names.map(name => readRange(source.path, name, minimumCount, take)))
      }
      next = end
      return 0
    },
    forget: async () => {},
    close: async () => {},
  }
}

type Part = { bytes: number; crc: number }

const partPath = (folder: string, slice: number) => join(folder, `slice-${slice}`)

/** Distributes keys into one file per slice, with a small buffer for each. */
function createDeal(folder: string, slices: number, parts: Part[] = []) {
  const buffers = Array.from({ length: slices }, () => new Uint32Array(2 ** 13))
  const lengths = new Uint32Array(slices)
  const written = Array.from({ length: slices }, (_, slice) => ({ ...(parts[slice] ?? { bytes: 0, crc: 0 }) }))
  const write = (slice: number) => {
    const words = buffers[slice] as Uint32Array
    const bytes = new Uint8Array(words.buffer, 0, (lengths[slice] as number) * 4)
    const part = written[slice] as Part
    // Written at its position instead of appended, so that it overwrites what a killed process wrote after its last
    // checkpoint.
    const file = openSync(partPath(folder, slice), part.bytes === 0 ? 'w' : 'r+')
    try {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(file, bytes, done, bytes.length - done, part.bytes + done)
      }
    } finally {
      closeSync(file)
    }
    part.bytes += bytes.length
    part.crc = continueCrc(bytes, part.crc)
    lengths[slice] = 0
  }
  return {
    add(slice: number, high: number, low: number): void {
      const words = buffers[slice] as Uint32Array
      let length = lengths[slice] as number
      words[length++] = low
      words[length++] = high
      lengths[slice] = length
      if (length === words.length) write(slice)
    },
    flush(): Part[] {
      for (let slice = 0; slice < slices; slice++) if ((lengths[slice] as number) > 0) write(slice)
      return written.map(part => ({ ...part }))
    },
  }
}

function dealtSlices(folder: string, parts: Part[]): SliceReader {
  return {
    read: async (slice, keys) => {
      const { bytes = 0, crc = 0 } = parts[slice] ?? {}
      if (bytes === 0) return 0
      // A killed process may have written more than its last checkpoint states.
      const content = new Uint8Array(await readFile(partPath(folder, slice)).catch(() => [])).subarray(0, bytes)
      if (crc32(content) !== crc) throw damaged(folder)
      keys.addAll(new Uint32Array(content.buffer, 0, bytes / 4))
      return 0
    },
    forget: slice => rm(partPath(folder, slice), { force: true }),
    close: async () => {},
  }
}

// --- What survives a crash ------------------------------------------------------------------------------------------

const trackSchema = z.object({ bytes: z.number(), crc: z.number() })

const stateSchema = z.object({
  identity: z.string(),
  /** The number of slices in the corpus. */
  slice: z.number(),
  keys: z.number(),
  /** The position in the source where reading continues. */
  offset: z.number(),
  table: trackSchema,
  data: trackSchema,
  /** The bytes per slice that were distributed, and whether they are the whole source. */
  parts: z.exactOptional(z.array(trackSchema)),
  dealt: z.exactOptional(z.literal(true)),
})

interface Work {
  folder: string
  corpusPath: string
  state: z.infer<typeof stateSchema>
  append(track: 'table' | 'data', content: Uint32Array | Uint8Array): Promise<void>
  read(offset: number, length: number): Promise<Uint8Array>
  checkpoint(): Promise<void>
  /** The last step. Without it the file is not a corpus. */
  writeHeader(header: Uint8Array): Promise<void>
  close(): Promise<void>
}

async function openWork(folder: string, identity: string, tableBytes: number): Promise<Work> {
  const corpusPath = join(folder, 'corpus')
  const statePath = join(folder, 'state.json')
  const starts = { table: HEADER_BYTES, data: HEADER_BYTES + tableBytes }
  const kept = await resumable()
  if (!kept) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder).catch((cause: NodeJS.ErrnoException) => {
      throw new CorpusError(
        `${dirname(resolve(folder))} cannot be written to: ${cause.code}. Create the folder first.`,
        {
          cause,
        },
      )
    })
  }
  const state = kept ?? {
    identity,
    slice: 0,
    keys: 0,
    offset: 0,
    table: { bytes: 0, crc: 0 },
    data: { bytes: 0, crc: 0 },
  }
  const file = await open(corpusPath, kept ? 'r+' : 'w+')

  /** The checkpoint of an earlier run of the same build, if everything that it lists exists. */
  async function resumable(): Promise<z.infer<typeof stateSchema> | undefined> {
    try {
      const state = stateSchema.parse(JSON.parse(await readFile(statePath, 'utf8')))
      if (state.identity !== identity) return undefined
      const file = await open(corpusPath)
      try {
        for (const track of ['table', 'data'] as const) {
          if ((await crcOf(file, starts[track], state[track].bytes)) !== state[track].crc) return undefined
        }
      } finally {
        await file.close()
      }
      return state
    } catch {
      return undefined
    }
  }

  return {
    folder,
    corpusPath,
    state,
    append: async (track, content) => {
      const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
      const at = starts[track] + state[track].bytes
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
      }
      state[track] = { bytes: state[track].bytes + bytes.length, crc: continueCrc(bytes, state[track].crc) }
    },
    read: async (offset, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
      if (bytesRead === 0) throw damaged(folder)
      return buffer.subarray(0, bytesRead)
    },
    checkpoint: async () => {
      await writeFile(`${statePath}.new`, JSON.stringify(state))
      await rename(`${statePath}.new`, statePath)
    },
    writeHeader: async header => {
      await file.truncate(starts.data + state.data.bytes)
      await file.write(header, 0, header.length, 0)
      await file.sync()
    },
    close: () => file.close(),
  }
}

/** Node.js 20 and 22 restart the checksum for empty input. */
function continueCrc(bytes: Uint8Array, crc: number): number {
  return bytes.length === 0 ? crc : crc32(bytes, crc)
}

async function crcOf(file: FileHandle, start: number, length: number): Promise<number> {
  let crc = 0
  const buffer = Buffer.allocUnsafe(Math.min(length, 2 ** 22))
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), start + done)
    if (bytesRead === 0) return Number.NaN
    crc = continueCrc(buffer.subarray(0, bytesRead), crc)
    done += bytesRead
  }
  return crc
}
