import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { CallerAuthentication } from '../caller.ts'
import type { DecisionRecord, Extension } from '../define-extension.ts'
import { environmentName, readSettings, type Setting, type Settings, type SettingValues } from '../settings.ts'
import { serve } from './node.ts'

type CallerType = 'none' | 'basic' | 'bearer' | 'api-key' | 'signature'

/** What every deployable extension is told: where it listens, who may call, and how long it may take. */
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
    schema: z.string().min(1),
    text: 'text',
    default: '127.0.0.1',
    about: 'Address to listen on; `0.0.0.0` in a container.',
  },
  port: {
    schema: z.int().min(0).max(65_535),
    text: 'number',
    default: 8080,
    about: 'Port to listen on; 0 chooses a free one.',
  },
  caller: {
    schema: z.enum(['none', 'basic', 'bearer', 'api-key', 'signature']),
    text: 'text',
    about:
      'How the platform authenticates: `basic`, `bearer`, `api-key`, `signature`, or `none` to let everybody call.',
  },
  callerSecrets: {
    schema: z.array(z.string().min(16, 'must have 16 characters at least')),
    text: 'list',
    default: [],
    about:
      'Passwords, tokens, keys or signing secrets of the platform, 16 characters at least; two while one is replaced.',
    secret: true,
  },
  callerUsername: {
    schema: z.string().regex(/^[^:]+$/, 'must not contain a colon'),
    text: 'text',
    default: undefined,
    about: 'User name of the platform; for `basic`.',
  },
  callerHeader: {
    schema: z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'),
    text: 'text',
    default: 'x-api-key',
    about: 'Header that carries the key; for `api-key`.',
  },
  budgetMs: {
    schema: z.int().min(1, 'must be 1 or more'),
    text: 'number',
    default: 2800,
    about: 'Milliseconds for a whole decision; platforms give up after 3 to 5 seconds.',
  },
  maxBodyBytes: {
    schema: z.int().min(1024),
    text: 'number',
    default: 262_144,
    about: 'Largest request that is read, in bytes.',
  },
  graceMs: {
    schema: z.int().min(0),
    text: 'number',
    default: 5000,
    about: 'Milliseconds that calls in flight get to finish at shutdown.',
  },
}

/** The values of an extension's own settings, those of {@link serviceSettings}, and who may call, put together. */
export type ServiceConfiguration<S extends Settings> = SettingValues<S> &
  SettingValues<ServiceSettings> & { callerAuthentication: CallerAuthentication }

/** What an extension may tell while it runs. None of it comes from a payload. */
export interface ServiceHooks {
  /** One record per call. */
  log?(record: DecisionRecord): void
  /** Something the operator should know of, as a line of the log. */
  report?(level: ServiceLevel, fields: { event: string } & Record<string, unknown>): void
}

export type ServiceLevel = 'info' | 'warn' | 'error'

/** An extension that is ready to answer. */
export interface OpenService {
  extension: Extension
  /** Whether calls can be decided now; asked by `GET /readyz`. Default: always. */
  isReady?(): boolean | Promise<boolean>
  /** Lets go of what it opened, after the last call. */
  close?(): void | Promise<void>
}

