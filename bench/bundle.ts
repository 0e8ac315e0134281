/**
 * The bundle of each ready-made extension for each target, and how fast it starts: its size, minified and gzipped; its
 * data; the time to import it; and the time from the start of the process to the first answer, through the runtime of
 * the target.
 */
import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { extensionContent, readyMade, type TargetName, targets } from 'preflow/scaffold'
import {
  buildProject,
  type Call,
  callerEnv,
  freePort,
  platformCall,
  type Running,
  type Scenario,
  scenarios,
  startImage,
  startOnLambda,
  startOnVercel,
  writeProject,
} from 'preflow/scaffold/testing'
import { median } from './measure.ts'

const starts: Partial<Record<TargetName, (project: string, env: Record<string, string>) => Promise<Running>>> = {
  lambda: startOnLambda,
  vercel: startOnVercel,
  container: startImage,
}

/** Measures the bundle of every extension for every target with its own bundle. */
export async function bundles(rounds: number): Promise<string> {
  const rows: string[] = []
  for (const extension of Object.keys(readyMade)) {
    for (const target of Object.keys(starts) as (keyof typeof starts)[])
      rows.push(await measure(extension, target, rounds))
  }
  return [
    '### Bundles',
    '',
    '| extension | target | bundle, kB | gzipped, kB | data, kB | import, ms | start to first answer, ms |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

async function measure(extension: string, target: keyof typeof starts, rounds: number): Promise<string> {
  const content = extensionContent(extension)
  const project = await writeProject(content, target, { name: extension, port: await freePort() })
  const scenario = await (scenarios[extension] as () => Promise<Scenario>)()
  try {
    await buildProject(project)
    const file = join(project.folder, 'dist', `${targets[target].entry}.mjs`)
    const code = await readFile(file)
    const env = { ...callerEnv(content.prefix), ...scenario.env }
    const importsMs: number[] = []
    const firstAnswersMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      if (targets[target].isFunction) importsMs.push(await importMs(file, env))
      firstAnswersMs.push(
        await firstAnswerMs(() => starts[target]?.(project.folder, env) as Promise<Running>, scenario),
      )
    }
    return `| ${[
      extension,
      target,
      kilobytes(code.length),
      kilobytes(gzipSync(code).length),
      kilobytes(await dataBytes(project.folder)),
      importsMs.length > 0 ? median(importsMs).toFixed(0) : '–',
      median(firstAnswersMs).toFixed(0),
    ].join(' | ')} |`
  } finally {
    await scenario.close()
    await project.remove()
  }
}

async function importMs(file: string, env: Record<string, string>): Promise<number> {
  const url = JSON.stringify(pathToFileURL(file).href)
  const script = `const startedAt = performance.now(); await import(${url})
    process.stdout.write('took ' + (performance.now() - startedAt), () => process.exit())`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) said += chunk
  return Number(/took ([\d.]+)$/.exec(said)?.[1])
}

async function firstAnswerMs(start: () => Promise<Running>, { allowed }: Scenario): Promise<number> {
  allowed.before?.()
  const startedAt = performance.now()
  const running = await start()
  const ask = Object.values(running.ways)[0] as (call: Call) => Promise<{ status: number; body: string }>
  const { status, body } = await ask(platformCall(JSON.stringify(allowed.request)))
  const elapsedMs = performance.now() - startedAt
  await running.stop()
  if (status !== allowed.status) throw new Error(`The first answer was ${status} ${body}`)
  return elapsedMs
}

async function dataBytes(folder: string): Promise<number> {
  const files = await readdir(join(folder, 'dist', 'data')).catch(() => [])
  const sizes = await Promise.all(files.map(async file => (await readFile(join(folder, 'dist', 'data', file))).length))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function kilobytes(bytes: number): string {
  return bytes === 0 ? '–' : (bytes / 1000).toFixed(1)
}
