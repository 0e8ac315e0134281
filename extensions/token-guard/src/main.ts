#!/usr/bin/env node
/** Runs token-guard: reads the configuration, opens the port, writes one JSON line per decision, stops on SIGTERM. */
import { readFileSync } from 'node:fs'
import { createLineLog, serve } from '@preflow/extension/node'
import { PREFIX, readConfiguration } from './configuration.ts'
import { openTokenGuard } from './open-token-guard.ts'

const { log, flush } = createLineLog(lines => process.stdout.write(lines))
process.on('exit', flush)

function refuse(problems: readonly string[]): never {
  process.stderr.write(`token-guard does not start:\n${problems.map(problem => `  ${problem}\n`).join('')}`)
  process.exit(1)
}

function readFile(): unknown {
  const path = process.env[`${PREFIX}_CONFIG`]
  if (!path) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const what =
      error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${(error as NodeJS.ErrnoException).code})`
    return refuse([`${PREFIX}_CONFIG: ${path} ${what}. Name a file that holds one JSON object of settings.`])
  }
}

const file = readFile()
const read = readConfiguration({ environment: process.env, ...(file !== undefined && { file }) })
if (!read.ok) refuse(read.problems)
const { configuration } = read
const guard = await openTokenGuard(configuration, {
  log: record => log({ event: 'decision', ...record }),
  warn: message => log({ event: 'warning', message }, 'warn'),
}).catch(error => refuse([(error as Error).message]))
const server = await serve(guard.extension, {
  port: configuration.port,
  hostname: configuration.hostname,
  graceMs: configuration.graceMs,
}).catch(error => refuse([(error as Error).message]))
log({ event: 'listening', url: server.url })

let isStopping = false
async function stop(signal: NodeJS.Signals): Promise<void> {
  // Whoever asks twice does not want to wait.
  if (isStopping) process.exit(1)
  isStopping = true
  log({ event: 'stopping', signal })
  await server.close()
  guard.close()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
