#!/usr/bin/env node
import process from 'node:process'
import { run } from './run.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))

// A reader may close the pipe early, as in `preflow verify … | head`. That is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await run(process.argv.slice(2), {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  isTTY: process.stderr.isTTY === true,
  // Some terminals without a window report 0.
  columns: process.stdout.columns || undefined,
  env: process.env,
  signal: stop.signal,
})
