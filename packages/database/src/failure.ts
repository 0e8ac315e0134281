/**
 * The database is not usable. The message is for the operator and contains no credentials: what failed, and what to do.
 */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
  /** Programs show its message without a stack. */
  readonly isForOperator = true
}

/** An SQLite file with the database of another program. */
export class ForeignDatabase extends Error {
  override name = 'ForeignDatabase'
}

/** Why a valid statement got no answer. */
export type Unavailability =
  /** No connection could be made. */
  | 'unreachable'
  /** The connection broke: the database restarted, failed over, or an administrator ended the session. */
  | 'lost'
  /** Every connection is in use, and the wait for one timed out or the queue is full. */
  | 'exhausted'
  /** The statement exceeded its time limit. */
  | 'slow'
  /** Another session or process held a lock. */
  | 'locked'
  /** This transaction was aborted because of a concurrent one. */
  | 'conflict'
  | 'disk-full'
  | 'disk-error'
  /** The database is read-only: a standby, or a file system that became read-only. */
  | 'read-only'

/**
 * The database cannot answer now. The same statement may succeed later. A server responds with 503 and `Retry-After`.
 * The transaction has been rolled back.
 */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable'
  readonly code: Unavailability
  /** Seconds after which to retry. */
  readonly retryAfterSeconds: number

  constructor(why: Unavailability, subject: string, options?: ErrorOptions) {
    super(`${subject} ${UNAVAILABLE[why].predicate}.`, options)
    this.code = why
    this.retryAfterSeconds = UNAVAILABLE[why].retryAfterSeconds
  }
}

const UNAVAILABLE: Record<Unavailability, { predicate: string; retryAfterSeconds: number }> = {
  unreachable: { predicate: 'cannot be reached', retryAfterSeconds: 5 },
  lost: { predicate: 'closed the connection', retryAfterSeconds: 1 },
  exhausted: { predicate: 'has no free connection', retryAfterSeconds: 1 },
  slow: { predicate: 'took too long to answer', retryAfterSeconds: 5 },
  locked: { predicate: 'is locked by another session or process', retryAfterSeconds: 2 },
  conflict: { predicate: 'aborted a transaction because of another one', retryAfterSeconds: 1 },
  'disk-full': { predicate: 'cannot grow: the disk is full. Free some space', retryAfterSeconds: 60 },
  'disk-error': { predicate: 'cannot be read or written (disk error). Check the disk', retryAfterSeconds: 30 },
  'read-only': { predicate: 'may not be written', retryAfterSeconds: 30 },
}

/** By SQLSTATE, by the code of a socket error, and by the primary result code of SQLite. */
const WHY_BY_CODE: Record<string, Unavailability> = {
  '08000': 'lost',
  '08001': 'unreachable',
  '08003': 'lost',
  '08004': 'unreachable',
  '08006': 'lost',
  '08007': 'lost',
  '25006': 'read-only',
  '25P03': 'lost',
  '40001': 'conflict',
  '40P01': 'conflict',
  '53100': 'disk-full',
  '53200': 'exhausted',
  '53300': 'exhausted',
  '53400': 'exhausted',
  '55P03': 'locked',
  '57014': 'slow',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P03': 'unreachable',
  '57P05': 'lost',
  '58000': 'disk-error',
  '58030': 'disk-error',
  EAI_AGAIN: 'unreachable',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'lost',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'unreachable',
  EPIPE: 'lost',
  ETIMEDOUT: 'unreachable',
  'sqlite 5': 'locked',
  'sqlite 8': 'read-only',
  'sqlite 10': 'disk-error',
  'sqlite 13': 'disk-full',
}

/** Errors of pg itself have no code. */
const WHY_BY_MESSAGE: Record<string, Unavailability> = {
  'timeout exceeded when trying to connect': 'exhausted',
  'Connection terminated due to connection timeout': 'unreachable',
  'timeout expired': 'unreachable',
  'Connection terminated': 'lost',
  'Connection terminated unexpectedly': 'lost',
  'Client has encountered a connection error and is not queryable': 'lost',
  'Client was closed and is not queryable': 'lost',
  'Query read timeout': 'slow',
}

