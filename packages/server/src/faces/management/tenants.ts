import { localClaimUri, present } from '@preflow/contract'
import { createTenant } from '../../domain/tenants/create-tenant.ts'
import { documentOf } from '../../ground/claims/document-claims.ts'
import { instant, type Mounted } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant } from '../../ground/store/model.ts'
import { addOrganization, findOrganizationById, listOrganizations } from '../../ground/store/organizations.ts'
import { findTenantById, listTenants } from '../../ground/store/tenants.ts'
import { insertUser, listAdministrators } from '../../ground/store/users.ts'
import type { Call, Handlers } from './handler.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'
import type { OrganizationSummary, OrganizationView, TenantOwnerInput, TenantView } from './routes/tenants.ts'
import { tenantProblems } from './tenant-problems.ts'

const BASE = MANAGEMENT_BASE_PATH

type TenantRouteName =
  | 'createTenant'
  | 'listTenants'
  | 'getTenant'
  | 'createOrganization'
  | 'listOrganizations'
  | 'getOrganization'

export const tenantHandlers: Handlers<TenantRouteName> = {
  createTenant: {
    async handle(call) {
      const { domain, name, owners = [] } = call.body
      const tenant = await createTenant(call.db, { domain, ...present({ name }) }, call)
      if (!tenant) throw tenantProblems.domainTaken(domain)
      for (const owner of owners) await keepOwner(owner, tenant, call)
      call.audit({ action: 'ADD', targetType: 'TENANT', targetId: tenant.id, details: { domain } })
      return { status: 201, location: `${call.prefix}${BASE}/tenants/${tenant.id}` }
    },
  },

  listTenants: {
    async handle({ db }) {
      const tenants = await Promise.all((await listTenants(db)).map(tenant => showTenant(tenant, db)))
      return {
        status: 200,
        body: { totalResults: tenants.length, startIndex: 1, count: tenants.length, tenants, links: [] },
      }
    },
  },

  getTenant: {
    async handle({ db, params }) {
      const tenant = await findTenantById(db, params.tenantId)
      if (!tenant) throw tenantProblems.noSuchTenant(params.tenantId)
      return { status: 200, body: await showTenant(tenant, db) }
    },
  },

  createOrganization: {
    async handle(call) {
      const { db, tenant, body } = call
      const parent =
        body.parentId === undefined ? call.organization : await findOrganizationById(db, tenant.id, body.parentId)
      if (!parent)
        throw requestProblems.invalid(`parentId: no organization of this tenant has the id ${body.parentId}.`)
      const id = call.newId()
      const organization: Organization = {
        id,
        tenantId: tenant.id,
        parentId: parent.id,
        name: body.name,
        handle: body.orgHandle ?? id,
        depth: parent.depth + 1,
        createdAt: call.nowMs,
      }
      if (!(await addOrganization(db, organization))) throw tenantProblems.handleTaken(organization.handle)
      call.audit({ action: 'ADD', targetType: 'ORGANIZATION', targetId: id, details: { parent: parent.id } })
      return {
        status: 201,
        body: showOrganization(organization, call),
        location: `${call.prefix}${BASE}/organizations/${id}`,
      }
    },
  },

  listOrganizations: {
    async handle(call) {
      const below = (await listOrganizations(call.db, call.tenant.id)).filter(({ depth }) => depth > 0)
      return { status: 200, body: { organizations: below.map(organization => summarize(organization, call)) } }
    },
  },

  getOrganization: {
    async handle(call) {
      const organization = await findOrganizationById(call.db, call.tenant.id, call.params.organizationId)
      if (!organization) throw tenantProblems.noSuchOrganization(call.params.organizationId)
      return { status: 200, body: showOrganization(organization, call) }
    },
  },
}

/** Owners are administrators of their tenant. Without a password they cannot sign in until one is set. */
async function keepOwner(owner: TenantOwnerInput, tenant: Tenant, call: Call<'createTenant'>): Promise<void> {
  const { password, username: userName } = owner
  const broken =
    password === undefined ? undefined : await call.passwordRules.findBroken(password, { userName, isManager: true })
  if (broken !== undefined) throw requestProblems.invalid(`owners: ${userName}: ${broken}`)
  const claims = { emailaddress: owner.email, givenname: owner.firstname, lastname: owner.lastname }
  const isKept = await insertUser(
    call.db,
    {
      id: call.newId(),
      tenantId: tenant.id,
      organizationId: tenant.rootOrganizationId,
      userName,
      document: documentOf(
        Object.fromEntries(
          Object.entries(claims).flatMap(([name, value]) => (value ? [[localClaimUri(name), value]] : [])),
        ),
      ),
      groups: [],
      roles: [],
      isActive: true,
      isAdministrator: true,
      createdAt: call.nowMs,
      updatedAt: call.nowMs,
    },
    password,
  )
  if (!isKept) throw requestProblems.invalid(`owners: ${userName} is listed twice.`)
}

async function showTenant({ id, domain, rootOrganizationId }: Tenant, db: Database): Promise<TenantView> {
  const root = await findOrganizationById(db, id, rootOrganizationId)
  const owners = await listAdministrators(db, id)
  return {
    id,
    name: root?.name ?? domain,
    domain,
    owners: owners.map(user => ({ id: user.id, username: user.userName })),
    lifecycleStatus: { activated: true },
  }
}

function commonOf({ id, name, handle }: Organization) {
  return { id, name, orgHandle: handle, status: 'ACTIVE' as const, version: 'v1.0.0' }
}

function summarize(organization: Organization, { prefix }: Mounted): OrganizationSummary {
  return { ...commonOf(organization), ref: `${prefix}${BASE}/organizations/${organization.id}` }
}

function showOrganization(organization: Organization, { prefix }: Mounted): OrganizationView {
  const { createdAt = 0, depth, parentId } = organization
  return {
    ...commonOf(organization),
    created: instant(createdAt),
    lastModified: instant(createdAt),
    type: 'TENANT',
    depth,
    ...present({
      parent: parentId === undefined ? undefined : { id: parentId, ref: `${prefix}${BASE}/organizations/${parentId}` },
    }),
  }
}
