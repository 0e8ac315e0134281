import { z } from 'zod'
import {
  actionInputSchema,
  actionPatchSchema,
  actionSummarySchema,
  actionViewSchema,
  ruleInputSchema,
} from './actions.ts'
import { apiResourceInputSchema, apiResourcePatchSchema, apiResourceViewSchema } from './api-resources.ts'
import { applicationInputSchema, applicationListSchema, oidcInputSchema, oidcViewSchema } from './applications.ts'
import {
  customAuthenticatorInputSchema,
  customAuthenticatorUpdateSchema,
  customAuthenticatorViewSchema,
} from './authenticators.ts'
import { auditViewSchema, callSummarySchema, callViewSchema } from './calls.ts'
import { problemViewSchema, type Route, type RouteAnswer } from './route.ts'
import { organizationViewSchema, tenantViewSchema } from './tenants.ts'

type JsonSchema = Record<string, unknown>

/** A route with its name in the table. */
type NamedRoute = Route & { name: string }

/** An OpenAPI 3.1 document: the parts that this API uses. */
export interface OpenApiDocument {
  openapi: '3.1.1'
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string }[]
  paths: Record<string, Record<string, OpenApiOperation>>
  components: {
    schemas: Record<string, JsonSchema>
    responses: Record<string, OpenApiResponse>
    securitySchemes: Record<string, JsonSchema>
  }
}

export interface OpenApiOperation {
  operationId: string
  summary: string
  tags: string[]
  parameters: { name: string; in: 'path' | 'query'; required: boolean; description?: string; schema: JsonSchema }[]
  requestBody?: { required: true; content: { 'application/json': { schema: JsonSchema } } }
  responses: Record<string, OpenApiResponse | { $ref: string }>
  security: Record<string, string[]>[]
}

export interface OpenApiResponse {
  description: string
  headers?: Record<string, { description: string; schema: JsonSchema }>
  content?: { 'application/json': { schema: JsonSchema } }
}

/** Schemas with their own name in the document. All others are written where they are used. */
const NAMED: Record<string, z.ZodType> = {
  Problem: problemViewSchema,
  Action: actionViewSchema,
  ActionInput: actionInputSchema,
  ActionPatch: actionPatchSchema,
  ActionSummary: actionSummarySchema,
  Rule: ruleInputSchema,
  Call: callViewSchema,
  CallSummary: callSummarySchema,
  AuditRecord: auditViewSchema,
  ApplicationInput: applicationInputSchema,
  ApplicationList: applicationListSchema,
  OidcConfiguration: oidcViewSchema,
  OidcConfigurationInput: oidcInputSchema,
  CustomAuthenticator: customAuthenticatorViewSchema,
  CustomAuthenticatorInput: customAuthenticatorInputSchema,
  CustomAuthenticatorUpdate: customAuthenticatorUpdateSchema,
  ApiResource: apiResourceViewSchema,
  ApiResourceInput: apiResourceInputSchema,
  ApiResourcePatch: apiResourcePatchSchema,
  Tenant: tenantViewSchema,
  Organization: organizationViewSchema,
}

const REFUSALS: Record<number, { name: string; description: string }> = {
  400: { name: 'BadRequest', description: 'The request is invalid. The description states the reason' },
  401: { name: 'Unauthorized', description: 'Missing or wrong credentials' },
  403: { name: 'Forbidden', description: 'The credentials do not allow this operation' },
  404: { name: 'NotFound', description: 'Not found' },
  409: { name: 'Conflict', description: 'It already exists' },
  413: { name: 'TooLarge', description: 'The body is too large' },
  415: { name: 'UnsupportedMediaType', description: 'The body is not application/json' },
  429: { name: 'TooManyRequests', description: 'Too many wrong passwords. `retry-after` has the seconds to wait' },
  501: { name: 'NotImplemented', description: 'Not supported by this server' },
}

/**
 * Creates the OpenAPI 3.1 document of routes. Their names are the operation ids.
 *
 * @param server The URL of the routes, for example `/t/demo/api/server/v1`.
 * @param version The version of the server.
 */
