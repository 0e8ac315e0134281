/**
 * Checks the structure of the repository (ARCHITECTURE.md, "Packages and arrows" and "Three storeys"): which package
 * may import which, which room of the server may import which, and that files do not import each other in circles.
 * Every import counts, including type-only ones.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/**
 * The workspace packages and the outside packages that each package may import. `node`: whether it may use Node's own
 * modules.
 */
export const ARROWS: Record<string, { workspace: string[]; outside: string[]; node: boolean }> = {
  'packages/contract': { workspace: [], outside: ['zod'], node: false },
  'packages/extension': { workspace: ['@preflow/contract'], outside: ['zod', 'jose', 'standardwebhooks'], node: false },
  'packages/corpus': { workspace: [], outside: ['zod'], node: true },
  'packages/database': { workspace: ['@preflow/contract'], outside: ['kysely', 'pg'], node: true },
  'packages/policies': {
    workspace: ['@preflow/contract', '@preflow/corpus', '@preflow/extension'],
    outside: ['zod', 'ipaddr.js', 'mmdb-lib', 're2js'],
    node: false,
  },
  'packages/engine': {
    workspace: ['@preflow/contract'],
    outside: ['undici', 'ipaddr.js', 'jose', 'standardwebhooks', 'cockatiel', 'lru-cache'],
    node: true,
  },
  'packages/server': {
    workspace: ['@preflow/contract', '@preflow/corpus', '@preflow/database', '@preflow/engine'],
    outside: [
      'oidc-provider',
      'jose',
      'hono',
      '@hono/node-server',
      'kysely',
      'pino',
      'rate-limiter-flexible',
      'lru-cache',
      'zod',
      'ipaddr.js',
    ],
    node: true,
  },
  'packages/cli': {
    workspace: [
      '@preflow/contract',
      '@preflow/engine',
      '@preflow/server',
      '@preflow/extension',
      '@preflow/policies',
      '@preflow/corpus',
      '@preflow/token-guard',
      '@preflow/password-guard',
      '@preflow/profile-guard',
      '@preflow/scope-limiter',
      '@preflow/pin-authenticator',
    ],
    outside: ['*'],
    node: true,
  },
  'extensions/*': {
    workspace: ['@preflow/contract', '@preflow/corpus', '@preflow/database', '@preflow/extension', '@preflow/policies'],
    outside: ['*'],
    node: true,
  },
}

/** Folders beside the packages. They import packages by their entries and may use any of them. */
const OUTSIDE_FOLDERS = ['bench', 'conformance', 'operations', 'journeys', 'packaging', 'tools']

/**
 * The storeys of the server from bottom to top, each with its rooms from bottom to top. A room may import lower rooms
 * of its storey and every room of the storeys below. Faces are side by side: none imports another.
 */
export const STOREYS: readonly { name: string; rooms: readonly string[]; areSideBySide?: true }[] = [
  { name: 'ground', rooms: ['observe', 'store', 'claims', 'http', 'pages', 'ports'] },
  { name: 'domain', rooms: ['access', 'tenants', 'limits', 'credentials', 'actions', 'sign-in', 'users', 'tokens'] },
  { name: 'faces', rooms: ['account', 'management', 'oauth', 'scim', 'sign-in'], areSideBySide: true },
]
const STOREYED = 'packages/server/src/'
/** The only file that adds paths to the HTTP router, from declarations of what each route requires. */
const ROUTER_FILE = `${STOREYED}ground/http/mount.ts`

