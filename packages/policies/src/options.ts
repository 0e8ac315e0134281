import { describeIssues, readDocument } from '@preflow/contract'
import type * as z from 'zod/mini'

/**
 * Reads the options of a policy, so that an error is found when the policy is created and not at the first decision.
 *
 * @throws {TypeError} With one clause per error: `country: blocked.0: must be …`.
 */
export function readOptions<Output>(policy: string, schema: z.core.$ZodType<Output>, options: unknown): Output {
  const read = readDocument(schema, options)
  if (!read.ok) throw new TypeError(`${policy}: ${describeIssues(read.issues)}`)
  return read.value
}
