import { SCOPE_PATTERN } from '@preflow/contract'
import { z } from 'zod'
import { nothing, oneParameter, type PageLink, pageLinkSchema, pageSize, type RouteTable } from './route.ts'

export interface ApiScopeInput {
  name: string
  displayName?: string
  description?: string
}

export interface ApiScopeView extends ApiScopeInput {
  id: string
  displayName: string
}

/** An API with scopes for which applications can be authorized. */
export interface ApiResourceInput {
  name: string
  /** The identifier of the API, usually a URL. */
  identifier: string
  description?: string
  /** Whether users need a role that allows the scope. Default `true`. */
  requiresAuthorization?: boolean
  scopes?: ApiScopeInput[]
}

export interface ApiResourcePatch {
  name?: string
  description?: string
  addedScopes?: ApiScopeInput[]
  /** Names. Beyond the reference, which returns 501. */
  removedScopes?: string[]
}

export interface ApiResourceSummary {
  id: string
  name: string
  identifier: string
  /** `SYSTEM` for the management API itself, which cannot be changed. */
  type: 'SYSTEM' | 'BUSINESS'
  requiresAuthorization: boolean
  self: string
}

export interface ApiResourceView extends ApiResourceSummary {
  description?: string
  scopes: ApiScopeView[]
}

export interface ApiResourceList {
  totalResults: number
  APIResources: ApiResourceSummary[]
  links: PageLink[]
}

export interface ApiResourceRoutes {
  createApiResource: { params: object; query: object; body: ApiResourceInput; answers: { 201: ApiResourceView } }
  listApiResources: {
    params: object
    query: { limit?: number; after?: string; filter?: string }
    body: undefined
    answers: { 200: ApiResourceList }
  }
  getApiResource: {
    params: { apiResourceId: string }
    query: object
    body: undefined
    answers: { 200: ApiResourceView }
  }
  updateApiResource: {
    params: { apiResourceId: string }
    query: object
    body: ApiResourcePatch
    answers: { 204: undefined }
  }
  deleteApiResource: {
    params: { apiResourceId: string }
    query: object
    body: undefined
    answers: { 204: undefined }
  }
}

const ignored = z.unknown().exactOptional().describe('Accepted for compatibility. Has no effect.')

export const apiScopeInputSchema: z.ZodType<ApiScopeInput> = z.strictObject({
  name: z.string().regex(SCOPE_PATTERN).max(255),
  displayName: z.string().max(255).exactOptional(),
  description: z.string().max(1024).exactOptional(),
})

const scopesSchema = z.array(apiScopeInputSchema).max(500)

export const apiResourceInputSchema: z.ZodType<ApiResourceInput> = z.strictObject({
  name: z.string().min(1).max(255),
  identifier: z.string().min(1).max(1024),
  description: z.string().max(1024).exactOptional(),
  requiresAuthorization: z.boolean().exactOptional(),
  scopes: scopesSchema.exactOptional(),
  authorizationDetailsTypes: ignored,
  resourceType: ignored,
}) as unknown as z.ZodType<ApiResourceInput>

export const apiResourcePatchSchema: z.ZodType<ApiResourcePatch> = z.strictObject({
  name: z.string().min(1).max(255).exactOptional(),
  description: z.string().max(1024).exactOptional(),
  addedScopes: scopesSchema.exactOptional(),
  removedScopes: z.array(z.string().min(1).max(255)).max(500).exactOptional(),
  addedAuthorizationDetailsTypes: ignored,
  removedAuthorizationDetailsTypes: ignored,
}) as unknown as z.ZodType<ApiResourcePatch>

const summaryFields = {
  id: z.string(),
  name: z.string(),
  identifier: z.string(),
  type: z.enum(['SYSTEM', 'BUSINESS']),
  requiresAuthorization: z.boolean(),
  self: z.string(),
}

export const apiResourceSummarySchema: z.ZodType<ApiResourceSummary> = z.strictObject(summaryFields)

export const apiResourceViewSchema: z.ZodType<ApiResourceView> = z.strictObject({
  ...summaryFields,
  description: z.string().exactOptional(),
  scopes: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      displayName: z.string(),
      description: z.string().exactOptional(),
    }),
  ),
})

const apiResourceListSchema: z.ZodType<ApiResourceList> = z.strictObject({
  totalResults: z.number(),
  APIResources: z.array(apiResourceSummarySchema),
  links: z.array(pageLinkSchema),
})

const oneResource = oneParameter('apiResourceId')

export const apiResourceRoutes: RouteTable<ApiResourceRoutes> = {
  createApiResource: {
    method: 'POST',
    path: '/api-resources',
    summary: 'Create an API resource with its scopes',
    tag: 'API resources',
    access: { permission: 'internal_api_resource_create' },
    level: 'tenant',
    params: nothing,
    query: nothing,
    body: apiResourceInputSchema,
    answers: { 201: { description: 'The API resource', schema: apiResourceViewSchema, hasLocation: true } },
    refusals: [400, 409],
  },
  listApiResources: {
    method: 'GET',
    path: '/api-resources',
    summary: 'List the API resources, oldest first',
    tag: 'API resources',
    access: { permission: 'internal_api_resource_view' },
    level: 'tenant',
    params: nothing,
    query: z.object({
      limit: pageSize(1000).exactOptional().describe('Default 10'),
      after: z.string().exactOptional().describe('The cursor from the link `next` of a page'),
      filter: z
        .string()
        .exactOptional()
        .describe('For example `identifier eq orders`. Operators: eq, co, sw, ew. Attributes: identifier, name'),
    }),
    answers: { 200: { description: 'One page', schema: apiResourceListSchema } },
    refusals: [400],
  },
  getApiResource: {
    method: 'GET',
    path: '/api-resources/{apiResourceId}',
    summary: 'Read an API resource',
    tag: 'API resources',
    access: { permission: 'internal_api_resource_view' },
    level: 'tenant',
    params: oneResource,
    query: nothing,
    answers: { 200: { description: 'The API resource', schema: apiResourceViewSchema } },
    refusals: [400, 404],
  },
  updateApiResource: {
    method: 'PATCH',
    path: '/api-resources/{apiResourceId}',
    summary: 'Change an API resource. Scopes that are not listed stay',
    tag: 'API resources',
    access: { permission: 'internal_api_resource_update' },
    level: 'tenant',
    params: oneResource,
    query: nothing,
    body: apiResourcePatchSchema,
    answers: { 204: { description: 'Changed' } },
    refusals: [400, 404, 409],
  },
  deleteApiResource: {
    method: 'DELETE',
    path: '/api-resources/{apiResourceId}',
    summary: 'Delete an API resource. Deleting an unknown one succeeds',
    tag: 'API resources',
    access: { permission: 'internal_api_resource_delete' },
    level: 'tenant',
    params: oneResource,
    query: nothing,
    answers: { 204: { description: 'Deleted' } },
    refusals: [400],
  },
}
