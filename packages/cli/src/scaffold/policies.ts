import { type ActionType, type ActionTypeDescriptor, actionTypes } from '@preflow/contract'
import { actionTypeGuides } from '@preflow/contract/guides'
import { prefixOf } from '@preflow/extension/service'
import { environmentName } from '@preflow/extension/settings'
import { type CatalogEntry, catalog } from '@preflow/policies'
import { didYouMean } from '../nearest.ts'
import { type Content, callerVariables, type Variable } from './content.ts'
import { type Port, ports } from './ports.ts'
import { type Filling, fillFolder } from './template.ts'
import { versions } from './versions.ts'

type HandlerName = CatalogEntry['handles'][number]

/** The action type of a handler. */
function actionTypeOf(handler: HandlerName): ActionType {
  const [{ type }] = Object.values(actionTypes).filter(({ path }) => path === handler) as [ActionTypeDescriptor]
  return type
}

const subjectOf = (handler: HandlerName): string => actionTypeGuides[actionTypeOf(handler)].subject

/**
 * What a policy needs besides its file in `templates/policies/policies`. A policy that is missing here needs nothing.
 */
const needs: Readonly<Record<string, { ports?: readonly (keyof typeof ports)[]; readsAddress?: true }>> = {
  sourceAddress: { readsAddress: true },
  country: { ports: ['country'], readsAddress: true },
  reputation: { ports: ['reputation'], readsAddress: true },
  passwordRules: { ports: ['credential'] },
  breachedPasswords: { ports: ['credential', 'commonPasswords', 'breachCount'] },
}

/**
 * A project of policies, evaluated in this order.
 *
 * @param known The known policies. Default: the catalogue of `@preflow/policies`.
 * @throws {RangeError} If one of them is unknown.
 */
export function policiesContent(
  name: string,
  policies: readonly string[],
  known: readonly CatalogEntry[] = catalog,
): Content {
  const chosen = policies.map(policy => entryOf(policy, known))
  const needed = unique(chosen.flatMap(policy => needs[policy.name]?.ports ?? []))
  const handlers = unique(chosen.map(({ handles: [handler] }) => handler as HandlerName))
  const prefix = prefixOf({ name })
  return {
    summary: `Controls ${words(handlers.map(subjectOf))} with ${words(policies)}.`,
    actionTypes: handlers.map(actionTypeOf),
    files: sourceFiles(name, chosen, handlers, new Set(needed)),
    entries: 'service',
    packages: [
      '@preflow/extension',
      '@preflow/policies',
      ...(needed.includes('commonPasswords') ? ['@preflow/corpus'] : []),
    ],
    dependencies: needed.length > 0 ? { zod: versions.zod } : {},
    prefix,
    variables: [...callerVariables(prefix), ...needed.flatMap(port => variablesOf(ports[port], prefix))],
    needsFile: needed.includes('country'),
    needsCommonPasswords: needed.includes('commonPasswords'),
    hasPages: false,
    platformSteps: policies.some(policy => needs[policy]?.readsAddress) ? [ADDRESS_STEP] : [],
  }
}

function entryOf(policy: string, known: readonly CatalogEntry[]): CatalogEntry {
  const entry = known.find(candidate => candidate.name === policy)
  if (entry) return entry
  const names = known.map(({ name }) => name)
  throw new RangeError(`Unknown policy ${policy}.${didYouMean(policy, names)} Use one of ${names.join(', ')}.`)
}

function variablesOf({ settings }: Port, prefix: string): Variable[] {
  return Object.entries(settings).map(([key, { name = environmentName(prefix, key), ...variable }]) => ({
    name,
    ...variable,
  }))
}

const words = (list: readonly string[]) => new Intl.ListFormat('en').format(list)

/** How the address of the client reaches the extension. */
export const ADDRESS_STEP =
  'Allowed headers: add `x-client-source-ip`. Your gateway must set this header, and clients must not be able to.'

/** The sources of a project: the files of the template that its policies need. */
function sourceFiles(
  name: string,
  chosen: readonly CatalogEntry[],
  handlers: readonly HandlerName[],
  needed: ReadonlySet<string>,
): Record<string, string> {
  const filling: Filling = {
    values: {
      name,
      imports: importLines(chosen),
      handlers: handlers.map(handler => handlerLine(handler, chosen)).join('\n'),
      actionTypes: `const actionTypes = [${handlers.map(handler => `'${actionTypeOf(handler)}'`).join(', ')}] as const`,
      plain: '',
    },
    parts: needed,
  }
  const files = fillFolder('policies', filling)
  const own = Object.entries(files).filter(([file]) => isWanted(file, chosen, needed))
  const plain = chosen.flatMap(policy =>
    fileOf(policy) in files ? [] : [[fileOf(policy), plainPolicy(policy, filling)]],
  )
  return Object.fromEntries(
    [...own, ...plain].map(([file = '', text = '']) => [
      `src/${file.replace('.alone', '')}`,
      text.replaceAll(".alone.ts'", ".ts'"),
    ]),
  )
}

const fileOf = ({ name }: { name: string }) => `policies/${kebab(name)}.ts`

/** A policy with its defaults. */
function plainPolicy({ name }: CatalogEntry, { values }: Filling): string {
  const plain = `export const ${name} = () => policies.${name}({})`
  return fillFolder('policies', { values: { ...values, plain } })[fileOf({ name: 'plain' })] ?? ''
}

/**
 * Files of policies and ports are included with the policy or port of that name. If no policy needs a port, a file that
 * ends in `.alone.ts` replaces the one without `.alone`.
 */
function isWanted(file: string, chosen: readonly CatalogEntry[], needed: ReadonlySet<string>): boolean {
  const [, folder, subject] = /^(policies|ports)\/([\w-]+)\./.exec(file) ?? []
  if (folder === 'policies') return chosen.some(({ name }) => kebab(name) === subject)
  if (folder === 'ports') return [...needed].some(port => kebab(port) === subject)
  if (needed.size > 0) return !file.includes('.alone.')
  return file.includes('.alone.') || file === 'decisions.test.ts'
}

/** In the order of Biome. */
function importLines(chosen: readonly CatalogEntry[]): string {
  return chosen
    .toSorted((a, b) => (fileOf(a) < fileOf(b) ? -1 : 1))
    .map(policy => `import { ${policy.name} } from './${fileOf(policy)}'`)
    .join('\n')
}

/** The maximum length of a line in a project. */
const LINE_WIDTH = 120

function handlerLine(handler: HandlerName, chosen: readonly CatalogEntry[]): string {
  const calls = chosen
    .filter(({ handles }) => handles[0] === handler)
    .map(({ name }) => `${name}(${needs[name]?.ports ? 'ports' : ''})`)
  const line = `${handler}: combine(${calls.join(', ')}),`
  if (`    ${line}`.length <= LINE_WIDTH) return line
  return [`${handler}: combine(`, ...calls.map(call => `  ${call},`), '),'].join('\n')
}

/** The file of `breachedPasswords` is `breached-passwords.ts`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
}

function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)]
}
