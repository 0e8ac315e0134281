/**
 * Writes projects as `preflow new` does, in a temporary folder, with the packages of the workspace instead of installed
 * ones.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** Bundles a project with its own configuration, from the sources of the workspace. */
export async function buildProject({ folder }: WrittenProject): Promise<void> {
  const { default: config } = (await import(pathToFileURL(join(folder, 'rolldown.config.js')).href)) as {
    default: BuildOptions
  }
  const conditionNames = [SOURCE_CONDITION, 'node', 'default']
  await build({ ...config, resolve: { conditionNames }, logLevel: 'warn' })
}
