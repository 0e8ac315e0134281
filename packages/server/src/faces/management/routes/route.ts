import { z } from 'zod'
import type { Access } from '../../../domain/access/permission-names.ts'

/** What one route of the management API takes and gives. */
export interface RouteShape {
  params: object
  query: object
  /** `undefined` when the route reads no body. */
  body: unknown
  /** By status. `undefined`: no body. */
  answers: object
}

/**
 * One route of the management API, declared once: the server routes, authorizes and validates by it, the OpenAPI document and
 * clients are made of it.
 */
export interface Route<Shape extends RouteShape = RouteShape> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/server/v1`, parameters in braces: `/actions/{actionType}`. */
  path: string
  summary: string
  tag: string
  /** What a caller needs. Required, so that no route is open by omission. */
  access: Access
  /** Where it can be called: only at the first tenant, at any tenant, or in organizations below its root as well. */
  level: 'first-tenant' | 'tenant' | 'organization'
  params: z.ZodType<Shape['params']>
  query: z.ZodType<Shape['query']>
  body?: z.ZodType<Shape['body']>
  answers: { [Status in keyof Shape['answers']]: RouteAnswer<Shape['answers'][Status]> }
  /** Statuses of refusals beside 401, 403, 429 and those of unreadable bodies; all carry a {@link ProblemView}. */
  refusals: readonly number[]
}

export interface RouteAnswer<Body = unknown> {
  description: string
  /** Absent: no body. */
  schema?: z.ZodType<Body>
  /** Whether the header `Location` names what was created. */
  hasLocation?: true
}

/** A route for each shape. */
export type RouteTable<Shapes> = { [Name in keyof Shapes]: Route<Extract<Shapes[Name], RouteShape>> }

/** The body of every refusal. Codes are the reference's where it has one, `PREFLOW-<status>` where it has none. */
export interface ProblemView {
  code: string
  /** What kind of thing is wrong. */
  message: string
  /** What exactly, and what to do. */
  description?: string
  /** Finds the request in the server's log. */
  traceId?: string
}

export const problemViewSchema: z.ZodType<ProblemView> = z.strictObject({
  code: z.string(),
  message: z.string(),
  description: z.string().exactOptional(),
  traceId: z.string().exactOptional(),
})

/** A link to another page of a list. */
export interface PageLink {
  href: string
  rel: string
}

export const pageLinkSchema: z.ZodType<PageLink> = z.strictObject({ href: z.string(), rel: z.string() })

/** No parameters, or nothing that is read of a query. Unknown members of a query are ignored, as in the reference. */
export const nothing: z.ZodType<Record<never, never>> = z.object({})

/** `{id}` and the like: never empty, no control characters. */
export const pathSegment: z.ZodString = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}]*$/u)

/** The only parameter of most paths. */
export function oneParameter<Name extends string>(name: Name): z.ZodType<Record<Name, string>> {
  return z.object({ [name]: pathSegment }) as unknown as z.ZodType<Record<Name, string>>
}

/** `limit` of a list. */
export function pageSize(maximum: number): z.ZodType<number> {
  return z.coerce.number().int().min(1).max(maximum) as unknown as z.ZodType<number>
}
