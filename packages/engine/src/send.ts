import { present } from '@preflow/contract'
import { createCohort } from '@preflow/contract/cohort'
import { Agent, type Dispatcher } from 'undici'
import { type AddressPolicy, createAddressGuard } from './address-guard.ts'
import { type CallError, type CallErrorCode, failure } from './call-error.ts'
import { ConnectFault, type Connector, createConnector } from './connector.ts'
import { createTurns, type Place, type Turns } from './turns.ts'

/** One request. */
export interface SendRequest {
  /** Default `POST`. */
  method?: 'GET' | 'POST'
  /** Absolute http or https URL. */
  url: string
  /** By lower-case name. */
  headers: Readonly<Record<string, string>>
  body: string
  /** Milliseconds until a connection must be ready, including TLS. */
  connectTimeoutMs: number
  /** Milliseconds from the first byte sent to the last byte of the answer. */
  readTimeoutMs: number
  /** A longer answer is rejected, by its declared length or as soon as the limit is reached. */
  maxAnswerBytes: number
  /** For whom it is sent, such as a tenant. Owners take turns with the connections to an origin. Default: one for all. */
  owner?: string
  /** Aborts the call at once. */
  signal?: AbortSignal
}

/** The answer of one attempt, or why there is none. Headers by lower-case name. */
export type Delivery =
  | { ok: true; status: number; headers: Record<string, string>; body: Uint8Array }
  | { ok: false; error: CallError }

/** Sends one request once and reads the whole answer. Rejects only if `signal` aborts. */
export type Send = (request: SendRequest) => Promise<Delivery>

export interface SendOptions extends AddressPolicy {
  /** PEM certificates that are trusted instead of the platform's store. */
  certificateAuthorities?: string | readonly string[]
  /** Maximum connections to one origin. Further calls wait for one, as long as `connectTimeoutMs`. Default 64. */
  maxConnectionsPerOrigin?: number
  /** Maximum connections to one origin for one owner. Default: all of the origin. */
  maxConnectionsPerOwner?: number
  /** Maximum calls of one owner that wait for a connection to one origin. More fail at once. Default: no limit. */
  maxWaitingPerOwner?: number
  /**
   * Milliseconds for which an idle connection is kept. Default 4000: below the 5 s after which many servers close
   * theirs.
   */
  keepAliveMs?: number
}

/** Answers that arrive together are read together. This saves a busy process a fifth to a third of its CPU. */
const goOnTogether = createCohort(setImmediate)

/**
 * How often a request is sent again because a keep-alive connection had died. The reference's client does it three
 * times.
 */
const MAX_STALE_CONNECTIONS = 3

/**
 * Sending over the socket: undici's dispatch with the limits that undici lacks.
 *
 * - One timer per phase ends the attempt, independent of the peer: drips, hangs, black holes, full pools.
 * - An answer is cut at `maxAnswerBytes`. It is never decompressed, so it cannot grow.
 * - Redirects are answers like others.
 * - Every address of a name is checked before a packet is sent. The address of the open connection is checked again
 *   before TLS and before a byte of the request, so a second resolution cannot change it.
 * - A keep-alive connection that is dead before a byte of the answer arrived is replaced within the same attempt.
 * - Owners take turns with the connections to an origin, so a slow endpoint of one holds up nobody else.
 *
 * Pools are per origin and are deleted with their last idle connection.
 *
 * @example
 * const send = createSend({ allowedAddresses: ['127.0.0.0/8', '::1/128'] })
 */
