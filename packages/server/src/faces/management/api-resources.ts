import { present } from '@preflow/contract'
import { isServerScope } from '../../domain/access/permission-names.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import {
  deleteApiResource,
  findApiResource,
  insertApiResource,
  listApiResources,
  updateApiResource,
} from '../../ground/store/api-resources.ts'
import type { ApiResource } from '../../ground/store/model.ts'
import { apiResourceProblems } from './api-resource-problems.ts'
import { readFilter } from './filter.ts'
import type { Call, Handlers } from './handler.ts'
import type { ApiResourceSummary, ApiResourceView, ApiScopeInput } from './routes/api-resources.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'

const BASE = `${MANAGEMENT_BASE_PATH}/api-resources`
const OIDC_SCOPES = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access', 'groups', 'roles']

type ApiResourceRouteName =
  | 'createApiResource'
  | 'listApiResources'
  | 'getApiResource'
  | 'updateApiResource'
  | 'deleteApiResource'

/** Whether this is the API resource of the management API and SCIM, whose scopes tools are authorized for. */
export function isSystemApi({ identifier }: Pick<ApiResource, 'identifier'>): boolean {
  return identifier === MANAGEMENT_BASE_PATH
}

export const apiResourceHandlers: Handlers<ApiResourceRouteName> = {
  createApiResource: {
    async handle(call) {
      const { body, tenant } = call
      const resource: ApiResource = {
        id: call.newId(),
        tenantId: tenant.id,
        name: body.name,
        identifier: body.identifier,
        ...present({ description: body.description || undefined }),
        requiresAuthorization: body.requiresAuthorization ?? true,
        scopes: readScopes(body.scopes ?? [], call),
      }
      if (!(await insertApiResource(call.db, resource))) {
        throw apiResourceProblems.taken(tenant)
      }
      call.audit({ action: 'ADD', targetType: 'API_RESOURCE', targetId: resource.id, details: {} })
      return { status: 201, body: show(resource, call), location: `${call.prefix}${BASE}/${resource.id}` }
    },
  },

  listApiResources: {
    async handle(call) {
      const { limit = 10, after, filter } = call.query
      const matches = readFilter<ApiResource>(
        filter,
        {
          name: ({ name }) => name,
          identifier: ({ identifier }) => identifier,
          type: resource => (isSystemApi(resource) ? 'SYSTEM' : 'BUSINESS'),
        },
        'API-RESOURCE-60001',
      )
      const all = (await listApiResources(call.db, call.tenant.id)).filter(matches)
      // The cursor names the last entry of the previous page. If it no longer exists, the list starts again.
      const seen = after === undefined ? undefined : Buffer.from(after, 'base64url').toString()
      const from = seen === undefined ? 0 : all.findIndex(({ id }) => id === seen) + 1
      const page = all.slice(from, from + limit)
      const last = page.at(-1)
      const query = new URLSearchParams({
        limit: String(limit),
        ...present({ filter: filter || undefined }),
        after: Buffer.from(last?.id ?? '').toString('base64url'),
      })
      return {
        status: 200,
        body: {
          totalResults: all.length,
          APIResources: page.map(resource => summarize(resource, call)),
          links: from + limit < all.length ? [{ href: `${call.prefix}${BASE}?${query}`, rel: 'next' }] : [],
        },
      }
    },
  },

  getApiResource: {
    async handle(call) {
      return { status: 200, body: show(await mustFind(call), call) }
    },
  },

  updateApiResource: {
    async handle(call) {
      const resource = await mustFind(call)
      refuseSystemApi(resource)
      const { name, description, addedScopes = [], removedScopes = [] } = call.body
      const changed = {
        ...resource,
        name: name ?? resource.name,
        ...present({ description }),
        scopes: [
          ...resource.scopes.filter(scope => !removedScopes.includes(scope.name)),
          ...readScopes(addedScopes, call),
        ],
      }
      if (!(await updateApiResource(call.db, changed))) {
        throw apiResourceProblems.scopeTaken(call.tenant)
      }
      call.audit({
        action: 'UPDATE',
        targetType: 'API_RESOURCE',
        targetId: resource.id,
        details: { fields: Object.keys(call.body) },
      })
      return { status: 204 }
    },
  },

  deleteApiResource: {
    async handle(call) {
      const { db, tenant, params } = call
      const resource = await findApiResource(db, tenant.id, params.apiResourceId)
      if (resource) {
        refuseSystemApi(resource)
        await deleteApiResource(db, tenant.id, resource.id)
        call.audit({ action: 'DELETE', targetType: 'API_RESOURCE', targetId: resource.id, details: {} })
      }
      return { status: 204 }
    },
  },
}

async function mustFind({
  db,
  tenant,
  params,
}: Pick<Call<'getApiResource'>, 'db' | 'tenant' | 'params'>): Promise<ApiResource> {
  const resource = await findApiResource(db, tenant.id, params.apiResourceId)
  if (resource) return resource
  throw apiResourceProblems.notFound(params.apiResourceId)
}

function refuseSystemApi(resource: ApiResource): void {
  if (isSystemApi(resource)) throw apiResourceProblems.systemApi()
}

function readScopes(inputs: readonly ApiScopeInput[], { newId }: Pick<Call<'createApiResource'>, 'newId'>) {
  for (const { name } of inputs) {
    if (OIDC_SCOPES.includes(name)) throw apiResourceProblems.oidcScope()
    // Scopes of this form are rights to manage the tenant, so a business API must not have them.
    if (isServerScope(name)) throw apiResourceProblems.restrictedScope()
  }
  return inputs.map(scope => ({ id: newId(), ...scope }))
}

function summarize(resource: ApiResource, { prefix }: Mounted): ApiResourceSummary {
  const { id, name, identifier, requiresAuthorization } = resource
  return {
    id,
    name,
    identifier,
    type: isSystemApi(resource) ? 'SYSTEM' : 'BUSINESS',
    requiresAuthorization,
    self: `${prefix}${BASE}/${id}`,
  }
}

function show(resource: ApiResource, mounted: Mounted): ApiResourceView {
  const { description, scopes } = resource
  return {
    ...summarize(resource, mounted),
    ...present({ description }),
    scopes: scopes.map(scope => ({ ...scope, displayName: scope.displayName ?? scope.name })),
  }
}
