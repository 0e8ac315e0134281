import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whether this runs from the sources of Preflow, whose packages may not be in a registry. */
export function isWorkspace(): boolean {
  return !fileURLToPath(import.meta.resolve('@preflow/extension')).includes(`${sep}node_modules${sep}`)
}

/**
 * Packs packages of Preflow and their dependencies as npm would publish them. In the workspace it builds them first.
 *
 * @param folder The folder for the archives.
 * @param onStep Called at the start of each long step.
 * @returns The version of each package for a `package.json` beside that folder: `file:vendor/….tgz`.
 * @throws {Error} If a package is not installed or not built.
 */
export async function vendorPackages(
  names: readonly string[],
  folder: string,
  onStep: (line: string) => void = () => {},
): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const found = withDependencies(names)
  if (isWorkspace()) {
    onStep('Building the packages of Preflow …')
    await build([...found.values()].map(({ path }) => path))
  }
  onStep('Packing the packages …')
  const packages: Record<string, string> = {}
  for (const [name, { path }] of found) {
    const { stdout } = await pack(path, folder)
    packages[name] = `file:vendor/${(JSON.parse(stdout) as [{ filename: string }])[0].filename}`
  }
  return packages
}

/** Compiles what has changed since the last build, so that the packed files match the sources. */
async function build(folders: readonly string[]): Promise<void> {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  try {
    await run(process.execPath, [compiler, '-b', ...folders])
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string }
    throw new Error(`The packages of Preflow cannot be built. Run "npm run build" in the workspace.\n${stdout}`, {
      cause: error,
    })
  }
}

async function pack(path: string, folder: string): Promise<{ stdout: string }> {
  try {
    return await run('npm', ['pack', path, '--pack-destination', folder, '--json', '--loglevel=error'])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('npm was not found, but it is needed to pack the packages. Install npm or use --registry.', {
      cause: error,
    })
  }
}

/** Each package by name, with its folder. */
function withDependencies(names: readonly string[]): Map<string, { path: string }> {
  const found = new Map<string, { path: string }>()
  const queue = [...names]
  for (const name of queue) {
    if (found.has(name)) continue
    const path = folderOf(name)
    found.set(name, { path })
    const { dependencies = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>
    }
    queue.push(...Object.keys(dependencies).filter(dependency => dependency.startsWith('@preflow/')))
  }
  return found
}

function folderOf(name: string): string {
  let path: string
  try {
    path = dirname(fileURLToPath(import.meta.resolve(name)))
  } catch {
    throw new Error(`${name} is not installed beside preflow, so it cannot be packed. Install it or use --registry.`)
  }
  while (!existsSync(join(path, 'package.json'))) path = dirname(path)
  return path
}
