import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '..')
export const ADMIN_PASSWORD = 'an administrator of the operations suite'

/** A server in a process of its own. */
export interface ServerProcess {
  url: string
  /** The lines of its log so far. */
  log(): Record<string, unknown>[]
  stop(): Promise<void>
}

/** Starts the server with these settings, on a free port. Rejects with what it reports if it does not start. */
export function startServer(settings: Record<string, string>): Promise<ServerProcess> {
  const program = [process.execPath, '--conditions=@preflow/source', join(root, 'packages/server/src/main.ts')]
  return startProgram(program, root, settings)
}

/** The same with another program. */
export async function startProgram(
  [command = '', ...argv]: readonly string[],
  folder: string,
  settings: Record<string, string>,
): Promise<ServerProcess> {
  const child = spawn(command, argv, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PREFLOW_PORT: '0',
      PREFLOW_ADMIN_PASSWORD: ADMIN_PASSWORD,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stderr.on('data', chunk => {
    said.err += chunk
  })
  const log = () =>
    said.out
      .split('\n')
      .filter(line => line.startsWith('{') && line.endsWith('}'))
      .map(line => JSON.parse(line) as Record<string, unknown>)
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => reject(new Error(`the server ended: ${said.err}`)))
    child.stdout.on('data', chunk => {
      said.out += chunk
      const listening = log().find(({ msg }) => msg === 'listening')
      if (listening) resolve(Number(listening['port']))
    })
  })
  return { url: `http://127.0.0.1:${port}`, log, stop: () => stop(child) }
}

/** Ends a program and waits until it has ended. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  await ended
}

/** Basic credentials of the administrator. */
export const administrator: string = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`
