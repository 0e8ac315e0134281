import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { didYouMean } from '../nearest.ts'
import type { Content } from '../scaffold/content.ts'
import { extensionContent } from '../scaffold/extensions.ts'
import { policiesContent } from '../scaffold/policies.ts'
import { neededToStart, projectFiles } from '../scaffold/project.ts'
import { type TargetName, targets } from '../scaffold/targets.ts'
import { vendorPackages } from '../scaffold/vendor.ts'
import { preflowVersion } from '../scaffold/versions.ts'

/** `preflow new`: a project that passes its own tests. */
export async function runNew(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.new.options,
  })
  const [name, ...surplus] = positionals
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: is one word too many.`)
  checkName(name)
  const target = readTarget(values.target)
  const content = readContent(name, values)
  const folder = resolve(values.dir ?? name)
  await checkFolder(folder)

  const made = await mkdir(folder, { recursive: true })
  const vendor = join(folder, 'vendor')
  const packages = values.vendor
    ? await vendorPackages(content.packages, vendor).catch(async error => {
        // The same command is to work once the reason is gone, and a folder with something in it is left alone.
        await rm(made ?? vendor, { recursive: true, force: true })
        throw error
      })
    : Object.fromEntries(content.packages.map(packageName => [packageName, preflowVersion()]))
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex')
  const files = projectFiles({ name, target, content, packages, randomHex })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    // Keys are for their owner only.
    await writeFile(join(folder, path), text, { flag: 'wx', mode: path === '.env' ? 0o600 : 0o666 })
  }

  const needed = neededToStart(content)
  const next = [`cd ${relative('', folder) || '.'}`, 'npm install', 'npm test', 'npm start']
  if (values.json) {
    const told = { name, target, folder, files: Object.keys(files).toSorted(), next, needed }
    io.out(`${JSON.stringify(told, null, 2)}\n`)
  } else {
    io.out(`${folder}\n`)
    const before = needed.length === 0 ? '' : `It starts as soon as there is ${needed.join(' and ')}.\n`
    io.err(`\nNext:\n${next.map(command => `  ${command}\n`).join('')}${before}README.md tells how to deploy it.\n`)
  }
  return 0
}

/** It becomes the name of a package, a function, an image and, in capitals, of variables; 40 leave room for what they add. */
const NAME = /^(?=.{1,40}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/

function checkName(name: string | undefined): asserts name is string {
  if (name === undefined) throw new UsageError('The name is missing: preflow new <name> …')
  if (!NAME.test(name)) {
    throw new UsageError(
      `${name}: a name has up to 40 small letters, digits and hyphens, and begins with a letter, for example geo-guard.`,
    )
  }
}

function readTarget(word: string | undefined): TargetName {
  const known = Object.keys(targets).join(', ')
  if (word === undefined) throw new UsageError(`Say where it will run: --target with ${known}.`)
  if (!Object.hasOwn(targets, word))
    throw new UsageError(`--target ${word}: is none of ${known}.${didYouMean(word, Object.keys(targets))}`)
  return word as TargetName
}

function readContent(name: string, words: { policy?: string[]; extension?: string }): Content {
  const policies = (words.policy ?? []).flatMap(list => list.split(',').flatMap(policy => policy.trim() || []))
  const { extension } = words
  if ((policies.length === 0) === (extension === undefined)) {
    throw new UsageError('Say what it does: --policy with one or more policies, or --extension with one.')
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
    throw new Error(`${folder} cannot be used (${error.code}). Name another with --dir.`)
  })
  if (names.length > 0) throw new Error(`${folder} is not empty, and nothing is overwritten. Name another with --dir.`)
}
