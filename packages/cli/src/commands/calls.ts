import { parseArgs } from 'node:util'
import { platforms, present } from '@preflow/contract'
import type { CallTrace, OperationVerdict } from '@preflow/engine'
import type { ArchiveSearch, CallOfTenant } from '@preflow/server'
import { noRecord, openArchive, statusNamed } from '../call-archive.ts'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { actionTypeNamed } from '../events/named.ts'
import { indented, operationLines } from '../events/report.ts'
import { createPaint, type Paint, plain } from '../verify/paint.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1000

/** `preflow calls`: lists the calls of extensions and explains how each ended. */
export async function runCalls(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.calls.options,
  })
  const [id, ...surplus] = positionals
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: unexpected argument.`)
  const { json, limit, status, tenant, type } = values
  const isSearch = [limit, status, tenant, type].some(given => given !== undefined)
  if (id !== undefined && isSearch) throw new UsageError('An id selects one call. Omit the other options.')
  const search: ArchiveSearch = {
    limit: limitOf(limit),
    ...present({
      tenant,
      status: status === undefined ? undefined : statusNamed(status),
      actionType: type === undefined ? undefined : actionTypeNamed(type),
    }),
  }

  const archive = await openArchive(io)
  try {
    if (id === undefined) {
      const listed = await archive.list(search)
      io.out(json ? `${JSON.stringify(listed.map(summary))}\n` : list(listed, createPaint(io)))
      return 0
    }
    const call = await archive.find(id)
    if (!call) throw noRecord(`no call ${id}`)
    io.out(json ? `${JSON.stringify({ ...summary(call), details: call.details })}\n` : tell(call, createPaint(io)))
    return 0
  } finally {
    await archive.close()
  }
}

function limitOf(text: string | undefined): number {
  const limit = Number(text ?? DEFAULT_LIMIT)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new UsageError(`--limit: must be a whole number from 1 to ${MAX_LIMIT}.`)
}

function summary({ details: _, tenantId: __, startedAt, ...call }: CallOfTenant) {
  return { ...call, startedAt: new Date(startedAt).toISOString() }
}

/** The colour of each status. A status that is missing here needs no attention. */
const paintOf = (paint: Paint, status: string) =>
  ({ error: paint.bad, failed: paint.doubtful, continued: paint.doubtful, success: paint.good })[status] ?? paint.faint

function list(listed: readonly CallOfTenant[], paint: Paint): string {
  if (listed.length === 0) return 'No calls match.\n'
  return listed
    .map(call => {
      const { actionType, id, reason, startedAt, status, tenant } = call
      const head = [new Date(startedAt).toISOString(), id, plain(tenant), actionType].join('  ')
      return `${paint.faint(head)}\n  ${paintOf(paint, status)(status)}: ${plain(reason)}\n`
    })
    .join('')
}

/** The members of a record beside its summary. */
type Details = Partial<CallTrace> & {
  platform?: string
  operations?: OperationVerdict[]
  error?: { code: string; message: string }
}

function tell(call: CallOfTenant, paint: Paint): string {
  const { actionName, actionType, clientId, durationMs, flowResult, grantType, reason, startedAt, status, tenant } =
    call
  const { answer, attempts = [], operations = [], platform, request, rule } = call.details as Details
  const title = Object.values(platforms).find(({ name }) => name === platform)?.title
  const from = [clientId && `application ${clientId}`, grantType && `grant ${grantType}`].filter(Boolean)
  const lines = [
    paint.strong(`${actionType} of ${plain(tenant)}: ${plain(actionName)}`),
    paint.faint(
      [new Date(startedAt).toISOString(), `${durationMs} ms`, title && `as ${title}`, ...from]
        .filter(Boolean)
        .join(', '),
    ),
    '',
    paintOf(paint, status)(`${status}: ${plain(reason)}`),
    `Flow: ${plain(flowResult)}.`,
  ]
  if (rule?.decidedBy) lines.push(`Rule ${rule.outcome ? 'matches' : 'does not match'}: ${plain(rule.decidedBy)}.`)
  for (const [n, { status: code, durationMs: ms, failure }] of attempts.entries()) {
    const words = code === undefined ? 'no answer' : `status ${code}`
    lines.push(`Attempt ${n + 1}: ${words} after ${Math.round(ms)} ms${failure ? `. ${plain(failure.message)}` : ''}`)
  }
  if (operations.length > 0) lines.push('', 'Operations:', ...operationLines(operations, paint))
  if (request) lines.push('', `Request to ${plain(request.url)}, without values:`, indented(request.body))
  if (answer) lines.push('', 'Answer, without values:', indented(answer.body))
  return `${lines.join('\n')}\n`
}
