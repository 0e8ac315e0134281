import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Operation } from '@preflow/contract'

// biome-ignore lint/suspicious/noExplicitAny: rows assert on what came over the wire, whatever it is
export type Json = any

/** A request as it reached one of our endpoints. */
export interface Received {
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** The body, parsed as JSON or as a form, or the raw string. */
  body: Json
}

/** The answer of an endpoint. An object is sent as JSON, a string as it is. Default: status 200, type JSON. */
export interface Answer {
  status?: number
  type?: string
  body: unknown
}

/** An HTTP endpoint that does what the row needs and records its calls. */
export interface Endpoint {
  url: string
  /** Its calls, oldest first. */
  calls: Received[]
  /** What it answers from now on. */
  answer(how: (call: Received) => Answer | Promise<Answer>): void
  /** Passes the next requests to the row, unread. They are not recorded as calls. */
  handle(how: (request: IncomingMessage, response: ServerResponse) => void): void
}

/** An endpoint that acts as an extension. Answers SUCCESS by default. */
export interface ExtensionUnderTest extends Endpoint {
  succeed(...operations: Operation[]): void
  /** FAILED with reason and description. */
  refuse(failureReason?: string, failureDescription?: string): void
  /** SUCCESS without operations. Also forgets the recorded calls. */
  reset(): void
}

/** Endpoints on one socket of 127.0.0.1, each at its own path. */
export interface EndpointServer {
  endpoint(path: string): Endpoint
  extension(path: string): ExtensionUnderTest
  close(): Promise<void>
}

export async function startEndpoints(): Promise<EndpointServer> {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
  const handlers = new Map<string, Handler>()
  const server = createServer(async (request, response) => {
    const handler = handlers.get(request.url ?? '/')
    if (handler) await handler(request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function endpoint(path: string): Endpoint {
    const calls: Received[] = []
    return {
      url: origin + path,
      calls,
      answer(how) {
        handlers.set(path, async (request, response) => {
          const call = await receive(request)
          calls.push(call)
          const { status = 200, type = 'application/json', body } = await how(call)
          response.writeHead(status, { 'content-type': type })
          response.end(typeof body === 'string' ? body : JSON.stringify(body))
        })
      },
      handle(how) {
        handlers.set(path, how)
      },
    }
  }

  return {
    endpoint,
    extension(path) {
      const { url, calls, answer, handle } = endpoint(path)
      const say = (body: object) => answer(() => ({ body }))
      const extension: ExtensionUnderTest = {
        url,
        calls,
        answer,
        handle,
        succeed: (...operations) => say({ actionStatus: 'SUCCESS', operations }),
        refuse: (failureReason, failureDescription) =>
          say({ actionStatus: 'FAILED', failureReason, failureDescription }),
        reset() {
          calls.length = 0
          extension.succeed()
        },
      }
      extension.reset()
      return extension
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const { method = '', url = '/', headers } = request
  const type = headers['content-type'] ?? ''
  const body = type.includes('json')
    ? JSON.parse(text)
    : type.includes('x-www-form-urlencoded')
      ? Object.fromEntries(new URLSearchParams(text))
      : text
  return { method, path: url, headers, body }
}
