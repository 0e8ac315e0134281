import { z } from 'zod'
import { type ActionType, actionTypes } from './action-types.ts'
import type { Issue } from './issue.ts'
import { type AllowedOperation, allowedOperationSchema, type Operation } from './operation.ts'

/** What the platform sends. Keys are serialized in this order. */
export interface ActionRequest<Event = unknown> {
  actionType: ActionType
  flowId?: string
  event: Event
  allowedOperations?: AllowedOperation[]
  requestId?: string
}

/** What the extension answers: SUCCESS, FAILED and INCOMPLETE with HTTP 200, ERROR with 400, 401 or 500. */
export type ActionResponse =
  | { actionStatus: 'SUCCESS'; operations?: Operation[]; data?: unknown }
  | { actionStatus: 'FAILED'; failureReason: string; failureDescription?: string }
  | { actionStatus: 'ERROR'; errorMessage: string; errorDescription?: string }
  | { actionStatus: 'INCOMPLETE'; operations: Operation[] }

/** The header that carries the action's major version to the extension. */
export const API_VERSION_HEADER = 'x-wso2-api-version'

const envelopeSchema = z.looseObject({
  actionType: z.string(),
  flowId: z.string().exactOptional(),
  event: z.looseObject({}),
  allowedOperations: z.array(allowedOperationSchema).exactOptional(),
  requestId: z.string().exactOptional(),
})

/**
 * Reads what a platform sent. Unknown fields are kept: platforms add some within a version.
 *
 * @returns The request with its event typed by `actionType`, or issues with the path of each fault.
 */
export function parseActionRequest(
  body: unknown,
): { ok: true; request: ActionRequest } | { ok: false; issues: Issue[] } {
  const envelope = envelopeSchema.safeParse(body)
  if (!envelope.success) return { ok: false, issues: issuesOf(envelope.error) }
  const descriptor = Object.values(actionTypes).find(({ type }) => type === envelope.data.actionType)
  if (!descriptor) {
    const known = Object.keys(actionTypes).join(', ')
    return { ok: false, issues: [{ path: ['actionType'], message: `must be one of ${known}` }] }
  }
  const event = descriptor.eventSchema.safeParse(envelope.data.event)
  if (!event.success) return { ok: false, issues: issuesOf(event.error, ['event']) }
  return { ok: true, request: envelope.data as ActionRequest }
}

/** The issues of a zod rejection in Preflow's own form. */
export function issuesOf(error: z.ZodError, root: (string | number)[] = []): Issue[] {
  return error.issues.map(issue => ({
    path: [...root, ...(issue.path as (string | number)[])],
    message: issue.message,
  }))
}
