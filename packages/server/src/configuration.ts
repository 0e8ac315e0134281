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
import { isOverride } from './domain/limits/buckets.ts'
import { isOrigin } from './ground/http/cors.ts'
import { OperatorError } from './ground/operator-error.ts'
import { DEFAULT_LIMITS } from './ground/store/database.ts'
import { DEFAULT_HASHING } from './ground/store/passwords.ts'

/** All settings of an operator. Each option is described once, in {@link options}. */
export interface Configuration {
  port: number
  host: string
  /** Absent: `http://{host}:{port}` of the listening socket. */
  publicUrl?: string
  homeUrl?: string
  dataFolder: string
  databaseUrl?: string
  databaseConnections: number
  databaseAdministrationConnections: number
  databaseConnectTimeoutMs: number
  databaseStatementTimeoutMs: number
  databaseLockTimeoutMs: number
  /** Absent: generated at the first start. */
  adminPassword?: string
  /** Base64 of 32 bytes, older keys after commas. Absent: generated in the data folder. */
  sealKey?: string
  passwordMinLength: number
  passwordMinLengthManagement: number
  refusesCommonPasswords: boolean
  passwordWords: string[]
  trustedProxies: string[]
  /** Lower case. */
  addressHeader: string
  platform: PlatformName
  /** Break-glass: types whose actions are skipped, regardless of their configuration. */
  disabledActions: ActionType[]
  privateEndpoints: string[]
  allowedHeaders: string[]
  allowedParameters: string[]
  /** Origins whose pages may call the APIs of every tenant. */
  allowedOrigins: string[]
  /** Absent: the platform's timeout. */
  actionConnectTimeoutMs?: number
  /** Absent: the platform's timeout. */
  actionReadTimeoutMs?: number
  breaksCircuits: boolean
  actionConnections: number
  actionQueue: number
  actionMaxOperations: number
  actionMaxAnswerBytes: number
  /** Overrides of the abuse limits. */
  limits: string[]
  hashesAtOnce: number
  hashQueue: number
  /** Absent: RS256, or the algorithm of data of an earlier version. */
  tokenAlgorithm?: 'ES256' | 'RS256'
  /** Absent: keys are replaced by command only. */
  keyRotationDays?: number
  sessionLifetimeSeconds: number
  sessionIdleSeconds: number
  maxTokenLifetimeSeconds: number
  maxRefreshLifetimeSeconds: number
  refreshGraceSeconds: number
  callsPerTenant: number
  callRetentionDays: number
  maxRequestBytes: number
  requestTimeoutMs: number
  maxRequests: number
  shutdownDelayMs: number
  shutdownGraceMs: number
  auditRetentionDays: number
  logLevel: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug'
}

