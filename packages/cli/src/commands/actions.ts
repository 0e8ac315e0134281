import { randomBytes, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { actionTypes } from '@preflow/contract'
import { type ActionState, createLog, openBreakGlass, readConfiguration } from '@preflow/server'
import { type Command, type Io, UsageError } from '../command.ts'

/** `preflow actions`: break-glass, straight to the database. */
export const actions: Command = {
  name: 'actions',
  summary: 'List actions and switch them off or on, even when the server cannot be reached.',
  usage: `Usage: preflow actions [list] [--json]
       preflow actions off|on (--all | --id <id>) [--tenant <domain>] [--json]

Goes to the database itself, so that an action that locks everybody out can be switched off when neither the server nor
the administrator's sign-in answers. A running server sees the change with its next request; the audit keeps it.

To switch off every action of one server process instead, start it with PREFLOW_ACTIONS=off.

Options:
  --all              every action about tokens and users (of the tenant, with --tenant); not custom authenticators, because
                     nobody gets past a step of a sign-in without them
  --id <id>          one action, or one custom authenticator
  --tenant <domain>  only actions of this tenant
  --json             machine-readable output

Environment: PREFLOW_DATA (default .preflow) or PREFLOW_DATABASE_URL, as for the server.
`,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        id: { type: 'string' },
        tenant: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [verb = 'list', ...others] = positionals
    if (!['list', 'on', 'off'].includes(verb) || others.length > 0) throw new UsageError('say list, off or on.')
    if (verb !== 'list' && values.all === (values.id !== undefined)) {
      throw new UsageError(`${verb} needs either --all or --id.`)
    }
    const isOfTenant = (action: ActionState) => values.tenant === undefined || action.tenant === values.tenant
    const breakGlass = await open(io)
    try {
      if (verb === 'list') {
        const listed = (await breakGlass.list()).filter(isOfTenant)
        io.out(values.json ? `${JSON.stringify(listed)}\n` : table(listed, 'There are no actions.'))
        return 0
      }
      const status = verb === 'on' ? 'ACTIVE' : 'INACTIVE'
      const isChosen = (action: ActionState) =>
        isOfTenant(action) && (values.all ? !letsSomebodyIn(action) : action.id === values.id)
      if (values.id !== undefined && !(await breakGlass.list()).some(isChosen)) {
        throw new Error(`There is no action ${values.id}. \`preflow actions list\` shows them.`)
      }
      const changed = await breakGlass.set(status, isChosen)
      io.out(values.json ? `${JSON.stringify(changed)}\n` : table(changed, `Every chosen action was ${verb} already.`))
      return 0
    } finally {
      await breakGlass.close()
    }
  },
}

/** Switched off, it would lock out those whom it lets in. */
function letsSomebodyIn({ type }: ActionState): boolean {
  return actionTypes[type].category === 'IN_FLOW'
}

function open({ env }: Io) {
  return openBreakGlass(readConfiguration(env), {
    now: Date.now,
    newId: randomUUID,
    randomBytes,
    log: createLog('warn', { write: () => true }),
  })
}

function table(listed: readonly ActionState[], whenEmpty: string): string {
  if (listed.length === 0) return `${whenEmpty}\n`
  return listed
    .map(({ id, tenant, type, name, status }) => `${status.padEnd(8)}  ${id}  ${tenant}  ${type}  ${name}\n`)
    .join('')
}
