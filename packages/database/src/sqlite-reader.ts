/** A second connection to an SQLite file, in a thread of its own: a statement that takes long holds nothing else up. */
import { extname } from 'node:path'
import type { SQLInputValue } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { asUnavailable, DatabaseUnavailable } from './failure.ts'
import type { Question, Reply, ThreadData } from './sqlite-thread.ts'
import { storable } from './storable.ts'

export interface ReaderOptions {
  /** Milliseconds to wait for a lock. */
  busyMs: number
  /** Most statements that wait for their turn; a further one rejects with a `DatabaseUnavailable`. */
  maxWaiting: number
  /** How messages call the database. */
  subject: string
}

/**
 * Reads an SQLite file in a thread of its own, one statement after the other. It sees what is committed when the statement begins.
 * The thread starts with the first statement, and does not keep the process alive.
 *
 * Statements that write, and transactions, are refused.
 */
export function openSqliteReader(file: string, options: ReaderOptions): { dialect: Dialect; end(): void } {
  const thread = createThread(file, options)
  const connection: DatabaseConnection = {
    executeQuery: async <Row>({ parameters, sql }: CompiledQuery) => ({
      rows: (await thread.ask(sql, parameters.map(storable) as SQLInputValue[])) as Row[],
    }),
    streamQuery: () => {
      throw new Error('Streams of rows are not supported.')
    },
  }
  const noTransactions = async () => {
    throw new Error('A lane that only reads has no transactions.')
  }
  const driver: Driver = {
    init: async () => undefined,
    acquireConnection: async () => connection,
    beginTransaction: noTransactions,
    commitTransaction: noTransactions,
    rollbackTransaction: noTransactions,
    releaseConnection: async () => undefined,
    destroy: async () => thread.end(),
  }
  return {
    dialect: {
      createDriver: () => driver,
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: db => new SqliteIntrospector(db),
      // Without it Kysely would queue statements itself, without a limit.
      createAdapter: () => Object.defineProperty(new SqliteAdapter(), 'supportsMultipleConnections', { value: true }),
    },
    end: thread.end,
  }
}

/** Where the program of the thread is: beside this file, as source or built. */
const PROGRAM = new URL(`./sqlite-thread${extname(import.meta.url)}`, import.meta.url)

function createThread(file: string, { busyMs, maxWaiting, subject }: ReaderOptions) {
  const waiting = new Map<number, { resolve(rows: unknown[]): void; reject(error: unknown): void }>()
  let worker: Worker | undefined
  let lastId = 0
  let hasEnded = false

  function fail(error: unknown) {
    worker = undefined
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  function start(): Worker {
    const workerData: ThreadData = { file, busyMs }
    const started = new Worker(PROGRAM, { workerData })
    started.on('message', (reply: Reply) => {
      const asked = waiting.get(reply.id)
      waiting.delete(reply.id)
      // Only a thread with work keeps the process alive.
      if (waiting.size === 0) started.unref()
      if ('rows' in reply) asked?.resolve(reply.rows)
      else asked?.reject(asUnavailable(Object.assign(new Error(reply.failure.message), reply.failure), subject))
    })
    started.on('error', error => fail(asUnavailable(error, subject)))
    started.on('exit', () => fail(new DatabaseUnavailable('lost', subject)))
    return started
  }

  return {
    ask(sql: string, parameters: SQLInputValue[]): Promise<unknown[]> {
      if (hasEnded) return Promise.reject(new DatabaseUnavailable('lost', subject))
      if (waiting.size >= maxWaiting) return Promise.reject(new DatabaseUnavailable('exhausted', subject))
      worker ??= start()
      worker.ref()
      const question: Question = { id: ++lastId, sql, parameters }
      return new Promise((resolve, reject) => {
        waiting.set(question.id, { resolve, reject })
        worker?.postMessage(question)
      })
    },
    end() {
      hasEnded = true
      void worker?.terminate()
      fail(new DatabaseUnavailable('lost', subject))
    },
  }
}
