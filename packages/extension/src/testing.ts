import type { ActionRequest, ActionResponse, Events } from '@preflow/contract'
import { actionTypeGuides } from '@preflow/contract/guides'
import type { DecisionRecord } from './decision-record.ts'
import { defineExtension, type Extension } from './define-extension.ts'
import type { Handlers } from './handlers.ts'

/** Some of the members of a document, at every depth. A list replaces the whole list. */
export type Overrides<Document> = Document extends readonly unknown[]
  ? Document
  : Document extends object
    ? { [Key in keyof Document]?: Overrides<Document[Key]> | undefined }
    : Document

/** The answer of an extension. */
export interface CallResult {
  status: number
  headers: Headers
  answer: ActionResponse
}

/**
 * A request as a platform would send it, with the overrides of a test.
 *
 * @param overrides Merged into the sample. Lists replace lists, and `undefined` removes a member.
 * @example
 * sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { grantType: 'refresh_token' } } })
 */
export function sampleRequest<T extends keyof Events>(
  type: T,
  overrides: Overrides<ActionRequest<Events[T]>> = {},
): ActionRequest<Events[T]> {
  return merge(actionTypeGuides[type].sample, overrides) as ActionRequest<Events[T]>
}

/** Calls an extension without a socket and reads its answer. */
export async function call(
  extension: Extension,
  request: unknown,
  { headers = {} }: { headers?: Record<string, string> } = {},
): Promise<CallResult> {
  const response = await extension.fetch(
    new Request('http://extension.test/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof request === 'string' ? request : JSON.stringify(request),
    }),
  )
  return { status: response.status, headers: response.headers, answer: (await response.json()) as ActionResponse }
}

/**
 * Lets handlers decide one request, without caller authentication.
 *
 * @returns The answer and its record, with the explanation and what to fix.
 * @example
 * const { answer, record } = await decide({ preIssueAccessToken }, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'))
 */
export async function decide(
  handlers: Handlers,
  request: unknown,
  options: { now?(): number; budgetMs?: number } = {},
): Promise<CallResult & { record: DecisionRecord }> {
  let record: DecisionRecord | undefined
  const log = (written: DecisionRecord) => {
    record = written
  }
  const result = await call(defineExtension(handlers, { caller: { type: 'none' }, log, ...options }), request)
  return { ...result, record: record as DecisionRecord }
}

function merge(sample: unknown, overrides: unknown): unknown {
  if (!isPlain(sample) || !isPlain(overrides)) return structuredClone(overrides)
  const merged: Record<string, unknown> = structuredClone(sample)
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) delete merged[key]
    else merged[key] = merge(merged[key], value)
  }
  return merged
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
