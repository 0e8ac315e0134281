import { isDeepStrictEqual } from 'node:util'
import { present } from '@preflow/contract'
import { decide, type Target } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { EVERY_PERMISSION, reachOfApplication } from '../../domain/access/reach.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import {
  authorizeApi,
  findApiResource,
  listApiResources,
  listAuthorizedApis,
  withdrawApi,
} from '../../ground/store/api-resources.ts'
import {
  deleteApplication,
  findApplicationById,
  insertApplication,
  listApplications,
  updateApplication,
} from '../../ground/store/applications.ts'
import type { ApiResource, Application, Tenant } from '../../ground/store/model.ts'
import { findUserById } from '../../ground/store/users.ts'
import { isSystemApi } from './api-resources.ts'
import { applicationProblems } from './application-problems.ts'
import { readRequestedClaims } from './applications-claims.ts'
import { checkClientAuthentication, readPublicKeys } from './applications-keys.ts'
import { readOidc, showOidc, withoutOidc } from './applications-oidc.ts'
import { readSequence, showSequence } from './applications-sequence.ts'
import { readFilter } from './filter.ts'
import type { Call, Handlers } from './handler.ts'
import {
  type ApplicationSummary,
  type ApplicationView,
  type AssociatedRolesInput,
  applicationInputSchema,
  applicationPatchSchema,
  oidcInputSchema,
  READ_ONLY_FIELDS,
} from './routes/applications.ts'
import { type KeptFields, keptOf, withKept } from './routes/kept-fields.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'

const BASE = `${MANAGEMENT_BASE_PATH}/applications`
const CLIENT_ID_BYTES = 15
const CLIENT_SECRET_BYTES = 32
const POLICIES = ['RBAC', 'NO POLICY']

type ApplicationRouteName =
  | 'createApplication'
  | 'listApplications'
  | 'getApplication'
  | 'updateApplication'
  | 'deleteApplication'
  | 'getOidcConfiguration'
  | 'replaceOidcConfiguration'
  | 'regenerateClientSecret'
  | 'authorizeApi'
  | 'listAuthorizedApis'
  | 'updateAuthorizedApi'
  | 'withdrawApi'