/** How an option is parsed and what it means. */
export interface Option<Value> {
  /** The environment variable. */
  variable: string
  schema: z.ZodType<Value>
  /** The default. Absent for options without one. */
  fallback?: Value
  /** For the documentation: its effect, its unit, and the effect if it is not set. */
  description: string
  /** Secrets are never printed. */
  isSecret?: boolean
  /** Parses the variable for the schema. Default: the string itself. */
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

/** Whether this is an address or a network such as `10.0.0.0/8`. */
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
    description: 'TCP port to listen on. 0 selects a free port.',
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
      'The URL at which clients and browsers reach the server. Every issuer begins with it, so tokens become invalid if it changes. Not set: the listening address.',
  },
  homeUrl: {
    variable: 'PREFLOW_HOME_URL',
    schema: z.url({ protocol: /^https?$/, message: 'must be an http or https URL' }),
    description: 'The link on the page at the address of the server, for example to an application. Not set: no link.',
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
    description: 'PostgreSQL database for all data. Not set: SQLite in the data folder.',
  },
  databaseConnections: {
    variable: 'PREFLOW_DATABASE_CONNECTIONS',
    schema: wholeNumber(1, 1000, 'connections'),
    fallback: DEFAULT_LIMITS.maxConnections,
    read: count,
    description:
      'Maximum number of connections to PostgreSQL for tokens and sign-ins. A process opens up to seven more for searches, call records, background work, readiness and changes of the configuration.',
  },
  databaseAdministrationConnections: {
    variable: 'PREFLOW_DATABASE_ADMINISTRATION_CONNECTIONS',
    schema: wholeNumber(1, 1000, 'connections'),
    fallback: DEFAULT_LIMITS.administrationConnections,
    read: count,
    description:
      'Maximum number of connections to PostgreSQL for the management API and SCIM. They never use the connections for tokens.',
  },
  databaseConnectTimeoutMs: {
    variable: 'PREFLOW_DATABASE_CONNECT_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.connectMs,
    read: count,
    description: 'Milliseconds that a request waits for a new or free connection to PostgreSQL before it gets a 503.',
  },
  databaseStatementTimeoutMs: {
    variable: 'PREFLOW_DATABASE_STATEMENT_TIMEOUT_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.statementMs,
    read: count,
    description:
      'Milliseconds that PostgreSQL may take for one statement before the request gets a 503. 0 sets no limit, for poolers such as PgBouncer that refuse session parameters.',
  },
  databaseLockTimeoutMs: {
    variable: 'PREFLOW_DATABASE_LOCK_TIMEOUT_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: DEFAULT_LIMITS.lockMs,
    read: count,
    description:
      'Milliseconds that a statement waits for a lock of another session, or on SQLite for another writing process, before the request gets a 503. 0 sets no limit on PostgreSQL.',
  },
  adminPassword: {
    variable: 'PREFLOW_ADMIN_PASSWORD',
    schema: z.string().min(1),
    isSecret: true,
    description:
      'Password of the user `admin` of the first tenant, used when that user is created. It must follow the password rules. Not set: a password is generated and shown once.',
  },
  passwordMinLength: {
    variable: 'PREFLOW_PASSWORD_MIN_LENGTH',
    schema: wholeNumber(1, 64, 'characters'),
    fallback: 8,
    read: count,
    description: 'Minimum number of characters of a new password.',
  },
  passwordMinLengthManagement: {
    variable: 'PREFLOW_PASSWORD_MIN_LENGTH_MANAGEMENT',
    schema: wholeNumber(1, 64, 'characters'),
    fallback: 15,
    read: count,
    description:
      'Minimum number of characters of a new password for users with permissions of the management API or SCIM.',
  },
  refusesCommonPasswords: {
    variable: 'PREFLOW_REFUSE_COMMON_PASSWORDS',
    schema: z.boolean({ message: 'must be on or off' }),
    fallback: true,
    read: onOrOff,
    description: 'Whether new passwords on the included list of 49,233 common passwords are refused.',
  },
  passwordWords: {
    variable: 'PREFLOW_PASSWORD_WORDS',
    schema: z.array(z.string()),
    fallback: ['preflow'],
    read: words,
    description:
      'Words that no new password may contain, separated by commas, such as names of the organization and its products. Case is ignored.',
  },
  sealKey: {
    variable: 'PREFLOW_SEAL_KEY',
    schema: z.string().refine(text => text.split(',').every(key => Buffer.from(key, 'base64').byteLength === 32), {
      message: 'must be the base64 of 32 bytes; `openssl rand -base64 32` creates one; older keys follow after commas',
    }),
    isSecret: true,
    description:
      'Key that seals credentials at rest. All processes on one database need the same key. While it is replaced, older keys follow it, separated by commas. Not set: `seal.key` in the data folder, created at the first start, with older keys on further lines.',
  },
  trustedProxies: {
    variable: 'PREFLOW_TRUSTED_PROXIES',
    schema: z.array(
      z.string().refine(isNetwork, { message: 'must be an address or a network, for example 127.0.0.1 or 10.0.0.0/8' }),
    ),
    fallback: [],
    read: words,
    description:
      'Addresses and networks of the reverse proxies, separated by commas. Only they may report the address of a client, in the header `PREFLOW_ADDRESS_HEADER`.',
  },
  addressHeader: {
    variable: 'PREFLOW_ADDRESS_HEADER',
    schema: z.string().regex(/^[a-z0-9-]+$/, { message: 'must be the name of a header, for example x-forwarded-for' }),
    fallback: 'x-forwarded-for',
    read: text => text.trim().toLowerCase(),
    description:
      'The header in which the reverse proxies report the address of a client: `x-forwarded-for`, `forwarded`, or another that they always set. All other headers of this kind are removed, because proxies pass them on from clients.',
  },
  platform: {
    variable: 'PREFLOW_PLATFORM',
    schema: z.enum(platformNames as [PlatformName, ...PlatformName[]], {
      message: `must be one of ${platformNames.join(', ')}`,
    }),
    fallback: 'preflow',
    description: 'The platform whose behaviour towards extensions is reproduced. An action can override it.',
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
      // Not authenticators: without them no one could pass their steps.
      if (said === 'off') return typeNames.filter(type => actionTypes[type].category === 'PRE_POST')
      return said.startsWith('off:') ? words(text.trim().slice(4)) : [text]
    },
    description:
      'Break-glass: `off` skips every action for tokens and users, as if none were configured. `off:PRE_ISSUE_ID_TOKEN` skips only the listed types. Custom authenticators stay unless `AUTHENTICATION` is listed: no one can pass a step without them.',
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
      'Networks of private and other special addresses where extensions may be called, separated by commas. Not set: extensions must have public addresses.',
  },
  allowedHeaders: {
    variable: 'PREFLOW_ALLOWED_HEADERS',
    schema: z.array(
      z.string().refine(name => !isSecretHeader(name), { message: 'must not name a header with a credential' }),
    ),
    fallback: [],
    read: words,
    description:
      'Headers of token requests that extensions get if their action lists none, separated by commas. Not set: as the platform does.',
  },
  allowedParameters: {
    variable: 'PREFLOW_ALLOWED_PARAMETERS',
    schema: z.array(
      z.string().refine(name => !isSecretParameter(name), { message: 'must not name a parameter with a credential' }),
    ),
    fallback: [],
    read: words,
    description:
      'Parameters of token requests that extensions get if their action lists none, separated by commas. Not set: as the platform does.',
  },
  allowedOrigins: {
    variable: 'PREFLOW_ALLOWED_ORIGINS',
    schema: z.array(z.string().refine(isOrigin, { message: 'must be an origin, for example https://app.example.com' })),
    fallback: [],
    read: words,
    description:
      'Origins whose pages may call the APIs of every tenant, separated by commas. The origins of applications (`allowedOrigins` and callback URLs) may always call the APIs of their tenant.',
  },
  actionConnectTimeoutMs: {
    variable: 'PREFLOW_ACTION_CONNECT_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    read: count,
    description: 'Milliseconds for connecting to an extension. Not set: as the platform does.',
  },
  actionReadTimeoutMs: {
    variable: 'PREFLOW_ACTION_READ_TIMEOUT_MS',
    schema: wholeNumber(1, 600_000, 'milliseconds'),
    read: count,
    description: 'Milliseconds that an extension may take to answer, per attempt. Not set: as the platform does.',
  },
  breaksCircuits: {
    variable: 'PREFLOW_CIRCUIT_BREAKER',
    schema: z.boolean({ message: 'must be on or off' }),
    fallback: true,
    read: onOrOff,
    description:
      'Whether an action is skipped for a minute if its extension does not answer most of its calls. Its failure mode then decides at once. `off` calls it every time, as in the reference.',
  },
  actionConnections: {
    variable: 'PREFLOW_ACTION_CONNECTIONS',
    schema: wholeNumber(1, 64, 'connections'),
    fallback: 16,
    read: count,
    description:
      'Maximum number of connections to one origin for the extensions of one tenant. All tenants together have 64 and take turns.',
  },
  actionQueue: {
    variable: 'PREFLOW_ACTION_QUEUE',
    schema: wholeNumber(0, 10_000, 'calls'),
    fallback: 32,
    read: count,
    description:
      'Maximum number of calls of one tenant that wait for a connection to one origin. Further calls fail at once, with the failure mode of the action.',
  },
  actionMaxAnswerBytes: {
    variable: 'PREFLOW_ACTION_MAX_ANSWER_BYTES',
    schema: wholeNumber(1024, 1_048_576, 'bytes'),
    fallback: 131_072,
    read: count,
    description:
      'Maximum size of an answer of an extension in bytes. A longer one is not read to its end, and is invalid.',
  },
  actionMaxOperations: {
    variable: 'PREFLOW_ACTION_MAX_OPERATIONS',
    schema: wholeNumber(1, 10_000, 'operations'),
    fallback: 64,
    read: count,
    description: 'Maximum number of operations in one answer of an extension. An answer with more is invalid.',
  },
  limits: {
    variable: 'PREFLOW_LIMITS',
    schema: z.array(
      z.string().refine(isOverride, {
        message: 'must be overrides of limits, for example token-client=6000/60 or token-tenant=off',
      }),
    ),
    fallback: [],
    read: words,
    description:
      'Overrides of the limits above, separated by commas. `token-client=6000/60` allows 6000 in 60 seconds, `token-tenant=off` any number, and `off` disables all limits.',
  },
  hashesAtOnce: {
    variable: 'PREFLOW_HASHES_AT_ONCE',
    schema: wholeNumber(1, 64, 'passwords'),
    fallback: DEFAULT_HASHING.atOnce,
    read: count,
    description:
      'Passwords that are hashed at once, each on one of Node’s four threads. `UV_THREADPOOL_SIZE` sets the number of threads.',
  },
  hashQueue: {
    variable: 'PREFLOW_HASH_QUEUE',
    schema: wholeNumber(1, 10_000, 'passwords'),
    fallback: DEFAULT_HASHING.waiting,
    read: count,
    description:
      'Maximum number of passwords that wait to be hashed. One tenant can have half of them, one network an eighth. Further sign-ins get 503 with `Retry-After`.',
  },
  keyRotationDays: {
    variable: 'PREFLOW_KEY_ROTATION_DAYS',
    schema: wholeNumber(1, 3650, 'days'),
    read: count,
    description: 'Days after which the keys that sign tokens are replaced. Not set: only by `preflow keys rotate`.',
  },
  tokenAlgorithm: {
    variable: 'PREFLOW_TOKEN_ALGORITHM',
    schema: z.enum(['ES256', 'RS256'], { message: 'must be ES256 or RS256' }),
    description:
      'The algorithm that signs new tokens. An application can choose another one for its ID tokens. Keys of both algorithms are published, so you can change it at any time. Not set: RS256, or ES256 for data from versions with that default.',
  },
  sessionLifetimeSeconds: {
    variable: 'PREFLOW_SESSION_LIFETIME',
    schema: wholeNumber(60, 31_536_000, 'seconds'),
    fallback: 14 * 24 * 3600,
    read: count,
    description: 'Seconds after a sign-in during which the browser can stay signed in.',
  },
  sessionIdleSeconds: {
    variable: 'PREFLOW_SESSION_IDLE',
    schema: wholeNumber(60, 31_536_000, 'seconds'),
    fallback: 24 * 3600,
    read: count,
    description: 'Seconds without an authorization request after which a browser must sign in again.',
  },
  maxTokenLifetimeSeconds: {
    variable: 'PREFLOW_MAX_TOKEN_LIFETIME',
    schema: wholeNumber(60, 315_360_000, 'seconds'),
    fallback: 24 * 3600,
    read: count,
    description:
      'Maximum lifetime of access tokens and ID tokens in seconds. Applications and actions cannot exceed it.',
  },
  maxRefreshLifetimeSeconds: {
    variable: 'PREFLOW_MAX_REFRESH_LIFETIME',
    schema: wholeNumber(60, 315_360_000, 'seconds'),
    fallback: 90 * 24 * 3600,
    read: count,
    description: 'Seconds after a sign-in during which its tokens can be refreshed.',
  },
  refreshGraceSeconds: {
    variable: 'PREFLOW_REFRESH_GRACE_SECONDS',
    schema: wholeNumber(0, 300, 'seconds'),
    fallback: 0,
    read: count,
    description:
      'Seconds after its use in which a refresh token can be used again, for clients that did not receive the response. It replaces a successor that nobody used. 0: never.',
  },
  callsPerTenant: {
    variable: 'PREFLOW_CALLS_PER_TENANT',
    schema: wholeNumber(1, 1_000_000_000, 'records'),
    fallback: 10_000,
    read: count,
    description: 'Maximum number of call records of a tenant. The oldest are deleted first, within a minute.',
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
    description: 'Maximum size of a request body in bytes. Token requests have their own limit of 56 KiB.',
  },
  requestTimeoutMs: {
    variable: 'PREFLOW_REQUEST_TIMEOUT_MS',
    schema: wholeNumber(1000, 600_000, 'milliseconds'),
    fallback: 30_000,
    read: count,
    description: 'Milliseconds that a client may take to send a complete request, half of it for the headers.',
  },
  maxRequests: {
    variable: 'PREFLOW_MAX_REQUESTS',
    schema: wholeNumber(2, 100_000, 'requests'),
    fallback: 256,
    read: count,
    description:
      'Maximum number of requests that the server works on at once. One tenant can have half of them. Further requests get 503 with `Retry-After`. Requests that wait for an extension or a password do not count.',
  },
  shutdownDelayMs: {
    variable: 'PREFLOW_SHUTDOWN_DELAY_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: 1000,
    read: count,
    description:
      'Milliseconds that a stopping server continues to accept requests, if it has connections. `/readyz` reports 503 meanwhile, and every response ends its connection. Set it to what your load balancer needs to notice.',
  },
  shutdownGraceMs: {
    variable: 'PREFLOW_SHUTDOWN_GRACE_MS',
    schema: wholeNumber(0, 600_000, 'milliseconds'),
    fallback: 10_000,
    read: count,
    description: 'Milliseconds for requests in progress to finish when the server stops.',
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
    description: 'The lowest level of log lines that are written.',
  },
}

/** The server cannot start with this configuration. The message has one line per option that must change. */
export class ConfigurationError extends OperatorError {
  override name = 'ConfigurationError'
}

/**
 * Adds the defaults of absent options and checks all options.
 *
 * Throws a {@link ConfigurationError} that names every wrong option. It never shows a value, which may be a secret.
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
/** Variables that the lab, the tools and the tests read. They are no settings of the server. */
const OTHER_PROGRAMS = /^PREFLOW_(AUTH|SIGN|EXTENSIONS_PORT|REPUTATION_PORT|(TEST|FUZZ)_.*)$/

/**
 * Finds `PREFLOW_*` variables that nothing reads, most likely because they are misspelt.
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
      return `${name} is not a setting and has no effect.${nearest === undefined ? '' : ` Did you mean ${PREFIX}${nearest}?`}`
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