export function createSend(options: SendOptions = {}): Send & { close(): Promise<void> } {
  const { maxConnectionsPerOrigin = 64, keepAliveMs = 4000, certificateAuthorities } = options
  const { maxConnectionsPerOwner = maxConnectionsPerOrigin, maxWaitingPerOwner } = options
  const connector = createConnector({
    mayCall: createAddressGuard(options),
    ...present({ certificateAuthorities }),
  })
  const agent = new Agent({
    connections: maxConnectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    connect: connector.connect,
    keepAliveTimeout: keepAliveMs,
    // The default of 2 s would turn a server's `Keep-Alive: timeout=2` into one connection per request.
    keepAliveTimeoutThreshold: 500,
    // Our own timers end an attempt. Those of undici are coarse and restart with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  })

  const limits = {
    atOnce: maxConnectionsPerOrigin,
    perOwner: Math.min(maxConnectionsPerOwner, maxConnectionsPerOrigin),
    ...present({ waitingPerOwner: maxWaitingPerOwner }),
  }
  const pool: Pool = {
    agent,
    connector,
    turns: new Map(),
    newTurns: () => createTurns(limits),
    perOwner: limits.perOwner,
  }
  const send: Send = request => {
    const url = URL.parse(request.url)
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      return Promise.resolve(failure('misconfigured', 'The endpoint is not an absolute http or https URL. Correct it.'))
    }
    return startAttempt(pool, url, request)
  }

  return Object.assign(send, {
    /** Ends every connection at once. Open calls end with `reset`. */
    async close() {
      connector.close()
      await agent.destroy()
    },
  })
}

/** Where connections come from. */
interface Pool {
  agent: Agent
  connector: Connector
  /** Who may use the connections to an origin. Deleted when nobody uses them. */
  turns: Map<string, Turns>
  newTurns(): Turns
  perOwner: number
}

/** One attempt in progress. */
interface Attempt {
  pool: Pool
  url: URL
  request: SendRequest
  /** Among those that use connections to the origin. Undefined: not asked for yet, or refused. */
  place: Place | undefined
  /** Ends the current phase: waiting for a connection, then waiting for the answer. */
  timer: NodeJS.Timeout | undefined
  isDone: boolean
  /** Whether the request was sent and the answer is pending. */
  isWaiting: boolean
  controller: Dispatcher.DispatchController | undefined
  staleConnections: number
  /** Undefined if the caller has aborted. */
  settle(delivery: Delivery | undefined): void
  abort(): void
}

function startAttempt(pool: Pool, url: URL, request: SendRequest): Promise<Delivery> {
  return new Promise((fulfil, reject) => {
    const { signal } = request
    const attempt: Attempt = {
      pool,
      url,
      request,
      place: undefined,
      timer: undefined,
      isDone: false,
      isWaiting: false,
      controller: undefined,
      staleConnections: 0,
      settle: delivery => (delivery ? goOnTogether(() => fulfil(delivery)) : reject(signal?.reason)),
      abort: () => {
        finish(attempt, undefined)
        attempt.controller?.abort(new Error('aborted'))
      },
    }
    if (signal?.aborted) {
      finish(attempt, undefined)
      return
    }
    signal?.addEventListener('abort', attempt.abort, { once: true })
    attempt.timer = setTimeout(() => giveUpConnecting(attempt), request.connectTimeoutMs)
    attempt.place = turnsOf(attempt).enter({ owner: request.owner ?? '' }, () => dispatch(attempt))
    if (!attempt.place) finish(attempt, failure('no_connection', FULL))
    // The turn may have come and ended before the place was known.
    else if (attempt.isDone) leave(attempt)
  })
}

function turnsOf({ pool, url }: Attempt): Turns {
  const known = pool.turns.get(url.origin)
  if (known) return known
  const turns = pool.newTurns()
  pool.turns.set(url.origin, turns)
  return turns
}

/** Lets the next one use the connection. */
function leave({ place, pool, url }: Attempt): void {
  place?.leave()
  if (pool.turns.get(url.origin)?.isIdle()) pool.turns.delete(url.origin)
}

function finish(attempt: Attempt, delivery: Delivery | undefined): void {
  if (attempt.isDone) return
  attempt.isDone = true
  clearTimeout(attempt.timer)
  attempt.request.signal?.removeEventListener('abort', attempt.abort)
  attempt.settle(delivery)
  leave(attempt)
}

function giveUp(attempt: Attempt, code: CallErrorCode, message: string): void {
  finish(attempt, failure(code, message))
  attempt.controller?.abort(new Error(code))
}

function giveUpConnecting(attempt: Attempt): void {
  const { connector, perOwner } = attempt.pool
  const { connectTimeoutMs } = attempt.request
  if (attempt.place?.hasTurn && connector.isConnecting(attempt.url.origin)) {
    giveUp(attempt, 'connect_timeout', connectMessage(connectTimeoutMs))
  } else giveUp(attempt, 'no_connection', busyMessage(perOwner, connectTimeoutMs))
}

function dispatch(attempt: Attempt): void {
  const { pool, url, request } = attempt
  const options = {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method ?? 'POST',
    headers: request.headers,
    body: request.method === 'GET' ? null : request.body,
  }
  pool.agent.dispatch(options, handlerOf(attempt))
}

/** The callbacks of a dispatched request. */
function handlerOf(attempt: Attempt): Dispatcher.DispatchHandler {
  const { request } = attempt
  const { maxAnswerBytes, readTimeoutMs } = request
  let isReused = false
  let hasAnswered = false
  let status = 0
  let headers: Record<string, string> = {}
  let size = 0
  const chunks: Buffer[] = []
  return {
    onRequestStart(started) {
      attempt.controller = started
      if (attempt.isDone) {
        started.abort(new Error('too late'))
        return
      }
      isReused = !attempt.pool.connector.isHandingOver()
      if (attempt.isWaiting) return
      attempt.isWaiting = true
      clearTimeout(attempt.timer)
      attempt.timer = setTimeout(() => giveUp(attempt, 'deadline', deadlineMessage(readTimeoutMs)), readTimeoutMs)
    },
    onResponseStarted() {
      hasAnswered = true
    },
    onResponseStart(_, code, received) {
      // Informational answers come before the real one, whose head is the last.
      status = code
      headers = flatten(received)
      if (Number(headers['content-length']) > maxAnswerBytes) giveUp(attempt, 'answer_too_large', tooLarge(request))
    },
    onResponseData(_, chunk) {
      size += chunk.length
      if (size > maxAnswerBytes) giveUp(attempt, 'answer_too_large', tooLarge(request))
      else chunks.push(chunk)
    },
    onResponseEnd() {
      const [only] = chunks
      const body = chunks.length === 1 && only ? only : Buffer.concat(chunks, size)
      finish(attempt, { ok: true, status, headers, body })
    },
    onResponseError(_, error) {
      if (attempt.isDone) return
      const { code, message } = explain(error)
      const isStale = code === 'reset' && isReused && !hasAnswered
      if (isStale && ++attempt.staleConnections <= MAX_STALE_CONNECTIONS) dispatch(attempt)
      else finish(attempt, failure(code, message))
    },
  }
}

/** The meaning of errors of sockets, DNS, undici and our own connector. Codes of the HTTP parser start with `HPE_`. */
const faultOf: Readonly<Record<string, CallErrorCode>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_DESTROYED: 'reset',
  UND_ERR_CLOSED: 'reset',
  ENOTFOUND: 'unknown_host',
  EAI_AGAIN: 'unknown_host',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  ETIMEDOUT: 'connect_timeout',
  UND_ERR_INVALID_ARG: 'misconfigured',
  UND_ERR_NOT_SUPPORTED: 'misconfigured',
}

