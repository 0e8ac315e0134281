import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type ActionType, type AllowedOperation, contractRevision, present } from '@preflow/contract'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { actionCall, actionVersion } from '../events/action-call.ts'
import { unknownMembers } from '../events/known-members.ts'
import { actionTypeNamed, platformNamed, typeNames } from '../events/named.ts'
import { asJson, asText, isUsable } from '../events/report.ts'
import { chooseScenario, describeScenarios, readActionType } from '../events/scenarios.ts'
import { edited, sendEvent } from '../events/send-event.ts'
import { jsonWithoutSecrets, readTarget, withoutSecrets } from '../events/target.ts'
import { createPaint } from '../verify/paint.ts'

/** `preflow trigger`: sends one event to one extension, as a platform would send it. */
export async function runTrigger(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.trigger.options,
  })
  const [typeWord, ...surplus] = positionals
  if (surplus.length > 0) {
    const isAddress = values.to === undefined && /^https?:/.test(surplus[0] ?? '')
    throw new UsageError(`${surplus[0]}: unexpected argument.${isAddress ? ' Use --to for the address.' : ''}`)
  }
  const { auth, sign, to: url, set = [], grant, initiator, flow } = values
  const target = readTarget({ url, auth, sign }, io.env)
  const platform = platformNamed(values.platform, values.timeout)
  const file = values.file === undefined ? undefined : await readEventFile(values.file, io)
  const type = typeOf(typeWord, file)
  if (contractRevision(platform, type) === undefined) throw new UsageError(`${platform.title} has no ${type} actions.`)
  const choice = present({ grant, initiator: initiator?.toUpperCase(), flow })
  const scenario = file ? undefined : chooseScenario(type, choice)
  if (!file && !scenario) {
    io.err(`preflow trigger: ${type} has no such event. Choose one of these:\n\n${describeScenarios(type)}\n`)
    return 2
  }
  const version = values['api-version'] ?? actionVersion(type, platform)
  if (!/^v\d+$/.test(version)) throw new UsageError('--api-version: must be v and a number, for example v1.')
  const unchanged = actionCall(
    type,
    scenario ?? { event: () => (file as EventFile).event },
    platform,
    target,
    { requestId: file?.requestId ?? randomUUID(), flowId: file?.flowId ?? randomUUID() },
    version,
  )
  const call = edited({ ...unchanged, ...present({ allowedOperations: file?.allowedOperations }) }, set)
  warnOfMisspelt(type, set, unchanged.event, io)
  const sent = await sendEvent(call, io)
  const report = { type, scenario: scenario?.name ?? values.file ?? '', version, platform, target, ...sent }
  io.out(
    values.json
      ? jsonWithoutSecrets(asJson(report), target)
      : withoutSecrets(asText(report, createPaint(io), values.show), target),
  )
  return isUsable(sent.outcome) ? 0 : 1
}

/** A path that no event has is probably misspelt: no extension reads it. */
function warnOfMisspelt(type: ActionType, set: readonly string[], event: object, io: Io): void {
  const paths = set.map(assignment => assignment.split('=', 1)[0] ?? '')
  for (const hint of unknownMembers(type, paths, event)) io.err(`${hint}\n`)
}

/** The content of a file: a request as platforms send it, or only its event. */
interface EventFile {
  actionType?: string
  event: object
  allowedOperations?: AllowedOperation[]
  requestId?: string
  flowId?: string
}

async function readEventFile(path: string, io: Io): Promise<EventFile> {
  let document: unknown
  try {
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${(error as { code?: string }).code})`
    throw new UsageError(`${path}: ${why}. Name a file with one request or one event.`)
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new UsageError(`${path}: must hold one JSON object, a request or its event.`)
  }
  const file = isObject((document as Record<string, unknown>)['event']) ? (document as EventFile) : { event: document }
  return { ...file, event: withNamedLists(file.event, member => io.err(`${path}: ${NOT_A_LIST(member)}\n`)) }
}

const NOT_A_LIST = (member: string) =>
  `event.request.${member} is an object, as in the guides of WSO2. It is sent as platforms send it: as a list of names with values.`

/** Converts headers and parameters to the form that platforms send. */
function withNamedLists(event: object, onChange: (member: string) => void): object {
  const { request } = event as { request?: unknown }
  if (!isObject(request)) return event
  const changed = { ...request }
  for (const member of ['additionalHeaders', 'additionalParams']) {
    const given = request[member]
    if (!isObject(given) || Array.isArray(given)) continue
    changed[member] = Object.entries(given).map(([name, value]) => ({ name, value: [value].flat() }))
    onChange(member)
  }
  return { ...event, request: changed }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function typeOf(word: string | undefined, file: EventFile | undefined): ActionType {
  const inFile = file?.actionType === undefined ? undefined : readActionType(file.actionType)
  if (word === undefined && inFile) return inFile
  if (word === undefined) throw new UsageError(`Name an action type: ${typeNames.join(', ')}.`)
  const type = actionTypeNamed(word)
  if (inFile && inFile !== type) throw new UsageError(`The file holds a ${inFile} event, not ${type}.`)
  return type
}
