import { createHash } from 'node:crypto'
import { read as readFile, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { AGAIN, CorpusError } from './format.ts'
import { type Corpus, type CorpusBytes, readCorpus } from './read-corpus.ts'

/**
 * Opens a corpus of {@link buildCorpus}. A sorted file stays on the disk and needs one read per lookup. A filter is
 * loaded into memory.
 *
 * The file may be replaced while it is open. Open it again to use the new one.
 *
 * @param options.verify `content`, the default, reads the whole file once and compares checksums: about a second per
 *   gigabyte. `header` checks only the header and the size.
 * @throws {CorpusError} If the file is missing, foreign, damaged, truncated, or of another version.
 * @example
 * const corpus = await openCorpus('pwned.corpus')
 * await corpus.has(createHash('sha1').update(password).digest())
 */
export async function openCorpus(path: string, options: { verify?: 'content' | 'header' } = {}): Promise<Corpus> {
  const bytes = await fileBytes(path)
  try {
    const corpus = await readCorpus(bytes, options)
    if (corpus.kind === 'filter') await bytes.close()
    return corpus
  } catch (error) {
    await bytes.close()
    throw error
  }
}

const HASHED_AT_ONCE = 4 * 1024 * 1024

/**
 * A lookup reads a few kilobytes, mostly from the file cache of the system. A blocking read takes a microsecond, a read
 * in another thread twenty. So reads block until the disk is slow. Then other threads read for a while, so that only
 * the caller waits.
 */
const SMALL_BYTES = 65_536
const SLOW_MS = 5
/** In sequence: a single slow read may have waited for the processor. */
const SLOW_READS = 3
const PAUSE_MS = 60_000

async function fileBytes(path: string): Promise<CorpusBytes> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw cannotOpen(path, cause.code === 'ENOENT' ? 'the file does not exist' : `${cause.code}`, cause)
  })
  const stats = await file.stat()
  if (!stats.isFile()) {
    await file.close()
    throw cannotOpen(path, 'it is not a file')
  }
  const { size } = stats
  let slowReads = 0
  let mayWaitFrom = 0

  /** Reads and blocks. Returns whether it read everything. */
  function readAtOnce(bytes: Buffer, offset: number): boolean {
    const startedAt = performance.now()
    const bytesRead = readSync(file.fd, bytes, 0, bytes.length, offset)
    const endedAt = performance.now()
    slowReads = endedAt - startedAt > SLOW_MS ? slowReads + 1 : 0
    if (slowReads >= SLOW_READS) mayWaitFrom = endedAt + PAUSE_MS
    return bytesRead === bytes.length
  }

  function readLater(bytes: Buffer, offset: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const fill = (filled: number) => {
        // By descriptor: a read of the handle itself takes half as long again.
        readFile(file.fd, bytes, filled, bytes.length - filled, offset + filled, (error, bytesRead) => {
          if (error) reject(error)
          else if (filled + bytesRead === bytes.length) resolve(bytes)
          else if (bytesRead > 0) fill(filled + bytesRead)
          else reject(new CorpusError(`${path} became shorter while it was open. ${AGAIN}`))
        })
      }
      fill(0)
    })
  }

  function read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafe(length)
    try {
      if (length <= SMALL_BYTES && performance.now() >= mayWaitFrom && readAtOnce(bytes, offset)) return bytes
    } catch (error) {
      return Promise.reject(error)
    }
    return readLater(bytes, offset)
  }

  let closed: Promise<void> | undefined
  return {
    name: path,
    size,
    read,
    sha256From: async offset => {
      const hash = createHash('sha256')
      for (let at = offset; at < size; at += HASHED_AT_ONCE) {
        hash.update(await read(at, Math.min(HASHED_AT_ONCE, size - at)))
      }
      return hash.digest()
    },
    close: () => {
      closed ??= file.close()
      return closed
    },
  }
}

function cannotOpen(path: string, why: string, cause?: unknown): CorpusError {
  const advice = 'Build one: preflow passwords build <source> --out <file>'
  return new CorpusError(`${path} cannot be opened: ${why}. ${advice}`, { cause })
}
