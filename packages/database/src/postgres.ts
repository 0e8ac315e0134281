import { type Dialect, PostgresDialect } from 'kysely'
import pg from 'pg'
import { storable } from './storable.ts'

export interface PostgresOptions {
  /** Most connections at once. */
  maxConnections: number
  /** Milliseconds to wait for a connection. */
  connectMs: number
  /** Milliseconds to wait for the answer to a statement; without it there is no limit. */
  statementMs?: number
  /** Called when an idle connection breaks. */
  onConnectionLost?(error: Error): void
}

const INT8 = 20

/** A pool of connections to PostgreSQL for Kysely. Connects at the first query. */
export function openPostgres(url: string, options: PostgresOptions): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectMs,
    ...(options.statementMs !== undefined && { query_timeout: options.statementMs }),
    types: {
      // Epoch milliseconds and counts stay far below 2^53.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', error => options.onConnectionLost?.(error))
  pool.on('connect', sendStorableValues)
  return new PostgresDialect({ pool })
}

function sendStorableValues(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...call: unknown[]) => unknown
  client.query = ((text: unknown, values: unknown, ...rest: unknown[]) =>
    query(text, Array.isArray(values) ? values.map(storable) : values, ...rest)) as typeof client.query
}
