import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { createPinAuthenticator, type PinAuthenticator, readConfiguration } from '@preflow/pin-authenticator'

const read = readConfiguration({ environment: process.env })
if (!read.ok) throw new Error(['__name__ does not start:', ...read.problems].join('\n  '))

/** The running __name__. All instances must share its database. */
export const service: PinAuthenticator = await createPinAuthenticator(read.configuration, {
  now: Date.now,
  randomBytes,
  log: line => process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`),
})
