import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import { hoursSchema, type Reaction, reactionSchema, type Weekday } from '@preflow/policies'
import * as z from 'zod/mini'

const seconds = z.int().check(z.gte(1, 'must be 1 or more'))
const milliseconds = z.int().check(z.gte(1, 'must be 1 or more'))
const countries = z.array(z.string().check(z.regex(/^[A-Z]{2}$/, 'must be two capital letters')))
const REACTIONS = '`deny`, `shorten`, `allow` or `error`'

const reaction = (fallback: Reaction, about: string): Setting<Reaction> => ({
  schema: reactionSchema,
  text: 'text',
  default: fallback,
  about: `${about}: ${REACTIONS}.`,
})

const weekdays: Weekday[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** The settings of token-guard beside those of every deployable extension. The README shows them all. */
export const settings = {
  sourceHeader: {
    schema: z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')),
    text: 'text',
    default: 'x-client-source-ip',
    about: 'Forwarded header with the address of the client. It must be one that your gateway sets and clients cannot.',
  } as Setting<string>,
  trustedProxies: {
    schema: z.int().check(z.gte(1), z.lte(20)),
    text: 'number',
    default: 1,
    about: 'How many of your proxies append to that header; the address that many places from the right is believed.',
  } as Setting<number>,
  missingAddress: reaction('deny', 'When that header is missing'),
  malformedAddress: reaction('deny', 'When it holds no address'),
  privateAddress: reaction('deny', 'When the address belongs to a private network'),
  reservedAddress: reaction('deny', 'When the address belongs to nobody, for example to documentation'),
  countryDatabase: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Country database, a `.mmdb` file such as GeoLite2-Country or DB-IP Country Lite. Read again when replaced.',
  } as Setting<string | undefined>,
  blockedCountries: {
    schema: countries,
    text: 'list',
    default: [],
    about: 'Countries that get no token, ISO 3166-1 alpha-2, for example `KP,IR`.',
  } as Setting<string[]>,
  allowedCountries: {
    schema: countries,
    text: 'list',
    default: [],
    about: 'When not empty, only these countries get a token.',
  } as Setting<string[]>,
  unknownCountry: reaction('deny', 'When the country of a public address is not known'),
  countryClaim: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Claim that tells the country to resource servers, for example `country`.',
  } as Setting<string | undefined>,
  reputation: {
    schema: z.enum(['abuseipdb', 'off']),
    text: 'text',
    default: 'abuseipdb',
    about: 'Where the reputation of an address is asked: `abuseipdb`, or `off`.',
  } as Setting<'abuseipdb' | 'off'>,
  abuseipdbApiKey: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    variable: 'ABUSEIPDB_API_KEY',
    about: 'Key for AbuseIPDB.',
    secret: true,
  } as Setting<string | undefined>,
  abuseipdbUrl: {
    schema: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
    text: 'text',
    default: 'https://api.abuseipdb.com',
    variable: 'ABUSEIPDB_URL',
    about: 'Where AbuseIPDB is.',
  } as Setting<string>,
  reputationMaxAgeDays: {
    schema: z.int().check(z.gte(1), z.lte(365)),
    text: 'number',
    default: 30,
    about: 'How old the reports may be that count, in days.',
  } as Setting<number>,
  reputationTimeoutMs: {
    schema: milliseconds,
    text: 'number',
    default: 1500,
    about: 'Milliseconds that the reputation service may take.',
  } as Setting<number>,
  reputationCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 3600,
    about: 'Seconds that a score is remembered.',
  } as Setting<number>,
  reputationCacheEntries: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 50_000,
    about: 'How many scores are remembered.',
  } as Setting<number>,
  reputationUnavailable: reaction('error', 'When there is no score: slow, broken, key refused, quota spent'),
  denyAbove: {
    schema: z.number().check(z.gte(0), z.lte(100)),
    text: 'number',
    default: 75,
    about: 'Scores above this are denied.',
  } as Setting<number>,
  reduceFrom: {
    schema: z.number().check(z.gte(0), z.lte(100)),
    text: 'number',
    default: 25,
    about: 'Scores from this on reduce the lifetime; scores below change nothing.',
  } as Setting<number>,
  insideSeconds: {
    schema: seconds,
    text: 'number',
    default: 900,
    about: "Seconds a reduced token lives within the hours; never longer than the application's own lifetime.",
  } as Setting<number>,
  outsideSeconds: {
    schema: seconds,
    text: 'number',
    default: 300,
    about: 'Seconds a reduced token lives outside the hours, and wherever a setting says `shorten`.',
  } as Setting<number>,
  refreshSeconds: {
    schema: seconds,
    text: 'number',
    default: undefined,
    about: 'Seconds the refresh token of a reduced token lives at most.',
  } as Setting<number | undefined>,
  reductionNotOffered: {
    schema: z.enum(['deny', 'allow', 'error']),
    text: 'text',
    default: 'allow',
    about: 'When the lifetime must be reduced but the platform does not offer it: `deny`, `allow` or `error`.',
  } as Setting<'deny' | 'allow' | 'error'>,
  applicationLifetimes: {
    schema: z.record(z.string(), seconds),
    text: 'json',
    default: {},
    about:
      'Access token lifetimes in seconds by client id, for example `{"web1":3600}`: a refresh of these applications starts from their own lifetime again. Others keep a lifetime that was once reduced.',
  } as Setting<Record<string, number>>,
  timeZone: {
    schema: z
      .string()
      .check(z.refine(zone => hoursSchema.safeParse({ timeZone: zone }).success, 'must be a time zone')),
    text: 'text',
    default: 'UTC',
    about: 'Time zone of the hours, for example `Europe/Berlin`.',
  } as Setting<string>,
  weekdays: {
    schema: z.array(z.enum(weekdays)).check(z.minLength(1)),
    text: 'list',
    default: weekdays,
    about: 'Days on which the hours begin.',
  } as Setting<Weekday[]>,
  hoursFrom: {
    schema: z.string().check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like 09:00')),
    text: 'text',
    default: '09:00',
    about: 'When the hours begin.',
  } as Setting<string>,
  hoursTo: {
    schema: z.string().check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time like 17:00')),
    text: 'text',
    default: '17:00',
    about: 'When the hours end: 16:59 is the last minute within. Before `hoursFrom` it is on the next day.',
  } as Setting<string>,
} satisfies Settings

