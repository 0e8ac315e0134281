import { allow, type Context, deny, type Handler, shortenRefreshTo, shortenTo } from '@preflow/extension'
import * as z from 'zod/mini'
import { createHours, type Hours, hoursSchema } from './hours.ts'
import { readOptions } from './options.ts'
import { type Reaction, react, reactionSchema } from './reaction.ts'
import { readSourceAddress, type TrustedHeader, trustedHeaderSchema } from './source-address.ts'

/** The score of an address: 0 is harmless, 100 is certainly abusive. */
export type Reputation =
  | { kind: 'score'; score: number }
  /** No score is available; `why` is a class, for example `quota`, never an address or a key. */
  | { kind: 'unavailable'; why: string }

/**
 * Returns the reputation of an address. Never rejects. Answers at once if it is cached.
 *
 * @param call.remainingMs Milliseconds after which the caller no longer waits.
 */
export type ReputationLookup = (address: string, call: { remainingMs: number }) => Reputation | Promise<Reputation>

export interface ReputationOptions {
  source?: TrustedHeader
  /** Scores above this are denied. Default 75, so 75 itself is allowed. */
  denyAbove?: number
  /** Scores below this change nothing. Default 25. From here to `denyAbove` the lifetime is reduced. */
  reduceFrom?: number
  /** Lifetime in seconds of a reduced token within the hours. Default 900. Never longer than the application's own. */
  insideSeconds?: number
  /** The same outside the hours. Default 300. */
  outsideSeconds?: number
  hours?: Hours
  /** Maximum lifetime in seconds of the refresh token of a reduced token. Default: no limit. */
  refreshSeconds?: number
  /** No score is available. Default `error`. */
  unavailable?: Reaction
  /** The lifetime must be reduced but the event does not offer it. Default `allow`. */
  notOffered?: Exclude<Reaction, 'shorten'>
}

const score = z.number().check(z.gte(0), z.lte(100))

export const reputationOptionsSchema: z.ZodMiniType<
  Required<Omit<ReputationOptions, 'source' | 'hours' | 'refreshSeconds'>> & {
    source: Required<TrustedHeader>
    hours: Required<Hours>
    refreshSeconds?: number
  }
> = z
  .strictObject({
    source: trustedHeaderSchema,
    denyAbove: z._default(score, 75),
    reduceFrom: z._default(score, 25),
    insideSeconds: z._default(z.int().check(z.gte(1)), 900),
    outsideSeconds: z._default(z.int().check(z.gte(1)), 300),
    hours: hoursSchema,
    refreshSeconds: z.exactOptional(z.int().check(z.gte(1))),
    unavailable: z._default(reactionSchema, 'error'),
    notOffered: z._default(z.enum(['deny', 'allow', 'error']), 'allow'),
  })
  .check(
    z.refine(({ reduceFrom, denyAbove }) => reduceFrom <= denyAbove, {
      path: ['reduceFrom'],
      message: 'must not be above denyAbove',
    }),
  )

/** Milliseconds of the budget that are reserved for the answer. */
const RESERVE_MS = 100

/**
 * Denies, reduces or allows by the reputation of the client's address. Requests without a public address pass. To
 * decide about them, put `sourceAddress` before it.
 */
export function reputation(
  options: ReputationOptions,
  { lookup }: { lookup: ReputationLookup },
): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const settings = readOptions('reputation', reputationOptionsSchema, options)
  const isWithinHours = createHours(settings.hours)

  function decide(found: Reputation, context: Context<'PRE_ISSUE_ACCESS_TOKEN'>) {
    const seconds = () => (isWithinHours(context.now()) ? settings.insideSeconds : settings.outsideSeconds)
    if (found.kind === 'unavailable') {
      return react(settings.unavailable, {
        description: 'The reputation of the client address could not be checked.',
        why: `reputation: unavailable (${found.why})`,
        seconds: seconds(),
      })
    }
    if (found.score > settings.denyAbove) {
      return deny('access_denied', 'Access token issuance is blocked due to high IP risk.', {
        why: 'reputation: high risk',
      })
    }
    if (found.score < settings.reduceFrom) return allow([], { why: 'reputation: low risk' })
    const shorten = shortenTo(seconds())
    if (!context.may(shorten) && settings.notOffered !== 'allow') {
      return react(settings.notOffered, {
        description: 'Access token issuance is blocked because its lifetime cannot be reduced.',
        why: 'reputation: medium risk, reducing is not offered',
        seconds: 0,
      })
    }
    const { refreshSeconds } = settings
    const shortenRefresh = refreshSeconds === undefined ? undefined : shortenRefreshTo(refreshSeconds)
    // Without a refresh token there is nothing to shorten and nothing to report.
    const edits = shortenRefresh && context.may(shortenRefresh) ? [shorten, shortenRefresh] : [shorten]
    return allow(edits, { why: 'reputation: medium risk' })
  }

  return (_event, context) => {
    const source = readSourceAddress(context, settings.source)
    if (source.kind !== 'public') return allow([], { why: 'reputation: no public address' })
    const found = lookup(source.address, { remainingMs: Math.max(0, context.remainingMs() - RESERVE_MS) })
    return found instanceof Promise ? found.then(later => decide(later, context)) : decide(found, context)
  }
}
