import { describeIssues, issuesOf } from '@preflow/contract'
import type { z } from 'zod'

/**
 * Reads the options of a policy, so that a mistake is found when the policy is made and not when it first decides.
 *
 * @throws {TypeError} With one clause per mistake: `country: blocked.0: must be …`.
 */
export function readOptions<Output>(policy: string, schema: z.ZodType<Output>, options: unknown): Output {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw new TypeError(`${policy}: ${describeIssues(issuesOf(parsed.error))}`)
  return parsed.data
}
