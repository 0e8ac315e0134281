import { randomBytes } from 'node:crypto'

const BYTES = 6

/**
 * Creates a generation for a user or an application that no earlier artifact has. It is random, so that an application that is
 * created again with the same client id restores nothing.
 */
export function newGeneration(): string {
  return randomBytes(BYTES).toString('base64url')
}
