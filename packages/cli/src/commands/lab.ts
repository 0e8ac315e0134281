import { parseArgs } from 'node:util'
import type { Io } from '../command.ts'

/** `preflow lab`: everything on this machine, offline. */
export async function runLab(argv: string[], io: Io): Promise<number> {
  parseArgs({ args: argv })
  const write = (line: string) => io.err(`${line}\n`)
  write('Loading the lab …')
  // Loading takes longer than starting, and nobody is to wait in silence.
  const [{ startLab }, { instructions }] = await Promise.all([
    import('../lab/start-lab.ts'),
    import('../lab/instructions.ts'),
  ])
  const running = await startLab(io.env, write, { progress: write })
  io.out(instructions(running))
  if (!io.signal.aborted) await new Promise(resolve => io.signal.addEventListener('abort', resolve, { once: true }))
  io.err('Stopping.\n')
  await running.close()
  return 0
}
