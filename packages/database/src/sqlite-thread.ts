/** The program of a thread that reads an SQLite file, see `sqlite-reader.ts`. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** One statement for the thread. */
export interface Question {
  id: number
  sql: string
  parameters: readonly SQLInputValue[]
}

/** The rows, or the error of SQLite. */
export type Reply = { id: number; rows: unknown[] } | { id: number; failure: { message: string; errcode?: number } }

/** What the thread is started with. */
export interface ThreadData {
  file: string
  /** Milliseconds that a statement waits for a lock. */
  busyMs: number
}

const MAX_PREPARED_STATEMENTS = 200

const { busyMs, file } = workerData as ThreadData
const database = new DatabaseSync(file, { readOnly: true, timeout: busyMs })
// A search reads much of an index: with SQLite's default of 2 MiB it would read most pages from the file again.
database.exec('pragma cache_size = -16384')
const prepared = new Map<string, StatementSync>()

function prepare(sql: string): StatementSync {
  const known = prepared.get(sql)
  if (known) return known
  if (prepared.size >= MAX_PREPARED_STATEMENTS) prepared.clear()
  const statement = database.prepare(sql)
  prepared.set(sql, statement)
  return statement
}

function answer({ id, parameters, sql }: Question): Reply {
  try {
    return { id, rows: prepare(sql).all(...parameters) }
  } catch (error) {
    const { errcode, message } = error as { errcode?: number; message: string }
    return { id, failure: errcode === undefined ? { message } : { message, errcode } }
  }
}

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answer(question)))
