import { actionTypes, type Platform } from '@preflow/contract'
import type { Outcome } from '@preflow/engine'
import type { Problem } from '../../ground/problem.ts'
import { insertCalls } from '../../ground/store/calls.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Action, CallRecord } from '../../ground/store/model.ts'

/** The response header with the ids of the call records, so that a client can quote them to the operator. */
export const CALL_ID_HEADER = 'x-preflow-call-id'

/** The header for one call, or no header without a call. */
export function callIdHeader(callId: string | undefined): Record<string, string> {
  return callId === undefined ? {} : { [CALL_ID_HEADER]: callId }
}

/** The id of the call that a problem quotes. */
export function callIdOf({ headers }: Problem): string | undefined {
  return headers[CALL_ID_HEADER]
}

/** The facts in a call record in addition to the outcome. */
export interface CallFacts {
  /** The id of the call in log, record, extension and client. */
  id: string
  tenantId: string
  action: Pick<Action, 'id' | 'type' | 'name'>
  /** The reproduced platform, with which a replay starts. */
  platform: Pick<Platform, 'name'>
  /** Epoch milliseconds. */
  startedAt: number
  clientId?: string
  grantType?: string
  /** The error for the client if the call fails. Default `server_error`. */
  refusedWith?: string
}

const MAX_RECORDS_A_WRITE = 500
/**
 * Maximum size of a body in a record, in characters of JSON. Longer ones are cut, because an extension may answer a megabyte
 * every time.
 */
const MAX_BODY_CHARACTERS = 32_768
const REDACTED = '[redacted]'

/** The effect of each outcome on the flow. An error refuses it. */
const FLOW_RESULTS: Record<Exclude<Outcome['status'], 'error'>, string> = {
  success: 'continued',
  skipped: 'continued unmodified',
  continued: 'continued unmodified',
  failed: 'denied',
  incomplete: 'redirected',
}

/**
 * Describes a call as the record that explains its result.
 *
 * The engine's trace already contains no values. Here every value whose *name* suggests a secret, and every string that looks
 * like a token or credential, is replaced again. So one mistake in one place reveals nothing.
 */
export function describeCall(outcome: Outcome, facts: CallFacts): CallRecord {
  const { action, clientId, grantType, refusedWith = 'server_error' } = facts
  const { request, answer, ...trace } = outcome.trace
  return {
    id: facts.id,
    tenantId: facts.tenantId,
    actionId: action.id,
    actionType: action.type,
    actionName: action.name,
    startedAt: facts.startedAt,
    durationMs: Math.round(outcome.trace.durationMs),
    status: outcome.status,
    reason: printable(reasonOf(outcome)),
    ...(clientId === undefined ? {} : { clientId }),
    ...(grantType === undefined ? {} : { grantType }),
    flowResult:
      outcome.status === 'error' || (outcome.status === 'incomplete' && !actionTypes[action.type].mayRedirect)
        ? `refused with ${refusedWith}`
        : FLOW_RESULTS[outcome.status],
    details: {
      platform: facts.platform.name,
      ...(withoutSecrets({
        ...(request && { request: { ...request, body: shortened(request.body) } }),
        ...(answer && { answer: { ...answer, body: shortened(answer.body) } }),
      }) as object),
      ...trace,
      operations: 'operations' in outcome ? outcome.operations : [],
      ...('error' in outcome && outcome.error ? { error: outcome.error } : {}),
    },
  }
}

/** Stores the records of calls. */
export interface CallKeeper {
  /** The record is on disk when the promise resolves. */
  keep(record: CallRecord): Promise<void>
  /** The tenants with new records since the last call. */
  takeRecorded(): string[]
}