/** The settings together with those of every deployable extension. */
export type Configuration = ServiceConfiguration<typeof settings>

/** What is wrong between settings that are right by themselves. */
export function contradictions(values: Configuration): string[] {
  const problems: string[] = []
  const usesCountries =
    values.blockedCountries.length > 0 || values.allowedCountries.length > 0 || values.countryClaim !== undefined
  if (usesCountries && values.countryDatabase === undefined) {
    problems.push(
      'TOKEN_GUARD_COUNTRY_DATABASE: missing. Countries are configured, so name a .mmdb file to look them up in.',
    )
  }
  if (values.reputation === 'abuseipdb' && values.abuseipdbApiKey === undefined) {
    problems.push('ABUSEIPDB_API_KEY: missing. Give the key, or set TOKEN_GUARD_REPUTATION=off.')
  }
  if (values.reduceFrom > values.denyAbove) {
    problems.push('TOKEN_GUARD_REDUCE_FROM: must not be above TOKEN_GUARD_DENY_ABOVE.')
  }
  if (values.hoursFrom === values.hoursTo) {
    problems.push('TOKEN_GUARD_HOURS_TO: must differ from TOKEN_GUARD_HOURS_FROM.')
  }
  if (values.reputationTimeoutMs >= values.budgetMs) {
    problems.push(
      'TOKEN_GUARD_REPUTATION_TIMEOUT_MS: must be below TOKEN_GUARD_BUDGET_MS, so that an answer can still be given.',
    )
  }
  return problems
}
