import { describeIssues, readDocument } from '@preflow/contract'
import type * as z from 'zod/mini'

/**
 * Reads the options of a policy, so that a mistake is found when the policy is made and not when it first decides.
 *
 * @throws {TypeError} With one clause per mistake: `country: blocked.0: must be …`.
 */
export function readOptions<Output>(policy: string, schema: z.core.$ZodType<Output>, options: unknown): Output {
  const read = readDocument(schema, options)
  if (!read.ok) throw new TypeError(`${policy}: ${describeIssues(read.issues)}`)
  return read.value
}
