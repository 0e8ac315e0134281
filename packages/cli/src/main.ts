#!/usr/bin/env node
import process from 'node:process'
import { run } from './run.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))

// Who reads through a pipe may have seen enough: `preflow verify … | head` is no failure of either.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await run(process.argv.slice(2), {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  isTTY: process.stderr.isTTY === true,
  // Some terminals that nobody looks at say that they have none.
  columns: process.stdout.columns || undefined,
  env: process.env,
  signal: stop.signal,
})
