import * as z from 'zod/mini'
import { type ActionType, actionTypes } from './action-types.ts'
import type { Issue } from './issue.ts'
import { type AllowedOperation, allowedOperationSchema, type Operation } from './operation.ts'
import { readDocument } from './read-document.ts'

/** The request of a platform. Keys are serialized in this order. */
export interface ActionRequest<Event = unknown> {
  /** Which decision is requested. */
  actionType: ActionType
  /** Ties the calls of one flow together, for types that need several. */
  flowId?: string
  /** What is about to happen. */
  event: Event
  /** The changes that the answer may request. */
  allowedOperations?: AllowedOperation[]
  /** Names this call in logs. */
  requestId?: string
}

/** The answer of an extension: SUCCESS, FAILED and INCOMPLETE with HTTP 200, ERROR with 400, 401 or 500. */
export type ActionResponse =
  | {
      /** The flow continues. */
      actionStatus: 'SUCCESS'
      /** The requested changes. */
      operations?: Operation[]
      /** What the type defines, see `AuthenticationData`. */
      data?: unknown
    }
  | {
      /** The flow is refused. */
      actionStatus: 'FAILED'
      /** A code for the client, for example `access_denied`. */
      failureReason: string
      /** A sentence for the client. */
      failureDescription?: string
    }
  | {
      /** The extension could not decide. */
      actionStatus: 'ERROR'
      /** A code for the operator. */
      errorMessage: string
      /** A sentence for the operator. */
      errorDescription?: string
    }
  | {
      /** The browser must go elsewhere first. */
      actionStatus: 'INCOMPLETE'
      /** One redirect. */
      operations: Operation[]
    }

/** The header that carries the action's major version to the extension. */
export const API_VERSION_HEADER = 'x-wso2-api-version'

const envelopeSchema = z.looseObject({
  actionType: z.string(),
  flowId: z.exactOptional(z.string()),
  event: z.looseObject({}),
  allowedOperations: z.exactOptional(z.array(allowedOperationSchema)),
  requestId: z.exactOptional(z.string()),
})

/**
 * Reads a request of a platform. Keeps unknown fields, because platforms add fields within a version.
 *
 * @returns The request with its event typed by `actionType`, or issues with the path of each error.
 */
export function parseActionRequest(
  body: unknown,
): { ok: true; request: ActionRequest } | { ok: false; issues: Issue[] } {
  const envelope = readDocument(envelopeSchema, body)
  if (!envelope.ok) return envelope
  const { actionType } = envelope.value
  if (!isActionType(actionType)) {
    const known = Object.keys(actionTypes).join(', ')
    return { ok: false, issues: [{ path: ['actionType'], message: `must be one of ${known}` }] }
  }
  const event = readDocument<unknown>(actionTypes[actionType].eventSchema, envelope.value.event, ['event'])
  if (!event.ok) return event
  return { ok: true, request: envelope.value as ActionRequest }
}

function isActionType(name: string): name is ActionType {
  return Object.hasOwn(actionTypes, name)
}
