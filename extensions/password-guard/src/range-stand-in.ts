import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A simulated failure: `slow` never answers, `drip` sends a byte at a time, `hangup` closes the connection, `truncated`
 * closes it within the body, `cut` ends the body within a line, `garbage` is an HTML page, `empty` is an empty body, a
 * number is the status.
 */
export type RangeFault = 'slow' | 'drip' | 'hangup' | 'truncated' | 'cut' | 'garbage' | 'empty' | 302 | 429 | 500 | 503

export interface RangeStandInOptions {
  /** Default 0: a free port. */
  port?: number
  hostname?: string
  /** How often passwords were seen in breaches. Default: those of `breached-passwords.json`. */
  passwords?: Record<string, number>
  /** Seconds in `Retry-After` of a 429. Default 2. */
  retryAfterSeconds?: number
}

/** A running stand-in for the Pwned Passwords range API. */
export interface RangeStandIn {
  url: string
  port: number
  /** The requests, oldest first, as they came over the wire. */
  readonly requests: readonly { path: string; headers: IncomingHttpHeaders }[]
  /**
   * Starts a failure, for the next `times` requests if set; `undefined` ends it. Also `PUT /fault` with a JSON value.
   */
  setFault(fault: RangeFault | undefined, times?: number): void
  close(): Promise<void>
}

const FAULTS: readonly unknown[] = [
  'slow',
  'drip',
  'hangup',
  'truncated',
  'cut',
  'garbage',
  'empty',
  302,
  429,
  500,
  503,
] satisfies RangeFault[]

/**
 * Number of lines of a range besides the known passwords. The real service has about as many, and no range is empty.
 */
const OTHERS = 700
const PADDED_TO = 900

/**
 * Starts a server that implements the range endpoint of Pwned Passwords, for demonstrations and tests without network.
 *
 * Every range has the same lines each time: the known passwords, invented ones, and with `Add-Padding` more with the
 * count 0.
 *
 * @see https://haveibeenpwned.com/API/v3#PwnedPasswords
 */
export async function startRangeStandIn(options: RangeStandInOptions = {}): Promise<RangeStandIn> {
  const { port = 0, hostname = '127.0.0.1', retryAfterSeconds = 2 } = options
  const ranges = createRanges(options.passwords ?? shippedPasswords())
  const misbehave = faultsOf(retryAfterSeconds)
  const requests: { path: string; headers: IncomingHttpHeaders }[] = []
  let fault: RangeFault | undefined
  let faultsLeft = Number.POSITIVE_INFINITY
  const setFault: RangeStandIn['setFault'] = (wanted, times = Number.POSITIVE_INFINITY) => {
    fault = wanted
    faultsLeft = times
  }

  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (request.method === 'PUT' && path === '/fault') return readFault(request, response, setFault)
    requests.push({ path, headers: request.headers })
    const prefix = /^\/range\/([0-9A-F]{5})$/i.exec(path)?.[1]?.toUpperCase()
    if (request.method !== 'GET' || !path.startsWith('/range/')) return void response.writeHead(404).end()
    if (!prefix) return void response.writeHead(400).end('The hash prefix was not in a valid format')
    if (!request.headers['user-agent']) return void response.writeHead(403).end('A user agent is required')
    const body = ranges(prefix, request.headers['add-padding'] === 'true')
    if (fault !== undefined && faultsLeft-- > 0) return misbehave[fault](response, body)
    response
      .writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'public, max-age=2678400', etag: `"${prefix}"` })
      .end(body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    url: `http://${hostname}:${address.port}`,
    requests,
    setFault,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The lines of every range: those of the known passwords among invented ones. */
function createRanges(passwords: Record<string, number>): (prefix: string, isPadded: boolean) => string {
  const known = Object.entries(passwords).map(([password, count]) => [digits(password), count] as const)
  return (prefix, isPadded) => {
    const lines = known.flatMap(([digest, count]) =>
      digest.startsWith(prefix) ? `${digest.slice(prefix.length)}:${count}` : [],
    )
    for (let index = 0; lines.length < OTHERS; index++) {
      lines.push(`${invented(prefix, index)}:${1 + (index % 40)}`)
    }
    for (let index = OTHERS; isPadded && lines.length < PADDED_TO; index++) lines.push(`${invented(prefix, index)}:0`)
    return lines.sort().join('\r\n')
  }
}

function faultsOf(retryAfterSeconds: number): Record<RangeFault, (response: ServerResponse, body: string) => void> {
  return {
    slow: () => {},
    drip: response => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      const timer = setInterval(() => response.write('0'), 20)
      response.on('close', () => clearInterval(timer))
    },
    hangup: response => void response.destroy(),
    truncated: (response, body) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
      response.write(body.slice(0, body.length / 2), () => response.destroy())
    },
    cut: (response, body) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(body.slice(0, 1000)),
    garbage: response => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>'),
    empty: response => void response.writeHead(200, { 'content-type': 'text/plain' }).end(),
    302: response => void response.writeHead(302, { location: '/elsewhere' }).end(),
    429: response => void response.writeHead(429, { 'retry-after': String(retryAfterSeconds) }).end(),
    500: response => void response.writeHead(500).end('Internal Server Error'),
    503: response => void response.writeHead(503).end('Service Unavailable'),
  }
}

/** Sets the failure that a request names. */
function readFault(
  request: IncomingMessage,
  response: ServerResponse,
  setFault: (fault: RangeFault | undefined) => void,
): void {
  let body = ''
  request.on('data', chunk => {
    body += chunk
  })
  request.on('end', () => {
    const wanted = parse(body)
    if (wanted !== null && !FAULTS.includes(wanted)) {
      const choices = FAULTS.map(one => JSON.stringify(one)).join(', ')
      return void response.writeHead(400).end(`Send null or one of ${choices}.\n`)
    }
    setFault((wanted ?? undefined) as RangeFault | undefined)
    response.writeHead(204).end()
  })
}

function shippedPasswords(): Record<string, number> {
  return JSON.parse(readFileSync(new URL('../breached-passwords.json', import.meta.url), 'utf8'))
}

function digits(text: string): string {
  return hash('sha1', text, 'hex').toUpperCase()
}

/** The rest of a digest that belongs to no password. */
function invented(prefix: string, index: number): string {
  return digits(`${prefix} ${index}`).slice(prefix.length)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
