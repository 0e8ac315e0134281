/** The body of a request is larger than may be read. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge'
}

/**
 * Reads a whole body. Rejects with {@link BodyTooLarge} as soon as more than `maxBytes` are announced or seen.
 *
 * @param body A request of Node's HTTP server, or the stream of a `Request`; nothing when there is none.
 * @param announcedBytes What `content-length` says; nothing when it does not.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  announcedBytes: string | null | undefined,
  maxBytes: number,
): Promise<Buffer> {
  if (Number(announcedBytes ?? 0) > maxBytes) {
    throw new BodyTooLarge(`${announcedBytes} bytes are announced, ${maxBytes} are read at most`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw new BodyTooLarge(`more than ${maxBytes} bytes came`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
