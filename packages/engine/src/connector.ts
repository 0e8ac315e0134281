import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction, connect as openSocket, type Socket } from 'node:net'
import { present } from '@preflow/contract'
import { buildConnector } from 'undici'
import type { CallErrorCode } from './call-error.ts'

export interface ConnectorOptions {
  /** Whether an address may be called. */
  mayCall(address: string): boolean
  /** PEM certificates that are trusted instead of the platform's store. */
  certificateAuthorities?: string | readonly string[]
}

/** How connections are made for a pool. */
export interface Connector {
  connect: buildConnector.connector
  /** True while a new connection is passed to the pool, which immediately starts the waiting request. */
  isHandingOver(): boolean
  /** Whether a connection to this origin is being made. */
  isConnecting(origin: string): boolean
  /** Aborts every connection that is being made. */
  close(): void
}

/** A connection that failed for a reason that the code of a system error would not show. */
export class ConnectFault extends Error {
  override name = 'ConnectFault'
  code: CallErrorCode
  constructor(code: CallErrorCode, message: string, cause?: Error) {
    super(message, { cause })
    this.code = code
  }
}

/** After this time a connection attempt is aborted. Callers have their own, shorter limits. */
const ABANDON_AFTER_MS = 10_000

/**
 * Opens connections only to addresses that may be called.
 *
 * A name's addresses are checked when it is resolved, so that nothing, not even a SYN, goes to a forbidden one. The
 * address of the open connection is checked again, before TLS and before a byte of the request, because that check
 * counts.
 */
export function createConnector({ mayCall, certificateAuthorities: ca }: ConnectorOptions): Connector {
  const secure = buildConnector({
    allowH2: false,
    timeout: ABANDON_AFTER_MS,
    ...present({ ca: typeof ca === 'object' ? [...ca] : ca }),
  })
  const lookup = checkedLookup(mayCall)
  const connecting = new Map<Socket, string>()
  let isHandingOver = false

  const connect: buildConnector.connector = (target, callback) => {
    const { hostname, host, protocol, port } = target
    // A literal address needs no lookup. It is checked here, before anything is sent.
    if (isIP(hostname) && !mayCall(hostname)) {
      queueMicrotask(() => callback(refusal(), null))
      return
    }
    let isSettled = false
    const settle = (error: Error | null, socket?: Socket) => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      connecting.delete(raw)
      if (error || !socket) {
        raw.destroy()
        callback(error ?? refusal(), null)
        return
      }
      isHandingOver = true
      try {
        callback(null, socket)
      } finally {
        isHandingOver = false
      }
    }
    const isSecure = protocol === 'https:'
    const raw = openSocket({
      host: hostname,
      port: Number(port) || (isSecure ? 443 : 80),
      lookup,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    })
    const timer = setTimeout(() => settle(new ConnectFault('connect_timeout', 'abandoned')), ABANDON_AFTER_MS)
    connecting.set(raw, `${protocol}//${host}`)
    // From here on every failure is a TLS failure.
    let isSecuring = false
    const fail = (error: Error) => settle(isSecuring ? new ConnectFault('tls', 'TLS failed', error) : error)
    raw.on('error', fail)
    raw.on('close', () => fail(new ConnectFault('reset', 'closed while connecting')))
    raw.once('connect', () => {
      if (!raw.remoteAddress || !mayCall(raw.remoteAddress)) settle(refusal())
      else if (!isSecure) settle(null, raw)
      else {
        isSecuring = true
        secure({ ...target, httpSocket: raw }, (error, socket) => {
          if (error) fail(error)
          else settle(null, socket)
        })
      }
    })
  }

  return {
    connect,
    isHandingOver: () => isHandingOver,
    isConnecting: origin => [...connecting.values()].includes(origin),
    close: () => {
      for (const socket of connecting.keys()) socket.destroy()
    },
  }
}

/** Resolves a name to the addresses that may be called. */
function checkedLookup(mayCall: ConnectorOptions['mayCall']): LookupFunction {
  return (hostname, how, callback) => {
    resolve(hostname, { ...how, all: true }, (error, addresses) => {
      if (error) return callback(error, '')
      const allowed = addresses.filter(({ address }) => mayCall(address))
      const [first] = allowed
      if (!first) return callback(refusal(), '')
      return how.all ? callback(null, allowed) : callback(null, first.address, first.family)
    })
  }
}

function refusal(): ConnectFault {
  return new ConnectFault('address_refused', 'address refused')
}
