/** A machine with Node.js: a copy of the built folder, started as the README states. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Running, send, startChild } from './running.fixture.ts'

export async function startOnNode(project: string, prefix: string, env: Record<string, string>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-machine-'))
  await cp(join(project, 'dist'), folder, { recursive: true })
  return startProgram(['main.mjs'], folder, { [`${prefix}_PORT`]: '0', ...env })
}

/** Starts a program that logs its address. Removes its folder when it ends. */
export async function startProgram(argv: string[], folder: string, env: Record<string, string>): Promise<Running> {
  const startedAt = performance.now()
  const child = startChild(argv, folder, env)
  const stop = async () => {
    const code = await child.stop()
    await rm(folder, { recursive: true, force: true })
    return code
  }
  try {
    const [, port] = await child.says(/"event":"listening".*?(?:"port":|:)(\d+)/)
    const startMs = performance.now() - startedAt
    const url = `http://127.0.0.1:${port}`
    return { ways: { http: call => send(url, call) }, log: child.log, startMs, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
