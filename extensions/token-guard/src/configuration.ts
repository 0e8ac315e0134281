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

/** The settings of token-guard, besides those of every extension. The README shows them all. */
export const settings = {
  sourceHeader: {
    schema: z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')),
    text: 'text',
    default: 'x-client-source-ip',
    about: 'Forwarded header with the address of the client. Use one that your gateway sets and clients cannot.',
  } as Setting<string>,
  trustedProxies: {
    schema: z.int().check(z.gte(1), z.lte(20)),
    text: 'number',
    default: 1,
    about: 'How many of your proxies append to that header. The address at that position from the right is used.',
  } as Setting<number>,
  missingAddress: reaction('deny', 'If that header is missing'),
  malformedAddress: reaction('deny', 'If it contains no address'),
  privateAddress: reaction('deny', 'If the address belongs to a private network'),
  reservedAddress: reaction('deny', 'If the address is reserved, for example for documentation'),
  countryDatabase: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about:
      'Country database, a `.mmdb` file such as GeoLite2-Country or DB-IP Country Lite. Read again when it is replaced.',
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
    about: 'If not empty, only these countries get a token.',
  } as Setting<string[]>,
  unknownCountry: reaction('deny', 'If the country of a public address is unknown'),
  countryClaim: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Claim that shows the country to resource servers, for example `country`.',
  } as Setting<string | undefined>,
  reputation: {
    schema: z.enum(['abuseipdb', 'off']),
    text: 'text',
    default: 'abuseipdb',
    about: 'Source of the reputation of an address: `abuseipdb`, or `off`.',
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
    about: 'URL of AbuseIPDB.',
  } as Setting<string>,
  reputationMaxAgeDays: {
    schema: z.int().check(z.gte(1), z.lte(365)),
    text: 'number',
    default: 30,
    about: 'Maximum age of the reports that count, in days.',
  } as Setting<number>,
  reputationTimeoutMs: {
    schema: milliseconds,
    text: 'number',
    default: 1500,
    about: 'Maximum milliseconds for a response of the reputation service.',
  } as Setting<number>,
  reputationCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 3600,
    about: 'Seconds for which a score is cached.',
  } as Setting<number>,
  reputationCacheEntries: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 50_000,
    about: 'Maximum number of cached scores.',
  } as Setting<number>,
  reputationUnavailable: reaction(
    'error',
    'If there is no score, because the service is slow or broken, the key is rejected or the quota is used up',
  ),
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
    about: 'Scores from here on reduce the lifetime. Lower scores change nothing.',
  } as Setting<number>,
  insideSeconds: {
    schema: seconds,
    text: 'number',
    default: 900,
    about: "Lifetime in seconds of a reduced token within the hours. Never longer than the application's own lifetime.",
  } as Setting<number>,
  outsideSeconds: {
    schema: seconds,
    text: 'number',
    default: 300,
    about: 'Lifetime in seconds of a reduced token outside the hours, and for every setting with `shorten`.',
  } as Setting<number>,
  refreshSeconds: {
    schema: seconds,
    text: 'number',
    default: undefined,
    about: 'Maximum lifetime in seconds of the refresh token of a reduced token.',
  } as Setting<number | undefined>,
  reductionNotOffered: {
    schema: z.enum(['deny', 'allow', 'error']),
    text: 'text',
    default: 'allow',
    about: 'If the lifetime must be reduced but the platform does not offer it: `deny`, `allow` or `error`.',
  } as Setting<'deny' | 'allow' | 'error'>,
  applicationLifetimes: {
    schema: z.record(z.string(), seconds),
    text: 'json',
    default: {},
    about:
      'Access token lifetimes in seconds by client id, for example `{"web1":3600}`. A refresh of these applications starts from their own lifetime again. Others keep a reduced lifetime.',
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
    about:
      'When the hours end: 16:59 is the last minute within. If it is before `hoursFrom`, the hours end on the next day.',
  } as Setting<string>,
} satisfies Settings

/** The settings, and those of every extension. */
export type Configuration = ServiceConfiguration<typeof settings>

/** Finds conflicts between settings that are valid on their own. */
export function contradictions(values: Configuration): string[] {
  const problems: string[] = []
  const usesCountries =
    values.blockedCountries.length > 0 || values.allowedCountries.length > 0 || values.countryClaim !== undefined
  if (usesCountries && values.countryDatabase === undefined) {
    problems.push(
      'TOKEN_GUARD_COUNTRY_DATABASE: missing. Countries are configured, so set a .mmdb file for their lookup.',
    )
  }
  if (values.reputation === 'abuseipdb' && values.abuseipdbApiKey === undefined) {
    problems.push('ABUSEIPDB_API_KEY: missing. Set the key, or set TOKEN_GUARD_REPUTATION=off.')
  }
  if (values.reduceFrom > values.denyAbove) {
    problems.push('TOKEN_GUARD_REDUCE_FROM: must not be above TOKEN_GUARD_DENY_ABOVE.')
  }
  if (values.hoursFrom === values.hoursTo) {
    problems.push('TOKEN_GUARD_HOURS_TO: must differ from TOKEN_GUARD_HOURS_FROM.')
  }
  if (values.reputationTimeoutMs >= values.budgetMs) {
    problems.push(
      'TOKEN_GUARD_REPUTATION_TIMEOUT_MS: must be below TOKEN_GUARD_BUDGET_MS, to leave time for an answer.',
    )
  }
  return problems
}
