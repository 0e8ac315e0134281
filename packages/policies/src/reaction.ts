import { type Allow, allow, type Deny, deny, type Fail, fail, type LifetimeEdit, shortenTo } from '@preflow/extension'
import * as z from 'zod/mini'

/**
 * What a policy does in a doubtful case: `deny` refuses, `shorten` gives the token a short lifetime, `allow` continues,
 * `error` reports that no decision is possible.
 */
export type Reaction = 'deny' | 'shorten' | 'allow' | 'error'

export const reactionSchema: z.ZodMiniType<Reaction> = z.enum(['deny', 'shorten', 'allow', 'error'])

const reactions: Record<
  Reaction,
  (how: { description: string; why: string; seconds: number }) => Allow<LifetimeEdit> | Deny | Fail
> = {
  deny: ({ description, why }) => deny('access_denied', description, { why }),
  shorten: ({ seconds, why }) => allow([shortenTo(seconds)], { why }),
  allow: ({ why }) => allow([], { why }),
  error: ({ description, why }) => fail('server_error', description, { why }),
}

/**
 * Decides by the setting.
 *
 * @param how.description What the client reads if it is denied.
 * @param how.why What the operator reads.
 * @param how.seconds The lifetime for `shorten`.
 */
export function react(
  reaction: Reaction,
  how: { description: string; why: string; seconds: number },
): Allow<LifetimeEdit> | Deny | Fail {
  return reactions[reaction](how)
}
