import { readBody } from './http-body.ts'
import { requestProblems } from './request-problems.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body of at most `maxBytes`.
 *
 * @param mediaTypes The accepted values of `content-type`, without parameters.
 * @returns The value, or nothing if the body is not JSON in UTF-8 or contains NUL characters. The caller creates the error in the
 *   form of its API. Rejects with a problem of status 413 or 415.
 */
export async function readJson(
  request: Request,
  maxBytes: number,
  mediaTypes: readonly string[] = ['application/json'],
): Promise<{ value: unknown } | undefined> {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!mediaTypes.includes(mediaType)) throw requestProblems.unsupportedMediaType(mediaTypes)
  const body = await readBody(request.body, request.headers.get('content-length'), maxBytes)
  try {
    const text = decoder.decode(body)
    const value: unknown = JSON.parse(text)
    // PostgreSQL accepts no NUL in a string, and no name or value here needs one. JSON has it only in this form.
    return text.includes('\\u0000') && hasNul(value) ? undefined : { value }
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
