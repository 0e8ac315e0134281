import { ForeignDatabase } from './sqlite.ts'

/** The database cannot be used. The message is a sentence for the operator, without credentials: what failed, and what to do. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
  /** Programs show its message as it is, without a stack. */
  readonly isForOperator = true
}

/** How sentences about failures name the database, and what they advise. */
export interface Wording {
  /** Begins a sentence: `The outbox file /data/outbox.db`. Default: file or host and name of the database. */
  subject: string
  /** Ends every sentence: `Check the setting database.` Default: what to do about the error, and that nothing was changed. */
  advice?: string
}

/** What happened and what to do, by the code that SQLite (primary result code) or PostgreSQL (SQLSTATE, or the socket's code) gives. */
const SENTENCES: Record<string, string> = {
  '8': 'may not be written. Give the server the right to write it',
  '10': 'cannot be read or written (disk error). Check the disk',
  '11': 'is damaged. Restore it from a copy, or move it away to start with an empty one',
  '13': 'cannot grow: the disk is full. Make room',
  '14': 'cannot be opened. Create its folder and give the server the right to write there',
  '26': 'is not a database. Restore it from a copy, or move it away to start with an empty one',
  '28P01': 'refused the password. Correct the user and password in the URL',
  '28000': 'refused the user. Correct the user in the URL',
  '3D000': 'does not exist. Create the database, or correct the name in the URL',
  '42501': 'lets the user create no tables. Grant it that right',
  '42P07': 'holds tables of another program with the same names. Use a database of its own',
  ECONNREFUSED:
    'cannot be reached: the connection was refused. Start PostgreSQL, or correct the host and port in the URL',
  ENOTFOUND: 'cannot be reached: its host name is unknown. Correct the host in the URL',
  EAI_AGAIN: 'cannot be reached: its host name cannot be resolved. Correct the host in the URL',
  ETIMEDOUT: 'cannot be reached: no answer. Correct the host and port in the URL, or look at the firewall',
  ERR_INVALID_URL: 'is not a URL. Write it like postgres://user:password@host:5432/preflow',
}

/** The sentence about any error of opening or preparing a database. A {@link DatabaseError} is one already. */
export function explain(error: unknown, { subject, advice }: Wording): DatabaseError {
  if (error instanceof DatabaseError) return error
  return new DatabaseError(sentence(error, subject, advice), { cause: error })
}

function sentence(error: unknown, subject: string, advice: string | undefined): string {
  if (error instanceof ForeignDatabase) {
    return `${subject} belongs to another program. Name another file. Nothing was changed.`
  }
  const { code, errcode } = error as { code?: string; errcode?: number }
  const reason = error instanceof Error && error.message !== '' ? error.message : String(code)
  if (advice !== undefined) return `${subject} cannot be used: ${reason}. ${advice}`
  // The low byte of an extended result code is the primary one.
  const known = SENTENCES[errcode === undefined ? String(code) : String(errcode & 0xff)]
  return `${subject} ${known ?? `cannot be used: ${reason}`}. Nothing was changed.`
}
