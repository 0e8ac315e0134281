import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  type ActionType,
  type AllowedOperation,
  actionTypes,
  type NamedValues,
  type Platform,
  platforms,
} from '@preflow/contract'
import {
  type ActionCall,
  createCredentialSource,
  createSend,
  type Delivery,
  executeAction,
  type Outcome,
  type SendRequest,
} from '@preflow/engine'
import { type Command, type Io, UsageError } from '../command.ts'
import { actionCall, actionVersion, type Target } from '../events/action-call.ts'
import { clientView } from '../events/client-view.ts'
import { readAssignment, withPath } from '../events/edit-path.ts'
import { actionTypeNamed, platformNamed, typeNames } from '../events/named.ts'
import { chooseOccasion, describeOccasions, readActionType } from '../events/occasions.ts'
import {
  jsonWithoutSecrets,
  readTarget,
  TARGET_ENVIRONMENT_HELP,
  TARGET_OPTIONS_HELP,
  targetOptions,
  withoutSecrets,
} from '../events/target.ts'
import { createPaint, type Paint, plain } from '../verify/paint.ts'

/** `preflow trigger`: one event to one extension, as a platform would send it. */
export const trigger: Command = {
  name: 'trigger',
  summary: 'Send one true-to-life event to an extension and show what a platform makes of the answer.',
  usage: `Usage: preflow trigger <type> --to <url> [options]

Sends one event through the real engine and shows what the extension answered, what becomes of each operation, and what
the client would see.

Types: ${typeNames.join(', ')}

  --to URL               the extension
  --grant G              which grant: client_credentials, authorization_code, …
  --initiator WHO        ADMIN, USER or APPLICATION
  --flow F               which flow, for example adminInitiatedPasswordReset
  --platform NAME        whose behaviour: ${Object.keys(platforms).join(', ')}; default preflow
  --api-version vN       version of the action; default the newest of the platform
  --set PATH=VALUE       change the event; may be repeated. Lists of names are entered by name:
                           --set accessToken.claims.expires_in=240
                           --set request.additionalHeaders.x-client-source-ip=175.45.176.0
                           --set 'user.claims[http://wso2.org/claims/country]=SE'
                         null takes a member out; VALUE is JSON where it reads as JSON
  --file EVENT.json      start from this request or event instead of a sample
${TARGET_OPTIONS_HELP}  --timeout MS           longest time for an answer; default that of the platform
  --show                 show the request and the answer in full
  --json                 write one JSON document

${TARGET_ENVIRONMENT_HELP}Exit code: 0 the platform could use the answer, 1 it could not, 2 the words are off.
`,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        ...targetOptions,
        to: { type: 'string' },
        grant: { type: 'string' },
        initiator: { type: 'string' },
        flow: { type: 'string' },
        platform: { type: 'string', default: 'preflow' },
        'api-version': { type: 'string' },
        set: { type: 'string', multiple: true, default: [] },
        file: { type: 'string' },
        timeout: { type: 'string' },
        show: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const [typeWord, ...surplus] = positionals
    if (surplus.length > 0) {
      const isAddress = values.to === undefined && /^https?:/.test(surplus[0] ?? '')
      throw new UsageError(`${surplus[0]}: is one word too many.${isAddress ? ' The address goes behind --to.' : ''}`)
    }
    const { auth, sign, to: url, set, grant, initiator, flow } = values
    const target = readTarget({ url, auth, sign }, io.env)
    const platform = platformNamed(values.platform, values.timeout)
    const file = values.file === undefined ? undefined : await readEventFile(values.file)
    const type = typeOf(typeWord, file)
    if (platform.revisions[type] === undefined) throw new UsageError(`${platform.title} has no ${type} actions.`)
    const choice = {
      ...(grant !== undefined && { grant }),
      ...(initiator !== undefined && { initiator: initiator.toUpperCase() }),
      ...(flow !== undefined && { flow }),
    }
    const occasion = file ? undefined : chooseOccasion(type, choice)
    if (!file && !occasion) {
      io.err(`preflow trigger: ${type} has no such event. There are\n\n${describeOccasions(type)}\n`)
      return 2
    }
    const version = values['api-version'] ?? actionVersion(type, platform)
    if (!/^v\d+$/.test(version)) throw new UsageError('--api-version: is v and a number, for example v1.')
    const unchanged = actionCall(
      type,
      occasion ?? { event: () => (file as EventFile).event },
      platform,
      target,
      { requestId: file?.requestId ?? randomUUID(), flowId: file?.flowId ?? randomUUID() },
      version,
    )
    const call = edited(
      { ...unchanged, ...(file?.allowedOperations && { allowedOperations: file.allowedOperations }) },
      set,
    )
    const sent = await sendEvent(call, io)
    const report = { type, occasion: occasion?.name ?? values.file ?? '', version, platform, target, ...sent }
    io.out(
      values.json
        ? jsonWithoutSecrets(asJson(report), target)
        : withoutSecrets(asText(report, createPaint(io), values.show), target),
    )
    return isUsable(sent.outcome) ? 0 : 1
  },
}