/** Creates the keeper of call records. Calls that end at the same time share one write, because a sync of the disk is expensive. */
export function createCallKeeper(db: Database): CallKeeper {
  const recorded = new Set<string>()
  let waiting: CallRecord[] = []
  let write: Promise<void> | undefined

  async function writeWaiting(): Promise<void> {
    // Wait for the pending events, so that calls that they end are in the same write.
    await new Promise(resolve => setImmediate(resolve))
    const records = waiting
    waiting = []
    write = undefined
    // A statement can have a few thousand values. A burst may be larger.
    for (let start = 0; start < records.length; start += MAX_RECORDS_A_WRITE) {
      await insertCalls(db.lanes.records, records.slice(start, start + MAX_RECORDS_A_WRITE))
    }
    for (const { tenantId } of records) recorded.add(tenantId)
  }

  return {
    keep(record) {
      waiting.push(record)
      write ??= writeWaiting()
      return write
    },
    takeRecorded() {
      const tenants = [...recorded]
      recorded.clear()
      return tenants
    },
  }
}

/** The summary for people. */
function reasonOf(outcome: Outcome): string {
  switch (outcome.status) {
    case 'skipped':
      return outcome.why
    case 'success': {
      const { operations } = outcome
      if (operations.length === 0) return 'SUCCESS without changes.'
      const applied = operations.filter(({ verdict }) => verdict === 'applied').length
      return `SUCCESS: ${applied} of ${operations.length} operations applied.`
    }
    case 'failed':
      if (outcome.error) return outcome.error.message
      return `FAILED: ${outcome.reason}${outcome.description === undefined ? '' : `: ${outcome.description}`}`
    case 'incomplete':
      return 'INCOMPLETE: the user is sent to the extension first.'
    case 'continued':
    case 'error':
      return outcome.error.message
    default:
      return outcome satisfies never
  }
}

/**
 * The result of a call for the log, without the extension's own messages. They may quote the user, so they belong in the record,
 * which only authorized readers can see.
 */
export function sentenceForLog(outcome: Outcome): string {
  if ('error' in outcome && outcome.error?.code === 'extension_error') {
    return 'The extension answered ERROR. The call record has its message.'
  }
  if (outcome.status === 'failed' && !outcome.error) return printable(`FAILED: ${outcome.reason}.`)
  return printable(reasonOf(outcome))
}

/** Control characters from an extension would garble a log, and PostgreSQL accepts no NUL. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

function shortened(body: unknown): unknown {
  const text = JSON.stringify(body)
  if (text === undefined || text.length <= MAX_BODY_CHARACTERS) return body
  return {
    cutAfterCharacters: MAX_BODY_CHARACTERS,
    ofCharacters: text.length,
    text: text.slice(0, MAX_BODY_CHARACTERS),
  }
}

/** Names whose simple values are secrets. Objects with such a name (`accessToken` of an event) are searched instead. */
const SECRET_NAME =
  /passw(or)?d|secret|token$|authorization|cookie|assertion|api[-_]?key|^code$|return_?code|code_verifier|private|signature/i
/** Names whose whole value is replaced. */
const SECRET_WHOLE = /credential/i
/** Strings that are secrets under any name: a JWT, the value of an authorization header, a signing secret. */
const SECRET_TEXT = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(Bearer|Basic)\s+[\w+/=.~-]{4,}|\bwhsec_[A-Za-z0-9+/=]+/gi

/** Replaces secrets by their name and by their form. Placeholders of the engine such as `<string>` stay. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    if (/^<[^>]*>$/.test(value)) return value
    return SECRET_NAME.test(name) ? REDACTED : value.replace(SECRET_TEXT, REDACTED)
  }
  if (typeof value === 'number') return SECRET_NAME.test(name) ? REDACTED : value
  if (Array.isArray(value)) return value.map(element => withoutSecrets(element, name))
  if (typeof value !== 'object' || value === null) return value
  // `{ name: 'x-api-key', value: [...] }`: the name of a header, parameter or claim shows what its value is.
  const named = 'name' in value && typeof value.name === 'string' ? value.name : undefined
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (SECRET_WHOLE.test(key)) return [key, isPlaceholder(member) ? member : REDACTED]
      return [key, withoutSecrets(member, key === 'value' && named !== undefined ? named : key)]
    }),
  )
}

function isPlaceholder(value: unknown): boolean {
  if (typeof value === 'string') return /^<[^>]*>$/.test(value)
  return typeof value === 'object' && value !== null && Object.values(value).every(isPlaceholder)
}
