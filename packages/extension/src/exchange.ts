import type { DecisionRecord } from './decision-record.ts'

/** The parts of a call, independent of the runtime. */
export interface IncomingCall {
  method: string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /** The body as a string; undefined if it is too long. Stops reading at the limit. */
  text(maxBytes: number): Promise<string | undefined>
  /** Milliseconds that the runtime leaves for the answer, if it limits them. */
  remainingMs?: number
}

/** The parts of an answer. */
export interface OutgoingAnswer {
  status: number
  headers: Record<string, string>
  body: string
  /** The result of the call, if the extension has no `log` of its own. Never part of the answer. */
  record?: DecisionRecord
}

/** A call from a `Request`. */
export function callOf(request: Request): IncomingCall {
  return {
    method: request.method,
    header: name => request.headers.get(name) ?? undefined,
    text: maxBytes => readText(request.body, maxBytes),
  }
}

async function readText(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string | undefined> {
  if (!body) return ''
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of body) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream, so nothing more is received.
    if (bytes > maxBytes) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
