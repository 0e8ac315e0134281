/**
 * Runs test files, several in one process: `sh tools/node.sh tools/run-tests.ts 'packages/engine/src/*.test.ts'`.
 *
 * Loading the server takes longer than most files run, so there are as many processes as cores, and each takes one file after
 * the other (`test-lane.ts`). Every file is a suite there, with its own hooks; what must not be shared is what a file changes
 * in its process and does not put back.
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

// Tests run sources in temporary folders too, and what was compiled of them is never looked up again.
const compiled = join(import.meta.dirname, '../node_modules/.cache/node')
if (existsSync(compiled) && readdirSync(compiled, { recursive: true }).length > MAX_COMPILED_FILES) {
  rmSync(compiled, { recursive: true, force: true })
}

// The longest ones first, as far as their length tells: one that starts last is waited for by all.
const waiting = globSync(process.argv.slice(2))
  .map(file => ({ file, bytes: statSync(file).size }))
  .sort((a, b) => b.bytes - a.bytes)
  .map(({ file }) => file)
if (waiting.length === 0) {
  process.stderr.write(`No test file matches ${process.argv.slice(2).join(' ')}.\n`)
  process.exit(1)
}

/** One more than cores, because tests wait too: for deadlines and for what they started. */
const lanes = Math.min(availableParallelism() + 1, waiting.length)
/** What each lane is at. */
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
  // Their process ended before they did, which has already failed the run.
  process.stdout.write(`Not run to the end: ${lost.join(', ')}\n`)
  process.exitCode = 1
})
