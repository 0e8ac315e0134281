import type { Send } from '@preflow/engine'

/** Sends a request of the server to an address from an application's configuration. */
export type GuardedFetch = (url: string, options: RequestInit) => Promise<Response>

const CONNECT_TIMEOUT_MS = 2000
const READ_TIMEOUT_MS = 5000
const MAX_ANSWER_BYTES = 262_144
const WITHOUT_BODY = new Set([204, 205, 304])

/**
 * Creates a `fetch` with limits: private addresses are refused on the connected socket unless the operator allows them,
 * redirects are not followed, and a request takes at most seven seconds.
 *
 * Rejects with a sentence if there is no answer.
 */
export function createGuardedFetch(send: Send): GuardedFetch {
  return async (url, { body, headers, method }) => {
    const delivery = await send({
      url,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(headers)),
      body: String(body ?? ''),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      readTimeoutMs: READ_TIMEOUT_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    })
    if (!delivery.ok) throw new Error(delivery.error.message)
    const { status } = delivery
    const content = WITHOUT_BODY.has(status) ? null : Buffer.from(delivery.body)
    return new Response(content, { status, headers: delivery.headers })
  }
}
