import {
  type ActionType,
  actionTypes,
  isSecretHeader,
  isSecretParameter,
  type PlatformName,
  platforms,
} from '@preflow/contract'
import { nearestName } from '@preflow/contract/nearest-name'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { isOrigin } from './ground/http/cors.ts'
import { OperatorError } from './ground/operator-error.ts'
import { DEFAULT_LIMITS } from './ground/store/database.ts'

/** Everything an operator can set. Each option is described once, in {@link options}. */
export interface Configuration {
  port: number
  host: string
  /** Absent: `http://{host}:{port}` of the listening socket. */
  publicUrl?: string
  dataFolder: string
  databaseUrl?: string
  databaseConnections: number
  databaseAdministrationConnections: number
  databaseConnectTimeoutMs: number
  databaseStatementTimeoutMs: number
  databaseLockTimeoutMs: number
  /** Absent: one is generated at the first start. */
  adminPassword?: string
  /** Base64 of 32 bytes. Absent: one is generated beside the data. */
  sealKey?: string
  passwordMinLength: number
  passwordMinLengthManagement: number
  refusesCommonPasswords: boolean
  passwordWords: string[]
  trustedProxies: string[]
  /** Lower case. */
  addressHeader: string
  platform: PlatformName
  /** Types whose actions are skipped, whatever is configured for them: break-glass. */
  disabledActions: ActionType[]
  privateEndpoints: string[]
  allowedHeaders: string[]
  allowedParameters: string[]
  /** Origins whose pages may call the APIs of every tenant. */
  allowedOrigins: string[]
  /** Absent: what the platform does. */
  actionConnectTimeoutMs?: number
  /** Absent: what the platform does. */
  actionReadTimeoutMs?: number
  breaksCircuits: boolean
  actionConnections: number
  actionQueue: number
  actionMaxOperations: number
  /** Absent: RS256, or what data of an earlier version was signed with. */
  tokenAlgorithm?: 'ES256' | 'RS256'
  sessionLifetimeSeconds: number
  maxTokenLifetimeSeconds: number
  maxRefreshLifetimeSeconds: number
  callsPerTenant: number
  callRetentionDays: number
  maxRequestBytes: number
  requestTimeoutMs: number
  shutdownGraceMs: number
  auditRetentionDays: number
  logLevel: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug'
}

/** How one option is read and what it means. */
export interface Option<Value> {
  /** The environment variable. */
  variable: string
  schema: z.ZodType<Value>
  /** What is used when it is not set. Absent for options that have no default value. */
  fallback?: Value
  /** For people: what it does, in which unit, what happens when it is not set. */
  description: string
  /** Secrets are never printed. */
  isSecret?: boolean
  /** From the text of the variable to what the schema expects. Default: the text itself. */
  read?(text: string): unknown
}

const typeNames = Object.keys(actionTypes) as ActionType[]
const platformNames = Object.keys(platforms) as PlatformName[]

const count = (text: string): unknown => (text.trim() === '' ? Number.NaN : Number(text))
const onOrOff = (text: string): unknown => ({ on: true, off: false })[text.trim().toLowerCase()] ?? text
const words = (text: string): string[] => text.split(/[\s,]+/).filter(word => word !== '')

function wholeNumber(minimum: number, maximum: number, unit: string): z.ZodNumber {
  const message = `must be a whole number from ${minimum} to ${maximum} (${unit})`
  return z.number({ message }).int({ message }).min(minimum, { message }).max(maximum, { message })
}

/** `10.0.0.0/8`, `::1` and the like. */
function isNetwork(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)
}

function isPublicUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(text)
}

