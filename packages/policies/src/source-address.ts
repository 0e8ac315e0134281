import { allow, type Context, type Handler } from '@preflow/extension'
import ipaddr from 'ipaddr.js'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'
import { type Reaction, react, reactionSchema } from './reaction.ts'

/** The origin of a request, according to its headers. */
export type SourceAddress =
  | { kind: 'public'; family: 'IPv4' | 'IPv6'; address: string }
  /** Private, loopback, link-local and shared addresses: inside a private network. */
  | { kind: 'private'; range: string; address: string }
  /** Addresses that no client on the internet has: documentation, multicast, translation, unassigned blocks. */
  | { kind: 'reserved'; range: string; address: string }
  | { kind: 'malformed' }
  | { kind: 'missing' }

/** The header to use. */
export interface TrustedHeader {
  /**
   * The forwarded header with the address. A client can send any header, so use one that your gateway overwrites.
   * Default `x-client-source-ip`.
   */
  header?: string
  /**
   * How many of your own proxies append to that header, counted from the right. The default, 1, uses the last address,
   * which the proxy nearest to the platform wrote. What a client put before it is ignored.
   */
  trustedProxies?: number
}

export const trustedHeaderSchema: z.ZodMiniType<Required<TrustedHeader>> = z.prefault(
  z.strictObject({
    header: z._default(
      z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')),
      'x-client-source-ip',
    ),
    trustedProxies: z._default(z.int().check(z.gte(1), z.lte(20)), 1),
  }),
  {},
)

/** The reaction to requests whose address has no country or reputation. */
export interface SourceAddressOptions {
  source?: TrustedHeader
  /** The header is missing. Default `deny`. */
  missing?: Reaction
  /** The header contains no address. Default `deny`. */
  malformed?: Reaction
  /** The address belongs to a private network. Default `deny`. */
  private?: Reaction
  /** The address is reserved. Default `deny`. */
  reserved?: Reaction
  /** Lifetime in seconds for settings with `shorten`. Default 300. */
  shortenToSeconds?: number
}

export const sourceAddressOptionsSchema: z.ZodMiniType<
  Required<Omit<SourceAddressOptions, 'source'>> & { source: Required<TrustedHeader> }
> = z.strictObject({
  source: trustedHeaderSchema,
  missing: z._default(reactionSchema, 'deny'),
  malformed: z._default(reactionSchema, 'deny'),
  private: z._default(reactionSchema, 'deny'),
  reserved: z._default(reactionSchema, 'deny'),
  shortenToSeconds: z._default(z.int().check(z.gte(1)), 300),
})

/** Decides about requests without a public address, so later policies need not. */
export function sourceAddress(options: SourceAddressOptions = {}): Handler<'PRE_ISSUE_ACCESS_TOKEN'> {
  const settings = readOptions('source-address', sourceAddressOptionsSchema, options)
  return (_event, context) => {
    const found = readSourceAddress(context, settings.source)
    if (found.kind === 'public') return allow([], { why: `source address: public ${found.family}` })
    return react(settings[found.kind], {
      description: DESCRIPTIONS[found.kind],
      why: `source address: ${found.kind}${'range' in found ? ` (${found.range})` : ''}`,
      seconds: settings.shortenToSeconds,
    })
  }
}

const DESCRIPTIONS = {
  missing: 'Access token issuance is blocked because the client address is missing.',
  malformed: 'Access token issuance is blocked because the client address is malformed.',
  private: 'Access token issuance is blocked because the client address is private.',
  reserved: 'Access token issuance is blocked because the client address is reserved.',
}

/**
 * Finds the address of the client in the forwarded headers.
 *
 * A repeated header or a comma-separated chain is read as one list. A chain shorter than the number of trusted proxies
 * is malformed, because the request bypassed a proxy.
 */
export function readSourceAddress(
  context: Pick<Context, 'headers'>,
  { header = 'x-client-source-ip', trustedProxies = 1 }: TrustedHeader = {},
): SourceAddress {
  const values = context.headers(header)
  const only = values[0]
  if (only === undefined) return { kind: 'missing' }
  const chain =
    values.length === 1 && !only.includes(',') ? [only] : values.flatMap(value => value.split(',')).map(v => v.trim())
  if (chain.every(part => part.trim() === '')) return { kind: 'missing' }
  const written = chain[chain.length - trustedProxies]
  return written === undefined ? { kind: 'malformed' } : classifyAddress(written)
}

/**
 * Normalizes and classifies an address. A port, brackets and a zone are removed; an IPv4 address mapped into IPv6
 * becomes the IPv4 address. Only dotted decimal is IPv4; `0177.1` and `2130706433` are malformed.
 */
export function classifyAddress(written: string): ClassifiedAddress {
  // Several policies need the same address in sequence.
  if (latest?.written !== written) latest = { written, found: classify(written) }
  return latest.found
}

type ClassifiedAddress = Exclude<SourceAddress, { kind: 'missing' }>

let latest: { written: string; found: ClassifiedAddress } | undefined

function classify(written: string): ClassifiedAddress {
  const address = parseAddress(written.trim())
  if (!address) return { kind: 'malformed' }
  const range = address.range()
  if (range === 'unicast') {
    const isV4 = address.kind() === 'ipv4'
    return {
      kind: 'public',
      family: isV4 ? 'IPv4' : 'IPv6',
      address: isV4 ? address.toString() : (address as ipaddr.IPv6).toRFC5952String(),
    }
  }
  return { kind: PRIVATE_RANGES.has(range) ? 'private' : 'reserved', range, address: address.toString() }
}

const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  'private',
  'uniqueLocal',
  'loopback',
  'linkLocal',
  'carrierGradeNat',
  'deprecatedSiteLocal',
])

const DOTTED = /^\d{1,3}(?:\.\d{1,3}){3}$/
const DOTTED_AND_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/
const BRACKETED = /^\[([^[\]]+)\](?::\d{1,5})?$/
const ZONE = /%[\w.~-]{1,32}$/
const IPV6_TEXT = /^[\da-f:]*:(\d{1,3}(?:\.\d{1,3}){3})?[\da-f]*$/i
/** Longer than any address with brackets, zone and port. */
const MAX_LENGTH = 90

function parseAddress(written: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (written.length > MAX_LENGTH) return undefined
  const dotted = DOTTED.test(written) ? written : DOTTED_AND_PORT.exec(written)?.[1]
  if (dotted) return parseDotted(dotted)
  const text = (BRACKETED.exec(written)?.[1] ?? written).replace(ZONE, '')
  const embedded = IPV6_TEXT.exec(text)
  // The parser would accept 0x7f and octal numbers in the dotted tail.
  if (!embedded || (embedded[1] && !parseDotted(embedded[1])) || !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

function parseDotted(text: string): ipaddr.IPv4 | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined
}