/** Files of portable packages that may use Node's own modules, because they have separate subpaths. */
const NODE_FILES = [
  /^packages\/extension\/src\/(target\/|credential|testing)/,
  /^packages\/policies\/src\/.*\.node\.ts$/,
]
/** Code with cold starts: all of zod would be half of a bundle, see docs/decisions/0006-schemas.md. */
const DEPLOYED = /^(packages\/(corpus|extension|policies|contract)|extensions\/[^/]+)\/src\//
const JUNK_ROOMS = /^(utils?|helpers?|common|lib|shared|misc)(\.ts)?$/
const TEST = /\.test\.tsx?$/
/** Code that only tests use. It may import development packages, and must follow the storeys too. */
const TEST_SUPPORT = /\.(cases|fixture)\.tsx?$/

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`; not the word `from` in a sentence. */
const IMPORT =
  /(?:^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom[ \t]*|^[ \t]*import[ \t]+|\bimport[ \t]*\([ \t]*)['"]([^'"]+)['"]/gm

/** The sources of the repository by path, and the names of its packages by folder. */
export interface Sources {
  files: ReadonlyMap<string, string>
  packages: ReadonlyMap<string, string>
}

interface Import {
  file: string
  specifier: string
  /** The path of the imported file, if the import is relative. */
  target?: string
}

/** Reads every TypeScript source of the packages, extensions and the folders beside them. */
export function readSources(root: string): Sources {
  const files = new Map<string, string>()
  const packages = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(root, folder))) {
      if (name === 'node_modules' || name === 'dist') continue
      const path = `${folder}/${name}`
      if (statSync(join(root, path)).isDirectory()) walk(path)
      else if (/\.tsx?$/.test(name)) files.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  for (const side of ['packages', 'extensions']) {
    for (const name of readdirSync(join(root, side))) {
      const folder = `${side}/${name}`
      packages.set(folder, JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).name)
      walk(`${folder}/src`)
    }
  }
  for (const folder of OUTSIDE_FOLDERS) walk(folder)
  return { files, packages }
}

/** Every violation, as a sentence with the file, the import and the rule. Empty if there is none. */
export function checkArchitecture({ files, packages }: Sources): string[] {
  const imports = [...files].flatMap(([file, source]) => importsOf(file, source))
  return [
    ...[...packages.keys()].filter(folder => !arrowsOf(folder)).map(notInTable),
    ...[...files.keys()].flatMap(checkNames),
    ...[...files].flatMap(([file, source]) => checkProcess(file, source)),
    ...imports.flatMap(imported => checkImport(imported, packages)),
    ...circlesOf(imports),
  ]
}

function importsOf(file: string, source: string): Import[] {
  const code = source.replace(/^\s*(\/?\*|\/\/).*$/gm, '')
  return [...code.matchAll(IMPORT)].map(([, specifier = '']) =>
    specifier.startsWith('.')
      ? { file, specifier, target: normalize(join(dirname(file), specifier)) }
      : { file, specifier },
  )
}

/** `packages/server` of `packages/server/src/main.ts`; `bench` of `bench/main.ts`. */
function folderOf(file: string): string {
  const [first = '', second = ''] = file.split('/')
  return OUTSIDE_FOLDERS.includes(first) ? first : `${first}/${second}`
}

function arrowsOf(folder: string) {
  return ARROWS[folder] ?? ARROWS[folder.replace(/\/.*/, '/*')]
}

function notInTable(folder: string): string {
  return `${folder}: not in the table of tools/architecture.ts; add its arrows there`
}

function checkNames(file: string): string[] {
  const junk = file.split('/').find(name => JUNK_ROOMS.test(name))
  return junk === undefined ? [] : [`${file}: name ${junk} after its subject`]
}

function checkProcess(file: string, source: string): string[] {
  const isExempt = OUTSIDE_FOLDERS.includes(folderOf(file)) || TEST.test(file) || TEST_SUPPORT.test(file)
  const code = source.replace(/^\s*(\/?\*|\/\/).*$/gm, '')
  return isExempt || /(^|\/)main\.ts$/.test(file) || !/\bprocess\.(env|argv|exit)\b/.test(code)
    ? []
    : [`${file}: only main.ts files touch process.env, process.argv and process.exit`]
}

function checkImport(imported: Import, packages: ReadonlyMap<string, string>): string[] {
  const { file, specifier, target } = imported
  const why =
    target === undefined ? whyNotPackage(imported, packages) : (whyNotFile(file, target) ?? whyNotRoom(file, target))
  return why === undefined ? [] : [`${file}: imports ${specifier}: ${why}`]
}

function whyNotFile(file: string, target: string): string | undefined {
  return folderOf(target) === folderOf(file) || OUTSIDE_FOLDERS.includes(folderOf(target))
    ? undefined
    : "another package's file; import its entry by name"
}

function whyNotPackage({ file, specifier }: Import, packages: ReadonlyMap<string, string>): string | undefined {
  const arrows = arrowsOf(folderOf(file))
  if (TEST.test(file) || !arrows) return undefined
  if (specifier.startsWith('node:')) {
    return arrows.node || TEST_SUPPORT.test(file) || NODE_FILES.some(allowed => allowed.test(file))
      ? undefined
      : 'this package is portable; put Node-only code behind a subpath listed in tools/architecture.ts'
  }
  const name = packageOf(specifier)
  if ([...packages.values()].includes(name)) {
    return name === packages.get(folderOf(file)) || arrows.workspace.includes(name)
      ? undefined
      : 'no such arrow between packages'
  }
  if (TEST_SUPPORT.test(file)) return undefined
  if (specifier === 'hono' && file.startsWith(STOREYED) && file !== ROUTER_FILE)
    return `only ${ROUTER_FILE} adds routes; declare the route with its access and mount it there`
  if (specifier === 'zod' && DEPLOYED.test(file)) return 'use zod/mini, and readDocument of the contract'
  return arrows.outside.includes('*') || arrows.outside.includes(name)
    ? undefined
    : 'not among the dependencies decided for it'
}

function packageOf(specifier: string): string {
  const [scope = '', name] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

/** The storey and room of a file of the server. Files beside the storeys compose them and may import everything. */
function placeOf(file: string): { storey: number; room: string } | undefined {
  const [first = '', second] = file.slice(STOREYED.length).split('/')
  if (!file.startsWith(STOREYED) || second === undefined) return undefined
  return { storey: STOREYS.findIndex(({ name }) => name === first), room: second.replace(/\..*/, '') }
}

/** A test may import the whole server, which it tests from outside. */
function whyNotRoom(file: string, target: string): string | undefined {
  const from = placeOf(file)
  if (!from || TEST.test(file)) return undefined
  const storey = STOREYS[from.storey]
  if (!storey?.rooms.includes(from.room))
    return `${from.room} is not a room in tools/architecture.ts; add it to its storey`
  const to = placeOf(target)
  if (!to) return 'the composition is above the storeys; pass what is needed as an argument'
  if (to.storey > from.storey) return `${storey.name} is below ${STOREYS[to.storey]?.name}; arrows point down`
  if (to.storey < from.storey || to.room === from.room) return undefined
  if (storey.areSideBySide) return `no room of ${storey.name} imports another; move what both need below them`
  return storey.rooms.indexOf(to.room) < storey.rooms.indexOf(from.room)
    ? undefined
    : `in ${storey.name}, ${to.room} is above ${from.room}; arrows point down`
}

/** Each circle of files once, by Tarjan's algorithm for strongly connected components. */
function circlesOf(imports: readonly Import[]): string[] {
  const arrows = new Map<string, string[]>()
  for (const { file, target } of imports) {
    if (target !== undefined) arrows.set(file, [...(arrows.get(file) ?? []), target])
  }
  const indexes = new Map<string, number>()
  const lows = new Map<string, number>()
  const stack: string[] = []
  const circles: string[] = []

  const visit = (file: string): number => {
    const index = indexes.size
    indexes.set(file, index)
    lows.set(file, index)
    stack.push(file)
    for (const target of arrows.get(file) ?? []) {
      const known = indexes.get(target)
      const low = known === undefined ? visit(target) : stack.includes(target) ? known : Number.POSITIVE_INFINITY
      lows.set(file, Math.min(lows.get(file) ?? index, low))
    }
    const low = lows.get(file) ?? index
    if (low === index) {
      const circle = stack.splice(stack.indexOf(file))
      const importsItself = arrows.get(file)?.includes(file)
      if (circle.length > 1 || importsItself) {
        circles.push(
          `${circle.sort().join(', ')}: these files import each other in a circle; move what they share below`,
        )
      }
    }
    return low
  }
  for (const file of arrows.keys()) if (!indexes.has(file)) visit(file)
  return circles
}

if (import.meta.main) {
  const problems = checkArchitecture(readSources(join(import.meta.dirname, '..')))
  if (problems.length > 0) {
    process.stderr.write(`${problems.join('\n')}\n${problems.length} problem(s)\n`)
    process.exitCode = 1
  } else {
    process.stdout.write('architecture: every import follows the rules\n')
  }
}
