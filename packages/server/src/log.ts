import { type DestinationStream, type Logger, pino } from 'pino'

/** Structured lines: facts first, then a sentence. Never pass a token, a password or a claim value. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

/** Keys whose values are replaced wherever they turn up in the facts of a line: the last line of defence, not the rule. */
const SECRET_KEYS = [
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
]

/**
 * Makes a logger that writes one JSON object per line.
 *
 * @param level Least serious lines that are written; `silent` writes none.
 * @param destination Where to; the standard output when absent.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const paths = SECRET_KEYS.flatMap(key => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`])
  const settings = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths, censor: '[redacted]' },
  }
  return destination ? pino(settings, destination) : pino(settings)
}
