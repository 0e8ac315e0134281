import {
  type ActionResponse,
  actionTypes,
  describeIssues,
  isAllowed,
  type Operation,
  present,
  readDocument,
} from '@preflow/contract'
import type { Allow, Decision, Deny, Fail, Redirect } from './decision.ts'
import type { DecisionRecord } from './decision-record.ts'
import { type Edit, type EditableRequest, resolveEdits } from './edits.ts'
import type { OutgoingAnswer } from './exchange.ts'
import { MAX_DESCRIPTION, MAX_REASON, sanitizeMessage } from './sanitize-message.ts'

/**
 * Turns a decision into an answer that every platform accepts. Adds the answer and the replaced characters to the
 * record.
 *
 * @param lifetimesAs The JSON type of lifetimes. Default `text`.
 */
export function wordDecision(
  decision: Decision,
  request: EditableRequest,
  record: DecisionRecord,
  lifetimesAs: 'text' | 'number' | undefined,
): OutgoingAnswer {
  record.decision = decision.decision
  if (decision.why !== undefined) record.why = decision.why
  switch (decision.decision) {
    case 'allow':
      return success(decision, request, record, lifetimesAs)
    case 'deny':
      return failed(decision, request, record)
    case 'fail':
      return error(decision, record)
    case 'redirect':
      return incomplete(decision, request, record)
    default:
      return decision satisfies never
  }
}

function success(
  { edits, data }: Allow<Edit, unknown>,
  request: EditableRequest,
  record: DecisionRecord,
  lifetimesAs: 'text' | 'number' | undefined,
): OutgoingAnswer {
  const { operations, reports } = resolveEdits(edits, request, lifetimesAs)
  record.reports.push(...reports)
  const { answerDataSchema } = actionTypes[request.actionType]
  const read = answerDataSchema && readDocument(answerDataSchema, data ?? {}, ['data'])
  if (read?.ok === false) record.reports.push(describeIssues(read.issues))
  record.operations = operations.map(({ op, path }) => `${op} ${path}`)
  return answerOf(200, {
    actionStatus: 'SUCCESS',
    ...(operations.length > 0 && { operations }),
    ...present({ data }),
  })
}

function failed(
  { reason: given, description }: Deny,
  { actionType }: EditableRequest,
  record: DecisionRecord,
): OutgoingAnswer {
  let reason = given
  if (actionTypes[actionType].serverErrorReasons.includes(reason.toLowerCase())) {
    record.reports.push(`reason: platforms treat ${reason} as an error of the extension. Use fail for that.`)
    reason = 'access_denied'
  }
  const failureReason = sanitize('reason', reason, MAX_REASON, 'access_denied', record)
  const failureDescription = sanitize('description', description, MAX_DESCRIPTION, 'The request was denied.', record)
  record.reason = failureReason
  return answerOf(200, { actionStatus: 'FAILED', failureReason, failureDescription })
}

function error({ message, description, status = 500 }: Fail, record: DecisionRecord): OutgoingAnswer {
  const errorMessage = sanitize('message', message, MAX_REASON, 'server_error', record)
  const errorDescription = sanitize('description', description, MAX_DESCRIPTION, 'The extension failed.', record)
  record.reason = errorMessage
  return answerOf(status, { actionStatus: 'ERROR', errorMessage, errorDescription })
}

function incomplete({ url }: Redirect, request: EditableRequest, record: DecisionRecord): OutgoingAnswer {
  const operation: Operation = { op: 'redirect', url }
  const problem = !isAllowed(operation, request.allowedOperations)
    ? 'this event offers no redirect. Decide without one.'
    : !/^https?:$/.test(URL.parse(url)?.protocol ?? '')
      ? 'the URL must be absolute, with http or https.'
      : undefined
  if (problem) {
    record.reports.push(`redirectTo: ${problem}`)
    record.reason = 'server_error'
    return errorAnswer(500, 'server_error', 'The extension asked for an impossible redirect.')
  }
  record.operations = ['redirect']
  return answerOf(200, { actionStatus: 'INCOMPLETE', operations: [operation] })
}

function sanitize(name: string, text: string, maxLength: number, fallback: string, record: DecisionRecord): string {
  const sanitized = sanitizeMessage(name, text, maxLength, fallback)
  if (sanitized.report) record.reports.push(sanitized.report)
  return sanitized.text
}

/** An ERROR with our own message. It is sanitized like the author's, but not reported. */
export function errorAnswer(
  status: number,
  code: string,
  description: string,
  headers: Record<string, string> = {},
): OutgoingAnswer {
  const body: ActionResponse = {
    actionStatus: 'ERROR',
    errorMessage: sanitizeMessage('message', code, MAX_REASON, 'server_error').text,
    errorDescription: sanitizeMessage('description', description, MAX_DESCRIPTION, 'The extension failed.').text,
  }
  return answerOf(status, body, headers)
}

function answerOf(status: number, body: ActionResponse, headers: Record<string, string> = {}): OutgoingAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