export const applicationHandlers: Handlers<ApplicationRouteName> = {
  createApplication: {
    async handle(call) {
      const { nowMs } = call
      const { inboundProtocolConfiguration, ...body } = call.body
      const oidc = inboundProtocolConfiguration?.oidc ?? { grantTypes: ['client_credentials'] }
      const isPublicClient = oidc.publicClient ?? false
      await refuseMistakableClientId(oidc.clientId, call)
      const signIn = body.authenticationSequence && (await readSequence(body.authenticationSequence, call))
      const application: Application = {
        id: call.newId(),
        tenantId: call.tenant.id,
        name: body.name,
        ...present({ description: body.description || undefined }),
        clientId: oidc.clientId ?? randomText(call, CLIENT_ID_BYTES),
        ...present({
          clientSecret: isPublicClient ? undefined : (oidc.clientSecret ?? randomText(call, CLIENT_SECRET_BYTES)),
        }),
        ...readOidc(oidc),
        keptOidc: limitKept(keptOf(oidcInputSchema, oidc)),
        kept: limitKept(keptOf(applicationInputSchema, body)),
        isEnabled: body.applicationEnabled ?? true,
        ...present({
          requestedClaims: readRequestedClaims(body.claimConfiguration),
          roleAudience: readRoleAudience(body.associatedRoles),
          publicKeys: readPublicKeys(body.advancedConfigurations?.certificate),
        }),
        skipsConsent: body.advancedConfigurations?.skipLoginConsent ?? false,
        skipsLogoutConsent: body.advancedConfigurations?.skipLogoutConsent ?? false,
        ...present({ signIn }),
        isSystem: false,
        createdAt: nowMs,
        updatedAt: nowMs,
      }
      checkClientAuthentication(application)
      if (!(await insertApplication(call.db, application))) throw applicationProblems.nameTaken(body.name)
      call.audit({ action: 'ADD', targetType: 'APPLICATION', targetId: application.id, details: {} })
      return { status: 201, location: `${call.prefix}${BASE}/${application.id}` }
    },
  },

  listApplications: {
    async handle(call) {
      const { limit = 30, offset = 0, filter, excludeSystemPortals } = call.query
      const matches = readFilter<Application>(
        filter,
        { name: ({ name }) => name, clientId: ({ clientId }) => clientId },
        'APP-60004',
      )
      const all = (await listApplications(call.db, call.tenant.id)).filter(
        application => matches(application) && !(application.isSystem && excludeSystemPortals === 'true'),
      )
      const page = all.slice(offset, offset + limit)
      const link = (rel: string, from: number) => {
        const query = new URLSearchParams({
          offset: String(from),
          limit: String(limit),
          ...present({ filter: filter || undefined }),
        })
        return { href: `${call.prefix}${BASE}?${query}`, rel }
      }
      return {
        status: 200,
        body: {
          totalResults: all.length,
          startIndex: offset + 1,
          count: page.length,
          applications: page.map(application => summarize(application, call)),
          links: [
            ...(offset + limit < all.length ? [link('next', offset + limit)] : []),
            ...(offset > 0 ? [link('previous', Math.max(0, offset - limit))] : []),
          ],
        },
      }
    },
  },

  getApplication: {
    async handle(call) {
      return { status: 200, body: show(await mustFind(call), call) }
    },
  },

  updateApplication: {
    async handle(call) {
      const application = await mustFind(call)
      const { body } = call
      refuseReadOnly(body as Record<string, unknown>, show(application, call))
      const { name, description, advancedConfigurations, associatedRoles, authenticationSequence, claimConfiguration } =
        body
      const isConfigured = [
        advancedConfigurations,
        authenticationSequence,
        claimConfiguration,
        associatedRoles,
        body.applicationEnabled,
      ].some(setting => setting !== undefined)
      await authorize(isConfigured ? 'application.configure' : 'application.describe', application, call)
      const {
        signIn: oldSignIn,
        requestedClaims: oldClaims,
        publicKeys: oldKeys,
        roleAudience: oldAudience,
        ...rest
      } = application
      const certificate = advancedConfigurations?.certificate
      const publicKeys = certificate ? readPublicKeys(certificate) : oldKeys
      const signIn = authenticationSequence ? await readSequence(authenticationSequence, call) : oldSignIn
      const requestedClaims = claimConfiguration ? readRequestedClaims(claimConfiguration) : oldClaims
      const roleAudience = associatedRoles ? readRoleAudience(associatedRoles) : oldAudience
      const changed: Application = {
        ...rest,
        ...present({ signIn, requestedClaims, publicKeys, roleAudience }),
        kept: limitKept({ ...application.kept, ...keptOf(applicationPatchSchema, body) }),
        isEnabled: body.applicationEnabled ?? application.isEnabled ?? true,
        name: name ?? application.name,
        ...present({ description }),
        skipsConsent: advancedConfigurations?.skipLoginConsent ?? application.skipsConsent,
        skipsLogoutConsent: advancedConfigurations?.skipLogoutConsent ?? application.skipsLogoutConsent ?? false,
        updatedAt: call.nowMs,
      }
      checkClientAuthentication(changed)
      if (!(await updateApplication(call.db, changed))) throw applicationProblems.nameTaken(changed.name)
      audit(call, 'UPDATE', { fields: Object.keys(body) })
      return { status: 200 }
    },
  },

  deleteApplication: {
    async handle(call) {
      const { db, params, tenant } = call
      const application = await findApplicationById(db, tenant.id, params.applicationId)
      if (!application) return { status: 204 }
      await authorize('application.delete', application, call)
      if (await deleteApplication(db, tenant.id, application.id)) audit(call, 'DELETE')
      return { status: 204 }
    },
  },

  getOidcConfiguration: {
    async handle(call) {
      const application = await mustFind(call)
      const { allowed } = await decideFor('application.read-secret', application, call)
      const { clientSecret, ...shown } = application
      if (allowed && clientSecret !== undefined) {
        noteEvent('client_secret.viewed', { clientId: application.clientId, targetId: application.id })
      }
      return { status: 200, body: showOidc(allowed ? application : shown) }
    },
  },

  replaceOidcConfiguration: {
    async handle(call) {
      const found = await mustFind(call)
      await authorize('application.configure', found, call)
      const { clientSecret: oldSecret, ...application } = withoutOidc(found)
      const { clientId, clientSecret } = call.body
      if (clientId !== undefined && clientId !== application.clientId) {
        throw requestProblems.invalid('clientId: cannot be changed. Leave it out, or create another application.')
      }
      if (clientSecret !== undefined && clientSecret !== oldSecret) {
        throw requestProblems.invalid('clientSecret: cannot be chosen here. Leave it out, or use regenerate-secret.')
      }
      const settings = readOidc(call.body)
      checkClientAuthentication({ ...application, ...settings })
      await updateApplication(call.db, {
        ...application,
        ...settings,
        keptOidc: limitKept(keptOf(oidcInputSchema, call.body)),
        ...present({
          clientSecret: settings.isPublicClient ? undefined : (oldSecret ?? randomText(call, CLIENT_SECRET_BYTES)),
        }),
        updatedAt: call.nowMs,
      })
      audit(call, 'UPDATE', { fields: Object.keys(call.body).map(field => `oidc.${field}`) })
      return { status: 200 }
    },
  },

  regenerateClientSecret: {
    async handle(call) {
      const application = await mustFind(call)
      await authorize('application.make-secret', application, call)
      if (application.isPublicClient) throw requestProblems.invalid('A public client has no secret.')
      const changed = {
        ...application,
        clientSecret: randomText(call, CLIENT_SECRET_BYTES),
        updatedAt: call.nowMs,
      }
      await updateApplication(call.db, changed)
      audit(call, 'REGENERATE_SECRET')
      return { status: 200, body: showOidc(changed) }
    },
  },

  authorizeApi: {
    async handle(call) {
      const { db, tenant, params, body } = call
      await mustFind(call)
      const resource = await findAuthorizable(call, body.id)
      const policy = body.policyIdentifier ?? 'RBAC'
      if (!POLICIES.includes(policy.toUpperCase())) {
        throw applicationProblems.unknownPolicy()
      }
      const authorized = await listAuthorizedApis(db, tenant.id, params.applicationId)
      if (authorized.some(({ resourceId }) => resourceId === resource.id)) {
        throw applicationProblems.alreadyAuthorized(resource.id, params.applicationId)
      }
      const scopes = body.scopes ?? []
      checkScopes(scopes, resource, tenant)
      await authorizeApi(db, tenant.id, params.applicationId, {
        resourceId: resource.id,
        policy: policy.toUpperCase(),
        scopes,
      })
      audit(call, 'AUTHORIZE_API', { apiResource: resource.id, scopes })
      return { status: 200 }
    },
  },

  listAuthorizedApis: {
    async handle(call) {
      const { db, tenant, params } = call
      await mustFind(call)
      const resources = new Map((await listApiResources(db, tenant.id)).map(resource => [resource.id, resource]))
      const apis = await listAuthorizedApis(db, tenant.id, params.applicationId)
      return {
        status: 200,
        body: apis.flatMap(({ resourceId, policy, scopes }) => {
          const resource = resources.get(resourceId)
          if (!resource) return []
          return [
            {
              id: resource.id,
              identifier: resource.identifier,
              displayName: resource.name,
              policyId: policy,
              type: isSystemApi(resource) ? 'SYSTEM' : 'BUSINESS',
              authorizedScopes: resource.scopes
                .filter(({ name }) => scopes.includes(name))
                .map(({ id, name, displayName }) => ({ id, name, displayName: displayName ?? name })),
            },
          ]
        }),
      }
    },
  },

  updateAuthorizedApi: {
    async handle(call) {
      const { db, tenant, params, body } = call
      await mustFind(call)
      const apis = await listAuthorizedApis(db, tenant.id, params.applicationId)
      const api = apis.find(({ resourceId }) => resourceId === params.apiId)
      if (!api) throw applicationProblems.notAuthorized(params)
      const resource = await findAuthorizable(call, params.apiId)
      const { addedScopes = [], removedScopes = [] } = body
      checkScopes(addedScopes, resource, tenant)
      const scopes = [...new Set([...api.scopes, ...addedScopes])].filter(scope => !removedScopes.includes(scope))
      await authorizeApi(db, tenant.id, params.applicationId, { ...api, scopes })
      audit(call, 'AUTHORIZE_API', { apiResource: params.apiId, addedScopes, removedScopes })
      return { status: 200 }
    },
  },

  withdrawApi: {
    async handle(call) {
      const { db, tenant, params } = call
      await mustFind(call)
      if (!(await withdrawApi(db, tenant.id, params.applicationId, params.apiId)))
        throw applicationProblems.notAuthorized(params)
      audit(call, 'WITHDRAW_API', { apiResource: params.apiId })
      return { status: 204 }
    },
  },
}