/** `SQLITE_IOERR_SHMSIZE`: the error for a full disk if SQLite cannot enlarge the file that its processes share. */
const CANNOT_GROW_SHARED_MEMORY = 4874

/**
 * Converts an error that the statement did not cause into a {@link DatabaseUnavailable}. Returns any other error
 * unchanged.
 */
export function asUnavailable(error: unknown, subject: string): unknown {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string }
  const why =
    errcode === CANNOT_GROW_SHARED_MEMORY
      ? 'disk-full'
      : errcode === undefined
        ? (WHY_BY_CODE[code ?? ''] ?? WHY_BY_MESSAGE[message ?? ''])
        : // The low byte of an extended result code is the primary one.
          WHY_BY_CODE[`sqlite ${errcode & 0xff}`]
  return why === undefined ? error : new DatabaseUnavailable(why, subject, { cause: error })
}

/** The name of the database in messages, and the advice. */
export interface Wording {
  /**
   * The beginning of a sentence: `The outbox file /data/outbox.db`. Default: the file, or the host and name of the
   * database.
   */
  subject: string
  /**
   * The end of every message: `Check the setting database.` Default: advice on the error, and that nothing was changed.
   */
  advice?: string
}

/** What happened when opening failed, and what to do, by the codes of {@link WHY_BY_CODE}. */
const SENTENCES: Record<string, string> = {
  'sqlite 8': 'may not be written. Grant the server write access',
  'sqlite 11': 'is damaged. Restore it from a copy, or move it away to start with an empty one',
  'sqlite 14': 'cannot be opened. Create its folder and grant the server write access',
  'sqlite 26': 'is not a database. Restore it from a copy, or move it away to start with an empty one',
  '28P01': 'refused the password. Correct the user and password in the URL',
  '28000': 'refused the user. Correct the user in the URL',
  '3D000': 'does not exist. Create the database, or correct the name in the URL',
  '42501': 'does not allow the user to create tables. Grant that right',
  '42P07': 'contains tables of another program with the same names. Use a separate database',
  '53300': 'accepts no more connections. Raise max_connections there, or open fewer connections',
  ECONNREFUSED:
    'cannot be reached: the connection was refused. Start PostgreSQL, or correct the host and port in the URL',
  ENOTFOUND: 'cannot be reached: its host name is unknown. Correct the host in the URL',
  EAI_AGAIN: 'cannot be reached: its host name cannot be resolved. Correct the host in the URL',
  ETIMEDOUT: 'cannot be reached: no answer. Correct the host and port in the URL, or check the firewall',
  ERR_INVALID_URL: 'is not a URL. Write it like postgres://user:password@host:5432/preflow',
}

/** The message for any error of opening or preparing a database. A {@link DatabaseError} is returned unchanged. */
export function explain(error: unknown, { subject, advice }: Wording): DatabaseError {
  if (error instanceof DatabaseError) return error
  return new DatabaseError(sentence(asUnavailable(error, subject), subject, advice), { cause: error })
}

function sentence(error: unknown, subject: string, advice: string | undefined): string {
  if (error instanceof ForeignDatabase) {
    return `${subject} belongs to another program. Name another file. Nothing was changed.`
  }
  const cause = error instanceof DatabaseUnavailable ? error.cause : error
  const { code, errcode } = (cause ?? error) as { code?: string; errcode?: number }
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : String(code)
  if (advice !== undefined) return `${subject} cannot be used: ${reason}. ${advice}`
  const known = SENTENCES[errcode === undefined ? String(code) : `sqlite ${errcode & 0xff}`]
  if (known !== undefined) return `${subject} ${known}. Nothing was changed.`
  return error instanceof DatabaseUnavailable
    ? `${error.message} Nothing was changed.`
    : `${subject} cannot be used: ${reason}. Nothing was changed.`
}
