import { parseArgs } from 'node:util'
import type { Io } from '../command.ts'
import { instructions } from '../lab/instructions.ts'
import { startLab } from '../lab/start-lab.ts'

/** `preflow lab`: everything on this machine, offline. */
export async function runLab(argv: string[], io: Io): Promise<number> {
  parseArgs({ args: argv })
  const running = await startLab(io.env, line => io.err(`${line}\n`))
  io.out(instructions(running))
  if (!io.signal.aborted) await new Promise(resolve => io.signal.addEventListener('abort', resolve, { once: true }))
  io.err('Stopping.\n')
  await running.close()
  return 0
}
