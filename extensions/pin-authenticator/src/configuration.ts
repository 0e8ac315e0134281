import type { CallerAuthentication } from '@preflow/extension'
import { callerAuthenticationOf, callerContradictions, serviceSettings } from '@preflow/extension/service'
import { readSettings, type Setting, type Settings, type SettingValues } from '@preflow/extension/settings'
import * as z from 'zod/mini'
import type { ReturnCheck } from './entry.ts'
import { type ModeName, modes } from './modes.ts'
import { MAX_PIN_LENGTH } from './pin-policy.ts'
import { isSecure, readPlatformUrls } from './return-url.ts'
import { type Texts, textsSchema } from './texts.ts'

/** Prefix of every environment variable. */
export const PREFIX = 'PIN_AUTHENTICATOR'

const secret = z.string().check(z.minLength(32, 'must have at least 32 characters'))

function whole(text: Omit<Setting<number>, 'schema' | 'text'>, least: number, most: number): Setting<number> {
  return { schema: z.int().check(z.gte(least), z.lte(most)), text: 'number', ...text }
}

const mode: Setting<ModeName> = {
  schema: z.enum(Object.keys(modes) as [ModeName, ...ModeName[]]),
  text: 'text',
  about:
    '`second_factor` (verifies the user of an earlier step), `internal` (identifies a local user) or `federated` (provides an external user with claims).',
}

