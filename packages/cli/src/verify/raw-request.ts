import { type Agent, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Delivery } from '@preflow/engine'

/** A request that no platform would send. */
export interface RawRequest {
  url: string
  method: string
  headers: Readonly<Record<string, string>>
  body: Uint8Array | string
  /** From connecting to the last byte of the answer. */
  timeoutMs: number
  /** Default: a new connection that is closed after the answer. */
  agent?: Agent
  signal: AbortSignal
}

/** The answer, and whether its connection had been used before. */
export interface RawResult {
  delivery: Delivery
  durationMs: number
  isConnectionReused: boolean
}

const MAX_BYTES = 1_048_576

/**
 * Sends one request that the engine would not send: another method, bytes that are not UTF-8, no credentials.
 *
 * An answer before the end of the body counts, and so does a connection that is closed because the body is too large.
 */
export function rawRequest({ url, method, headers, body, timeoutMs, agent, signal }: RawRequest): Promise<RawResult> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const target = new URL(url)
    const open = target.protocol === 'https:' ? requestHttps : requestHttp
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const request = open(target, {
      method,
      headers: { ...headers, ...(bytes.length > 0 || method === 'POST' ? { 'content-length': bytes.length } : {}) },
      ...(agent ? { agent } : { agent: false }),
    })
    const timer = setTimeout(() => {
      finish({ ok: false, error: { code: 'deadline', message: `No complete answer within ${timeoutMs} ms.` } })
      request.destroy()
    }, timeoutMs)
    const finish = (delivery: Delivery) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      resolve({ delivery, durationMs: performance.now() - startedAt, isConnectionReused: request.reusedSocket })
    }
    const abort = () => {
      clearTimeout(timer)
      request.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    let isAnswered = false
    request.on('response', response => {
      isAnswered = true
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= MAX_BYTES) chunks.push(chunk)
      })
      const complete = () =>
        finish({
          ok: true,
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [
              name,
              Array.isArray(value) ? value.join(', ') : (value ?? ''),
            ]),
          ),
          body: Buffer.concat(chunks),
        })
      response.on('end', complete)
      // The status has arrived. A later error does not change it.
      response.on('error', complete)
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (isAnswered) return
      finish({
        ok: false,
        error: { code: 'reset', message: `The connection ended without an answer (${error.code ?? error.name}).` },
      })
    })
    request.end(bytes)
  })
}