/** What a file holds: a request as platforms send it, or only its event. */
interface EventFile {
  actionType?: string
  event: object
  allowedOperations?: AllowedOperation[]
  requestId?: string
  flowId?: string
}

async function readEventFile(path: string): Promise<EventFile> {
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
  return 'event' in document && typeof document.event === 'object' && document.event !== null
    ? (document as EventFile)
    : { event: document }
}

function typeOf(word: string | undefined, file: EventFile | undefined): ActionType {
  const inFile = file?.actionType === undefined ? undefined : readActionType(file.actionType)
  if (word === undefined && inFile) return inFile
  if (word === undefined) throw new UsageError(`Name an action type: ${typeNames.join(', ')}.`)
  const type = actionTypeNamed(word)
  if (inFile && inFile !== type) throw new UsageError(`The file holds a ${inFile} event, not ${type}.`)
  return type
}

/** The call with what `--set` changes, and with everything forwarded that the event holds: it is the developer's own. */
function edited(call: ActionCall, assignments: readonly string[]): ActionCall {
  const { event, requestId, flowId, allowedOperations } = call
  let document: object = { event, requestId, flowId, allowedOperations }
  for (const assignment of assignments) {
    const read = readAssignment(assignment)
    if (!read) throw new UsageError(`--set ${assignment}: must be PATH=VALUE.`)
    try {
      document = withPath(document as Record<string, unknown>, read.path, read.value)
    } catch (error) {
      throw error instanceof TypeError ? new UsageError(`--set ${error.message}`) : error
    }
  }
  const changed = document as Partial<ActionCall> & { event: object }
  if (typeof changed.event !== 'object' || changed.event === null || Array.isArray(changed.event)) {
    throw new UsageError('--set event: must be an object, or one of its members: --set request.grantType=password.')
  }
  if (changed.allowedOperations && !Array.isArray(changed.allowedOperations)) {
    throw new UsageError('--set allowedOperations: must be a list.')
  }
  const { request } = changed.event as {
    request?: { additionalHeaders?: unknown; additionalParams?: unknown } | null
  }
  const names = (member: 'additionalHeaders' | 'additionalParams') => {
    const list = request?.[member] ?? []
    if (!Array.isArray(list)) throw new UsageError(`--set request.${member}: must be a list, entered by name.`)
    return list.flatMap(item => (item as NamedValues | null)?.name ?? [])
  }
  const { allowedOperations: offered, flowId: flow } = changed
  const { allowedOperations: _, flowId: __, ...rest } = call
  return {
    ...rest,
    event: changed.event,
    requestId: String(changed.requestId ?? requestId),
    ...(flow === undefined || flow === null ? {} : { flowId: String(flow) }),
    ...(offered ? { allowedOperations: offered } : {}),
    action: {
      ...call.action,
      endpoint: {
        ...call.action.endpoint,
        ...(actionTypes[call.action.type].mayListHeaders && {
          allowedHeaders: names('additionalHeaders'),
          allowedParameters: names('additionalParams'),
        }),
      },
    },
  }
}

interface Sent {
  outcome: Outcome
  /** Of the last attempt; absent when nothing was sent. */
  request?: SendRequest
  delivery?: Delivery
}

async function sendEvent(call: ActionCall, io: Io): Promise<Sent> {
  const send = createSend({ allowPrivateAddresses: true })
  const seen: Pick<Sent, 'request' | 'delivery'> = {}
  try {
    const outcome = await executeAction(
      { ...call, signal: io.signal },
      {
        send: async request => {
          const delivery = await send(request)
          Object.assign(seen, { request, delivery })
          return delivery
        },
        credentials: createCredentialSource({ send, now: Date.now }),
        now: Date.now,
      },
    )
    return { outcome, ...seen }
  } finally {
    await send.close()
  }
}

interface Report extends Sent {
  type: ActionType
  occasion: string
  version: string
  platform: Platform
  target: Target
}

