import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { present } from '@preflow/contract'

/**
 * A simulated failure: `slow` never answers, `garbage` is not JSON, `drip` sends a byte at a time, `hangup` closes the
 * connection, a number is the status.
 */
export type ReputationFault = 'slow' | 'garbage' | 'drip' | 'hangup' | 401 | 422 | 429 | 500 | 503

export interface ReputationStandInOptions {
  /** Default 0: a free port. */
  port?: number
  hostname?: string
  /** Scores by address. Default: those of `reputation-scores.json`; an address without one has 0. */
  scores?: Record<string, number>
  /** Keys that it accepts. Default: any that is not empty. */
  apiKeys?: readonly string[]
  /** Lookups until the quota is used up. Default 1,000, as in the free plan. */
  quota?: number
  /** Seconds until the quota is renewed. Default 3600. */
  retryAfterSeconds?: number
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** A running stand-in for AbuseIPDB. */
export interface ReputationStandIn {
  url: string
  port: number
  /** The query of every lookup, oldest first, as it came over the wire. */
  readonly checks: readonly string[]
  /** Resolves at the next lookup. */
  asked(): Promise<void>
  /** Starts a failure; `undefined` ends it. Also `PUT /fault` with a JSON value. */
  setFault(fault: ReputationFault | undefined): void
  close(): Promise<void>
}

const FAULTS: readonly unknown[] = ['slow', 'garbage', 'drip', 'hangup', 401, 422, 429, 500, 503]

/**
 * Starts a server that implements the check endpoint of AbuseIPDB, for demonstrations and tests without network or
 * account.
 *
 * @see https://docs.abuseipdb.com/#check-endpoint
 */
export async function startReputationStandIn(options: ReputationStandInOptions = {}): Promise<ReputationStandIn> {
  const { port = 0, hostname = '127.0.0.1', quota = 1000, retryAfterSeconds = 3600, now = Date.now } = options
  const scores = options.scores ?? shippedScores()
  const checks: string[] = []
  let next = Promise.withResolvers<void>()
  let fault: ReputationFault | undefined
  let remaining = quota
  const setFault: ReputationStandIn['setFault'] = wanted => {
    fault = wanted
  }
  const limits = () => ({
    'x-ratelimit-limit': String(quota),
    'x-ratelimit-remaining': String(remaining),
    ...present({
      'x-ratelimit-reset': remaining === 0 ? String(Math.ceil(now() / 1000) + retryAfterSeconds) : undefined,
    }),
  })
  const misbehave = faultsOf({ quota, retryAfterSeconds, limits })

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://stand-in')
    if (request.method === 'PUT' && url.pathname === '/fault') return readFault(request, response, setFault)
    if (request.method !== 'GET' || url.pathname !== '/api/v2/check') return refuse(response, 404, 'Not found.')
    checks.push(url.search)
    next.resolve()
    next = Promise.withResolvers()
    if (fault !== undefined) return misbehave[fault](response)
    const key = request.headers['key']
    if (typeof key !== 'string' || key === '' || (options.apiKeys && !options.apiKeys.includes(key))) {
      return misbehave[401](response)
    }
    if (remaining === 0) return misbehave[429](response)
    const address = url.searchParams.get('ipAddress') ?? ''
    const version = isIP(address)
    const days = Number(url.searchParams.get('maxAgeInDays') ?? 30)
    if (version === 0 || !(days >= 1 && days <= 365)) return misbehave[422](response)
    remaining -= 1
    send(response, 200, { data: report(address, version, scores[address] ?? 0) }, limits())
  })
  await listen(server, port, hostname)
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    url: `http://${hostname}:${address.port}`,
    checks,
    asked: () => next.promise,
    setFault,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function faultsOf(plan: {
  quota: number
  retryAfterSeconds: number
  limits(): Record<string, string>
}): Record<ReputationFault, (response: ServerResponse) => void> {
  return {
    slow: () => {},
    garbage: response => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>'),
    drip: response => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    },
    hangup: response => void response.destroy(),
    401: response =>
      refuse(response, 401, 'Authentication failed. Your API key is either missing, incorrect, or revoked.'),
    422: response => refuse(response, 422, 'The ip address must be a valid IPv4 or IPv6 address (e.g. 8.8.8.8).'),
    429: response =>
      refuse(response, 429, `Daily rate limit of ${plan.quota} requests exceeded for this endpoint.`, {
        'retry-after': String(plan.retryAfterSeconds),
        ...plan.limits(),
      }),
    500: response => refuse(response, 500, 'Internal server error.'),
    503: response => refuse(response, 503, 'Service unavailable.'),
  }
}

/** Sets the failure that a request names. */
function readFault(
  request: IncomingMessage,
  response: ServerResponse,
  setFault: (fault: ReputationFault | undefined) => void,
): void {
  let body = ''
  request.on('data', chunk => {
    body += chunk
  })
  request.on('end', () => {
    const wanted = parse(body)
    if (wanted !== null && !FAULTS.includes(wanted)) {
      return refuse(response, 400, `Send null or one of ${FAULTS.map(one => JSON.stringify(one)).join(', ')}.`)
    }
    setFault((wanted ?? undefined) as ReputationFault | undefined)
    response.writeHead(204).end()
  })
}

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'The port is in use.' : `${cause.message}.`
      reject(new Error(`The reputation stand-in cannot listen on ${hostname}:${port}. ${why}`, { cause }))
    })
    server.listen(port, hostname, resolve)
  })
}

function refuse(response: ServerResponse, status: number, detail: string, headers = {}): void {
  send(response, status, { errors: [{ detail, status }] }, headers)
}

function shippedScores(): Record<string, number> {
  return JSON.parse(readFileSync(new URL('../reputation-scores.json', import.meta.url), 'utf8'))
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function report(ipAddress: string, ipVersion: number, abuseConfidenceScore: number): object {
  return {
    ipAddress,
    isPublic: true,
    ipVersion,
    isWhitelisted: false,
    abuseConfidenceScore,
    countryCode: null,
    usageType: null,
    isp: 'Stand-in',
    domain: null,
    hostnames: [],
    isTor: false,
    totalReports: abuseConfidenceScore === 0 ? 0 : 12,
    numDistinctUsers: abuseConfidenceScore === 0 ? 0 : 7,
    lastReportedAt: null,
  }
}

function send(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
