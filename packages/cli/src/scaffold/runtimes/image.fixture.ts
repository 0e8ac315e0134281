/**
 * Runs the last stage of a Dockerfile without a container engine: its files in a clean folder, started as it states.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './node.fixture.ts'
import type { Running } from './running.fixture.ts'

/** One instruction of a Dockerfile. */
export interface Instruction {
  word: string
  rest: string
}

/** The stages of a Dockerfile: FROM with the instructions after it. */
export function readDockerfile(text: string): Instruction[][] {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'))
  const stages: Instruction[][] = []
  for (const line of lines) {
    const [, word = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (word === '') throw new Error(`Not an instruction: ${line}`)
    if (word === 'FROM') stages.push([])
    stages.at(-1)?.push({ word, rest })
  }
  return stages
}

/** The parts of an image that matter for running it. */
export interface Image {
  env: Record<string, string>
  user: string
  command: string[]
  healthCheck: string[]
  /** Copied from the build: source and destination. */
  copies: [from: string, to: string][]
}

export function describeImage(dockerfile: string): Image {
  const stage = readDockerfile(dockerfile).at(-1) ?? []
  const all = (wanted: string) => stage.filter(({ word }) => word === wanted).map(({ rest }) => rest)
  const last = (wanted: string) => all(wanted).at(-1) ?? ''
  const assignments = all('ENV').flatMap(rest => rest.split(' ').map(pair => pair.split('=') as [string, string]))
  return {
    env: Object.fromEntries(assignments),
    user: last('USER'),
    command: JSON.parse(last('CMD')),
    healthCheck: JSON.parse(last('HEALTHCHECK').replace(/^.*?CMD /, '')),
    copies: all('COPY').map(rest => rest.replace(/^--from=build \/app\//, '').split(' ') as [string, string]),
  }
}

/** Starts the image of a built project. */
export async function startImage(
  project: string,
  env: Record<string, string>,
): Promise<Running & { image: Image; folder: string; isHealthy(): Promise<boolean> }> {
  const image = describeImage(await readFile(join(project, 'Dockerfile'), 'utf8'))
  const folder = await mkdtemp(join(tmpdir(), 'preflow-image-'))
  for (const [from, to] of image.copies) await cp(join(project, from), join(folder, to), { recursive: true })
  // The test uses a folder instead of a volume.
  const imageEnv = Object.entries(image.env).map(([name, value]) => [name, value.replace(/^\/data/, folder)])
  const all = { ...Object.fromEntries(imageEnv), ...env } as Record<string, string>
  const [program, ...argv] = image.command
  if (program !== 'node') throw new Error(`The image starts ${program}, not node.`)
  return {
    ...(await startProgram(argv, folder, all)),
    image,
    folder,
    isHealthy: async () => {
      const child = spawn(process.execPath, image.healthCheck.slice(1), { env: all, stdio: 'ignore' })
      return (await once(child, 'close'))[0] === 0
    },
  }
}
