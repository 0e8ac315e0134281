#!/usr/bin/env node
import { randomBytes, randomUUID } from 'node:crypto'
import { readConfiguration, unknownVariables } from './configuration.ts'
import { createLog } from './ground/observe/log.ts'
import { isForOperator } from './ground/operator-error.ts'
import { createServer } from './server.ts'

try {
  const configuration = readConfiguration(process.env)
  const log = createLog(configuration.logLevel)
  for (const sentence of unknownVariables(process.env)) log.warn(sentence)
  const server = await createServer(configuration, { now: Date.now, newId: randomUUID, randomBytes, log })
  if (server.generatedAdminPassword !== undefined) {
    process.stderr.write(
      `The user admin was created. Its password, shown only once: ${server.generatedAdminPassword}\n`,
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close().then(() => process.exit(0)))
  }
  await server.listen()
} catch (error) {
  // An error without a sentence for the operator is a defect, so show its stack.
  process.stderr.write(`preflow: ${isForOperator(error) ? error.message : (error as Error).stack}\n`)
  process.exit(1)
}
