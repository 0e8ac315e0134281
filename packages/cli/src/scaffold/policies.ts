import type { ActionType } from '@preflow/contract'
import { prefixOf } from '@preflow/extension/service'
import { environmentName } from '@preflow/extension/settings'
import { type CatalogEntry, catalog } from '@preflow/policies'
import { didYouMean } from '../nearest.ts'
import { type Content, callerVariables } from './content.ts'
import { importLines, LINE_WIDTH } from './imports.ts'
import { commonPasswords, countries, type Part, plainRecipe, type Recipe, recipes } from './recipes.ts'
import { versions } from './versions.ts'

type HandlerName = CatalogEntry['handles'][number]

/** What a handler is for, by its name. */
const actionTypesByHandler: Record<HandlerName, ActionType> = {
  preIssueAccessToken: 'PRE_ISSUE_ACCESS_TOKEN',
  preIssueIdToken: 'PRE_ISSUE_ID_TOKEN',
  preUpdatePassword: 'PRE_UPDATE_PASSWORD',
  preUpdateProfile: 'PRE_UPDATE_PROFILE',
  authentication: 'AUTHENTICATION',
}

/**
 * A project of policies of the catalogue, asked in this order.
 *
 * @throws {RangeError} When one is not in the catalogue.
 */
export function policiesContent(name: string, policies: readonly string[]): Content {
  const chosen = policies.map(policy => {
    const entry = catalog.find(candidate => candidate.name === policy)
    if (!entry) {
      const known = catalog.map(({ name }) => name)
      throw new RangeError(`There is no policy ${policy}.${didYouMean(policy, known)} Known are ${known.join(', ')}.`)
    }
    return { ...entry, recipe: recipes[policy] ?? plainRecipe }
  })
  const parts = unique(chosen.flatMap(({ recipe }) => recipe.needs ?? []))
  const handlers = unique(chosen.flatMap(({ handles }) => handles.slice(0, 1)))
  const prefix = prefixOf({ name })
  const ownVariables = parts
    .flatMap(({ settings = {} }) => Object.entries(settings))
    .flatMap(([key, { variable }]) => (variable ? { name: environmentName(prefix, key), ...variable } : []))
  return {
    summary: `Decides about ${words(handlers.map(handler => subjects[handler]))} with ${words(policies)}.`,
    actionTypes: handlers.map(handler => actionTypesByHandler[handler]),
    files: {
      'src/decisions.ts': decisions(chosen, handlers, parts),
      'src/decisions.test.ts': decisionsTest(chosen, handlers, parts),
      'src/service.ts': service(name, parts),
    },
    entries: 'service',
    packages: [
      '@preflow/extension',
      '@preflow/policies',
      ...(parts.includes(commonPasswords) ? ['@preflow/corpus'] : []),
    ],
    dependencies: parts.some(({ settings }) => settings) ? { zod: versions.zod } : {},
    prefix,
    variables: [...callerVariables(prefix), ...ownVariables],
    needsFile: parts.includes(countries),
    needsCommonPasswords: parts.includes(commonPasswords),
    hasPages: false,
    platformSteps: chosen.some(({ recipe }) => recipe.readsAddress) ? [ADDRESS_STEP] : [],
  }
}

const subjects: Record<HandlerName, string> = {
  preIssueAccessToken: 'access tokens',
  preIssueIdToken: 'ID tokens',
  preUpdatePassword: 'passwords',
  preUpdateProfile: 'profile updates',
  authentication: 'sign-ins',
}

const words = (list: readonly string[]) => new Intl.ListFormat('en').format(list)

/** Where the address of the client comes from. */
export const ADDRESS_STEP =
  'Allowed headers: add `x-client-source-ip`. It must be a header that your own gateway sets and that clients cannot.'

type Chosen = CatalogEntry & { recipe: Recipe }

