#!/usr/bin/env node
/** Runs pin-authenticator: reads the configuration, opens the port or imports users, stops on SIGTERM. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { createAdaptorServer } from '@hono/node-server'
import { present } from '@preflow/contract'
import {
  type Configuration,
  createPinAuthenticator,
  importEnrolments,
  type Ports,
  PREFIX,
  readConfiguration,
} from './index.ts'

const USAGE = `Usage:
  pin-authenticator                 serves the extension
  pin-authenticator import <file>   enrols the users of a file of JSON Lines; - reads standard input
Settings come from ${PREFIX}_… variables and from the JSON file that ${PREFIX}_CONFIG names.`

/** A browser or platform that takes longer to send its request is disconnected. */
const REQUEST_TIMEOUT_MS = 10_000

const ports: Ports = { now: Date.now, randomBytes, log: write }

function write(line: object): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`)
}

function refuse(problems: readonly string[]): never {
  process.stderr.write(`pin-authenticator does not start:\n${problems.map(problem => `  ${problem}\n`).join('')}`)
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
    return refuse([`${PREFIX}_CONFIG: ${path} ${what}. Set it to a file with one JSON object of settings.`])
  }
}

async function serve(configuration: Configuration): Promise<void> {
  const authenticator = await createPinAuthenticator(configuration, ports)
  const server = createAdaptorServer({
    fetch: authenticator.fetch,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
  }) as Server
  const { port, hostname, mode } = configuration
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, hostname, resolve))
  write({ event: 'listening', port: (server.address() as AddressInfo).port, mode })

  let isStopping = false
  const stop = async (signal: NodeJS.Signals) => {
    // A second signal means: do not wait.
    if (isStopping) process.exit(1)
    isStopping = true
    write({ event: 'stopping', signal })
    authenticator.drain()
    const cut = setTimeout(() => server.closeAllConnections(), configuration.graceMs)
    await new Promise(resolve => server.close(resolve))
    clearTimeout(cut)
    await authenticator.close()
    write({ event: 'stopped' })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

async function importFile(file: string, configuration: Configuration): Promise<void> {
  const authenticator = await createPinAuthenticator(configuration, ports)
  const lines = file === '-' ? createInterface({ input: process.stdin }) : (await open(file)).readLines()
  const { enrolled, problems } = await importEnrolments(lines, authenticator.enrolment)
  await authenticator.close()
  process.stderr.write(`${[...problems, `${enrolled} enrolled, ${problems.length} refused`].join('\n')}\n`)
  if (problems.length > 0) process.exitCode = 1
}

const [command, file, ...more] = process.argv.slice(2)
const isImport = command === 'import' && file !== undefined && more.length === 0
if (command !== undefined && !isImport) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(command === '--help' ? 0 : 1)
}
const settingsFile = readFile()
const read = readConfiguration({ environment: process.env, ...present({ file: settingsFile }) })
if (!read.ok) refuse(read.problems)
await (isImport ? importFile(file, read.configuration) : serve(read.configuration)).catch(error =>
  refuse([(error as Error).message]),
)
