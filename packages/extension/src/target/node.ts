import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { nextTick, stderr } from 'node:process'
import { createCohort } from '@preflow/contract/cohort'
import type { Extension } from '../define-extension.ts'
import type { IncomingCall } from '../exchange.ts'
import { EXPLAIN_HEADER, EXPLANATION_HEADER, explanationOf, readableLines } from './readable-log.ts'

export { EXPLAIN_HEADER, EXPLANATION_HEADER, type Explanation } from './readable-log.ts'

/** How an extension is served. */
export interface ServeOptions {
  /** Default 0: a free port is chosen. */
  port?: number
  /** Default `127.0.0.1`. In a container: `0.0.0.0`. */
  hostname?: string
  /** Whether calls can be decided now, for `GET /readyz`. Default: always. */
  isReady?(): boolean | Promise<boolean>
  /**
   * Other handlers, by the path where they begin: there and at everything below it. For pages, or for other clients
   * than the caller. An extension at exactly that path takes precedence.
   */
  listeners?: Record<string, RequestListener>
  /** Milliseconds in which a caller must send the whole request. Default 5000. */
  requestTimeoutMs?: number
  /**
   * Receives readable lines for the author: where it listens, and each decision of an extension without its own `log`.
   * `false`: nothing is written, and tools on this machine get no explanations. Default: standard error.
   */
  log?: ((lines: string) => void) | false
  /** Milliseconds for open calls to finish when the server closes. Default 5000. */
  graceMs?: number
}

/** A running server. */
export interface RunningServer {
  port: number
  /** `http://127.0.0.1:9401` */
  url: string
  /**
   * Stops accepting, reports not ready at `/readyz`, lets open calls finish, and resolves when the last connection is
   * closed. After the grace time open connections are closed.
   */
  close(): Promise<void>
}

/**
 * Serves one extension at every path, or several at a path each, and the given listeners. Both tables are read with
 * every request, so entries can be added later.
 *
 * `GET /livez` answers while the process runs, `GET /readyz` while it can decide.
 *
 * @returns When the port is open. Rejects with a sentence if it cannot be opened.
 * @example
 * const server = await serve(extension, { port: 8080, hostname: '0.0.0.0' })
 */
export async function serve(
  extensions: Extension | Record<string, Extension>,
  options: ServeOptions = {},
): Promise<RunningServer> {
  const { port = 0, hostname = '127.0.0.1', requestTimeoutMs = 5000, graceMs = 5000 } = options
  const write = options.log ?? (lines => stderr.write(lines))
  let isClosing = false
  const answerProbe: Record<string, () => Promise<boolean>> = {
    '/livez': async () => true,
    '/readyz': async () => !isClosing && ((await options.isReady?.()) ?? true),
  }
  const handle: RequestListener = (request, response) => {
    const path = pathOf(request)
    const probe = answerProbe[path]
    if (probe) return void respondProbe(probe, response)
    const extension = isExtension(extensions) ? extensions : extensions[path]
    const listener = extension ? undefined : listenerFor(path, options.listeners)
    if (listener) {
      if (isClosing) response.setHeader('connection', 'close')
      return listener(request, response)
    }
    if (!extension)
      return respond(response, 404, { 'content-type': 'text/plain' }, 'Not found. No extension uses this path.\n')
    extension.answer(callOf(request)).then(
      ({ status, headers, body, record }) => {
        if (record && write) {
          write(readableLines(record))
          const explanation = mayExplain(request) ? explanationOf(record) : undefined
          if (explanation !== undefined) response.setHeader(EXPLANATION_HEADER, explanation)
        }
        // A keep-alive connection would delay the shutdown. The rest of a body that was too large is not read.
        if (isClosing || !request.complete) response.setHeader('connection', 'close')
        respond(response, status, headers, body)
      },
      () => response.destroy(),
    )
  }
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      // With the default of 30 seconds, a slow sender could stay ten times as long as its limit.
      connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
      keepAliveTimeout: 60_000,
      noDelay: true,
    },
    handle,
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(cause, hostname, port)))
    server.listen(port, hostname, resolve)
  })
  const address = server.address() as AddressInfo
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const url = `http://${host}:${address.port}`
  if (write) write(`listening at ${url}\n`)
  let closed: Promise<void> | undefined
  return {
    port: address.port,
    url,
    close: () => {
      closed ??= new Promise(resolve => {
        isClosing = true
        const cut = setTimeout(() => server.closeAllConnections(), graceMs)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
      })
      return closed
    },
  }
}

