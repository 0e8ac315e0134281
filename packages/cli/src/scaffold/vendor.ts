import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Packs packages of Preflow, with the ones they need, as npm would publish them.
 *
 * @param folder Where the archives go.
 * @returns What a `package.json` beside that folder says for each: `file:vendor/….tgz`.
 * @throws {Error} When one is not installed or not built.
 */
export async function vendorPackages(names: readonly string[], folder: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const packages: Record<string, string> = {}
  for (const [name, { path }] of withDependencies(names)) {
    if (!existsSync(join(path, 'dist')))
      throw new Error(`${name} is not built. Run "npm run build" in the workspace first.`)
    const { stdout } = await pack(path, folder)
    packages[name] = `file:vendor/${(JSON.parse(stdout) as [{ filename: string }])[0].filename}`
  }
  return packages
}

async function pack(path: string, folder: string): Promise<{ stdout: string }> {
  try {
    return await run('npm', ['pack', path, '--pack-destination', folder, '--json', '--loglevel=error'])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error('npm was not found, and --vendor packs with it. Install it, or leave --vendor away.', {
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
    throw new Error(
      `${name} is not installed beside preflow, so it cannot be packed. Install it, or leave --vendor away.`,
    )
  }
  while (!existsSync(join(path, 'package.json'))) path = dirname(path)
  return path
}
