import { localClaimUri } from '@preflow/contract'
import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import { attributeName, type ProfileRule, profileRuleSchema } from '@preflow/policies'
import * as z from 'zod/mini'
import { isMailAddress } from './alert.ts'
import { checkDirectoryUrl } from './directory.ts'
import type { SmtpSecurity } from './smtp.ts'

/** The decision if something that it needs is unavailable. */
export type Fallback = 'deny' | 'allow' | 'error'

const fallback = (value: Fallback, about: string): Setting<Fallback> => ({
  schema: z.enum(['deny', 'allow', 'error']),
  text: 'text',
  default: value,
  about: `${about}: \`deny\`, \`allow\`, or \`error\`, which a platform reports as a server error.`,
})

/** Where accounts store addresses that can receive a password reset, and whether they were verified. */
const CONTACT_CLAIMS = [
  'emailaddress',
  'emailAddresses',
  'verifiedEmailAddresses',
  'identity/emailaddress.pendingValue',
  'identity/emailVerified',
  'mobile',
  'mobileNumbers',
  'verifiedMobileNumbers',
  'identity/mobileNumber.pendingValue',
  'identity/phoneVerified',
].map(localClaimUri)

const claims = z.array(z.string().check(z.minLength(1)))
const addresses = z.array(
  z.string().check(z.refine(isMailAddress, 'must be a plain address like security@heron.example')),
)
const statuses = z.array(z.pipe(z.coerce.number(), z.int().check(z.gte(200), z.lte(599)))).check(z.minLength(1))

/** The settings of profile-guard, besides those of every extension. The README shows this table. */
export const settings = {
  rules: {
    schema: z.array(profileRuleSchema),
    text: 'json',
    default: [],
    about: 'Rules for attributes, see above.',
  } as Setting<ProfileRule[]>,
  directoryUrl: {
    schema: z.string().check(
      z.superRefine((url, context) => {
        const problem = checkDirectoryUrl(url)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      }),
    ),
    text: 'text',
    default: undefined,
    about:
      'Directory that knows whether a value exists. The URL has `{value}`, `{userId}` or both, each URL-encoded: `https://directory.example/departments/{value}`.',
  } as Setting<string | undefined>,
  directoryClaims: {
    schema: claims,
    text: 'list',
    default: [],
    about: 'Claim URIs whose new values must exist in the directory.',
  } as Setting<string[]>,
  directoryHeader: {
    schema: z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')),
    text: 'text',
    default: 'authorization',
    about: 'Header of a lookup that carries `directoryHeaderValue`.',
  } as Setting<string>,
  directoryHeaderValue: {
    schema: z.string().check(z.regex(/^[\x20-\x7e]+$/, 'must be one line of printable ASCII')),
    text: 'text',
    default: undefined,
    about: 'Credentials of the lookups, for example `Bearer …`.',
    secret: true,
  } as Setting<string | undefined>,
  directoryFoundStatuses: {
    schema: statuses,
    text: 'list',
    default: [200],
    about: 'Statuses that mean: the value exists.',
  } as Setting<number[]>,
  directoryAbsentStatuses: {
    schema: statuses,
    text: 'list',
    default: [404],
    about: 'Statuses that mean: the value does not exist. Any other status means: the directory is unavailable.',
  } as Setting<number[]>,
  directoryPointer: {
    schema: z.string().check(z.regex(/^(\/.*)?$/, 'must be a JSON pointer like /department')),
    text: 'text',
    default: undefined,
    about:
      'JSON pointer into the response. It must point to the value, or to a list that contains it. Without it the status decides.',
  } as Setting<string | undefined>,
  directoryTimeoutMs: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 1500,
    about: 'Milliseconds for one lookup.',
  } as Setting<number>,
  directoryCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 300,
    about: 'Seconds for which a response of the directory is cached. A negative response is cached for at most 30.',
  } as Setting<number>,
  directoryUnavailable: fallback('error', 'If the directory is unavailable'),
  alerts: {
    schema: z.enum(['smtp', 'off']),
    text: 'text',
    default: 'smtp',
    about: 'How alerts are sent: `smtp`, or `off`.',
  } as Setting<'smtp' | 'off'>,
  alertDelivery: {
    schema: z.enum(['here', 'elsewhere']),
    text: 'text',
    default: 'here',
    about:
      'Whether this instance sends the mails of the outbox: `here`, or `elsewhere` if another one does, for runtimes that stop between calls.',
  } as Setting<'here' | 'elsewhere'>,
  watchedClaims: {
    schema: claims,
    text: 'list',
    default: CONTACT_CLAIMS,
    about: 'Claim URIs that cause an alert to the team if an update touches them.',
  } as Setting<string[]>,
  emailClaims: {
    schema: claims,
    text: 'list',
    default: [localClaimUri('emailaddress'), localClaimUri('emailAddresses')],
    about:
      'Claim URIs of e-mail addresses. If one of them changes, the previous addresses get a mail. List them in the attributes of the action.',
  } as Setting<string[]>,
  shownClaims: {
    schema: claims,
    text: 'list',
    default: [],
    about: 'Claim URIs whose old and new values the mail to the team may show. For all others it shows only the name.',
  } as Setting<string[]>,
  alertTo: {
    schema: addresses,
    text: 'list',
    default: [],
    about: 'Addresses of the security team.',
  } as Setting<string[]>,
  alertFrom: {
    schema: z
      .string()
      .check(
        z.refine(
          text => isMailAddress(addressIn(text)) && !/[\r\n]/.test(text),
          'must be like alerts@heron.example or Preflow alerts <alerts@heron.example>',
        ),
      ),
    text: 'text',
    default: undefined,
    about: 'Sender of the alerts.',
  } as Setting<string | undefined>,
  alertRefused: {
    schema: z.boolean(),
    text: 'flag',
    default: true,
    about: 'Whether the team gets alerts about updates that were refused or could not be decided.',
  } as Setting<boolean>,
  alertRepeatSeconds: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 60,
    about: "Seconds in which a repetition of the same update, such as a platform's retry, causes no second alert.",
  } as Setting<number>,
  smtpHost: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Mail server.',
  } as Setting<string | undefined>,
  smtpPort: {
    schema: z.int().check(z.gte(1), z.lte(65_535)),
    text: 'number',
    default: 587,
    about: 'Port of the mail server.',
  } as Setting<number>,
  smtpSecurity: {
    schema: z.enum(['tls', 'starttls', 'opportunistic', 'none']),
    text: 'text',
    default: 'starttls',
    about:
      '`tls` encrypts from the first byte (port 465), `starttls` requires STARTTLS, `opportunistic` uses STARTTLS if the server offers it, `none` never encrypts.',
  } as Setting<SmtpSecurity>,
  smtpUser: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'User name for the mail server.',
  } as Setting<string | undefined>,
  smtpPassword: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Password for the mail server.',
    secret: true,
  } as Setting<string | undefined>,
  smtpCa: {
    schema: z.string().check(z.includes('-----BEGIN CERTIFICATE-----', { error: 'must be certificates in PEM' })),
    text: 'text',
    default: undefined,
    about: 'Certificates (PEM) to trust for the mail server instead of the well-known authorities.',
  } as Setting<string | undefined>,
  outbox: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: 'profile-guard.db',
    about:
      'Storage for alerts until they are sent: an SQLite file, or a `postgres://` URL that several machines share.',
    secret: true,
  } as Setting<string>,
  outboxUnavailable: fallback('error', 'If an alert cannot be stored, so that it would be lost'),
  alertAttempts: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 20,
    about: 'Attempts before an alert is given up; 20 take more than a day.',
  } as Setting<number>,
} satisfies Settings

