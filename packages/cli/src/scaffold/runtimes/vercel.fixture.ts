/** Vercel: deploys a built project behind its routing and its function signature. */
import { cp, glob, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './node.fixture.ts'
import type { Running } from './running.fixture.ts'

/** Starts the functions of a project with only the files that `vercel.json` includes. */
export async function startOnVercel(project: string, env: Record<string, string>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-vercel-'))
  const { functions, outputDirectory } = JSON.parse(await readFile(join(project, 'vercel.json'), 'utf8')) as {
    functions: Record<string, { includeFiles: string }>
    outputDirectory: string
  }
  const wanted = ['vercel.json', `${outputDirectory}/**`]
  for (const [file, { includeFiles }] of Object.entries(functions)) wanted.push(file, includeFiles)
  for await (const entry of glob(wanted, { cwd: project, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await cp(path, path.replace(project, folder))
  }
  return startProgram([join(import.meta.dirname, 'vercel-host.fixture.ts')], folder, env)
}
