import { type DestinationStream, type Logger, pino } from 'pino'

/** Structured lines: facts first, then a sentence. Never pass a token, a password or a claim value. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** Keys whose values are replaced wherever they turn up in the facts of a line: the last line of defence, not the rule. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password',
  'secret',
  'clientSecret',
  'client_secret',
  'accessToken',
  'access_token',
  'refresh_token',
  'id_token',
  'code',
  'code_verifier',
  'assertion',
  'subject_token',
  'authorization',
  'cookie',
  'set-cookie',
  'sealKey',
  'databaseUrl',
])
/** So many levels of facts are looked through. */
const MAX_DEPTH = 3

/**
 * Makes a logger that writes one JSON object per line.
 *
 * @param level Least serious lines that are written; `silent` writes none.
 * @param destination Where to; the standard output when absent.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const settings = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // pino's own `redact` looks for every path in every line: ten times the cost of the line itself.
    formatters: { log: (facts: object) => withoutSecrets(facts, MAX_DEPTH) as Record<string, unknown> },
    // Errors are written out where secrets are looked for.
    serializers: { err: (error: unknown) => error },
  }
  return destination ? pino(settings, destination) : pino(settings)
}

function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (Array.isArray(value)) return value.map(element => withoutSecrets(element, depth - 1))
  const members = value instanceof Error ? pino.stdSerializers.err(value) : value
  // Dates and the like write themselves.
  if (members === value && 'toJSON' in value) return value
  const shown: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(members)) {
    shown[name] = SECRET_KEYS.has(name) ? '[redacted]' : withoutSecrets(member, depth - 1)
  }
  return shown
}
