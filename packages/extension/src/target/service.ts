import { readFileSync } from 'node:fs'
import { present } from '@preflow/contract'
import * as z from 'zod/mini'
import type { CallerAuthentication } from '../caller.ts'
import type { DecisionRecord } from '../decision-record.ts'
import type { Extension } from '../define-extension.ts'
import { environmentName, readSettings, type Setting, type Settings, type SettingValues } from '../settings.ts'
import { createLineLog, serve } from './node.ts'

type CallerType = 'none' | 'basic' | 'bearer' | 'api-key' | 'signature'

/** The settings of every deployable extension: where it listens, who may call, and how long it may take. */
export interface ServiceSettings extends Settings {
  hostname: Setting<string>
  port: Setting<number>
  caller: Setting<CallerType>
  callerSecrets: Setting<string[]>
  callerUsername: Setting<string | undefined>
  callerHeader: Setting<string>
  budgetMs: Setting<number>
  maxBodyBytes: Setting<number>
  graceMs: Setting<number>
}

export const serviceSettings: ServiceSettings = {
  hostname: {
    schema: z.string().check(z.minLength(1)),
    text: 'text',
    default: '127.0.0.1',
    about: 'Address to listen on; `0.0.0.0` in a container.',
  },
  port: {
    schema: z.int().check(z.gte(0), z.lte(65_535)),
    text: 'number',
    default: 8080,
    about: 'Port to listen on; 0 chooses a free one.',
  },
  caller: {
    schema: z.enum(['none', 'basic', 'bearer', 'api-key', 'signature']),
    text: 'text',
    about:
      'How the platform authenticates: `basic`, `bearer`, `api-key`, `signature`, or `none` to accept every caller.',
  },
  callerSecrets: {
    schema: z.array(z.string().check(z.minLength(16, 'must have at least 16 characters'))),
    text: 'list',
    default: [],
    about:
      'Passwords, tokens, keys or signing secrets of the platform, at least 16 characters each; two during a rotation.',
    secret: true,
  },
  callerUsername: {
    schema: z.string().check(z.regex(/^[^:]+$/, 'must not contain a colon')),
    text: 'text',
    default: undefined,
    about: 'User name of the platform; for `basic`.',
  },
  callerHeader: {
    schema: z.string().check(z.regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')),
    text: 'text',
    default: 'x-api-key',
    about: 'Header that carries the key; for `api-key`.',
  },
  budgetMs: {
    schema: z.int().check(z.gte(1, 'must be 1 or more')),
    text: 'number',
    default: 2800,
    about: 'Milliseconds for a whole decision; platforms give up after 3 to 5 seconds.',
  },
  maxBodyBytes: {
    schema: z.int().check(z.gte(1024)),
    text: 'number',
    default: 262_144,
    about: 'Maximum size of a request, in bytes.',
  },
  graceMs: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 5000,
    about: 'Milliseconds for open calls to finish at shutdown.',
  },
}

/** The values of an extension's own settings and of {@link serviceSettings}, with the caller's settings combined. */
export type ServiceConfiguration<S extends Settings> = SettingValues<S> &
  SettingValues<ServiceSettings> & { callerAuthentication: CallerAuthentication }

/** What a running extension may report. None of it comes from a payload. */
export interface ServiceHooks {
  /** One record per call. */
  log?(record: DecisionRecord): void
  /** Something for the operator, as a line of the log. */
  report?(level: ServiceLevel, fields: { event: string } & Record<string, unknown>): void
}

export type ServiceLevel = 'info' | 'warn' | 'error'

/** An extension that is ready to answer. */
export interface OpenService {
  extension: Extension
  /** Whether calls can be decided now, for `GET /readyz`. Default: always. */
  isReady?(): boolean | Promise<boolean>
  /** Closes what it opened, after the last call. */
  close?(): void | Promise<void>
}

/** An extension that can be deployed: its name, its settings, and how to open it. */
export interface Service<S extends Settings> {
  /** `profile-guard`; its variables begin with `PROFILE_GUARD`. */
  name: string
  /** Its own settings, without {@link serviceSettings}. */
  settings: S
  /** Finds conflicts between settings that are valid on their own: one sentence each. */
  contradictions?(configuration: ServiceConfiguration<S>): string[]
  /** @throws {Error} With a sentence, if something that it needs cannot be used. */
  open(configuration: ServiceConfiguration<S>, hooks: ServiceHooks): Promise<OpenService>
}

