import type { Problem } from '../problem.ts'
import { requestProblems } from './request-problems.ts'

/**
 * Reads a whole body. Rejects with a {@link Problem} as soon as more than `maxBytes` are announced or seen.
 *
 * @param body A request of Node's HTTP server, or the stream of a `Request`; nothing when there is none.
 * @param announcedBytes What `content-length` says; nothing when it does not.
 * @param tooLarge The problem, where that of the APIs does not fit.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  announcedBytes: string | null | undefined,
  maxBytes: number,
  tooLarge: (maxBytes: number, detail: string) => Problem = requestProblems.tooLarge,
): Promise<Buffer> {
  if (Number(announcedBytes ?? 0) > maxBytes) throw tooLarge(maxBytes, `${announcedBytes} bytes are announced`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes, `at least ${size} bytes came`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
