import type { Problem } from '../problem.ts'
import { requestProblems } from './request-problems.ts'

/**
 * Reads a complete body. Rejects with a {@link Problem} as soon as more than `maxBytes` are announced or received.
 *
 * @param body A request of Node's HTTP server, the stream of a `Request`, or nothing.
 * @param announcedBytes The value of `content-length`, if the request has one.
 * @param tooLarge Creates the problem, if that of the APIs does not fit.
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
    if (size > maxBytes) throw tooLarge(maxBytes, `at least ${size} bytes were received`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