/** `profile-guard` has the prefix `PROFILE_GUARD`. */
export function prefixOf({ name }: { name: string }): string {
  return name.replaceAll('-', '_').toUpperCase()
}

/** All settings of a service, for its documentation. */
export function settingsOf<S extends Settings>({ settings }: { settings: S }): S & ServiceSettings {
  return { ...serviceSettings, ...settings }
}

/**
 * Reads the configuration of a service from the environment and a JSON document. The environment takes precedence.
 *
 * @returns The configuration, or one sentence per problem that states what to change.
 */
export function readService<S extends Settings>(
  service: Service<S>,
  source: { environment: Record<string, string | undefined>; file?: unknown },
): { ok: true; configuration: ServiceConfiguration<S> } | { ok: false; problems: string[] } {
  const prefix = prefixOf(service)
  const read = readSettings(prefix, settingsOf(service), source)
  if (!read.ok) return read
  const values = read.values as unknown as SettingValues<S> & SettingValues<ServiceSettings>
  const configuration = { ...values, callerAuthentication: callerAuthenticationOf(values) }
  const problems = [...callerContradictions(prefix, values), ...(service.contradictions?.(configuration) ?? [])]
  return problems.length > 0 ? { ok: false, problems } : { ok: true, configuration }
}

/** The settings about the caller. */
export type CallerValues = Pick<
  SettingValues<ServiceSettings>,
  'caller' | 'callerSecrets' | 'callerUsername' | 'callerHeader'
>

/** How the platform authenticates, according to the settings. */
export function callerAuthenticationOf(values: CallerValues): CallerAuthentication {
  return authentications[values.caller](values)
}

const authentications: Record<CallerType, (values: CallerValues) => CallerAuthentication> = {
  none: () => ({ type: 'none' }),
  basic: ({ callerUsername = '', callerSecrets }) => ({
    type: 'basic',
    credentials: callerSecrets.map(password => ({ username: callerUsername, password })),
  }),
  bearer: ({ callerSecrets }) => ({ type: 'bearer', tokens: callerSecrets }),
  'api-key': ({ callerHeader, callerSecrets }) => ({ type: 'apiKey', header: callerHeader, keys: callerSecrets }),
  signature: ({ callerSecrets }) => ({ type: 'signature', secrets: callerSecrets }),
}

/** Finds conflicts between the settings about the caller: one sentence each. */
export function callerContradictions(prefix: string, values: CallerValues): string[] {
  const variable = (name: keyof CallerValues) => environmentName(prefix, name)
  const { caller, callerSecrets, callerUsername } = values
  const problems: string[] = []
  if (caller !== 'none' && callerSecrets.length === 0) {
    problems.push(
      `${variable('callerSecrets')}: missing. ${caller} needs a secret of the platform; ${variable('caller')}=none accepts every caller.`,
    )
  }
  if (caller === 'basic' && callerUsername === undefined) {
    problems.push(`${variable('callerUsername')}: missing. basic needs the user name of the platform.`)
  }
  if (caller === 'signature' && !callerSecrets.every(secret => /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(secret))) {
    problems.push(`${variable('callerSecrets')}: signing secrets are base64, with or without the prefix whsec_.`)
  }
  return problems
}

/** The parts of Node's `process` that a service needs if a runtime calls it as a function. */
export interface FunctionProcess {
  env: Record<string, string | undefined>
  stdout: { write(text: string): unknown }
}

/** The parts of Node's `process` that a service needs if it is the program. */
export interface ServiceProcess extends FunctionProcess {
  stderr: { write(text: string): unknown }
  exit(code: number): never
  on(event: 'SIGTERM' | 'SIGINT' | 'exit', listener: (signal: 'SIGTERM' | 'SIGINT') => void): unknown
}

/** A service cannot start with its configuration. The message has one line per problem, and no secret. */
export class ServiceError extends Error {
  override name = 'ServiceError'
}

