import { parseArgs } from 'node:util'
import { present } from '@preflow/contract'
import type { Io } from '../command.ts'
import { commands } from '../commands.ts'
import type { Lab } from '../lab/start-lab.ts'

/** `preflow lab`: runs everything on this machine, offline. */
export async function runLab(argv: string[], io: Io): Promise<number> {
  const { values } = parseArgs({ args: argv, options: commands.lab.options })
  const write = (line: string) => io.err(`${line}\n`)
  write('Loading the lab …')
  // Loading takes longer than starting, so show progress first.
  const [{ startLab }, { instructions }] = await Promise.all([
    import('../lab/start-lab.ts'),
    import('../lab/instructions.ts'),
  ])
  const running = await startLab(io.env, write, { progress: write })
  io.out(values.json ? `${JSON.stringify(places(running))}\n` : instructions(running))
  if (!io.signal.aborted) await new Promise(resolve => io.signal.addEventListener('abort', resolve, { once: true }))
  io.err('Stopping.\n')
  await running.close()
  return 0
}

/** The content of the start-up message, as JSON. */
function places({ adminPassword, dataFolder, demo, extensions, server, webUrl }: Lab): object {
  return {
    server,
    tenant: `${server}/t/${demo.tenant}`,
    webApplication: webUrl,
    extensions: Object.fromEntries(extensions.map(({ name, url }) => [name, url])),
    dataFolder,
    ...present({ adminPassword }),
    users: demo.users,
    clients: { m2m: demo.m2m, web: demo.web },
  }
}