const faultMessages: Readonly<Partial<Record<CallErrorCode, string>>> = {
  refused: 'The endpoint refused the connection. Start the extension, or correct host and port of the endpoint.',
  reset: 'The connection broke before the answer was complete. Check whether the extension crashed or restarted.',
  unknown_host: 'The host of the endpoint has no address. Correct the endpoint or the DNS.',
  unreachable: 'There is no route to the address of the endpoint. Check networks and firewalls.',
  connect_timeout: 'The connection to the endpoint timed out. Check that it can be reached from here.',
  address_refused:
    'The endpoint has no address that may be called. The operator of this server must allow private and special addresses.',
  misconfigured:
    'The request cannot be sent: a header of the action contains characters that HTTP does not allow. Correct its authentication.',
}

function explain(error: Error): { code: CallErrorCode; message: string } {
  if (error instanceof ConnectFault && error.code === 'tls') {
    const cause = error.cause as NodeJS.ErrnoException
    const code = cause.code ?? cause.name
    return {
      code: 'tls',
      message: `TLS with the endpoint failed (${code}). Install a valid certificate for its name, from an authority that this server trusts.`,
    }
  }
  const given = (error as NodeJS.ErrnoException).code ?? error.name
  // undici's message for an answer that no HTTP server sends: an unrequested 100 or 101.
  const isNonsense = given === 'UND_ERR_SOCKET' && error.message.startsWith('bad ')
  const code = error instanceof ConnectFault ? error.code : isNonsense ? 'protocol' : (faultOf[given] ?? 'protocol')
  const message =
    faultMessages[code] ?? `The answer is not valid HTTP (${given}). Check that the endpoint is the extension itself.`
  return { code, message }
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}

function deadlineMessage(ms: number): string {
  return `No complete answer within ${ms} ms. Make the extension faster or raise the read timeout.`
}

function connectMessage(ms: number): string {
  return `No connection to the endpoint within ${ms} ms. Check that it can be reached from here.`
}

function busyMessage(connections: number, ms: number): string {
  return `All ${connections} connections to the endpoint were busy for ${ms} ms. Make the extension faster or allow more connections per origin.`
}

const FULL =
  'Too many calls wait for a connection to the endpoint. Make the extension faster or allow more connections.'

function tooLarge({ maxAnswerBytes }: SendRequest): string {
  return `The answer is longer than ${maxAnswerBytes} bytes. Shorten it.`
}