export function openApiDocument(
  routes: readonly NamedRoute[],
  { server, version }: { server: string; version: string },
): OpenApiDocument {
  const schemas = describeSchemas(routes)
  const paths: OpenApiDocument['paths'] = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route, schemas.of) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Preflow management API',
      version,
      description:
        'Actions, applications, authenticators, API resources, tenants and organizations. The same paths are below `/t/{tenant}` and `/t/{tenant}/o/{organization}`.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: server }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: schemas.named,
      responses: Object.fromEntries(
        Object.values(REFUSALS).map(({ name, description }) => [
          name,
          { description, content: { 'application/json': { schema: reference('Problem') } } },
        ]),
      ),
      securitySchemes: {
        administrator: { type: 'http', scheme: 'basic', description: 'User name and password of an administrator' },
        accessToken: { type: 'http', scheme: 'bearer', description: 'An access token with the scope of the operation' },
      },
    },
  }
}

function describeRoute(route: NamedRoute, schemaOf: (schema: z.ZodType) => JsonSchema): OpenApiOperation {
  const refusals = new Set(route.refusals)
  if ('permission' in route.access) for (const status of [401, 403, 429]) refusals.add(status)
  if (route.body) for (const status of [400, 413, 415]) refusals.add(status)
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.tag],
    parameters: [
      ...describeParameters('path', schemaOf(route.params)),
      ...describeParameters('query', schemaOf(route.query)),
    ],
    ...(route.body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers as Record<string, RouteAnswer>).map(([status, answer]) => [
          status,
          describeAnswer(answer, schemaOf),
        ]),
      ),
      ...Object.fromEntries(
        [...refusals].sort().map(status => [status, { $ref: `#/components/responses/${REFUSALS[status]?.name}` }]),
      ),
    },
    security: 'open' in route.access ? [] : [{ administrator: [] }, { accessToken: [route.access.permission] }],
  }
}

function describeParameters(place: 'path' | 'query', schema: JsonSchema): OpenApiOperation['parameters'] {
  const required = (schema['required'] as string[] | undefined) ?? []
  return Object.entries((schema['properties'] as Record<string, JsonSchema> | undefined) ?? {}).map(
    ([name, { description, ...rest }]) => ({
      name,
      in: place,
      required: required.includes(name),
      ...(typeof description === 'string' && { description }),
      schema: rest,
    }),
  )
}

function describeAnswer(answer: RouteAnswer, schemaOf: (schema: z.ZodType) => JsonSchema): OpenApiResponse {
  return {
    description: answer.description,
    ...(answer.hasLocation && {
      headers: { Location: { description: 'The URL of the object. It ends with the id', schema: { type: 'string' } } },
    }),
    ...(answer.schema && { content: { 'application/json': { schema: schemaOf(answer.schema) } } }),
  }
}

function reference(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

/** Converts all schemas together, so that every use of a named schema becomes a reference. */
function describeSchemas(routes: readonly NamedRoute[]): {
  named: Record<string, JsonSchema>
  of(schema: z.ZodType): JsonSchema
} {
  const ids = new Map(Object.entries(NAMED).map(([name, schema]) => [schema, name]))
  for (const { params, query, body, answers } of routes) {
    const bodies = Object.values(answers as Record<string, RouteAnswer>).map(answer => answer.schema)
    for (const schema of [params, query, body, ...bodies]) {
      if (schema && !ids.has(schema)) ids.set(schema, `_${ids.size}`)
    }
  }
  const registry = z.registry<{ id: string; description?: string }>()
  for (const [schema, id] of ids) registry.add(schema, { id })
  const converted = z.toJSONSchema(registry, {
    io: 'input',
    uri: id => `#/components/schemas/${id}`,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // Descriptions are in zod's global registry, which the conversion of another registry does not read.
      const { description } = z.globalRegistry.get(zodSchema) ?? {}
      if (description !== undefined && !('$ref' in jsonSchema)) jsonSchema.description = description
    },
  }).schemas as Record<string, JsonSchema>
  const plain = (id: string): JsonSchema => {
    const { $schema: _, $id: __, ...schema } = converted[id] ?? {}
    return schema
  }
  return {
    named: Object.fromEntries(Object.keys(NAMED).map(name => [name, plain(name)])),
    of: schema => {
      const id = ids.get(schema) ?? ''
      return Object.hasOwn(NAMED, id) ? reference(id) : plain(id)
    },
  }
}