function decisions(chosen: readonly Chosen[], handlers: readonly HandlerName[], parts: readonly Part[]): string {
  const calls = handlers.map(handler => {
    const policies = chosen
      .filter(({ handles }) => handles[0] === handler)
      .map(({ name, recipe }) => `${name}(${[recipe.options, ...(recipe.ports ? [recipe.ports] : [])].join(', ')})`)
    const [only] = policies
    if (policies.length === 1) return `    ${handler}: ${only},\n`
    const line = `    ${handler}: combine(${policies.join(', ')}),\n`
    if (line.length <= LINE_WIDTH + 1) return line
    return `    ${handler}: combine(\n${policies.map(policy => `      ${policy},\n`).join('')}    ),\n`
  })
  const isCombined = calls.length < chosen.length
  const imports = importLines(
    { '@preflow/extension': ['type Handlers'] },
    { '@preflow/policies': [...chosen.map(({ name }) => name), ...(isCombined ? ['combine'] : [])] },
    ...parts.map(({ typeFrom }) => typeFrom),
  )
  const members = parts.map(({ name, type }) => `  ${name}: ${type}\n`).join('')
  const ports =
    parts.length > 0
      ? `/** What the decisions ask: opened by the service, replaced in tests. */\nexport interface Ports {\n${members}}\n\n`
      : ''
  return `${imports}
${ports}/** Who gets what. Policies are asked in their order, and the first that objects decides. */
export function createHandlers(${parts.length > 0 ? 'ports: Ports' : ''}): Handlers {
  return {
${calls.join('')}  }
}
`
}

function decisionsTest(chosen: readonly Chosen[], handlers: readonly HandlerName[], parts: readonly Part[]): string {
  const hasPorts = parts.length > 0
  const tests = unique(chosen.map(({ recipe }) => recipe.test).filter(test => test !== ''))
  const usual = handlers.map(
    handler => `test('nothing is objected to the usual ${subjects[handler]}', async () => {
  const { answer } = await decide(createHandlers(ports), sampleRequest('${actionTypesByHandler[handler]}'), { now: noon })
  assert.equal(answer.actionStatus, 'SUCCESS')
})`,
  )
  const imports = importLines(
    { 'node:assert/strict': ['default assert'], 'node:test': ['test'] },
    { '@preflow/extension/testing': ['decide', 'sampleRequest'] },
    ...parts.map(({ stubFrom = {} }) => stubFrom),
    { './decisions.ts': ['createHandlers', ...(hasPorts ? ['type Ports'] : [])] },
  )
  const stubs = parts.map(({ name, stub }) => `  ${name}: ${stub},\n`).join('')
  const ports = hasPorts
    ? `/** Ports that object to nothing. A test replaces the one it is about. */\nconst ports: Ports = {\n${stubs}}\n`
    : ''
  const text = `${imports}
${ports}const noon = () => Date.parse('2026-03-02T12:00:00Z')

${[...usual, ...tests].join('\n\n')}
`
  return hasPorts ? text : text.replaceAll('createHandlers(ports)', 'createHandlers()')
}

function service(name: string, parts: readonly Part[]): string {
  const settings = parts.flatMap(part => Object.entries(part.settings ?? {}))
  const openings = unique(parts.flatMap(({ opens = [] }) => opens))
  const closes = openings.flatMap(({ close }) => close || [])
  const warns = openings.some(({ text }) => text.includes('report('))
  const imports = importLines(
    { '@preflow/extension': ['defineExtension'], '@preflow/extension/service': ['type Service'] },
    { '@preflow/extension/settings': [...(settings.length > 0 ? ['type Setting'] : []), 'type Settings'] },
    ...openings.map(({ from }) => from),
    ...parts.map(({ makeFrom }) => makeFrom),
    ...(settings.length > 0 ? [{ zod: ['z'] }] : []),
    { './decisions.ts': ['createHandlers'] },
  )
  const declared = settings.map(([key, { text }]) => `  ${key}: ${text},\n`).join('')
  const made = parts
    .map(part => `      ${part.name === part.make ? part.name : `${part.name}: ${part.make}`},\n`)
    .join('')
  return `${imports}
/** The settings of ${name} besides those that every service has. */
const settings = {${declared === '' ? '' : `\n${declared}`}} satisfies Settings

/** ${name} as it is deployed. */
export const service: Service<typeof settings> = {
  name: '${name}',
  settings,
  async open(configuration, { log${warns ? ', report = () => undefined' : ''} }) {
    const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
${openings.map(({ text }) => `    ${text}\n`).join('')}    const handlers = createHandlers(${made === '' ? '' : `{\n${made}    }`})
    const extension = defineExtension(handlers, { caller, budgetMs, maxBodyBytes, ...(log && { log }) })
${
  closes.length === 0
    ? '    return { extension }\n'
    : `    return {
      extension,
      close: () => {
${closes.map(close => `        ${close}\n`).join('')}      },
    }
`
}  },
}
`
}

function unique<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)]
}
