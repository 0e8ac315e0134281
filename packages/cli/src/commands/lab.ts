import { parseArgs } from 'node:util'
import type { Command } from '../command.ts'
import { instructions } from '../lab/instructions.ts'
import { startLab } from '../lab/start-lab.ts'

/** `preflow lab`: everything on this machine, offline. */
export const lab: Command = {
  name: 'lab',
  summary: 'Run the identity server with the ready-made extensions on this machine, offline.',
  usage: `Usage: preflow lab

Starts the identity server, the ready-made extensions at one path each, stand-ins of the services they ask, and a web
application to sign in to, and makes a demonstration tenant. Ctrl-C ends all of it; the data stays.

Environment:
  PREFLOW_PORT             identity server, default 9400
  PREFLOW_EXTENSIONS_PORT  extensions, default 9401
  PREFLOW_REPUTATION_PORT  stand-in of the reputation service, default 9402
  PREFLOW_WEB_PORT         web application, default 9499
  PREFLOW_DATA             folder of the data, default .preflow
  PREFLOW_DATABASE_URL     PostgreSQL instead of the embedded database
  PREFLOW_ADMIN_PASSWORD   password of admin, used on the first start; default: one is generated and shown once;
                           later, to add what older data lacks
  PREFLOW_PLATFORM         whose behaviour is reproduced, default preflow
  ABUSEIPDB_API_KEY        ask AbuseIPDB instead of the stand-in
  PREFLOW_PWNED_PASSWORDS  on: ask Pwned Passwords instead of the stand-in; default off
`,
  async run(argv, io) {
    parseArgs({ args: argv })
    const running = await startLab(io.env, line => io.err(`${line}\n`))
    io.out(instructions(running))
    if (!io.signal.aborted) await new Promise(resolve => io.signal.addEventListener('abort', resolve, { once: true }))
    io.err('Stopping.\n')
    await running.close()
    return 0
  },
}
