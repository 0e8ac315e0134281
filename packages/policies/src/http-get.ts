/** The result of a GET. `why` is a class of failure: `timeout`, `too large`, `connection`. */
export type GetAnswer =
  | { kind: 'answer'; status: number; header(name: string): string | undefined; body: string }
  | { kind: 'failure'; why: string }

/**
 * Gets a document. Never rejects, follows no redirect, and always ends within `timeoutMs`.
 *
 * @param init.timeoutMs Milliseconds from the start to the last byte.
 * @param init.maxBytes A longer body is a failure.
 */
export type HttpGet = (
  url: string,
  init: { headers: Record<string, string>; timeoutMs: number; maxBytes: number },
) => Promise<GetAnswer>

/** {@link HttpGet} over `fetch`, for every runtime that has it. */
export const fetchGet: HttpGet = async (url, { headers, timeoutMs, maxBytes }) => {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { headers, signal, redirect: 'manual' })
    const body = await readText(response, maxBytes)
    if (body === undefined) return { kind: 'failure', why: 'too large' }
    return { kind: 'answer', status: response.status, header: name => response.headers.get(name) ?? undefined, body }
  } catch {
    return { kind: 'failure', why: signal.aborted ? 'timeout' : 'connection' }
  }
}

/**
 * When a `Retry-After` allows a retry: a number of seconds or a date. NaN if it is neither.
 *
 * @param now Milliseconds since the epoch, like the result.
 */
export function retryTime(value: string, now: number): number {
  return /^\d+$/.test(value) ? now + Number(value) * 1000 : Date.parse(value)
}

/**
 * The result of the promise, or `otherwise` after this time. For one of several callers that wait for the same answer.
 */
export function orAfter<Value>(promise: Promise<Value>, limitMs: number, otherwise: Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), limitMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function readText({ body }: Response, maxBytes: number): Promise<string | undefined> {
  if (!body) return ''
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of body) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
