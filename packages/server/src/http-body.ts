import type { IncomingMessage } from 'node:http'

/** The body of a request is larger than may be read. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge'
}

/**
 * Reads a whole body. Rejects with {@link BodyTooLarge} as soon as more than `maxBytes` are announced or seen.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'])
  if (announced > maxBytes) throw new BodyTooLarge(`${announced} bytes are announced, ${maxBytes} are read at most`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maxBytes) throw new BodyTooLarge(`more than ${maxBytes} bytes came`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
