import { randomBytes } from 'node:crypto'

const BYTES = 6

/**
 * Makes the generation of a user or an application that nothing issued before carries. Random, so that an application that is
 * created again under the same client id revives nothing either.
 */
export function newGeneration(): string {
  return randomBytes(BYTES).toString('base64url')
}
