/**
 * Runs test files, several in one process: `sh tools/node.sh tools/run-tests.ts 'packages/engine/src/*.test.ts'`.
 *
 * Loading the server takes longer than running most files. So there are about as many processes as cores, and each runs
 * one file after the other (`test-lane.ts`). Every file is a suite with its own hooks. A file must restore what it
 * changes in its process.
 */
import { existsSync, globSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const TEST_TIMEOUT_MS = 120_000
const MAX_COMPILED_FILES = 20_000

// Tests also run sources in temporary folders, and nothing uses their compiled code again.
const compiled = join(import.meta.dirname, '../node_modules/.cache/node')
if (existsSync(compiled) && readdirSync(compiled, { recursive: true }).length > MAX_COMPILED_FILES) {
  rmSync(compiled, { recursive: true, force: true })
}

// The compiler, which some tests run, needs a third less CPU if it collects garbage less often.
process.env['GOGC'] ??= '400'

// The longest files first, judged by their size: a long file that starts last would delay the end.
const waiting = globSync(process.argv.slice(2))
  .map(file => ({ file, bytes: statSync(file).size }))
  .sort((a, b) => b.bytes - a.bytes)
  .map(({ file }) => file)
if (waiting.length === 0) {
  process.stderr.write(`No test file matches ${process.argv.slice(2).join(' ')}.\n`)
  process.exit(1)
}

/** One more than cores, because tests also wait: for deadlines and for processes. */
const lanes = Math.min(availableParallelism() + 1, waiting.length)
/** The current file of each lane. */
const running = new Map<string, string>()
const queue = createServer(({ url = '' }, response) => {
  const next = waiting.shift()
  if (next === undefined) running.delete(url)
  else running.set(url, next)
  // A lane may be busy for longer than an idle connection is kept.
  response.setHeader('connection', 'close').end(next)
}).listen(0, '127.0.0.1')
await new Promise(resolve => queue.once('listening', resolve))
const { port } = queue.address() as AddressInfo

run({
  files: Array.from({ length: lanes }, () => join(import.meta.dirname, 'test-lane.ts')),
  concurrency: lanes,
  execArgv: [`--test-timeout=${TEST_TIMEOUT_MS}`, '--import', join(import.meta.dirname, 'no-console.ts')],
  argv: [`http://127.0.0.1:${port}`],
})
  .on('test:fail', () => {
    process.exitCode = 1
  })
  .once('end', () => queue.close())
  .compose(new spec())
  .pipe(process.stdout)

process.once('exit', () => {
  const lost = [...running.values(), ...waiting]
  if (lost.length === 0) return
  // Their process ended early, which has already failed the run.
  process.stdout.write(`Not run to the end: ${lost.join(', ')}\n`)
  process.exitCode = 1
})