/** The table of options, in the order in which the documentation lists them. */
export const options: { [Name in keyof Configuration]-?: Option<NonNullable<Configuration[Name]>> } = {
  port: {
    variable: 'PREFLOW_PORT',
    schema: wholeNumber(0, 65_535, 'a TCP port'),
    fallback: 9400,
    read: count,
    description: 'TCP port to listen on. 0 takes a free one.',
  },
  host: {
    variable: 'PREFLOW_HOST',
    schema: z.string().min(1, { message: 'must be an address to listen on, for example 127.0.0.1 or ::' }),
    fallback: '127.0.0.1',
    description: 'Address to listen on. `::` listens on every address.',
  },
  publicUrl: {
    variable: 'PREFLOW_PUBLIC_URL',
    schema: z.string().refine(isPublicUrl, {
      message: 'must be an http or https address without a path, for example https://id.example.com',
    }),
    description:
      'Where clients and browsers reach the server. It is the beginning of every issuer, so tokens become invalid when it changes. Not set: the address it listens on.',
  },
  dataFolder: {
    variable: 'PREFLOW_DATA',
    schema: z.string().min(1, { message: 'must be a folder' }),
    fallback: '.preflow',
    description: 'Folder for the embedded database and the generated sealing key.',
  },
  databaseUrl: {
    variable: 'PREFLOW_DATABASE_URL',
    schema: z.string().regex(/^postgres(ql)?:\/\//, {
      message: 'must be a PostgreSQL URL, for example postgres://preflow:secret@db.example.com/preflow',
    }),
    isSecret: true,
    description: 'PostgreSQL to keep everything in. Not set: SQLite in the data folder.',
  },
  databaseConnections: {
    variable: 'PREFLOW_DATABASE_CONNECTIONS',
    schema: wholeNumber(1, 1000, 'connections'),
    fallback: DEFAULT_LIMITS.maxConnections,
    read: count,
    description:
      'Most connections to PostgreSQL for tokens and sign-ins. A process opens up to seven more for searches, call records, background work, readiness and changes of the configuration.',
  },
  databaseAdministrationConnections: {
    variable: 'PREFLOW_DATABASE_ADMINISTRATION_CONNECTIONS',
    schema: wholeNumber(1, 1000, 'connections'),
    fallback: DEFAULT_LIMITS.administrationConnections,
    read: count,
    description: 'Most connections to PostgreSQL for the management API and SCIM, which never use those for tokens.',
  },
  databaseConnectTimeoutMs: {
    variable: 'PREFLOW_DATABASE_CONNECT_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.connectMs,
    read: count,
    description:
      'Milliseconds a request waits for a connection to PostgreSQL, a new one or one that becomes free, before it is answered with 503.',
  },
  databaseStatementTimeoutMs: {
    variable: 'PREFLOW_DATABASE_STATEMENT_TIMEOUT_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.statementMs,
    read: count,
    description:
      'Milliseconds PostgreSQL may take for one statement before the request is answered with 503. 0 sets no limit, for poolers such as PgBouncer that refuse parameters of the session.',
  },
  databaseLockTimeoutMs: {
    variable: 'PREFLOW_DATABASE_LOCK_TIMEOUT_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.lockMs,
    read: count,
    description:
      'Milliseconds a statement waits for a lock of another session, and on SQLite for another process that writes, before the request is answered with 503. 0 sets no limit on PostgreSQL.',
  },
  adminPassword: {
    variable: 'PREFLOW_ADMIN_PASSWORD',
    schema: z.string().min(1),
    isSecret: true,
    description:
      'Password of the user `admin` of the first tenant, used when that user is created. It must keep the rules for passwords. Not set: one is generated and shown once.',
  },
  passwordMinLength: {
    variable: 'PREFLOW_PASSWORD_MIN_LENGTH',
    schema: wholeNumber(1, 64, 'characters'),
    fallback: 8,
    read: count,
    description: 'Fewest characters of a new password.',
  },
  passwordMinLengthManagement: {
    variable: 'PREFLOW_PASSWORD_MIN_LENGTH_MANAGEMENT',
    schema: wholeNumber(1, 64, 'characters'),
    fallback: 15,
    read: count,
    description: 'Fewest characters of a new password of a user who has permissions of the management API or SCIM.',
  },
  refusesCommonPasswords: {
    variable: 'PREFLOW_REFUSE_COMMON_PASSWORDS',
    schema: z.boolean({ message: 'must be on or off' }),
    fallback: true,
    read: onOrOff,
    description: 'Whether new passwords that are on the shipped list of 49,233 common ones are refused.',
  },
  passwordWords: {
    variable: 'PREFLOW_PASSWORD_WORDS',
    schema: z.array(z.string()),
    fallback: ['preflow'],
    read: words,
    description:
      'Words that no new password may contain, separated by commas, such as names of the organization and its products. Case does not matter.',
  },
  sealKey: {
    variable: 'PREFLOW_SEAL_KEY',
    schema: z.string().refine(text => Buffer.from(text, 'base64').byteLength === 32, {
      message: 'must be the base64 of 32 bytes; `openssl rand -base64 32` makes one',
    }),
    isSecret: true,
    description:
      'Key that seals credentials at rest. Every process on one database needs the same. Not set: `seal.key` in the data folder, made at the first start.',
  },
  trustedProxies: {
    variable: 'PREFLOW_TRUSTED_PROXIES',
    schema: z.array(
      z.string().refine(isNetwork, { message: 'must be an address or a network, for example 127.0.0.1 or 10.0.0.0/8' }),
    ),
    fallback: [],
    read: words,
    description:
      'Addresses and networks of the reverse proxies in front, separated by commas. Only they may report the address of a client, in the header that `PREFLOW_ADDRESS_HEADER` names.',
  },
  addressHeader: {
    variable: 'PREFLOW_ADDRESS_HEADER',
    schema: z.string().regex(/^[a-z0-9-]+$/, { message: 'must be the name of a header, for example x-forwarded-for' }),
    fallback: 'x-forwarded-for',
    read: text => text.trim().toLowerCase(),
    description:
      'The one header in which the reverse proxies report the address of a client: `x-forwarded-for`, `forwarded`, or another that they always set themselves. All other headers of this kind are removed, because proxies pass on what clients write in them.',
  },
  platform: {
    variable: 'PREFLOW_PLATFORM',
    schema: z.enum(platformNames as [PlatformName, ...PlatformName[]], {
      message: `must be one of ${platformNames.join(', ')}`,
    }),
    fallback: 'preflow',
    description: 'Whose behaviour towards extensions is reproduced, unless an action says otherwise.',
  },
  disabledActions: {
    variable: 'PREFLOW_ACTIONS',
    schema: z.array(
      z.enum(typeNames as [ActionType, ...ActionType[]], {
        message: `must be on, off, or off: and a list of ${typeNames.join(', ')}`,
      }),
    ),
    fallback: [],
    read: text => {
      const said = text.trim().toLowerCase()
      if (said === 'on') return []
      // Not those that let somebody in: without them nobody would get further.
      if (said === 'off') return typeNames.filter(type => actionTypes[type].category === 'PRE_POST')
      return said.startsWith('off:') ? words(text.trim().slice(4)) : [text]
    },
    description:
      'Break-glass: `off` skips every action about tokens and users, which are then issued and changed as if there were none; `off:PRE_ISSUE_ID_TOKEN` those of the named types. Custom authenticators stay unless `AUTHENTICATION` is named: nobody passes a step without them.',
  },
  privateEndpoints: {
    variable: 'PREFLOW_PRIVATE_ENDPOINTS',
    schema: z.array(
      z.string().refine(text => ipaddr.isValidCIDR(text), {
        message: 'must be a network, for example 10.20.0.0/16 or ::1/128',
      }),
    ),
    fallback: [],
    read: words,
    description:
      'Networks of private and other special addresses at which extensions may be called, separated by commas. Not set: extensions must have public addresses.',
  },
  allowedHeaders: {
    variable: 'PREFLOW_ALLOWED_HEADERS',
    schema: z.array(
      z.string().refine(name => !isSecretHeader(name), { message: 'must not name a header that holds a credential' }),
    ),
    fallback: [],
    read: words,
    description:
      'Headers of token requests that every extension may see, separated by commas, when its action names none. Not set: what the platform does.',
  },
  allowedParameters: {
    variable: 'PREFLOW_ALLOWED_PARAMETERS',
    schema: z.array(
      z
        .string()
        .refine(name => !isSecretParameter(name), { message: 'must not name a parameter that holds a credential' }),
    ),
    fallback: [],
    read: words,
    description:
      'Parameters of token requests that every extension may see, separated by commas, when its action names none. Not set: what the platform does.',
  },
  allowedOrigins: {
    variable: 'PREFLOW_ALLOWED_ORIGINS',
    schema: z.array(z.string().refine(isOrigin, { message: 'must be an origin, for example https://app.example.com' })),
    fallback: [],
    read: words,
    description:
      'Origins whose pages may call the APIs of every tenant, separated by commas. Those of applications (`allowedOrigins` and callback URLs) may call those of their tenant anyway.',
  },
  actionConnectTimeoutMs: {
    variable: 'PREFLOW_ACTION_CONNECT_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    read: count,
    description: 'Milliseconds until the connection to an extension must stand. Not set: what the platform does.',
  },
  actionReadTimeoutMs: {
    variable: 'PREFLOW_ACTION_READ_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    read: count,
    description: 'Milliseconds an extension may take to answer, per attempt. Not set: what the platform does.',
  },
  breaksCircuits: {
    variable: 'PREFLOW_CIRCUIT_BREAKER',
    schema: z.boolean({ message: 'must be on or off' }),
    fallback: true,
    read: onOrOff,
    description:
      'Whether an action is skipped for a minute if its extension does not answer most of its calls. Its failure mode then decides at once. `off` calls it every time, as the reference does.',
  },
  actionConnections: {
    variable: 'PREFLOW_ACTION_CONNECTIONS',
    schema: wholeNumber(1, 64, 'connections'),
    fallback: 16,
    read: count,
    description:
      'Most connections to one origin for the extensions of one tenant. All tenants together have 64 and take turns.',
  },
  actionQueue: {
    variable: 'PREFLOW_ACTION_QUEUE',
    schema: wholeNumber(0, 10_000, 'calls'),
    fallback: 32,
    read: count,
    description:
      'Most calls of one tenant that wait for a connection to one origin. Further calls fail at once, as the failure mode of the action states.',
  },
  actionMaxOperations: {
    variable: 'PREFLOW_ACTION_MAX_OPERATIONS',
    schema: wholeNumber(1, 10_000, 'operations'),
    fallback: 64,
    read: count,
    description: 'Most operations in one answer of an extension. An answer with more is invalid.',
  },
  tokenAlgorithm: {
    variable: 'PREFLOW_TOKEN_ALGORITHM',
    schema: z.enum(['ES256', 'RS256'], { message: 'must be ES256 or RS256' }),
    description:
      'How new tokens are signed, unless an application chooses another algorithm for its ID tokens. Keys of both algorithms are published, so it may be changed at any time. Not set: RS256; ES256 for data that was made when that was the default.',
  },
  sessionLifetimeSeconds: {
    variable: 'PREFLOW_SESSION_LIFETIME',
    schema: wholeNumber(60, 31_536_000, 'seconds'),
    fallback: 14 * 24 * 3600,
    read: count,
    description: 'Seconds a browser stays signed in.',
  },
  maxTokenLifetimeSeconds: {
    variable: 'PREFLOW_MAX_TOKEN_LIFETIME',
    schema: wholeNumber(60, 315_360_000, 'seconds'),
    fallback: 24 * 3600,
    read: count,
    description: 'Longest lifetime of an access token or ID token in seconds, whatever applications and actions say.',
  },
  maxRefreshLifetimeSeconds: {
    variable: 'PREFLOW_MAX_REFRESH_LIFETIME',
    schema: wholeNumber(60, 315_360_000, 'seconds'),
    fallback: 90 * 24 * 3600,
    read: count,
    description: 'Seconds after a sign-in during which its tokens can be refreshed, however often they are.',
  },
  callsPerTenant: {
    variable: 'PREFLOW_CALLS_PER_TENANT',
    schema: wholeNumber(1, 1_000_000_000, 'records'),
    fallback: 10_000,
    read: count,
    description: 'Most call records of a tenant. The oldest are deleted first, within a minute.',
  },
  callRetentionDays: {
    variable: 'PREFLOW_CALL_RETENTION_DAYS',
    schema: wholeNumber(1, 3650, 'days'),
    fallback: 30,
    read: count,
    description: 'Days for which call records are kept in the database.',
  },
  maxRequestBytes: {
    variable: 'PREFLOW_MAX_REQUEST_BYTES',
    schema: wholeNumber(1024, 104_857_600, 'bytes'),
    fallback: 1_048_576,
    read: count,
    description: 'Largest request body that is read, in bytes. Token requests have their own limit of 56 KiB.',
  },
  requestTimeoutMs: {
    variable: 'PREFLOW_REQUEST_TIMEOUT_MS',
    schema: wholeNumber(1000, 600_000, 'milliseconds'),
    fallback: 30_000,
    read: count,
    description: 'Milliseconds a client may take to send its whole request; half of it for the headers.',
  },
  shutdownGraceMs: {
    variable: 'PREFLOW_SHUTDOWN_GRACE_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: 10_000,
    read: count,
    description: 'Milliseconds that requests in progress get to finish when the server is told to stop.',
  },
  auditRetentionDays: {
    variable: 'PREFLOW_AUDIT_RETENTION_DAYS',
    schema: wholeNumber(1, 3650, 'days'),
    fallback: 400,
    read: count,
    description: 'Days for which changes and security events are kept in the database.',
  },
  logLevel: {
    variable: 'PREFLOW_LOG_LEVEL',
    schema: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug'], {
      message: 'must be one of silent, fatal, error, warn, info, debug',
    }),
    fallback: 'info',
    description: 'Least serious lines that are written.',
  },
}

