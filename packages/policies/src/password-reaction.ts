import { describeIssues, platforms } from '@preflow/contract'
import { type Allow, allow, type Deny, deny, type Fail, fail } from '@preflow/extension'
import type { CredentialReading } from '@preflow/extension/credential'
import * as z from 'zod/mini'

/**
 * What a password policy does if it cannot check: `deny` rejects the password, `allow` accepts it unchecked, `error`
 * reports that no decision is possible.
 */
export type PasswordReaction = 'deny' | 'allow' | 'error'

export const passwordReactionSchema: z.ZodMiniType<PasswordReaction> = z.enum(['deny', 'allow', 'error'])

const reactions: Record<
  PasswordReaction,
  (how: { reason: string; description: string; why: string }) => Allow<never> | Deny | Fail
> = {
  deny: ({ reason, description, why }) => deny(reason, description, { why }),
  allow: ({ why }) => allow([], { why }),
  error: ({ reason, description, why }) => fail(reason, description, { why }),
}

/**
 * Decides by the setting.
 *
 * @param how.description What people read if it is denied.
 * @param how.why What the operator reads.
 */
export function reactToPassword(
  reaction: PasswordReaction,
  how: { reason: string; description: string; why: string },
): Allow<never> | Deny | Fail {
  return reactions[reaction](how)
}

/** The platform shares a digest that does not allow this check. As an error, the request is invalid. */
export function reactToNotCheckable(reaction: PasswordReaction, why: string): Allow<never> | Deny | Fail {
  const decision = reactToPassword(reaction, {
    reason: 'password_not_checkable',
    description: 'The password cannot be checked in the form in which it is shared. Please contact your administrator.',
    why,
  })
  return decision.decision === 'fail' ? { ...decision, status: 400 } : decision
}

/** The shared value cannot be read, so it cannot be checked. */
export function reactToUnreadable(policy: string, { fault, issues }: Extract<CredentialReading, { ok: false }>): Fail {
  return fail(`credential_${fault}`, describeIssues(issues), {
    status: fault === 'malformed' ? 400 : 500,
    why: `${policy}: credential ${fault}`,
  })
}

/**
 * Messages for clients. A character that a platform rejects would turn the refusal into a server error, without the
 * reason.
 */
export const denyReasonSchema: z.ZodMiniType<string> = denyTextSchema('maxReason')
export const denyDescriptionSchema: z.ZodMiniType<string> = denyTextSchema('maxDescription')

function denyTextSchema(limit: 'maxReason' | 'maxDescription'): z.ZodMiniType<string> {
  const limits = Object.values(platforms).map(({ text }) => text)
  return z.string().check(
    z.minLength(1),
    z.maxLength(Math.min(...limits.map(text => text[limit]))),
    z.refine(
      value => limits.every(({ alphabet }) => alphabet.test(value)),
      "must consist of letters, digits, spaces and -_.!?;:'()[]",
    ),
  )
}