/** An extension that can be deployed: its name, its settings, and how it is opened with them. */
export interface Service<S extends Settings> {
  /** `profile-guard`; its variables begin with `PROFILE_GUARD`. */
  name: string
  /** Its own settings, without {@link serviceSettings}. */
  settings: S
  /** What is wrong between settings that are right by themselves: one sentence each. */
  contradictions?(configuration: ServiceConfiguration<S>): string[]
  /** @throws {Error} With a sentence, when something it needs cannot be used. */
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
 * Reads the configuration of a service from the environment and a JSON document; the environment wins.
 *
 * @returns The configuration, or one sentence per problem that says what to change.
 */
export function readService<S extends Settings>(
  service: Service<S>,
  source: { environment: Record<string, string | undefined>; file?: unknown },
): { ok: true; configuration: ServiceConfiguration<S> } | { ok: false; problems: string[] } {
  const prefix = prefixOf(service)
  const read = readSettings(prefix, settingsOf(service), source)
  if (!read.ok) return read
  const values = read.values as unknown as SettingValues<S> & SettingValues<ServiceSettings>
  const configuration = { ...values, callerAuthentication: authentications[values.caller](values) }
  const problems = [...callerContradictions(prefix, values), ...(service.contradictions?.(configuration) ?? [])]
  return problems.length > 0 ? { ok: false, problems } : { ok: true, configuration }
}

const authentications: Record<CallerType, (values: SettingValues<ServiceSettings>) => CallerAuthentication> = {
  none: () => ({ type: 'none' }),
  basic: ({ callerUsername = '', callerSecrets }) => ({
    type: 'basic',
    credentials: callerSecrets.map(password => ({ username: callerUsername, password })),
  }),
  bearer: ({ callerSecrets }) => ({ type: 'bearer', tokens: callerSecrets }),
  'api-key': ({ callerHeader, callerSecrets }) => ({ type: 'apiKey', header: callerHeader, keys: callerSecrets }),
  signature: ({ callerSecrets }) => ({ type: 'signature', secrets: callerSecrets }),
}

function callerContradictions(prefix: string, values: SettingValues<ServiceSettings>): string[] {
  const variable = (name: keyof ServiceSettings & string) => environmentName(prefix, name)
  const { caller, callerSecrets, callerUsername } = values
  const problems: string[] = []
  if (caller !== 'none' && callerSecrets.length === 0) {
    problems.push(
      `${variable('callerSecrets')}: missing. ${caller} needs a secret of the platform; ${variable('caller')}=none lets everybody call.`,
    )
  }
  if (caller === 'basic' && callerUsername === undefined) {
    problems.push(`${variable('callerUsername')}: missing. basic needs the user name of the platform.`)
  }
  if (caller === 'signature' && !callerSecrets.every(secret => /^(whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(secret))) {
    problems.push(`${variable('callerSecrets')}: signing secrets are base64, with or without whsec_ before it.`)
  }
  return problems
}

/** The parts of Node's `process` that a service needs. */
export interface ServiceProcess {
  env: Record<string, string | undefined>
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown }
  exit(code: number): never
  on(signal: 'SIGTERM' | 'SIGINT', listener: (signal: 'SIGTERM' | 'SIGINT') => void): unknown
}

const LEVELS: Record<string, ServiceLevel> = { fail: 'error', refused: 'warn' }

/**
 * Runs a service: reads its configuration, opens the port, writes one JSON line per decision, stops on SIGTERM and SIGINT. A
 * configuration it cannot run with ends the process with sentences that say what to change.
 *
 * @example
 * await runService(profileGuard, process)
 */
export async function runService<S extends Settings>(service: Service<S>, host: ServiceProcess): Promise<void> {
  const write: NonNullable<ServiceHooks['report']> = (level, fields) => {
    host.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, ...fields })}\n`)
  }
  const refuse = (problems: readonly string[]): never => {
    host.stderr.write(`${service.name} does not start:\n${problems.map(problem => `  ${problem}\n`).join('')}`)
    return host.exit(1)
  }
  const refuseWith = (error: unknown): never => refuse([(error as Error).message])

  const file = readFile(`${prefixOf(service)}_CONFIG`, host.env, refuse)
  const read = readService(service, { environment: host.env, ...(file !== undefined && { file }) })
  if (!read.ok) return refuse(read.problems)
  const { configuration } = read
  const open = await service
    .open(configuration, {
      log: record => write(LEVELS[record.decision] ?? 'info', { event: 'decision', ...record }),
      report: write,
    })
    .catch(refuseWith)
  const { port, hostname, graceMs } = configuration as SettingValues<ServiceSettings>
  const server = await serve(open.extension, {
    port,
    hostname,
    graceMs,
    ...(open.isReady && { isReady: open.isReady }),
  }).catch(refuseWith)
  write('info', { event: 'listening', url: server.url })

  let isStopping = false
  const stop = async (signal: string) => {
    // Whoever asks twice does not want to wait.
    if (isStopping) host.exit(1)
    isStopping = true
    write('info', { event: 'stopping', signal })
    await server.close()
    await open.close?.()
  }
  host.on('SIGTERM', stop)
  host.on('SIGINT', stop)
}

function readFile(
  variable: string,
  environment: Record<string, string | undefined>,
  refuse: (problems: string[]) => never,
): unknown {
  const path = environment[variable]
  if (!path) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = (error as { code?: string }).code
    const what = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${code})`
    return refuse([`${variable}: ${path} ${what}. Name a file that holds one JSON object of settings.`])
  }
}
