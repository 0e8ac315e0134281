import { type ActionType, actionTypes } from '@preflow/contract'
import { actionTypeGuides } from '@preflow/contract/guides'
import { wrapped } from '../wrap.ts'
import type { Content, Variable } from './content.ts'
import { deployValues, type Target, type TargetName, targets } from './targets.ts'
import { fillFolder } from './template.ts'
import { versions } from './versions.ts'

/** A project to write. */
export interface Project {
  /** Lower case, with hyphens. It names a package, a function and an image. */
  name: string
  target: TargetName
  content: Content
  /** The source of each package of Preflow, by name: a version, or `file:` and a path in the project. */
  packages: Record<string, string>
  /** The port in a container and on the developer's machine. Default 8080. */
  port?: number
  /** Generates keys for the developer's machine: this many random bytes, as hex. */
  randomHex(bytes: number): string
}

const DEFAULT_PORT = 8080

/** The maximum length of a line in a document. */
export const PROSE_COLUMNS = 150

/** All files of a project by path. */
export function projectFiles(project: Project): Record<string, string> {
  const { name, port = DEFAULT_PORT } = project
  const target: Target = targets[project.target]
  const { variables, functionVariables = [] } = project.content
  const content = target.isFunction
    ? { ...project.content, variables: [...variables, ...functionVariables] }
    : project.content
  const values = {
    name,
    summary: content.summary,
    quotedSummary: `'${content.summary.replaceAll("'", "''")}'`,
    labelSummary: JSON.stringify(content.summary),
    vendorCopy: isVendored(project) ? 'COPY vendor ./vendor' : '',
    prefix: content.prefix,
    port: String(port),
    entry: target.entry,
    minify: String(target.isFunction),
    dataFolders: dataFolders(content),
    testVariables: testVariables(content),
    ...deployValues(content),
  }
  const { 'README.md': deploySection = '', ...deployFiles } = Object.assign(
    {},
    ...target.folders.map(folder => fillFolder(folder, { values })),
  ) as Record<string, string>
  const entries = fillFolder(`entries/${content.entries}`, { values })
  const all = { ...values, ...readmeValues({ ...project, content }, target, deploySection) }
  return {
    'package.json': manifest(project),
    '.env': environmentFile(project),
    ...fillFolder('project', { values: all }),
    ...chosenEntries(entries, target, content),
    ...content.files,
    ...deployFiles,
  }
}

/** `main.ts` for the developer's machine, the program of the target, and the files that they share. */
function chosenEntries(
  entries: Record<string, string>,
  { entry }: Target,
  { needsFile }: Content,
): Record<string, string> {
  const left = Object.values(targets).flatMap(other => (other.entry === entry ? [] : `${other.entry}.ts`))
  if (needsFile) left.push('caller.test.ts')
  const wanted = Object.entries(entries).filter(([file]) => file === 'main.ts' || !left.includes(file))
  return Object.fromEntries(wanted.map(([file, text]) => [`src/${file}`, text]))
}

/** The variables that a test sets besides the caller's. Any value is accepted. */
function testVariables({ variables }: Content): string {
  return variables
    .filter(({ name, isOptional }) => !isOptional && !/_CALLER(_SECRETS)?$/.test(name))
    .map(({ name, example }) => `${name}: '${example || 'anything'}',`)
    .join('\n')
}

function dataFolders({ needsCommonPasswords }: Content): string {
  const own = `new URL('data/', import.meta.url)`
  return needsCommonPasswords ? `${own}, new URL('../data/', import.meta.resolve('@preflow/corpus'))` : own
}

function manifest({ name, content, packages }: Project): string {
  const { rolldown, typescript, '@types/node': nodeTypes } = versions
  const own = Object.keys(packages).map(packageName => [packageName, packages[packageName] as string])
  const dependencies = Object.entries(content.dependencies)
  return `${JSON.stringify(
    {
      name,
      version: '0.1.0',
      private: true,
      description: content.summary,
      type: 'module',
      engines: { node: '24.x' },
      scripts: {
        start: 'node --env-file-if-exists=.env src/main.ts',
        dev: 'node --watch --env-file-if-exists=.env src/main.ts',
        test: 'node --test "src/**/*.test.ts"',
        check: 'tsc -p .',
        build: 'rolldown -c',
      },
      dependencies: Object.fromEntries([...own, ...dependencies].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))),
      devDependencies: { '@types/node': nodeTypes, rolldown, typescript },
    },
    null,
    2,
  )}\n`
}

