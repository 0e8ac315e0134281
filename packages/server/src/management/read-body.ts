import { Refusal, tooLarge } from './refusal.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body of at most `maxBytes`. What `content-length` promises is believed before anything is read; a body without
 * that header is given up as soon as it grows too large.
 *
 * @param mediaTypes What `content-type` may say, without parameters.
 * @returns The value, or nothing when the body is not JSON in UTF-8 or holds NUL characters: the caller words that as its API
 *   does. Rejects with a {@link Refusal} of 413 or 415.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  mediaTypes: readonly string[] = ['application/json'],
): Promise<{ value: unknown } | undefined> {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!mediaTypes.includes(mediaType)) {
    throw new Refusal(
      415,
      'PREFLOW-415',
      'Unsupported media type.',
      `Send the body as ${mediaTypes.join(' or ')} and say so in content-type.`,
    )
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)

  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(decoder.decode(Buffer.concat(chunks)))
    // PostgreSQL keeps no NUL in a text; no name or value here needs one.
    return hasNul(value) ? undefined : { value }
  } catch {
    return undefined
  }
}

function hasNul(value: unknown): boolean {
  const pending = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next === 'string') {
      if (next.includes('\0')) return true
    } else if (typeof next === 'object' && next !== null) {
      pending.push(...Object.values(next), ...Object.keys(next))
    }
  }
  return false
}