/** The server cannot start with this configuration. The message has one line per option that must change. */
export class ConfigurationError extends OperatorError {
  override name = 'ConfigurationError'
}

/**
 * Fills in the defaults of what is not given and checks all of it.
 *
 * Throws a {@link ConfigurationError} that names every wrong option and never shows a value, for it may be a secret.
 *
 * @example
 * const configuration = completeConfiguration({ port: 0, dataFolder: folder, privateEndpoints: ['127.0.0.0/8'] })
 */
export function completeConfiguration(given: Partial<Configuration> = {}): Configuration {
  return check(
    name => given[name],
    name => name,
  )
}

/**
 * Reads the `PREFLOW_*` variables. An empty variable counts as not set.
 *
 * Throws a {@link ConfigurationError} that names every wrong variable.
 */
export function readConfiguration(environment: Record<string, string | undefined>): Configuration {
  return check(
    name => {
      const { variable, read } = options[name]
      const text = environment[variable]
      if (text === undefined || text.trim() === '') return undefined
      return read ? read(text) : text
    },
    name => options[name].variable,
  )
}

const PREFIX = 'PREFLOW_'
/** What the lab, the tools and the tests read: no settings here, and no mistakes either. */
const OTHER_PROGRAMS = /^PREFLOW_(AUTH|SIGN|EXTENSIONS_PORT|REPUTATION_PORT|(TEST|FUZZ)_.*)$/

