import { present } from '@preflow/contract'
import { type Dialect, Kysely, type KyselyPlugin } from 'kysely'
import { type DatabaseError, explain, type Wording } from './failure.ts'
import { type Location, nameOf } from './location.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

export interface ConnectOptions {
  /** An SQLite file is created when it does not exist, for its owner only. */
  location: Location
  /**
   * SQLite: a number that marks the file as this program's own, so that a file with tables of another program is refused.
   * Default: any file is taken.
   */
  applicationId?: number
  plugins?: KyselyPlugin[]
  wording?: Wording
  /** PostgreSQL: most connections at once. Default 10. */
  maxConnections?: number
  /** Milliseconds to wait for a connection to PostgreSQL, or while another process writes to the SQLite file. Default 5000. */
  connectMs?: number
  /** PostgreSQL: milliseconds to wait for the answer to a statement. Default: no limit. */
  statementMs?: number
  /** Called when an idle connection to PostgreSQL breaks; the next query opens another. */
  onConnectionLost?(error: Error): void
}

/** An open database. */
export interface Connected<Tables> {
  engine: Engine
  queries: Kysely<Tables>
  /** The sentence about an error of this database, see {@link explain}. */
  explain(error: unknown): DatabaseError
  /** Waits for running queries, and closes the file or the connections. */
  close(): Promise<void>
}

export type Engine = 'sqlite' | 'postgresql'

/**
 * Opens a database. A PostgreSQL database is contacted at the first query.
 *
 * Throws a {@link DatabaseError} when the SQLite file cannot be used; then nothing was changed.
 */
export function connect<Tables>(options: ConnectOptions): Connected<Tables> {
  const { location, plugins = [], wording = { subject: nameOf(location) } } = options
  try {
    const { dialect, end } = open(options)
    const queries = new Kysely<Tables>({ dialect, plugins })
    return {
      engine: 'file' in location ? 'sqlite' : 'postgresql',
      queries,
      explain: error => explain(error, wording),
      close: async () => {
        await queries.destroy()
        // Kysely ends only what it has used.
        end?.()
      },
    }
  } catch (error) {
    throw explain(error, wording)
  }
}

function open(options: ConnectOptions): { dialect: Dialect; end?(): void } {
  const { location, applicationId, maxConnections = 10, connectMs = 5000, statementMs, onConnectionLost } = options
  return 'file' in location
    ? openSqlite(location.file, { busyMs: connectMs, ...present({ applicationId }) })
    : {
        dialect: openPostgres(location.url, {
          maxConnections,
          connectMs,
          ...present({ statementMs, onConnectionLost }),
        }),
      }
}