/** The request comes from a tool on this machine, and not through a proxy. */
function mayExplain({ headers, socket }: IncomingMessage): boolean {
  const isForwarded = 'x-forwarded-for' in headers || 'forwarded' in headers
  return EXPLAIN_HEADER in headers && !isForwarded && LOOPBACK.test(socket.remoteAddress ?? '')
}

const LOOPBACK = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: 'The port is in use. Stop what listens there or choose another port.',
  EACCES: 'This user may not open the port. Choose one above 1023.',
  EADDRNOTAVAIL: 'This machine does not have that address. Listen on 127.0.0.1 or 0.0.0.0.',
  ENOTFOUND: 'The host name is unknown. Listen on 127.0.0.1 or 0.0.0.0.',
}

function cannotListen(cause: NodeJS.ErrnoException, hostname: string, port: number): Error {
  const advice = LISTEN_ADVICE[cause.code ?? ''] ?? cause.message
  return new Error(`Cannot listen on ${hostname}:${port}. ${advice}`, { cause })
}

function isExtension(extensions: Extension | Record<string, Extension>): extensions is Extension {
  return typeof extensions['answer'] === 'function'
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** The longest of the matching paths. */
function listenerFor(path: string, listeners: ServeOptions['listeners'] = {}): RequestListener | undefined {
  const above = Object.keys(listeners).filter(
    begin => path === begin || path.startsWith(begin.endsWith('/') ? begin : `${begin}/`),
  )
  const [nearest] = above.toSorted((a, b) => b.length - a.length)
  return nearest === undefined ? undefined : listeners[nearest]
}

function callOf(request: IncomingMessage): IncomingCall {
  return {
    method: request.method ?? '',
    header: name => {
      const value = request.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    text: maxBytes => readText(request, maxBytes),
  }
}

function readText(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) {
        request.pause()
        resolve(undefined)
      } else chunks.push(chunk)
    })
    request.on('end', () => {
      const text = (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString()
      decideTogether(() => resolve(text))
    })
    // Disconnected in the middle of the body: node:http reports it as an error.
    request.on('error', reject)
  })
}

async function respondProbe(probe: () => Promise<boolean>, response: ServerResponse): Promise<void> {
  const isWell = await probe().catch(() => false)
  respond(response, isWell ? 200 : 503, { 'content-type': 'text/plain' }, isWell ? 'ok\n' : 'not ready\n')
}

function respond(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  answerTogether(() => response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body))
}

/**
 * Decides the requests of one turn of the event loop in sequence, then answers them in sequence. So a sleeping caller
 * is woken once for many answers. Together this saves two fifths of the CPU of a busy process.
 */
const decideTogether = createCohort(setImmediate)
const answerTogether = createCohort(nextTick)

/** A system call for each line would cost more than the decision. Nobody reads a log faster than this. */
const WRITE_AFTER_MS = 10
/** Maximum characters that wait in memory. */
const MAX_WAITING = 65_536

/**
 * Creates a log that writes one JSON line per record, with the time and the level first. The lines of up to ten
 * milliseconds are written together. Lines that a killed process has not written are lost.
 *
 * @param write Where the lines go, usually `text => process.stdout.write(text)`.
 * @returns `log` for {@link ExtensionOptions.log}, and `flush` for the end of the process.
 */
export function createLineLog(write: (lines: string) => void): {
  log(record: object, level?: 'info' | 'warn' | 'error'): void
  flush(): void
} {
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  let second = Number.NaN
  let untilSecond = ''

  /** ISO 8601 with milliseconds. The part that is the same for a second is formatted once per second. */
  function time(): string {
    const now = Date.now()
    const milliseconds = now % 1000
    if (now - milliseconds !== second) {
      second = now - milliseconds
      untilSecond = new Date(second).toISOString().slice(0, -'000Z'.length)
    }
    return `${untilSecond}${String(milliseconds).padStart(3, '0')}Z`
  }

  function flush(): void {
    clearTimeout(timer)
    if (lines === '') return
    const pending = lines
    lines = ''
    write(pending)
  }
  return {
    log: (record, level = levelOf(record)) => {
      if (lines === '') timer = setTimeout(flush, WRITE_AFTER_MS)
      const fields = JSON.stringify(record)
      // Not as one object, because copying the record would cost as much as writing it.
      lines += `{"time":"${time()}","level":"${level}"${fields === '{}' ? '}' : `,${fields.slice(1)}`}\n`
      if (lines.length > MAX_WAITING) flush()
    },
    flush,
  }
}

const LEVELS: Record<string, 'info' | 'warn' | 'error'> = { fail: 'error', refused: 'warn' }

function levelOf(record: { decision?: string }): 'info' | 'warn' | 'error' {
  return LEVELS[record.decision ?? ''] ?? 'info'
}