function isUsable({ status }: Outcome): boolean {
  return status === 'success' || status === 'failed' || status === 'incomplete'
}

/** The body of the answer as it came: the event is a sample, and the developer sent it. */
function answerBody(delivery: Delivery | undefined): unknown {
  if (!delivery?.ok) return undefined
  const text = new TextDecoder().decode(delivery.body)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function asJson({ type, occasion, version, platform, outcome, request, delivery }: Report): object {
  const { trace, ...decided } = outcome
  const { event: _, ...ending } = decided as { event?: unknown }
  return {
    actionType: type,
    occasion,
    apiVersion: version,
    platform: platform.name,
    contract: platform.revisions[type],
    isUsable: isUsable(outcome),
    outcome: ending,
    clientSees: clientView(type, outcome) ?? null,
    request: trace.request ? { ...trace.request, body: request === undefined ? null : JSON.parse(request.body) } : null,
    answer: trace.answer ? { ...trace.answer, body: answerBody(delivery) } : null,
    attempts: trace.attempts,
    durationMs: trace.durationMs,
  }
}

const marks = { applied: '✓', rejected: '✗', not_allowed: '–' } as const

function asText(report: Report, paint: Paint, isFull: boolean): string {
  const { type, occasion, version, platform, target, outcome, request, delivery } = report
  const { trace } = outcome
  const lines = [
    `${paint.strong(`${type} ${occasion}`)} to ${shownUrl(target.url)}`,
    paint.faint(`as ${platform.title} sends it: contract ${platform.revisions[type]}, action version ${version}`),
    '',
  ]
  if (isFull && request) lines.push('The request', indented(JSON.parse(request.body)), '')
  for (const [n, { status, durationMs, failure }] of trace.attempts.entries()) {
    const words = status === undefined ? 'No answer' : `Answered with status ${status}`
    const times = trace.attempts.length > 1 ? `, attempt ${n + 1} of ${trace.attempts.length}` : ''
    const why = failure ? `: ${plain(failure.message)}` : '.'
    lines.push(`${words} after ${Math.round(durationMs)} ms${times}${why}`)
  }
  if (isFull && delivery?.ok) lines.push('', 'The answer', indented(answerBody(delivery)), '')
  lines.push(...verdictLines(outcome, paint), ending(type, outcome, platform, paint), '')
  return lines.join('\n')
}

function verdictLines(outcome: Outcome, paint: Paint): string[] {
  if (outcome.status !== 'success' && outcome.status !== 'incomplete') return []
  const { operations } = outcome
  const word = outcome.status === 'success' ? 'SUCCESS' : 'INCOMPLETE'
  if (operations.length === 0) return [`${word} without operations.`]
  const rows = operations.map(({ op, path, verdict, reason }) => {
    const color = verdict === 'applied' ? paint.good : verdict === 'rejected' ? paint.bad : paint.doubtful
    const what = plain(`${op}${path === undefined ? '' : ` ${path}`}`)
    return { what, verdict, reason: plain(reason), color, mark: marks[verdict] }
  })
  const width = Math.max(...rows.map(({ what }) => what.length))
  return [
    `${word} with ${operations.length} ${operations.length === 1 ? 'operation' : 'operations'}:`,
    ...rows.map(({ what, verdict, reason, color, mark }) =>
      color(`  ${mark} ${verdict.replace('_', ' ').padEnd(11)}  ${what.padEnd(width)}  ${reason}`),
    ),
  ]
}

function ending(type: ActionType, outcome: Outcome, { title }: Platform, paint: Paint): string {
  const seen = plain(clientView(type, outcome) ?? '')
  switch (outcome.status) {
    case 'success':
    case 'incomplete':
      return paint.good(`The client would see ${seen}.`)
    case 'failed':
      return paint.good(`The extension refused. The client would see ${seen}.`)
    case 'error':
    case 'continued':
      return paint.bad(`${title} cannot go on: ${plain(outcome.error.message)}\nThe client would see ${seen}.`)
    case 'skipped':
      return paint.bad(`${title} would not call the extension: ${outcome.why}`)
    default:
      return outcome satisfies never
  }
}

function indented(document: unknown): string {
  const lines = typeof document === 'string' ? document.split(/\r?\n/) : JSON.stringify(document, null, 2).split('\n')
  const text = lines.map(plain).join('\n')
  return text.replaceAll(/^/gm, '  ')
}

/** Without what may be secret in it. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
