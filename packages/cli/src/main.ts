#!/usr/bin/env node
import process from 'node:process'
import { run } from './run.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))

process.exitCode = await run(process.argv.slice(2), {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
  isTTY: process.stderr.isTTY === true,
  env: process.env,
  signal: stop.signal,
})