/**
 * Looks for `PREFLOW_*` variables that nothing reads, most likely because they are misspelt.
 *
 * @param more Variables that the caller reads itself.
 * @returns A sentence for each. It never shows a value.
 */
export function unknownVariables(
  environment: Record<string, string | undefined>,
  more: readonly string[] = [],
): string[] {
  const known = [...Object.values(options).map(({ variable }) => variable), ...more]
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith(PREFIX) && value?.trim())
    .filter(([name]) => !known.includes(name) && !OTHER_PROGRAMS.test(name))
    .map(([name]) => {
      const unprefixed = known.map(variable => variable.slice(PREFIX.length))
      const nearest = nearestName(name.slice(PREFIX.length), unprefixed)
      return `${name} is no setting and has no effect.${nearest === undefined ? '' : ` Did you mean ${PREFIX}${nearest}?`}`
    })
}

function check(
  givenFor: (name: keyof Configuration) => unknown,
  titleOf: (name: keyof Configuration) => string,
): Configuration {
  const complaints: string[] = []
  const entries = (Object.keys(options) as (keyof Configuration)[]).flatMap(name => {
    const { schema, fallback } = options[name]
    const given = givenFor(name)
    if (given === undefined) return fallback === undefined ? [] : [[name, fallback] as const]
    const checked = schema.safeParse(given)
    if (checked.success) return [[name, checked.data] as const]
    complaints.push(`${titleOf(name)}: ${checked.error.issues[0]?.message ?? 'is not valid'}`)
    return []
  })
  if (complaints.length > 0) throw new ConfigurationError(complaints.join('\n'))
  return Object.fromEntries(entries) as unknown as Configuration
}