/** A tool may send back what it read. Changes of the server's own members are refused. */
function refuseReadOnly(body: Record<string, unknown>, shown: ApplicationView): void {
  for (const name of READ_ONLY_FIELDS) {
    if (body[name] === undefined || isDeepStrictEqual(body[name], shown[name])) continue
    throw requestProblems.invalid(`${name}: cannot be changed. Leave it out, or send it unchanged.`)
  }
}

const MAX_KEPT_BYTES = 16_384

function limitKept(fields: KeptFields): KeptFields {
  if (Buffer.byteLength(JSON.stringify(fields)) <= MAX_KEPT_BYTES) return fields
  throw requestProblems.invalid(
    `Fields that are only stored may have at most ${MAX_KEPT_BYTES} bytes together. Shorten them.`,
  )
}

type OneApplicationCall = Pick<Call<'getApplication'>, 'db' | 'tenant' | 'params'>

async function mustFind({ db, tenant, params }: OneApplicationCall): Promise<Application> {
  const application = await findApplicationById(db, tenant.id, params.applicationId)
  if (application) return application
  throw applicationProblems.notFound(params.applicationId, tenant)
}

/** Absent: roles of the organization. */
function readRoleAudience({ allowedAudience }: AssociatedRolesInput = {}): Application['roleAudience'] {
  return allowedAudience?.toLowerCase() === 'application' ? 'application' : undefined
}

