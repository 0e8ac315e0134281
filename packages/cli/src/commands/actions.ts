import { randomBytes, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { actionTypes } from '@preflow/contract'
import { type ActionState, createLog, openBreakGlass, readConfiguration } from '@preflow/server'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'

/** `preflow actions`: turns actions off and on directly in the database. */
export async function runActions(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.actions.options,
  })
  const [verb = 'list', ...others] = positionals
  if (!['list', 'on', 'off'].includes(verb) || others.length > 0)
    throw new UsageError('Unknown argument. Use list, off or on.')
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
      isOfTenant(action) && (values.all ? !isAuthenticator(action) : action.id === values.id)
    if (values.id !== undefined && !(await breakGlass.list()).some(isChosen)) {
      throw new Error(`There is no action ${values.id}. Run \`preflow actions list\` to list them.`)
    }
    const changed = await breakGlass.set(status, isChosen)
    io.out(values.json ? `${JSON.stringify(changed)}\n` : table(changed, `Every selected action was already ${verb}.`))
    return 0
  } finally {
    await breakGlass.close()
  }
}

/** Without an authenticator, its users are locked out. */
function isAuthenticator({ type }: ActionState): boolean {
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
