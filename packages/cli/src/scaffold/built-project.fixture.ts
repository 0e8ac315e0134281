/**
 * Writes projects as `preflow new` does, in a temporary folder, with the packages of the workspace instead of installed
 * ones.
 */
import { rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BuildOptions, build } from 'rolldown'
import type { Content } from './content.ts'
import { projectFiles } from './project.ts'
import type { TargetName } from './targets.ts'

export const workspace: string = fileURLToPath(new URL('../../../../', import.meta.url))

/** The condition that resolves to the sources of the workspace. */
export const SOURCE_CONDITION = '@preflow/source'

export interface WrittenProject {
  folder: string
  /** Everything that its bundle depends on. Projects with the same sources have the same bundle. */
  sources: string
  remove(): Promise<void>
}

export async function writeProject(
  content: Content,
  target: TargetName,
  { name = 'new-guard', port = 8080 }: { name?: string; port?: number } = {},
): Promise<WrittenProject> {
  const folder = await mkdtemp(join(tmpdir(), `preflow-${name}-`))
  const packages = Object.fromEntries(content.packages.map(packageName => [packageName, '0.1.0']))
  const randomHex = (bytes: number) => 'ab'.repeat(bytes)
  const files = projectFiles({ name, target, content, packages, port, randomHex })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await symlink(join(workspace, 'node_modules'), join(folder, 'node_modules'))
  const sources = JSON.stringify(Object.entries(files).filter(([path]) => /^(src\/|rolldown\.)/.test(path)))
  return { folder, sources, remove: () => rm(folder, { recursive: true }) }
}

/** Bundles of this process, by the sources of their project. */
const bundles = new Map<string, string>()
process.once('exit', () => {
  for (const folder of bundles.values()) rmSync(folder, { recursive: true })
})

/**
 * Bundles a project with its own configuration, from the sources of the workspace. Several targets share a bundle: a
 * project with the sources of an earlier one gets a copy.
 */
export async function buildProject({ folder, sources }: WrittenProject): Promise<void> {
  const bundle = bundles.get(sources)
  if (bundle !== undefined) return cp(bundle, join(folder, 'dist'), { recursive: true })
  const { default: config } = (await import(pathToFileURL(join(folder, 'rolldown.config.js')).href)) as {
    default: BuildOptions
  }
  const conditionNames = [SOURCE_CONDITION, 'node', 'default']
  await build({ ...config, resolve: { conditionNames }, logLevel: 'warn' })
  const kept = await mkdtemp(join(tmpdir(), 'preflow-bundle-'))
  await cp(join(folder, 'dist'), kept, { recursive: true })
  bundles.set(sources, kept)
}
