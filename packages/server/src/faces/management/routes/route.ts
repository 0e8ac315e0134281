import { z } from 'zod'
import type { Access } from '../../../domain/access/permission-names.ts'

/** The shape of one route: its parameters, body and responses. */
export interface RouteShape {
  params: object
  query: object
  /** `undefined` if the route reads no body. */
  body: unknown
  /** The bodies by status. `undefined`: no body. */
  answers: object
}

/**
 * One route of the management API, declared once. The server routes, authorizes and validates with it, and the OpenAPI document
 * and clients are derived from it.
 */
export interface Route<Shape extends RouteShape = RouteShape> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api/server/v1`, parameters in braces: `/actions/{actionType}`. */
  path: string
  summary: string
  tag: string
  /** The required access. Never absent, so that no route is open by omission. */
  access: Access
  /** Where it can be called: only at the first tenant, at every tenant, or also in organizations below the root. */
  level: 'first-tenant' | 'tenant' | 'organization'
  params: z.ZodType<Shape['params']>
  query: z.ZodType<Shape['query']>
  body?: z.ZodType<Shape['body']>
  answers: { [Status in keyof Shape['answers']]: RouteAnswer<Shape['answers'][Status]> }
  /** Statuses of refusals in addition to 401, 403, 429 and those of unreadable bodies. All have a {@link ProblemView}. */
  refusals: readonly number[]
}

export interface RouteAnswer<Body = unknown> {
  description: string
  /** Absent: no body. */
  schema?: z.ZodType<Body>
  /** Whether the header `Location` has the URL of the created object. */
  hasLocation?: true
}

/** One route per shape. */
export type RouteTable<Shapes> = { [Name in keyof Shapes]: Route<Extract<Shapes[Name], RouteShape>> }

/** The body of every refusal. The code is the reference's, or `PREFLOW-<status>` if it has none. */
export interface ProblemView {
  code: string
  /** The kind of problem. */
  message: string
  /** The exact problem, and what to do. */
  description?: string
  /** The id of the request in the server's log. */
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

/** No parameters. Unknown members of a query are ignored, as in the reference. */
export const nothing: z.ZodType<Record<never, never>> = z.object({})

/** A path parameter such as `{id}`: never empty, no control characters. */
export const pathSegment: z.ZodString = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}]*$/u)

/** A path with one parameter, as most have. */
export function oneParameter<Name extends string>(name: Name): z.ZodType<Record<Name, string>> {
  return z.object({ [name]: pathSegment }) as unknown as z.ZodType<Record<Name, string>>
}

/** The parameter `limit` of a list. */
export function pageSize(maximum: number): z.ZodType<number> {
  return z.coerce.number().int().min(1).max(maximum) as unknown as z.ZodType<number>
}
