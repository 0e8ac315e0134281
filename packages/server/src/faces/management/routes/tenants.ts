import { z } from 'zod'
import { nothing, oneParameter, type PageLink, pageLinkSchema, type RouteTable } from './route.ts'

/** A tenant to create. Its owners become its administrators. */
export interface TenantInput {
  /** The name in `/t/{domain}`. */
  domain: string
  name?: string
  owners?: TenantOwnerInput[]
}

export interface TenantOwnerInput {
  username: string
  password?: string
  email?: string
  firstname?: string
  lastname?: string
  /** Only `inline-password`, because the server sends no mail. */
  provisioningMethod?: string
}

export interface TenantView {
  id: string
  name: string
  domain: string
  owners: { id: string; username: string }[]
  lifecycleStatus: { activated: boolean }
}

export interface TenantList {
  totalResults: number
  startIndex: number
  count: number
  tenants: TenantView[]
  links: PageLink[]
}

export interface OrganizationInput {
  name: string
  /** Unique in the tenant. Default: the new id. */
  orgHandle?: string
  description?: string
  /** Default: the organization of the request. */
  parentId?: string
  type?: 'TENANT' | 'STRUCTURAL'
}

export interface OrganizationSummary {
  id: string
  name: string
  orgHandle: string
  status: 'ACTIVE'
  version: string
  ref: string
}

export interface OrganizationView extends Omit<OrganizationSummary, 'ref'> {
  /** ISO 8601. */
  created: string
  lastModified: string
  type: 'TENANT'
  depth: number
  parent?: { id: string; ref: string }
}

export interface TenantRoutes {
  createTenant: { params: object; query: object; body: TenantInput; answers: { 201: undefined } }
  listTenants: { params: object; query: object; body: undefined; answers: { 200: TenantList } }
  getTenant: { params: { tenantId: string }; query: object; body: undefined; answers: { 200: TenantView } }
  createOrganization: {
    params: object
    query: object
    body: OrganizationInput
    answers: { 201: OrganizationView }
  }
  listOrganizations: {
    params: object
    query: object
    body: undefined
    answers: { 200: { organizations: OrganizationSummary[] } }
  }
  getOrganization: {
    params: { organizationId: string }
    query: object
    body: undefined
    answers: { 200: OrganizationView }
  }
}

const ignored = z.unknown().exactOptional().describe('Accepted for compatibility. Has no effect.')

export const tenantInputSchema: z.ZodType<TenantInput> = z.strictObject({
  // A path segment and a host name: one label or several.
  domain: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,8}$/),
  name: z.string().min(1).max(255).exactOptional(),
  owners: z
    .array(
      z.strictObject({
        username: z.string().min(1).max(255),
        password: z.string().min(1).max(1024).exactOptional(),
        email: z.string().max(320).exactOptional(),
        firstname: z.string().max(255).exactOptional(),
        lastname: z.string().max(255).exactOptional(),
        provisioningMethod: z.literal('inline-password').exactOptional(),
        additionalClaims: ignored,
      }),
    )
    .max(10)
    .exactOptional(),
}) as unknown as z.ZodType<TenantInput>

export const tenantViewSchema: z.ZodType<TenantView> = z.strictObject({
  id: z.string(),
  name: z.string(),
  domain: z.string(),
  owners: z.array(z.strictObject({ id: z.string(), username: z.string() })),
  lifecycleStatus: z.strictObject({ activated: z.boolean() }),
})

const tenantListSchema: z.ZodType<TenantList> = z.strictObject({
  totalResults: z.number(),
  startIndex: z.number(),
  count: z.number(),
  tenants: z.array(tenantViewSchema),
  links: z.array(pageLinkSchema),
})

export const organizationInputSchema: z.ZodType<OrganizationInput> = z.strictObject({
  name: z.string().min(1).max(255),
  orgHandle: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/)
    .exactOptional(),
  description: z.string().max(1024).exactOptional(),
  parentId: z.string().min(1).max(255).exactOptional(),
  type: z.enum(['TENANT', 'STRUCTURAL']).exactOptional(),
  attributes: ignored,
}) as unknown as z.ZodType<OrganizationInput>

const organizationFields = {
  id: z.string(),
  name: z.string(),
  orgHandle: z.string(),
  status: z.literal('ACTIVE'),
  version: z.string(),
}

export const organizationSummarySchema: z.ZodType<OrganizationSummary> = z.strictObject({
  ...organizationFields,
  ref: z.string(),
})

export const organizationViewSchema: z.ZodType<OrganizationView> = z.strictObject({
  ...organizationFields,
  created: z.iso.datetime(),
  lastModified: z.iso.datetime(),
  type: z.literal('TENANT'),
  depth: z.number(),
  parent: z.strictObject({ id: z.string(), ref: z.string() }).exactOptional(),
})

export const tenantRoutes: RouteTable<TenantRoutes> = {
  createTenant: {
    method: 'POST',
    path: '/tenants',
    summary: 'Create a tenant. Only at the first tenant',
    tag: 'Tenants',
    access: { permission: 'internal_modify_tenants' },
    level: 'first-tenant',
    params: nothing,
    query: nothing,
    body: tenantInputSchema,
    answers: { 201: { description: 'Created. Location ends with its id', hasLocation: true } },
    refusals: [400, 409],
  },
  listTenants: {
    method: 'GET',
    path: '/tenants',
    summary: 'List the tenants, oldest first. Only at the first tenant',
    tag: 'Tenants',
    access: { permission: 'internal_list_tenants' },
    level: 'first-tenant',
    params: nothing,
    query: nothing,
    answers: { 200: { description: 'The tenants', schema: tenantListSchema } },
    refusals: [],
  },
  getTenant: {
    method: 'GET',
    path: '/tenants/{tenantId}',
    summary: 'Read a tenant. Only at the first tenant',
    tag: 'Tenants',
    access: { permission: 'internal_list_tenants' },
    level: 'first-tenant',
    params: oneParameter('tenantId'),
    query: nothing,
    answers: { 200: { description: 'The tenant', schema: tenantViewSchema } },
    refusals: [400, 404],
  },
  createOrganization: {
    method: 'POST',
    path: '/organizations',
    summary: 'Create an organization below another one of the tenant',
    tag: 'Organizations',
    access: { permission: 'internal_organization_create' },
    level: 'organization',
    params: nothing,
    query: nothing,
    body: organizationInputSchema,
    answers: { 201: { description: 'The organization', schema: organizationViewSchema, hasLocation: true } },
    refusals: [400, 409],
  },
  listOrganizations: {
    method: 'GET',
    path: '/organizations',
    summary: 'List the organizations below the root of the tenant',
    tag: 'Organizations',
    access: { permission: 'internal_organization_view' },
    level: 'organization',
    params: nothing,
    query: nothing,
    answers: {
      200: {
        description: 'The organizations',
        schema: z.strictObject({ organizations: z.array(organizationSummarySchema) }),
      },
    },
    refusals: [],
  },
  getOrganization: {
    method: 'GET',
    path: '/organizations/{organizationId}',
    summary: 'Read an organization',
    tag: 'Organizations',
    access: { permission: 'internal_organization_view' },
    level: 'organization',
    params: oneParameter('organizationId'),
    query: nothing,
    answers: { 200: { description: 'The organization', schema: organizationViewSchema } },
    refusals: [400, 404],
  },
}
