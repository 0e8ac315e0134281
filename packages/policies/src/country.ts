import { allow, deny, type Handler, setClaim } from '@preflow/extension'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'
import { type Reaction, react, reactionSchema } from './reaction.ts'
import { readSourceAddress, type TrustedHeader, trustedHeaderSchema } from './source-address.ts'

/** The result for an address. `code` is ISO 3166-1 alpha-2; `range` names a special-use block. */
export type CountryFinding =
  | { kind: 'country'; code: string }
  | { kind: 'unknown' }
  | { kind: 'special'; range: string }

/** Returns the country of an address. The source is a file, see `@preflow/policies/country-file`, or any other. */
export type CountryLookup = (address: string) => CountryFinding

export interface CountryOptions {
  source?: TrustedHeader
  /** Countries that get no token, ISO 3166-1 alpha-2. Default none. */
  blocked?: string[]
  /** If not empty, only these countries get a token. Default empty. */
  allowed?: string[]
  /** The country of a public address is unknown. Default `deny`. */
  unknown?: Reaction
  /** Lifetime in seconds if `unknown` is `shorten`. Default 300. */
  shortenToSeconds?: number
  /** A claim that shows the country to resource servers. It is updated on refresh. Default: none is added. */
  claim?: string
}

const countries = z._default(
  z.array(z.string().check(z.regex(/^[A-Z]{2}$/, 'must be two capital letters, for example KP'))),
  [],
)

export const countryOptionsSchema: z.ZodMiniType<
  Required<Omit<CountryOptions, 'source' | 'claim'>> & { source: Required<TrustedHeader>; claim?: string }
> = z.strictObject({
  source: trustedHeaderSchema,
  blocked: countries,
  allowed: countries,
  unknown: z._default(reactionSchema, 'deny'),
  shortenToSeconds: z._default(z.int().check(z.gte(1)), 300),
  claim: z.exactOptional(z.string().check(z.minLength(1))),
})

/**
 * Blocks or allows by the country of the client's address. Requests without a public address pass. To decide about
 * them, put `sourceAddress` before it.
 */
export function country(
  options: CountryOptions,
  { lookup }: { lookup: CountryLookup },
): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const settings = readOptions('country', countryOptionsSchema, options)
  const blocked = new Set(settings.blocked)
  const allowed = new Set(settings.allowed)
  return (_event, context) => {
    const found = readSourceAddress(context, settings.source)
    if (found.kind !== 'public') return allow([], { why: 'country: no public address' })
    const finding = lookup(found.address)
    if (finding.kind !== 'country') {
      return react(settings.unknown, {
        description: 'Access token issuance is blocked because your region is unknown.',
        why: `country: ${finding.kind}`,
        seconds: settings.shortenToSeconds,
      })
    }
    const { code } = finding
    if (blocked.has(code) || (allowed.size > 0 && !allowed.has(code))) {
      return deny('access_denied', `Access token issuance is blocked from your region ${code}.`, {
        why: blocked.has(code) ? 'country: blocked' : 'country: not among the allowed ones',
      })
    }
    return allow(settings.claim ? [setClaim(settings.claim, code)] : [], { why: 'country: allowed' })
  }
}
