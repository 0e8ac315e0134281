import { type DestinationStream, type Logger, pino } from 'pino'

/** A structured log: facts first, then a sentence. Never pass a token, a password or a claim value. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** Keys whose values are replaced everywhere in the facts of a line. This is only the last line of defence. */
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
/** Number of levels of facts in which secrets are replaced. */
const MAX_DEPTH = 3

/**
 * Creates a logger that writes one JSON object per line.
 *
 * @param level The lowest level that is written. `silent` writes nothing.
 * @param destination Default: the standard output.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const settings = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // pino's own `redact` searches every path in every line, which costs ten times as much as the line itself.
    formatters: { log: (facts: object) => withoutSecrets(facts, MAX_DEPTH) as Record<string, unknown> },
    // Errors are serialized where secrets are replaced.
    serializers: { err: (error: unknown) => error },
  }
  return destination ? pino(settings, destination) : pino(settings)
}

function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (Array.isArray(value)) return value.map(element => withoutSecrets(element, depth - 1))
  const members = value instanceof Error ? pino.stdSerializers.err(value) : value
  // Dates and similar values serialize themselves.
  if (members === value && 'toJSON' in value) return value
  const shown: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(members)) {
    shown[name] = SECRET_KEYS.has(name) ? '[redacted]' : withoutSecrets(member, depth - 1)
  }
  return shown
}
