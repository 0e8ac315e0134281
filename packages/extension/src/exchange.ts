import type { DecisionRecord } from './decision-record.ts'

/** The parts of a call, from whatever runtime received it. */
export interface IncomingCall {
  method: string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /** The body as text; undefined when it is longer than that. Stops reading as soon as it knows. */
  text(maxBytes: number): Promise<string | undefined>
  /** Milliseconds the runtime leaves for the answer, when it limits them. */
  remainingMs?: number
}

/** The parts of an answer. */
export interface OutgoingAnswer {
  status: number
  headers: Record<string, string>
  body: string
  /** What became of the call, where the extension has no `log` of its own. Never part of the answer. */
  record?: DecisionRecord
}

/** A call as `fetch` hands it over. */
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
