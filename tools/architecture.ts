/**
 * Checks the arrows between packages (ARCHITECTURE.md, "Packages and arrows"): who may import whom, that nobody reaches
 * into another package's files, and that no room without a subject appears.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** For each package, the workspace packages and the outside packages it may import. Node built-ins are marked by `node`. */
const ARROWS: Record<string, { workspace: string[]; outside: string[]; node: boolean }> = {
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
    workspace: ['@preflow/contract', '@preflow/database', '@preflow/engine'],
    outside: [
      'oidc-provider',
      'jose',
      'scimmy',
      'hono',
      '@hono/node-server',
      'kysely',
      'pino',
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

/** Files of portable packages that may use Node's own modules: they sit behind a subpath of their own. */
const NODE_FILES = [
  /^packages\/extension\/src\/(target\/|credential|testing)/,
  /^packages\/policies\/src\/.*\.node\.ts$/,
]
/** What starts cold in a function: all of zod would be half of it, see docs/decisions/0006-schemas.md. */
const DEPLOYED = /^(packages\/(corpus|extension|policies|contract)|extensions\/[^/]+)\/src\//
const JUNK_ROOMS = /^(utils?|helpers?|common|lib|shared|misc)(\.ts)?$/

const root = join(import.meta.dirname, '..')
const problems: string[] = []

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    if (name === 'node_modules' || name === 'dist') return []
    if (JUNK_ROOMS.test(name)) problems.push(`${relative(root, join(folder, name))}: name the room after its subject`)
    const path = join(folder, name)
    return statSync(path).isDirectory() ? walk(path) : path.endsWith('.ts') || path.endsWith('.tsx') ? [path] : []
  })
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`; not the word `from` in a sentence. */
const IMPORT =
  /(?:^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom[ \t]*|^[ \t]*import[ \t]+|\bimport[ \t]*\([ \t]*)['"]([^'"]+)['"]/gm

for (const side of ['packages', 'extensions']) {
  for (const name of readdirSync(join(root, side))) {
    const arrows = ARROWS[`${side}/${name}`] ?? ARROWS[`${side}/*`]
    if (!arrows) {
      problems.push(`${side}/${name}: not in the table of tools/architecture.ts; add its arrows there`)
      continue
    }
    for (const path of walk(join(root, side, name, 'src'))) {
      const file = relative(root, path)
      const isTest = /\.(test|cases|fixture)\.ts$/.test(file)
      const source = readFileSync(path, 'utf8').replace(/^\s*(\/?\*|\/\/).*$/gm, '')
      for (const [, specifier = ''] of source.matchAll(IMPORT)) {
        const say = (what: string) => problems.push(`${file}: imports ${specifier}: ${what}`)
        if (specifier.startsWith('.')) {
          if (relative(join(root, side, name), join(path, '..', specifier)).startsWith('..')) {
            say("another package's file; import its entry by name")
          }
        } else if (isTest) {
        } else if (specifier.startsWith('node:')) {
          if (!arrows.node && !NODE_FILES.some(allowed => allowed.test(file))) {
            say('this package is portable; put Node-only code behind a subpath listed in tools/architecture.ts')
          }
        } else if (specifier.startsWith('@preflow/') || specifier === 'preflow') {
          const [scope = '', packageName] = specifier.split('/')
          const wanted = packageName ? `${scope}/${packageName}` : scope
          const own = JSON.parse(readFileSync(join(root, side, name, 'package.json'), 'utf8')).name
          if (wanted !== own && !arrows.workspace.includes(wanted)) say('no such arrow between packages')
        } else if (specifier === 'zod' && DEPLOYED.test(file)) {
          say('use zod/mini, and readDocument of the contract to read with it')
        } else {
          const wanted = specifier.startsWith('@')
            ? specifier.split('/').slice(0, 2).join('/')
            : (specifier.split('/')[0] ?? '')
          if (!arrows.outside.includes('*') && !arrows.outside.includes(wanted))
            say('not among the dependencies decided for it')
        }
      }
      if (!isTest && !/(^|\/)main\.ts$/.test(file) && /\bprocess\.(env|argv|exit)\b/.test(source)) {
        problems.push(`${file}: only main.ts files touch process.env, process.argv and process.exit`)
      }
    }
  }
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n${problems.length} problem(s)\n`)
  process.exitCode = 1
} else {
  process.stdout.write('architecture: every arrow is as decided\n')
}
