import { present } from '@preflow/contract'
import { decide, type Target } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { EVERY_PERMISSION, reachOfApplication } from '../../domain/access/reach.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
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
import { readSequence, showSequence } from './applications-sequence.ts'
import { readFilter } from './filter.ts'
import type { Call, Handlers } from './handler.ts'
import type { ApplicationSummary, ApplicationView, OidcInput, OidcView } from './routes/applications.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'

const BASE = `${MANAGEMENT_BASE_PATH}/applications`
const CLIENT_ID_BYTES = 15
const CLIENT_SECRET_BYTES = 32
const POLICIES = ['RBAC', 'NO POLICY']
const HYBRID_RESPONSE_TYPES = ['code token', 'code id_token', 'code id_token token']
/** Grants whose answers go to a callback URL. */
const REDIRECTING_GRANTS = ['authorization_code', 'implicit']

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
      const { body, nowMs } = call
      const oidc = body.inboundProtocolConfiguration?.oidc ?? { grantTypes: ['client_credentials'] }
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
        skipsConsent: body.advancedConfigurations?.skipLoginConsent ?? false,
        skipsLogoutConsent: body.advancedConfigurations?.skipLogoutConsent ?? false,
        ...present({ signIn }),
        isSystem: false,
        createdAt: nowMs,
        updatedAt: nowMs,
      }
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
      const { name, description, advancedConfigurations, authenticationSequence } = call.body
      const isConfigured = advancedConfigurations !== undefined || authenticationSequence !== undefined
      await authorize(isConfigured ? 'application.configure' : 'application.describe', application, call)
      const { signIn: oldSignIn, ...rest } = application
      const signIn = authenticationSequence ? await readSequence(authenticationSequence, call) : oldSignIn
      const changed: Application = {
        ...rest,
        ...present({ signIn }),
        name: name ?? application.name,
        ...present({ description }),
        skipsConsent: advancedConfigurations?.skipLoginConsent ?? application.skipsConsent,
        skipsLogoutConsent: advancedConfigurations?.skipLogoutConsent ?? application.skipsLogoutConsent ?? false,
        updatedAt: call.nowMs,
      }
      if (!(await updateApplication(call.db, changed))) throw applicationProblems.nameTaken(changed.name)
      audit(call, 'UPDATE', { fields: Object.keys(call.body) })
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
      const { clientSecret: _, ...shown } = application
      return { status: 200, body: showOidc(allowed ? application : shown) }
    },
  },

  replaceOidcConfiguration: {
    async handle(call) {
      const found = await mustFind(call)
      await authorize('application.configure', found, call)
      const { clientSecret: oldSecret, hybridResponseTypes: _, idTokenAlgorithm: __, ...application } = found
      const { clientId, clientSecret } = call.body
      if (clientId !== undefined && clientId !== application.clientId) {
        throw requestProblems.invalid('clientId: cannot be changed. Leave it out, or create another application.')
      }
      if (clientSecret !== undefined && clientSecret !== oldSecret) {
        throw requestProblems.invalid('clientSecret: cannot be chosen here. Leave it out, or use regenerate-secret.')
      }
      const settings = readOidc(call.body)
      await updateApplication(call.db, {
        ...application,
        ...settings,
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

type OneApplicationCall = Pick<Call<'getApplication'>, 'db' | 'tenant' | 'params'>

async function mustFind({ db, tenant, params }: OneApplicationCall): Promise<Application> {
  const application = await findApplicationById(db, tenant.id, params.applicationId)
  if (application) return application
  throw applicationProblems.notFound(params.applicationId, tenant)
}

function audit(
  call: Pick<Call<'getApplication'>, 'audit' | 'params'>,
  action: string,
  details: Record<string, unknown> = {},
): void {
  call.audit({ action, targetType: 'APPLICATION', targetId: call.params.applicationId, details })
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The subject of a token is a user or a client: a chosen client id must not be mistakable for a user (RFC 9700, 4.15). */
async function refuseMistakableClientId(
  clientId: string | undefined,
  { db, tenant }: Pick<Call<'createApplication'>, 'db' | 'tenant'>,
): Promise<void> {
  if (clientId === undefined) return
  if (!UUID.test(clientId) && !(await findUserById(db, tenant.id, clientId))) return
  throw requestProblems.invalid('clientId: looks like the id of a user. Choose another, or leave it out.')
}

type AuthorizedCall = Pick<Call<'getApplication'>, 'db' | 'caller' | 'organization' | 'authorize'>

/** Throws a 403 unless the caller may do this, and has every permission that the application can obtain where that counts. */
async function authorize(operation: OperationName, application: Application, call: AuthorizedCall): Promise<void> {
  call.authorize(operation, await targetOf(application, call))
}

async function decideFor(operation: OperationName, application: Application, call: AuthorizedCall) {
  return decide(call.caller, operation, call.organization, await targetOf(application, call))
}

async function targetOf(application: Application, { db }: AuthorizedCall): Promise<Target> {
  return { reach: await reachOfApplication(db, application), isSystem: application.isSystem }
}

/** Rights to manage the tenant itself are given by callers who have all of them: a tool could give itself more otherwise. */
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

/** The application's settings out of the body, with the reference's defaults for what is left out. */
function readOidc(oidc: OidcInput) {
  const isPublicClient = oidc.publicClient ?? false
  const callbackUrls = (oidc.callbackURLs ?? []).flatMap(readCallbackUrl)
  const hybridResponseTypes = readHybridResponseTypes(oidc.hybridFlow)
  if (isPublicClient && oidc.grantTypes.includes('client_credentials')) {
    throw requestProblems.invalid(
      'grantTypes: a public client cannot use client_credentials, because anybody could. Give it a secret, or leave the grant out.',
    )
  }
  const needsCallback = oidc.grantTypes.some(grant => REDIRECTING_GRANTS.includes(grant))
  if (needsCallback && callbackUrls.length === 0) {
    throw requestProblems.invalid(`callbackURLs: name at least one; ${REDIRECTING_GRANTS.join(' and ')} need it.`)
  }
  return {
    isPublicClient,
    mustUsePkce: oidc.pkce?.mandatory ?? isPublicClient,
    grantTypes: [...new Set(oidc.grantTypes)],
    callbackUrls,
    ...present({ hybridResponseTypes: hybridResponseTypes.length > 0 ? hybridResponseTypes : undefined }),
    allowedOrigins: (oidc.allowedOrigins ?? []).map(readOrigin),
    accessTokenType: (oidc.accessToken?.type ?? 'JWT') as Application['accessTokenType'],
    userTokenLifetimeSeconds: oidc.accessToken?.userAccessTokenExpiryInSeconds ?? 3600,
    applicationTokenLifetimeSeconds: oidc.accessToken?.applicationAccessTokenExpiryInSeconds ?? 3600,
    accessTokenClaims: oidc.accessToken?.accessTokenAttributes ?? [],
    refreshTokenLifetimeSeconds: oidc.refreshToken?.expiryInSeconds ?? 86_400,
    renewsRefreshToken: oidc.refreshToken?.renewRefreshToken ?? true,
    idTokenLifetimeSeconds: oidc.idToken?.expiryInSeconds ?? 3600,
    audiences: oidc.idToken?.audience ?? [],
    ...present({ idTokenAlgorithm: readAlgorithm(oidc.idToken?.idTokenSignedResponseAlg) }),
  } satisfies Partial<Application>
}

function readAlgorithm(given: NonNullable<OidcInput['idToken']>['idTokenSignedResponseAlg']) {
  return given === 'SHA256withRSA' ? 'RS256' : given
}

/** RFC 8252: tokens reach https pages, programs on the same machine, and schemes that belong to a domain. Nothing else. */
function isCallbackUrl(url: string): boolean {
  const parsed = URL.parse(url)
  if (parsed?.hash !== '' || /[#*]/.test(url) || parsed.username !== '' || parsed.password !== '') return false
  if (parsed.protocol === 'https:') return true
  if (parsed.protocol === 'http:') return isLoopback(parsed.hostname)
  return /^[a-z][a-z0-9+-]*\.[a-z0-9+.-]+:$/.test(parsed.protocol)
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/** The reference takes several URLs as one regular expression of alternatives; other expressions would be guessed at. */
function readCallbackUrl(given: string): string[] {
  const alternatives = /^regexp=\(?([^()]*)\)?$/.exec(given)?.[1]?.split('|') ?? [given]
  for (const url of alternatives) {
    if (!isCallbackUrl(url)) {
      throw requestProblems.invalid(
        'callbackURLs: each must be an absolute URL without fragment, user name and wildcard: https, http on this machine (127.0.0.1, localhost), or the scheme of a native application with a dot (com.example.app:/callback); or regexp=(url|url).',
      )
    }
  }
  return alternatives
}

function readOrigin(given: string): string {
  const origin = URL.parse(given)?.origin
  if (origin === undefined || origin === 'null' || origin !== given.replace(/\/$/, '')) {
    throw requestProblems.invalid('allowedOrigins: each must be an origin, for example https://app.example.com.')
  }
  return origin
}

function readHybridResponseTypes(hybrid: OidcInput['hybridFlow']): string[] {
  if (!hybrid?.enable) return []
  const types = (hybrid.responseType ?? '').split(',').map(type => type.trim())
  if (types.every(type => HYBRID_RESPONSE_TYPES.includes(type))) return types
  throw applicationProblems.wrongHybridResponseType()
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
  return {
    ...summary,
    applicationEnabled: true,
    inboundProtocols: [{ type: 'oauth2', name: application.clientId, self: `${self}/inbound-protocols/oidc` }],
    advancedConfigurations: {
      skipLoginConsent: application.skipsConsent,
      skipLogoutConsent: application.skipsLogoutConsent ?? false,
    },
    authenticationSequence: showSequence(application),
  }
}

function showOidc(application: Application): OidcView {
  const { hybridResponseTypes = [] } = application
  return {
    clientId: application.clientId,
    ...present({ clientSecret: application.clientSecret }),
    state: 'ACTIVE',
    grantTypes: application.grantTypes,
    callbackURLs: application.callbackUrls,
    allowedOrigins: application.allowedOrigins,
    publicClient: application.isPublicClient,
    pkce: { mandatory: application.mustUsePkce, supportPlainTransformAlgorithm: false },
    hybridFlow: {
      enable: hybridResponseTypes.length > 0,
      ...present({ responseType: hybridResponseTypes.length > 0 ? hybridResponseTypes.join(',') : undefined }),
    },
    accessToken: {
      type: application.accessTokenType,
      userAccessTokenExpiryInSeconds: application.userTokenLifetimeSeconds,
      applicationAccessTokenExpiryInSeconds: application.applicationTokenLifetimeSeconds,
      accessTokenAttributes: application.accessTokenClaims,
    },
    refreshToken: {
      expiryInSeconds: application.refreshTokenLifetimeSeconds,
      renewRefreshToken: application.renewsRefreshToken,
    },
    idToken: {
      expiryInSeconds: application.idTokenLifetimeSeconds,
      audience: application.audiences,
      ...present({ idTokenSignedResponseAlg: application.idTokenAlgorithm }),
    },
  }
}