function environmentFile({ name, content, randomHex }: Project): string {
  const lines = content.variables.map(({ name: variable, example, about, isOptional, randomBytes }) => {
    const value = randomBytes === undefined ? example : randomHex(randomBytes)
    return `# ${about}\n${isOptional && randomBytes === undefined ? '# ' : ''}${variable}=${value}\n`
  })
  return `# Settings of ${name} on this machine, which npm start reads. Do not commit this file.\n\n${lines.join('\n')}`
}

/** The required settings that only the operator has, as the ends of a sentence with "it needs". */
export function neededToStart({ variables }: Content): string[] {
  return variables.flatMap(({ name, example, isOptional, randomBytes, isFile }) => {
    if (isOptional || randomBytes !== undefined) return []
    if (isFile) return `a file at \`${example}\``
    return example === '' ? `a value for \`${name}\` in \`.env\`` : []
  })
}

/** The values in the README of a project. */
function readmeValues(project: Project, target: Target, deploySection: string): Record<string, string> {
  const { content } = project
  const { prefix, variables, functionNote = '', actionTypes: types } = content
  const key = `${prefix}_CALLER_SECRETS`
  const needed = neededToStart(content)
  const [type] = types
  return {
    place: target.summary,
    key,
    neededFirst: needed.length === 0 ? '' : `Before you start it, it needs ${needed.join(' and ')}.\n\n`,
    preflow: isVendored(project) ? 'npm run preflow --' : 'npx preflow',
    whereTools: isVendored(project) ? ' (in the workspace of Preflow)' : '',
    trigger: type ? actionTypes[type].path : '',
    deploySection: deploySection.trimEnd(),
    functionNote: target.isFunction && functionNote !== '' ? `\n${functionNote}` : '',
    platformSteps: types
      .map(each => platformSteps(each, content, key))
      .join('\n')
      .trimEnd(),
    variableRows: variables.map(variableRow).join('').trimEnd(),
    moreSettings: moreSettings(content),
    packagesNote: packagesNote(project),
  }
}

/** A row of the table of settings. */
export function variableRow({ name, about, isSecret, isOptional }: Variable): string {
  const marks = [...(isSecret ? ['secret'] : []), ...(isOptional ? ['optional'] : [])]
  return `| \`${name}\` | ${about}${marks.length > 0 ? ` _(${marks.join(', ')})_` : ''} |\n`
}

function moreSettings({ packages }: Content): string {
  const extension = packages.find(name => name !== '@preflow/extension')
  return extension === '@preflow/policies'
    ? '`src/decisions.ts` has the decisions, and `src/policies` their options. Add your own settings to `src/service.ts`.'
    : `The README of \`${extension}\` lists more settings.`
}

function isVendored({ packages }: Project): boolean {
  return Object.values(packages).some(from => from.startsWith('file:'))
}

function packagesNote(project: Project): string {
  return isVendored(project)
    ? 'The packages of Preflow are in `vendor/`, as they were on the machine that created this project. To install them from the registry, replace\n`file:vendor/…` with their version and delete the folder.'
    : 'The packages of Preflow come from the registry and have the same version. Update them together.'
}

/** The steps in the console of a platform, as a numbered list. */
export function platformSteps(type: ActionType, { platformSteps: more }: Content, key: string): string {
  const { menu, steps } = actionTypeGuides[type].console
  return [
    `${menu}: enter a name and the endpoint from above.`,
    `_Authentication_: _API Key_, header \`x-api-key\`, and the value of \`${key}\`.`,
    ...(actionTypes[type].mayListHeaders ? more : []),
    ...steps,
  ]
    .map((step, index) => `${index + 1}. ${wrapped(step, '   ', PROSE_COLUMNS).join('\n').trimStart()}\n`)
    .join('')
}
