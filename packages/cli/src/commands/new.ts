import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { didYouMean } from '../nearest.ts'
import type { Content } from '../scaffold/content.ts'
import { extensionContent } from '../scaffold/extensions.ts'
import { policiesContent } from '../scaffold/policies.ts'
import { neededToStart, projectFiles } from '../scaffold/project.ts'
import { type TargetName, targets } from '../scaffold/targets.ts'
import { isWorkspace, vendorPackages } from '../scaffold/vendor.ts'
import { preflowVersion } from '../scaffold/versions.ts'

const run = promisify(execFile)

/** `preflow new`: writes a project with passing tests. */
export async function runNew(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.new.options,
  })
  const [name, ...surplus] = positionals
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: unexpected argument.`)
  checkName(name)
  if (values.vendor && values.registry) throw new UsageError('--vendor and --registry exclude each other.')
  // Nothing is published from a workspace, so npm would not find the versions.
  const isVendoring = values.vendor || (!values.registry && isWorkspace())
  const target = readTarget(values.target)
  const content = readContent(name, values)
  const folder = resolve(values.dir ?? name)
  await checkFolder(folder)

  const made = await mkdir(folder, { recursive: true })
  const vendor = join(folder, 'vendor')
  const packages = isVendoring
    ? await vendorPackages(content.packages, vendor, line => io.err(`${line}\n`)).catch(async error => {
        // Remove what was written, so that the same command works after the cause is fixed: it refuses a folder with
        // files.
        await rm(made ?? vendor, { recursive: true, force: true })
        throw error
      })
    : Object.fromEntries(content.packages.map(packageName => [packageName, preflowVersion()]))
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex')
  const files = projectFiles({ name, target, content, packages, randomHex })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    // Only the owner may read keys.
    await writeFile(join(folder, path), text, { flag: 'wx', mode: path === '.env' ? 0o600 : 0o666 })
  }

  const needed = neededToStart(content)
  const next = [`cd ${relative('', folder) || '.'}`, 'npm install', 'npm test', 'npm start']
  if (values.json) {
    const told = { name, target, folder, files: Object.keys(files).toSorted(), next, needed }
    io.out(`${JSON.stringify(told, null, 2)}\n`)
  } else {
    io.out(`${folder}\n`)
    const before = needed.length === 0 ? '' : `Before you start it, it needs ${needed.join(' and ')}.\n`
    io.err(
      `\nNext:\n${next.map(command => `  ${command}\n`).join('')}${before}README.md describes how to deploy it.\n${await nodeWarning(io)}`,
    )
  }
  return 0
}

/**
 * The name becomes part of names of a package, a function, an image and variables. 40 characters leave room for
 * additions.
 */
const NAME = /^(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/

function checkName(name: string | undefined): asserts name is string {
  if (name === undefined) throw new UsageError('The name is missing: preflow new <name> …')
  if (!NAME.test(name)) {
    throw new UsageError(
      `${name}: a name has up to 40 lowercase letters, digits and hyphens, and begins with a letter, for example geo-guard.`,
    )
  }
}

function readTarget(word: string | undefined): TargetName {
  const known = Object.keys(targets).join(', ')
  if (word === undefined) throw new UsageError(`Set --target to one of ${known}.`)
  if (!Object.hasOwn(targets, word))
    throw new UsageError(
      `--target ${word}: unknown target.${didYouMean(word, Object.keys(targets))} Use one of ${known}.`,
    )
  return word as TargetName
}

function readContent(name: string, words: { policy?: string[]; extension?: string }): Content {
  const policies = (words.policy ?? []).flatMap(list => list.split(',').flatMap(policy => policy.trim() || []))
  const { extension } = words
  if ((policies.length === 0) === (extension === undefined)) {
    throw new UsageError(
      'State what the project does: --policy with one or more policies, or --extension with one extension.',
    )
  }
  if (new Set(policies).size < policies.length) throw new UsageError('--policy: name each policy once.')
  try {
    return extension === undefined ? policiesContent(name, policies) : extensionContent(extension)
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error
  }
}

async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Error(`${folder} cannot be used (${error.code}). Name another folder with --dir.`)
  })
  if (names.length > 0)
    throw new Error(`${folder} is not empty, and new does not overwrite files. Name another folder with --dir.`)
}

/** The major version of Node.js that a project runs on. */
const NODE_MAJOR = 24

/**
 * A warning if the `node` of this shell is not the one that the project needs; otherwise an empty string.
 *
 * In the workspace, its own Node.js comes first in the path. A project outside does not have it.
 */
async function nodeWarning({ env }: Io): Promise<string> {
  const path = (env['PATH'] ?? '').split(delimiter).filter(entry => !entry.split(sep).includes('node_modules'))
  const found = await run('node', ['--version'], { env: { PATH: path.join(delimiter) } }).catch(() => undefined)
  const version = found?.stdout.trim()
  if (version?.startsWith(`v${NODE_MAJOR}.`)) return ''
  const which = version === undefined ? 'no node' : `node ${version}`
  return `\nThe project needs Node.js ${NODE_MAJOR}, but your path has ${which}. Install Node.js ${NODE_MAJOR} before npm install.\n`
}
