import { localClaimUri } from '@preflow/contract'
import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import { attributeName, type ProfileRule, profileRuleSchema } from '@preflow/policies'
import * as z from 'zod/mini'
import { isMailAddress } from './alert.ts'
import { checkDirectoryUrl } from './directory.ts'
import type { SmtpSecurity } from './smtp.ts'

/** What is decided when something that the decision needs cannot be had. */
export type Fallback = 'deny' | 'allow' | 'error'

const fallback = (value: Fallback, about: string): Setting<Fallback> => ({
  schema: z.enum(['deny', 'allow', 'error']),
  text: 'text',
  default: value,
  about: `${about}: \`deny\`, \`allow\`, or \`error\`, which a platform reports as a server error.`,
})

/** Where accounts keep addresses that a password can be reset through, and whether they were verified. */
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

/** Every setting of profile-guard besides those that every extension has. The README shows this table. */
export const settings = {
  rules: {
    schema: z.array(profileRuleSchema),
    text: 'json',
    default: [],
    about: 'Rules for attributes, see below.',
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
      'Directory that is asked whether a value exists, with `{value}`, `{userId}` or both, each URL-encoded: `https://directory.example/departments/{value}`.',
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
    about: 'Header of a look-up that carries `directoryHeaderValue`.',
  } as Setting<string>,
  directoryHeaderValue: {
    schema: z.string().check(z.regex(/^[\x20-\x7e]+$/, 'must be one line of printable ASCII')),
    text: 'text',
    default: undefined,
    about: 'What authenticates look-ups, for example `Bearer …`.',
    secret: true,
  } as Setting<string | undefined>,
  directoryFoundStatuses: {
    schema: statuses,
    text: 'list',
    default: [200],
    about: 'Statuses that mean: the directory has it.',
  } as Setting<number[]>,
  directoryAbsentStatuses: {
    schema: statuses,
    text: 'list',
    default: [404],
    about: 'Statuses that mean: the directory does not have it. Any other status means that it cannot say.',
  } as Setting<number[]>,
  directoryPointer: {
    schema: z.string().check(z.regex(/^(\/.*)?$/, 'must be a JSON pointer like /department')),
    text: 'text',
    default: undefined,
    about:
      'JSON pointer into the answer; what is there must be the value, or a list with it. Without it the status decides.',
  } as Setting<string | undefined>,
  directoryTimeoutMs: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 1500,
    about: 'Milliseconds for one look-up.',
  } as Setting<number>,
  directoryCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 300,
    about: 'Seconds that an answer of the directory is reused; that it has no such value, 30 at most.',
  } as Setting<number>,
  directoryUnavailable: fallback('error', 'When the directory cannot say'),
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
      'Whether this instance sends what is in the outbox, or leaves it to another one: `here`, or `elsewhere` on runtimes that stop between calls.',
  } as Setting<'here' | 'elsewhere'>,
  watchedClaims: {
    schema: claims,
    text: 'list',
    default: CONTACT_CLAIMS,
    about: 'Claim URIs that cause an alert to the team when an update touches them.',
  } as Setting<string[]>,
  emailClaims: {
    schema: claims,
    text: 'list',
    default: [localClaimUri('emailaddress'), localClaimUri('emailAddresses')],
    about:
      'Claim URIs of e-mail addresses. When one of them changes, the addresses the account had hear of it. List them among the attributes of the action.',
  } as Setting<string[]>,
  shownClaims: {
    schema: claims,
    text: 'list',
    default: [],
    about: 'Claim URIs whose old and new values the mail to the team may show. Of all others it tells the name only.',
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
    about: 'Whether the team hears of updates that were refused or could not be decided.',
  } as Setting<boolean>,
  alertRepeatSeconds: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 60,
    about: 'Seconds in which the same update asked for again, as platforms do when they retry, makes no second alert.',
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
      '`tls` from the first byte (port 465), `starttls` or nothing, `opportunistic` if the server offers STARTTLS, or `none`.',
  } as Setting<SmtpSecurity>,
  smtpUser: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'User at the mail server.',
  } as Setting<string | undefined>,
  smtpPassword: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: undefined,
    about: 'Password at the mail server.',
    secret: true,
  } as Setting<string | undefined>,
  smtpCa: {
    schema: z.string().check(z.includes('-----BEGIN CERTIFICATE-----', { error: 'must be certificates in PEM' })),
    text: 'text',
    default: undefined,
    about: 'Certificates (PEM) to trust at the mail server instead of the well-known authorities.',
  } as Setting<string | undefined>,
  outbox: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: 'profile-guard.db',
    about: 'Where alerts wait until they are sent: an SQLite file, or a `postgres://` URL that several machines share.',
    secret: true,
  } as Setting<string>,
  outboxUnavailable: fallback('error', 'When an alert is due but cannot be kept, so that it would be lost'),
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

/** What is wrong between settings that are right by themselves. */
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
    require({ SMTP_USER: smtpUser, SMTP_PASSWORD: smtpPassword }, 'User and password belong together.')
    if (smtpSecurity === 'none' || smtpSecurity === 'opportunistic') {
      problems.push(
        `PROFILE_GUARD_SMTP_SECURITY: must be tls or starttls, because with ${smtpSecurity} the password could travel in clear.`,
      )
    }
  }
  const { directoryUrl, directoryClaims, directoryTimeoutMs, budgetMs } = configuration
  if (directoryUrl !== undefined || directoryClaims.length > 0) {
    require({
      DIRECTORY_URL: directoryUrl,
      DIRECTORY_CLAIMS: directoryClaims,
    }, 'The directory and the attributes to look up belong together.')
  }
  if (directoryTimeoutMs >= budgetMs) {
    problems.push(
      'PROFILE_GUARD_DIRECTORY_TIMEOUT_MS: must be below PROFILE_GUARD_BUDGET_MS, so that an answer can still be given.',
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
