import type { ActionType } from '@preflow/contract'
import { z } from 'zod'
import { actionTypeSchema } from './actions.ts'
import { nothing, oneParameter, pageSize, type RouteTable } from './route.ts'

/** One execution of an action, in a list. */
export interface CallSummary {
  id: string
  actionId: string
  actionType: ActionType
  actionName: string
  /** ISO 8601. */
  startedAt: string
  durationMs: number
  /** `success`, `failed`, `error`, `incomplete`, `skipped`, `continued`. */
  status: string
  /** The summary for people. */
  reason: string
  clientId?: string
  grantType?: string
  /** The effect on the flow. */
  flowResult: string
}

/** One execution with request and answer, without secrets, and the verdict on each operation. */
export interface CallView extends CallSummary {
  details: unknown
}

/** The number of stored calls of one type with one status. */
export interface CallCount {
  actionType: ActionType
  /** `continued`: the extension could not be called, and its action lets the flow continue. */
  status: string
  count: number
  /** ISO 8601. */
  lastAt: string
}

/** One change made through the management API, SCIM or the command line, or one security event. */
export interface AuditView {
  id: string
  /** ISO 8601. */
  recordedAt: string
  /** A user id, or the subject of an access token. Empty: not known. */
  initiator: string
  /** `ADD`, `UPDATE`, `DELETE`, `ACTIVATE`, `DEACTIVATE`, … */
  action: string
  /** `ACTION`, `APPLICATION`, `API_RESOURCE`, `USER`, … */
  targetType: string
  targetId: string
  details?: unknown
  /** `administration.changed` for a change. */
  event?: string
  /** `success`, `refused` or `notice`. */
  outcome?: string
  organizationId?: string
  /** `user`, `application`, `operator` or `nobody`. */
  actorKind?: string
  clientId?: string
  reason?: string
  /** Of the client. */
  address?: string
  /** Identifies the user agent without showing it. */
  agent?: string
  /** Connects the records of one request. */
  requestId?: string
  /** Of the record of an extension call. */
  callId?: string
}

export interface CallRoutes {
  listCalls: {
    params: object
    query: { actionType?: ActionType; status?: string; clientId?: string; before?: string; limit?: number }
    body: undefined
    answers: { 200: CallSummary[] }
  }
  countCalls: { params: object; query: { since?: string }; body: undefined; answers: { 200: CallCount[] } }
  getCall: { params: { callId: string }; query: object; body: undefined; answers: { 200: CallView } }
  listAuditRecords: {
    params: object
    query: {
      targetType?: string
      targetId?: string
      event?: string
      outcome?: 'success' | 'refused' | 'notice'
      since?: string
      before?: string
      limit?: number
    }
    body: undefined
    answers: { 200: AuditView[] }
  }
}

const summaryFields = {
  id: z.string(),
  actionId: z.string(),
  actionType: actionTypeSchema,
  actionName: z.string(),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  status: z.string(),
  reason: z.string(),
  clientId: z.string().exactOptional(),
  grantType: z.string().exactOptional(),
  flowResult: z.string(),
}

export const callSummarySchema: z.ZodType<CallSummary> = z.strictObject(summaryFields)

export const callViewSchema: z.ZodType<CallView> = z.strictObject({ ...summaryFields, details: z.unknown() })

export const callCountSchema: z.ZodType<CallCount> = z.strictObject({
  actionType: actionTypeSchema,
  status: z.string(),
  count: z.number(),
  lastAt: z.iso.datetime(),
})

export const auditViewSchema: z.ZodType<AuditView> = z.strictObject({
  id: z.string(),
  recordedAt: z.iso.datetime(),
  initiator: z.string(),
  action: z.string(),
  targetType: z.string(),
  targetId: z.string(),
  details: z.unknown().exactOptional(),
  event: z.string().exactOptional(),
  outcome: z.string().exactOptional(),
  organizationId: z.string().exactOptional(),
  actorKind: z.string().exactOptional(),
  clientId: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  address: z.string().exactOptional(),
  agent: z.string().exactOptional(),
  requestId: z.string().exactOptional(),
  callId: z.string().exactOptional(),
})

const page = {
  before: z.string().exactOptional().describe('The id of an entry. Only older entries are returned'),
  limit: pageSize(200).exactOptional().describe('Maximum number of entries. Default 50'),
}

export const callRoutes: RouteTable<CallRoutes> = {
  listCalls: {
    method: 'GET',
    path: '/actions/calls',
    summary: 'List the calls of extensions and their results, newest first',
    tag: 'Calls',
    access: { permission: 'internal_action_mgt_view' },
    level: 'tenant',
    params: nothing,
    query: z.object({
      actionType: actionTypeSchema.exactOptional(),
      status: z.string().exactOptional(),
      clientId: z.string().exactOptional(),
      ...page,
    }),
    answers: { 200: { description: 'The calls', schema: z.array(callSummarySchema) } },
    refusals: [400],
  },
  countCalls: {
    method: 'GET',
    path: '/actions/call-counts',
    summary: 'Count calls by action type and status. For `continued` calls the flow continued unchecked',
    tag: 'Calls',
    access: { permission: 'internal_action_mgt_view' },
    level: 'tenant',
    params: nothing,
    query: z.object({
      since: z.iso.datetime().exactOptional().describe('Only calls that began at this time or later, ISO 8601 in UTC'),
    }),
    answers: { 200: { description: 'The counts', schema: z.array(callCountSchema) } },
    refusals: [400],
  },
  getCall: {
    method: 'GET',
    path: '/actions/calls/{callId}',
    summary: 'Read one call: request, attempts, answer, verdicts',
    tag: 'Calls',
    access: { permission: 'internal_action_mgt_view' },
    level: 'tenant',
    params: oneParameter('callId'),
    query: nothing,
    answers: { 200: { description: 'The call', schema: callViewSchema } },
    refusals: [400, 404],
  },
  listAuditRecords: {
    method: 'GET',
    path: '/audit-logs',
    summary: 'List changes or security events, newest first',
    tag: 'Audit',
    access: { permission: 'internal_audit_log_view' },
    level: 'tenant',
    params: nothing,
    query: z.object({
      targetType: z.string().exactOptional(),
      targetId: z.string().exactOptional(),
      event: z
        .string()
        .exactOptional()
        .describe('The name of a security event, or `all`. Default: changes, which are `administration.changed`'),
      outcome: z.enum(['success', 'refused', 'notice']).exactOptional(),
      since: z.iso.datetime().exactOptional().describe('Only records from this time on, ISO 8601 in UTC'),
      ...page,
    }),
    answers: { 200: { description: 'The changes', schema: z.array(auditViewSchema) } },
    refusals: [400],
  },
}
