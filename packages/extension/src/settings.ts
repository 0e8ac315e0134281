import { describeIssues, readDocument } from '@preflow/contract'
import { nearestName } from '@preflow/contract/nearest-name'
import type * as z from 'zod/mini'

/**
 * One setting of a deployable extension: its schema, its default and its sentence in the documentation.
 *
 * A setting is read from the environment (`TOKEN_GUARD_BLOCKED_COUNTRIES`) or from a JSON file (`blockedCountries`).
 * The environment takes precedence.
 */
export interface Setting<Value> {
  schema: z.core.$ZodType<Value>
  /** Turns a string from the environment into the value that `schema` checks. JSON files contain the value itself. */
  text: 'text' | 'number' | 'flag' | 'list' | 'json'
  /** Absent: the setting is required. */
  default?: Value
  /** One sentence for the documentation, with the unit. */
  about: string
  /** The full name of its variable, if it has a well-known one: `ABUSEIPDB_API_KEY`. */
  variable?: string
  /** A secret is never shown in a message or in documentation of the running values. */
  secret?: boolean
}

/** The settings of one extension by their name in a JSON file. */
export type Settings = Record<string, Setting<unknown>>

/** The values that {@link readSettings} returns for a declaration. */
export type SettingValues<S extends Settings> = { [K in keyof S]: S[K] extends Setting<infer Value> ? Value : never }

/** `blockedCountries` under the prefix `TOKEN_GUARD` is `TOKEN_GUARD_BLOCKED_COUNTRIES`. */
export function environmentName(prefix: string, name: string): string {
  return `${prefix}_${name.replaceAll(/[A-Z]/g, capital => `_${capital}`).toUpperCase()}`
}

const readers: Record<Setting<unknown>['text'], (text: string) => unknown> = {
  text: text => text,
  number: text => (text.trim() === '' ? Number.NaN : Number(text)),
  flag: text => ({ true: true, false: false, '1': true, '0': false, yes: true, no: false })[text.toLowerCase()] ?? text,
  list: text => text.split(',').flatMap(item => item.trim() || []),
  json: text => {
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  },
}

/**
 * Reads and checks all settings of an extension, so that three problems are reported at once.
 *
 * @param source.environment Variables by name. Only those with the prefix are read.
 * @param source.file The parsed JSON file, if there is one. Unknown keys are problems, because they are misspelt
 *   settings.
 * @returns The values, or one sentence per problem that names the setting and states what it must be. Values are never
 *   quoted, because some are secrets.
 */
export function readSettings<S extends Settings>(
  prefix: string,
  settings: S,
  source: { environment: Record<string, string | undefined>; file?: unknown },
): { ok: true; values: SettingValues<S> } | { ok: false; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  const { environment, file = {} } = source
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    return { ok: false, problems: ['The configuration file must hold one JSON object of settings.'] }
  }
  const names = new Map(Object.entries(settings).map(([name, setting]) => [variableOf(prefix, name, setting), name]))
  for (const key of Object.keys(file)) {
    if (!Object.hasOwn(settings, key)) problems.push(`${key}: not a setting. ${closest(key, Object.keys(settings))}`)
  }
  for (const key of Object.keys(environment)) {
    if (key.startsWith(`${prefix}_`) && key !== `${prefix}_CONFIG` && !names.has(key)) {
      problems.push(`${key}: not a setting. ${closest(key, [...names.keys()], `${prefix}_`)}`)
    }
  }
  for (const [variable, name] of names) {
    const setting = settings[name] as Setting<unknown>
    const text = environment[variable]
    const given =
      text !== undefined && text !== '' ? readers[setting.text](text) : (file as Record<string, unknown>)[name]
    if (given === undefined) {
      if (!('default' in setting)) problems.push(`${variable}: missing. ${setting.about}`)
      values[name] = setting.default
      continue
    }
    const read = readDocument(setting.schema, given)
    if (read.ok) values[name] = read.value
    else {
      const what = describeIssues(read.issues)
      problems.push(`${text === undefined || text === '' ? name : variable}: ${what}. ${setting.about}`)
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, values: values as SettingValues<S> }
}

/** The settings as a Markdown table, for the README of an extension. */
export function documentSettings(prefix: string, settings: Settings): string {
  const rows = Object.entries(settings).map(([name, setting]) => {
    const fallback = !('default' in setting)
      ? '**required**'
      : setting.default === undefined
        ? 'none'
        : `\`${textOf(setting.default).replaceAll('|', '\\|')}\``
    return `| \`${variableOf(prefix, name, setting)}\` | \`${name}\` | ${fallback} | ${setting.about.replaceAll('|', '\\|')} |`
  })
  return ['| environment | file | default | what it does |', '|---|---|---|---|', ...rows].join('\n')
}

/** A default as it would be set in the environment. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',') || '(empty)'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function variableOf(prefix: string, name: string, { variable }: Setting<unknown>): string {
  return variable ?? environmentName(prefix, name)
}

/** @param prefix The common beginning of all names, which does not count as a similarity. */
function closest(key: string, known: string[], prefix = ''): string {
  const own = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)
  const near = nearestName(own(key), known.map(own))
  const name = known.find(candidate => own(candidate) === near)
  return name ? `Did you mean ${name}?` : `Valid names are ${known.join(', ')}.`
}
