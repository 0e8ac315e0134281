import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type ActionType, type AllowedOperation, actionTypes, contractRevision, present } from '@preflow/contract'
import type { OperationVerdict } from '@preflow/engine'
import { noRecord, openArchive, type Recorded, statusNamed } from '../call-archive.ts'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { actionCall, actionVersion } from '../events/action-call.ts'
import { fillIn } from '../events/fill-in.ts'
import { platformNamed } from '../events/named.ts'
import { asJson, asText, isUsable } from '../events/report.ts'
import { scenariosOf } from '../events/scenarios.ts'
import { edited, type Sent, sendEvent } from '../events/send-event.ts'
import { jsonWithoutSecrets, readTarget, withoutSecrets } from '../events/target.ts'
import { createPaint, type Paint, plain } from '../verify/paint.ts'

/** `preflow replay`: sends the request of a recorded call again. */
export async function runReplay(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.replay.options,
  })
  const [named, ...surplus] = positionals
  if (named === undefined) throw new UsageError('Name a call: its id, last, or a file with its record.')
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: unexpected argument.`)
  if (values.status !== undefined && named !== 'last') throw new UsageError('--status needs last.')
  const { auth, set = [], sign, to: url } = values
  const target = readTarget({ url, auth, sign }, io.env)

  const record = await findRecord(named, values.status, io)
  const { type, request } = recordedRequest(record)
  const platform = platformNamed(values.platform ?? record.details.platform ?? 'preflow', values.timeout)
  if (contractRevision(platform, type) === undefined) throw new UsageError(`${platform.title} has no ${type} actions.`)
  const { event, filled } = fillIn(
    request.body.event,
    scenariosOf(type).map(scenario => scenario.event(platform)),
  )
  const sentVersion = request.headers['x-wso2-api-version'] ?? ''
  const version = /^v\d+$/.test(sentVersion) ? sentVersion : actionVersion(type, platform)
  const identity = { requestId: randomUUID(), flowId: request.body.flowId ?? randomUUID() }
  const { allowedOperations } = request.body
  const call = edited(
    {
      ...actionCall(type, { event: () => event }, platform, target, identity, version),
      ...present({ allowedOperations }),
    },
    set,
  )
  const sent = await sendEvent(call, io)
  if (values.save !== undefined && sent.request) await save(values.save, sent.request.body)

  const report = { type, scenario: `of call ${plain(record.id)}`, version, platform, target, ...sent }
  const given = set.map(assignment => assignment.split('=', 1)[0]?.replace(/^event\./, '') ?? '')
  const samples = filled.filter(path => !given.some(own => own === path || own.startsWith(`${path}.`)))
  const comparison = compare(record, sent)
  io.out(
    values.json
      ? jsonWithoutSecrets({ ...asJson(report), callId: record.id, ...comparison, samples }, target)
      : withoutSecrets(
          `${asText(report, createPaint(io), values.show)}${describe(comparison, samples, createPaint(io))}`,
          target,
        ),
  )
  return isUsable(sent.outcome) ? 0 : 1
}

async function findRecord(named: string, status: string | undefined, io: Io): Promise<Recorded> {
  if (/[./\\]/.test(named)) return readRecordFile(named)
  const archive = await openArchive(io)
  try {
    const search = { limit: 1, ...present({ status: status === undefined ? undefined : statusNamed(status) }) }
    const found = named === 'last' ? (await archive.list(search))[0] : await archive.find(named)
    if (found) return found as Recorded
  } finally {
    await archive.close()
  }
  throw noRecord(
    named !== 'last' ? `no call ${named}` : status === undefined ? 'no call' : `no call with status ${status}`,
  )
}

async function readRecordFile(path: string): Promise<Recorded> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw new UsageError(`${path}: cannot be read (${(error as { code?: string }).code}). Name a file, an id, or last.`)
  })
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new UsageError(`${path}: is not JSON. Save the answer of GET …/api/server/v1/actions/calls/{id} as it is.`)
  }
  if (!isRecord(document)) {
    throw new UsageError(
      `${path}: is not the record of a call. Save the answer of GET …/api/server/v1/actions/calls/{id} as it is.`,
    )
  }
  return { id: path, startedAt: '', status: 'unknown', reason: '', ...document }
}

/** Whether a document from a file has the members of a record that replaying reads. */
function isRecord(document: unknown): document is Pick<Recorded, 'actionType' | 'details'> & Partial<Recorded> {
  if (!isObject(document) || !isObject(document['details'])) return false
  const { actionType, id = '', reason = '', startedAt = 0, status = '' } = document
  const { error = { code: '' }, operations = [], platform = '', request } = document['details']
  const texts = [actionType, id, reason, status, platform, isObject(error) && error['code']]
  return (
    texts.every(text => typeof text === 'string') &&
    !Number.isNaN(new Date(startedAt as string | number).getTime()) &&
    Array.isArray(operations) &&
    operations.every(
      verdict => isObject(verdict) && typeof verdict['verdict'] === 'string' && typeof verdict['reason'] === 'string',
    ) &&
    (request === undefined || isRequest(request))
  )
}

function isRequest(request: unknown): boolean {
  if (!isObject(request) || !isObject(request['headers'])) return false
  const { allowedOperations = [], flowId = '' } = isObject(request['body']) ? request['body'] : {}
  return Array.isArray(allowedOperations) && typeof flowId === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

interface RecordedRequest {
  headers: Record<string, string>
  body: { event: object; flowId?: string; allowedOperations?: AllowedOperation[] }
}

function recordedRequest({ actionType, details, reason }: Recorded): { type: ActionType; request: RecordedRequest } {
  if (!Object.hasOwn(actionTypes, actionType))
    throw new Error(`This version of preflow has no ${plain(actionType)} actions.`)
  const { request } = details
  if (!request) throw new Error(`This call sent no request: ${plain(reason)} There is nothing to replay.`)
  const body = request.body as { event?: unknown; cutAfterCharacters?: number } | null
  if (typeof body?.event !== 'object' || body.event === null) {
    const why =
      body?.cutAfterCharacters === undefined ? 'has no request' : 'was truncated, because the request was very large'
    throw new Error(`The record ${why}. Send a sample instead: preflow trigger ${actionType} --to …`)
  }
  return { type: actionType as ActionType, request: request as RecordedRequest }
}

async function save(path: string, body: string): Promise<void> {
  // An existing file may be the only copy of another call.
  await writeFile(path, `${JSON.stringify(JSON.parse(body), null, 2)}\n`, { flag: 'wx' }).catch(error => {
    const exists = (error as { code?: string }).code === 'EEXIST'
    throw new UsageError(
      `--save ${path}: ${exists ? 'exists already. Name another file.' : `cannot be written (${error.code}).`}`,
    )
  })
}

interface Comparison {
  recorded: { at: string; status: string; reason: string; operations: readonly OperationVerdict[] }
  isSame: boolean
}

/**
 * Two results are the same if they have the same status and the same verdicts on the same operations. Two unusable
 * answers are the same if they are unusable for the same reason. The failure mode of the action does not matter.
 */
function compare({ details, reason, startedAt, status }: Recorded, { outcome }: Sent): Comparison {
  const operations = details.operations ?? []
  const inShort = (verdicts: readonly OperationVerdict[]) =>
    JSON.stringify(verdicts.map(({ op, path, verdict }) => [op, path, verdict]))
  const now = 'operations' in outcome ? outcome.operations : []
  const errorNow = 'error' in outcome ? outcome.error : undefined
  const isSameEnd =
    errorNow && details.error ? errorNow.code === details.error.code : !details.error && outcome.status === status
  return {
    recorded: { at: startedAt === '' ? '' : new Date(startedAt).toISOString(), status, reason, operations },
    isSame: isSameEnd && inShort(now) === inShort(operations),
  }
}

function describe({ isSame, recorded }: Comparison, samples: readonly string[], paint: Paint): string {
  const when = recorded.at === '' ? 'Recorded' : `Recorded at ${recorded.at}`
  return [
    '',
    paint.strong(isSame ? 'The result is the same.' : 'The result is different.'),
    `${when}: ${plain(recorded.status)}. ${plain(recorded.reason)}`,
    ...(isSame
      ? []
      : recorded.operations.map(({ op, path = '', verdict, reason }) =>
          paint.faint(plain(`  ${verdict.replace('_', ' ')}  ${op} ${path}  ${reason}`)),
        )),
    ...(samples.length === 0
      ? []
      : [
          '',
          paint.doubtful(
            'Samples were sent for these values, which records do not contain. Set your own with --set PATH=VALUE:',
          ),
          ...samples.map(path => `  ${plain(path)}`),
        ]),
    '',
    '',
  ].join('\n')
}
