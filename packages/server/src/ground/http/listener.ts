import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { StartError } from '../store/data.ts'

export interface ListenerSettings {
  host: string
  /** 0 means a free port. */
  port: number
  /** Time in which a request must arrive completely. */
  requestTimeoutMs: number
  /** Time in which requests in progress may finish after the server begins to stop. */
  shutdownGraceMs: number
  /** Time in which it still accepts requests after that, so that load balancers notice first. */
  shutdownDelayMs: number
}

/** The HTTP server of the process. */
export interface Listener {
  readonly isClosing: boolean
  /** Resolves with the port. Rejects with a {@link StartError} if the address is not available. */
  listen(): Promise<number>
  /**
   * Continues for the delay if there are connections, with responses that end them. Then accepts no more connections, and
   * resolves when the last one is closed, at the latest after the grace period.
   */
  close(): Promise<void>
}

/** @param answer Answers every request. It must not reject. */
export function createListener(
  settings: ListenerSettings,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Listener {
  const { host, port, requestTimeoutMs, shutdownDelayMs, shutdownGraceMs } = settings
  let isClosing = false
  const unanswered = new Set<ServerResponse>()
  const http = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.ceil(requestTimeoutMs / 2),
      // Node checks at this interval. Its default of 30 s would extend every shorter limit.
      connectionsCheckingInterval: Math.ceil(requestTimeoutMs / 10),
    },
    (request, response) => {
      unanswered.add(response)
      response.once('close', () => unanswered.delete(response))
      if (isClosing) endConnection(response)
      // Otherwise a request that was in progress at the stop would keep its connection open for the next request.
      response.once('close', () => isClosing && setImmediate(() => http.closeIdleConnections()))
      void answer(request, response)
    },
  )
  return {
    get isClosing() {
      return isClosing
    },
    async listen() {
      await new Promise<void>((resolve, reject) => {
        http.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(whyNotListening(error, host, port))))
        http.listen(port, host, resolve)
      })
      return (http.address() as AddressInfo).port
    },
    async close() {
      isClosing = true
      for (const response of unanswered) endConnection(response)
      if (shutdownDelayMs > 0 && (await hasConnections(http))) await setTimeout(shutdownDelayMs)
      const closed = new Promise<void>(resolve => http.close(() => resolve()))
      http.closeIdleConnections()
      const grace = new AbortController()
      const afterGrace = setTimeout(shutdownGraceMs, undefined, { signal: grace.signal })
      afterGrace.then(
        () => http.closeAllConnections(),
        () => {},
      )
      await closed
      grace.abort()
    },
  }
}

/** Closes the connection, because a client that keeps it would send the next request to a stopped server. */
function endConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

function hasConnections(http: Server): Promise<boolean> {
  return new Promise(resolve => http.getConnections((_, count) => resolve(count > 0)))
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is in use. Stop the program that uses it, or set PREFLOW_PORT to another port (0 selects a free one).`,
    EACCES: `This user has no permission to use port ${port}. Set PREFLOW_PORT to a port above 1023.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Set PREFLOW_HOST to one, for example 127.0.0.1 or ::.`,
    ENOTFOUND: `${host} is not an address of this machine. Set PREFLOW_HOST to one, for example 127.0.0.1 or ::.`,
  }
  return reasons[error.code ?? ''] ?? `The server cannot listen at ${host}:${port}: ${error.message}.`
}
