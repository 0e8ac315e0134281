import type { Send } from '@preflow/engine'

/** Requests of the server to addresses that applications named. */
export type GuardedFetch = (url: string, options: RequestInit) => Promise<Response>

const CONNECT_TIMEOUT_MS = 2000
const READ_TIMEOUT_MS = 5000
const MAX_ANSWER_BYTES = 262_144
const WITHOUT_BODY = new Set([204, 205, 304])

/**
 * Makes `fetch` of the one way out of the server: private addresses are refused on the connected socket, unless the operator
 * allowed them, redirects are answers, and nothing takes longer than seven seconds.
 *
 * Rejects with a sentence when there is no answer.
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