const publicUrl: Setting<string> = {
  schema: z.url().check(
    z.refine(url => URL.canParse(url) && isSecure(new URL(url)), 'must be https; http only on this machine'),
    z.refine(url => !/[?#]/.test(url), 'must have no query or fragment'),
  ),
  text: 'text',
  about: 'Where browsers reach this extension, for example `https://pin.example.com`.',
}

const platformUrls: Setting<string[]> = {
  schema: z.array(z.string()).check(
    z.minLength(1),
    z.superRefine((entries, check) => {
      const read = readPlatformUrls(entries)
      if (typeof read === 'string') check.addIssue({ code: 'custom', message: read })
    }),
  ),
  text: 'list',
  about:
    'Where browsers may return to: `https://id.example.com` for all tenants, `heron.example=https://login.heron.example` for one. They return nowhere else.',
}

const returnChecks = ['code', 'confirm', 'off'] as const satisfies readonly ReturnCheck[]

const returnCheck: Setting<ReturnCheck> = {
  schema: z.enum(returnChecks),
  text: 'text',
  default: 'code',
  about:
    'How it is checked that the browser that entered the PIN started the sign-in: `code` (a return code, which the platform forwards), `confirm` (a page with a button) or `off` (only for `second_factor`).',
}

const headerName = z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'))

const starterHeader: Setting<string> = {
  schema: headerName,
  text: 'text',
  default: 'x-forwarded-for',
  about:
    'For `confirm`: the header in which the platform forwards the address of the browser that started. Its last value counts.',
}

const addressHeader: Setting<string | undefined> = {
  schema: headerName,
  text: 'text',
  default: undefined,
  about:
    'Header in which your proxy reports the address of the browser, for example `x-forwarded-for`. Its last value counts. Default: the address of the connection. Without a proxy leave it out, because browsers can send any header.',
}

const callers = ['basic', 'bearer', 'api-key', 'signature'] as const

const caller: Setting<(typeof callers)[number]> = {
  schema: z.enum(callers),
  text: 'text',
  about:
    'How the platform authenticates: `basic`, `bearer`, `api-key` or `signature`. There is no `none`, because a caller learns who signed in.',
}

const callerSecrets: Setting<string[]> = {
  schema: z.array(z.string().check(z.minLength(16, 'must have at least 16 characters'))).check(z.minLength(1)),
  text: 'list',
  about:
    'Passwords, tokens, keys or signing secrets of the platform, at least 16 characters each; two during a rotation.',
  secret: true,
}

const adminKeys: Setting<string[]> = {
  schema: z.array(secret),
  text: 'list',
  default: [],
  about: 'Bearer tokens of the enrolment API, at least 32 characters each. Without a token the API is off.',
  secret: true,
}

const pepper: Setting<string> = {
  schema: secret,
  text: 'text',
  about: 'Secret that is mixed into every PIN before hashing, at least 32 characters. Do not store it in the database.',
  secret: true,
}

const previousPepper: Setting<string | undefined> = {
  schema: secret,
  text: 'text',
  default: undefined,
  about: 'The previous pepper. PINs hashed with it stay valid, and are hashed again when they are entered.',
  secret: true,
}

const database: Setting<string> = {
  schema: z.string().check(z.minLength(1)),
  text: 'text',
  default: 'pin-authenticator.sqlite',
  about: 'A `postgres://` URL or the path of an SQLite file. Several instances share one.',
  secret: true,
}

const language: Setting<string> = {
  schema: z
    .string()
    .check(z.regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en or pt-BR')),
  text: 'text',
  default: 'en',
  about: 'Language of the page, as a tag such as `en` or `pt-BR`.',
}

const texts: Setting<Partial<Texts>> = {
  schema: textsSchema,
  text: 'json',
  default: {},
  about: 'Your own messages for the page, by their names in `src/texts.ts`, as JSON.',
}

const { callerUsername, callerHeader, port, hostname } = serviceSettings

/** The settings of the extension. The README's table is generated from this one. */
export const settings = {
  mode,
  publicUrl,
  platformUrls,
  caller,
  callerSecrets,
  callerUsername,
  callerHeader,
  return: returnCheck,
  starterHeader,
  addressHeader,
  adminKeys,
  pepper,
  previousPepper,
  database,
  minPinLength: whole(
    { default: 6, about: `Minimum digits of a new PIN. The maximum is ${MAX_PIN_LENGTH}.` },
    4,
    MAX_PIN_LENGTH,
  ),
  hashCostLog2: whole(
    { default: 15, about: 'Cost of hashing, as log2 of N of scrypt. 15 takes 32 MiB for each PIN check.' },
    14,
    20,
  ),
  entryAttempts: whole({ default: 5, about: 'Attempts per sign-in.' }, 1, 10),
  userAttempts: whole(
    {
      default: 10,
      about:
        'Wrong PINs of a user, over all sign-ins, before the user is locked. Where a user name is typed: per network, and per browser in which the user signed in before.',
    },
    3,
    100,
  ),
  accountAttempts: whole(
    {
      default: 100,
      about:
        'Where a user name is typed: wrong PINs from all networks together, before for an hour only browsers may try in which the user signed in before.',
    },
    10,
    1000,
  ),
  lockSeconds: whole(
    { default: 900, about: 'First lock of a user, in seconds. Each further one is twice as long.' },
    60,
    86_400,
  ),
  maxLockSeconds: whole({ default: 86_400, about: 'Longest lock of a user, in seconds.' }, 60, 2_592_000),
  entrySeconds: whole({ default: 300, about: 'Seconds in which the PIN must be entered.' }, 60, 900),
  resultSeconds: whole({ default: 60, about: 'Seconds in which the platform must request the result.' }, 10, 60),
  language,
  texts,
  hostname,
  port,
  graceMs: whole({ default: 5000, about: 'Milliseconds for open requests to finish at shutdown.' }, 0, 60_000),
} satisfies Settings

/** The values of {@link settings}, grouped by subject. */
export type Configuration = SettingValues<typeof settings> & { callerAuthentication: CallerAuthentication }

/**
 * Reads the configuration from the environment and a JSON document. The environment takes precedence.
 *
 * @returns The configuration, or one sentence per problem that states what to change.
 */
export function readConfiguration(source: {
  environment: Record<string, string | undefined>
  file?: unknown
}): { ok: true; configuration: Configuration } | { ok: false; problems: string[] } {
  const read = readSettings(PREFIX, settings, source)
  if (!read.ok) return read
  const { values } = read
  const problems = contradictions(values)
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, configuration: { ...values, callerAuthentication: callerAuthenticationOf(values) } }
}

/** Finds conflicts between settings that are valid on their own. */
function contradictions(values: SettingValues<typeof settings>): string[] {
  const problems = callerContradictions(PREFIX, values)
  if (values.maxLockSeconds < values.lockSeconds) {
    problems.push(`${PREFIX}_MAX_LOCK_SECONDS: must not be below ${PREFIX}_LOCK_SECONDS.`)
  }
  if (values.return === 'off' && values.mode !== 'second_factor') {
    problems.push(
      `${PREFIX}_RETURN: off lets anyone be signed in as somebody who was talked into entering a PIN. Use code or confirm in mode ${values.mode}.`,
    )
  }
  if (values.previousPepper === values.pepper) {
    problems.push(`${PREFIX}_PREVIOUS_PEPPER: equals the pepper. Set the one before it, or none.`)
  }
  return problems
}