/**
 * Opens a service for a runtime that calls a function: AWS Lambda, Vercel, anything with `fetch`. Reads its
 * configuration, opens it and writes one JSON line per decision. Such a function has no port for probes, so `GET`
 * answers like `/readyz`.
 *
 * @throws {ServiceError} If it cannot run with its configuration. The message states what to change.
 * @example
 * const { extension } = await openService(scopeLimiter, process)
 * export const handler = lambdaHandler(extension)
 */
export async function openService<S extends Settings>(
  service: Service<S>,
  host: FunctionProcess,
): Promise<OpenService> {
  // At once, because such a runtime stops the process as soon as it has the answer.
  const { log, flush } = createLineLog(lines => host.stdout.write(lines))
  const { opened } = await open(service, host.env, (fields, level) => {
    log(fields, level)
    flush()
  })
  return { ...opened, extension: withProbe(opened) }
}

/**
 * Runs a service: reads its configuration, opens the port, writes one JSON line per decision, stops on SIGTERM and
 * SIGINT. If the configuration is invalid, ends the process with sentences that state what to change.
 *
 * @example
 * await runService(profileGuard, process)
 */
export async function runService<S extends Settings>(service: Service<S>, host: ServiceProcess): Promise<void> {
  const refuse = (error: unknown): never => {
    host.stderr.write(`${(error as Error).message}\n`)
    return host.exit(1)
  }
  const { log, flush } = createLineLog(lines => host.stdout.write(lines))
  host.on('exit', flush)
  const { configuration, opened } = await open(service, host.env, log).catch(refuse)
  const { port, hostname, graceMs } = configuration as SettingValues<ServiceSettings>
  const server = await serve(opened.extension, {
    port,
    hostname,
    graceMs,
    log: false,
    ...present({ isReady: opened.isReady }),
  }).catch(error => refuse(notStarted(service, [error.message])))

  let isStopping = false
  const stop = async (signal: string) => {
    // A second signal means: do not wait.
    if (isStopping) host.exit(1)
    isStopping = true
    log({ event: 'stopping', signal })
    await server.close()
    await opened.close?.()
  }
  host.on('SIGTERM', stop)
  host.on('SIGINT', stop)
  // Last, because the reader of this line may stop the service at once.
  log({ event: 'listening', url: server.url })
}

async function open<S extends Settings>(
  service: Service<S>,
  environment: FunctionProcess['env'],
  log: ReturnType<typeof createLineLog>['log'],
) {
  const file = readFile(service, environment)
  const read = readService(service, { environment, ...present({ file }) })
  if (!read.ok) throw notStarted(service, read.problems)
  const { configuration } = read
  const opened = await service
    .open(configuration, {
      log: record => log({ event: 'decision', ...record }),
      report: (level, fields) => log(fields, level),
    })
    .catch(cause => {
      throw notStarted(service, [cause.message])
    })
  return { configuration, opened }
}

function notStarted({ name }: { name: string }, problems: readonly string[]): ServiceError {
  return new ServiceError([`${name} does not start:`, ...problems].join('\n  '))
}

/** The extension, with `GET` for load balancers, monitors and newcomers who check whether it is ready. */
function withProbe({ extension, isReady = () => true }: OpenService): Extension {
  const headers = { 'content-type': 'text/plain' }
  const probe = async () => {
    const isWell = await (async () => isReady())().catch(() => false)
    return { status: isWell ? 200 : 503, headers, body: isWell ? 'ok\n' : 'not ready\n' }
  }
  return {
    actionTypes: extension.actionTypes,
    answer: call => (call.method === 'GET' ? probe() : extension.answer(call)),
    fetch: async request => {
      if (request.method !== 'GET') return extension.fetch(request)
      const { body, ...init } = await probe()
      return new Response(body, init)
    },
  }
}

function readFile(service: { name: string }, environment: Record<string, string | undefined>): unknown {
  const variable = `${prefixOf(service)}_CONFIG`
  const path = environment[variable]
  if (!path) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = (error as { code?: string }).code
    const what = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${code})`
    throw notStarted(service, [`${variable}: ${path} ${what}. Set it to a file with one JSON object of settings.`])
  }
}