function audit(
  call: Pick<Call<'getApplication'>, 'audit' | 'params'>,
  action: string,
  details: Record<string, unknown> = {},
): void {
  call.audit({ action, targetType: 'APPLICATION', targetId: call.params.applicationId, details })
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The subject of a token is a user or a client, so a chosen client id must not look like a user's (RFC 9700, 4.15). */
async function refuseMistakableClientId(
  clientId: string | undefined,
  { db, tenant }: Pick<Call<'createApplication'>, 'db' | 'tenant'>,
): Promise<void> {
  if (clientId === undefined) return
  if (!UUID.test(clientId) && !(await findUserById(db, tenant.id, clientId))) return
  throw requestProblems.invalid('clientId: has the form of a user id. Choose another, or leave it out.')
}

type AuthorizedCall = Pick<Call<'getApplication'>, 'db' | 'caller' | 'organization' | 'authorize'>

/** Throws a 403 unless the caller may do this. Some operations also require every permission that the application can obtain. */
async function authorize(operation: OperationName, application: Application, call: AuthorizedCall): Promise<void> {
  call.authorize(operation, await targetOf(application, call))
}

async function decideFor(operation: OperationName, application: Application, call: AuthorizedCall) {
  return decide(call.caller, operation, call.organization, await targetOf(application, call))
}

async function targetOf(application: Application, { db }: AuthorizedCall): Promise<Target> {
  return { reach: await reachOfApplication(db, application), isSystem: application.isSystem }
}

/** Only callers with all rights to manage the tenant can grant such rights. Otherwise a tool could give itself more. */
async function findAuthorizable(
  { db, tenant, caller, organization }: Pick<Call<'authorizeApi'>, 'db' | 'tenant' | 'caller' | 'organization'>,
  id: string,
): Promise<ApiResource> {
  const resource = await findApiResource(db, tenant.id, id)
  if (!resource) throw applicationProblems.noSuchApi(id, tenant)
  const target = isSystemApi(resource) ? { reach: EVERY_PERMISSION } : {}
  if (!decide(caller, 'application.authorize-api', organization, target).allowed) {
    throw applicationProblems.notPermitted()
  }
  return resource
}

function checkScopes(scopes: readonly string[], resource: ApiResource, tenant: Tenant): void {
  if (scopes.every(scope => resource.scopes.some(({ name }) => name === scope))) return
  throw applicationProblems.noSuchScope(resource, tenant)
}

function randomText({ randomBytes }: Pick<Call<'createApplication'>, 'randomBytes'>, bytes: number): string {
  return Buffer.from(randomBytes(bytes)).toString('base64url')
}

function summarize(application: Application, { prefix }: Mounted): ApplicationSummary {
  const { id, name, description, clientId, isSystem } = application
  return {
    id,
    name,
    ...present({ description }),
    clientId,
    access: isSystem ? 'READ' : 'WRITE',
    self: `${prefix}${BASE}/${id}`,
  }
}

function show(application: Application, mounted: Mounted): ApplicationView {
  const { self, ...summary } = summarize(application, mounted)
  const view: ApplicationView = {
    ...summary,
    applicationEnabled: application.isEnabled ?? true,
    inboundProtocols: [{ type: 'oauth2', name: application.clientId, self: `${self}/inbound-protocols/oidc` }],
    advancedConfigurations: {
      skipLoginConsent: application.skipsConsent,
      skipLogoutConsent: application.skipsLogoutConsent ?? false,
    },
    authenticationSequence: showSequence(application),
  }
  return withKept(view, application.kept)
}