export type Configuration = ServiceConfiguration<typeof settings>

/** The address in `alerts@heron.example` or `Preflow alerts <alerts@heron.example>`. */
export function addressIn(sender: string): string {
  return /^[^<>]*<([^<>]+)>$/.exec(sender)?.[1] ?? sender
}

/** Finds conflicts between settings that are valid on their own. */
export function contradictions(configuration: Configuration): string[] {
  const problems: string[] = []
  const isMissing = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0)
  const require = (names: Record<string, unknown>, why: string) => {
    for (const [variable, value] of Object.entries(names)) {
      if (isMissing(value)) problems.push(`PROFILE_GUARD_${variable}: missing. ${why}`)
    }
  }
  const { alerts, alertTo, alertFrom, smtpHost, smtpUser, smtpPassword, smtpSecurity } = configuration
  if (alerts === 'smtp') {
    const sending = configuration.alertDelivery === 'here' ? { ALERT_FROM: alertFrom, SMTP_HOST: smtpHost } : {}
    require({ ALERT_TO: alertTo, ...sending }, 'Alerts need it; PROFILE_GUARD_ALERTS=off sends none.')
  }
  if (smtpUser !== undefined || smtpPassword !== undefined) {
    require({ SMTP_USER: smtpUser, SMTP_PASSWORD: smtpPassword }, 'User name and password must be set together.')
    if (smtpSecurity === 'none' || smtpSecurity === 'opportunistic') {
      problems.push(
        `PROFILE_GUARD_SMTP_SECURITY: must be tls or starttls, because with ${smtpSecurity} the password could be sent unencrypted.`,
      )
    }
  }
  const { directoryUrl, directoryClaims, directoryTimeoutMs, budgetMs } = configuration
  if (directoryUrl !== undefined || directoryClaims.length > 0) {
    require({
      DIRECTORY_URL: directoryUrl,
      DIRECTORY_CLAIMS: directoryClaims,
    }, 'The directory and its attributes must be set together.')
  }
  if (directoryTimeoutMs >= budgetMs) {
    problems.push(
      'PROFILE_GUARD_DIRECTORY_TIMEOUT_MS: must be below PROFILE_GUARD_BUDGET_MS, to leave time for an answer.',
    )
  }
  const both = configuration.directoryFoundStatuses.filter(status =>
    configuration.directoryAbsentStatuses.includes(status),
  )
  if (both.length > 0) {
    problems.push(
      `PROFILE_GUARD_DIRECTORY_ABSENT_STATUSES: must not repeat ${both.join()} of PROFILE_GUARD_DIRECTORY_FOUND_STATUSES.`,
    )
  }
  const unwatched = configuration.shownClaims.filter(uri => !configuration.watchedClaims.includes(uri))
  if (unwatched.length > 0) {
    problems.push(
      `PROFILE_GUARD_SHOWN_CLAIMS: ${unwatched.map(attributeName).join()} would never be shown. Add it to PROFILE_GUARD_WATCHED_CLAIMS.`,
    )
  }
  return problems
}
