import {
  type ActionTypeDescriptor,
  actionTypes,
  ENDPOINT_AUTHENTICATION_PROPERTIES,
  present,
  unimplementedActionTypes,
} from '@preflow/contract'
import type { Target } from '../../domain/access/decide.ts'
import { reachOfAction } from '../../domain/access/reach.ts'
import { instant, type Mounted } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import {
  countActions,
  deleteAction,
  findActionById,
  insertAction,
  listActions,
  setActionStatus,
  updateAction,
} from '../../ground/store/actions.ts'
import type { Action } from '../../ground/store/model.ts'
import { actionProblems } from './action-problems.ts'
import { checkAction, readAuthentication, readRule, SPECIAL_MEMBERS } from './check-action.ts'
import type { Answer, Call, Handlers } from './handler.ts'
import type {
  ActionInput,
  ActionPatch,
  ActionSummary,
  ActionView,
  EndpointPatch,
  EndpointView,
  SigningInput,
} from './routes/actions.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'

const BASE = `${MANAGEMENT_BASE_PATH}/actions`
const SIGNING_SECRET_BYTES = 32
const MAX_SIGNING_SECRETS = 2

const descriptors = Object.values(actionTypes) as unknown as readonly ActionTypeDescriptor[]

type ActionRouteName =
  | 'listActionTypes'
  | 'createAction'
  | 'listActions'
  | 'getAction'
  | 'updateAction'
  | 'deleteAction'
  | 'activateAction'
  | 'deactivateAction'

/** @param maximum Maximum number of actions per organization and type. */
export function actionHandlers(maximum: number): Handlers<ActionRouteName> {
  const admit = (params: { actionType: string }, mounted: Mounted) => void typeOf(params, mounted)
  const refuseMalformed = actionProblems.malformedBody

  return {
    listActionTypes: {
      async handle({ db, tenant, organization, prefix }) {
        const counts = await countActions(db, tenant.id, organization.id)
        return {
          status: 200,
          body: descriptors
            .filter(
              descriptor =>
                descriptor.category === 'PRE_POST' &&
                (organization.depth === 0 || descriptor.mayBeConfiguredByOrganization),
            )
            .map(({ type, path, displayName, description }) => ({
              type,
              displayName,
              description,
              count: counts[type] ?? 0,
              self: `${prefix}${BASE}/${path}`,
            })),
        }
      },
    },

    createAction: {
      admit,
      refuseMalformed,
      handle: call => createAction(call, maximum),
    },

    listActions: {
      admit,
      async handle(call) {
        const { db, tenant, organization } = call
        const actions = await listActions(db, tenant.id, organization.id, typeOf(call.params, call).type)
        return { status: 200, body: actions.map(action => summarize(action, call)) }
      },
    },

    getAction: {
      admit,
      async handle(call) {
        const action = await find(call)
        if (!action) throw actionProblems.notFound()
        return { status: 200, body: show(action) }
      },
    },

    updateAction: {
      admit,
      refuseMalformed,
      handle: changeAction,
    },

    deleteAction: {
      admit,
      async handle(call) {
        const action = await find(call)
        if (action) {
          call.authorize('action.delete', targetOf(action, call))
          await deleteAction(call.db, call.tenant.id, action.id)
          call.audit({ action: 'DELETE', targetType: 'ACTION', targetId: action.id, details: { type: action.type } })
        }
        return { status: 204 }
      },
    },

    activateAction: { admit, handle: call => switchTo('ACTIVE', 'ACTIVATE', call) },
    deactivateAction: { admit, handle: call => switchTo('INACTIVE', 'DEACTIVATE', call) },
  }
}

async function createAction(call: Call<'createAction'>, maximum: number): Promise<Answer<'createAction'>> {
  const descriptor = typeOf(call.params, call)
  const { action, generatedSecret } = newAction(call, descriptor)
  checkAction(action)
  call.authorize('action.create', targetOf(action, call))
  if (!(await insertAction(call.db, action, maximum))) throw actionProblems.maximumReached()
  call.audit({ action: 'ADD', targetType: 'ACTION', targetId: action.id, details: { type: action.type } })
  return {
    status: 201,
    body: show(action, generatedSecret),
    // Without the type, as in the reference. Clients read the id after the last slash.
    location: `${call.prefix}${BASE}/${action.id}`,
  }
}

async function changeAction(call: Call<'updateAction'>): Promise<Answer<'updateAction'>> {
  const descriptor = typeOf(call.params, call)
  checkSupported(call.body, descriptor)
  const given = call.body.endpoint?.authentication
  const authentication = given ? readAuthentication(given) : undefined
  const rule = call.body.rule ? { rule: readRule(call.body.rule, descriptor) } : undefined
  checkAttributesSupported(call.body, descriptor)
  const action = await find(call)
  if (!action) throw actionProblems.noSuchAction()
  call.authorize('action.update', targetOf(action, call))

  const { version } = call.body
  if (version != null && version !== descriptor.latestVersion) {
    throw actionProblems.notLatestVersion(descriptor.latestVersion)
  }
  const { secrets, generatedSecret } = changeSigning(
    keptSigningSecrets(action.endpoint, call.body.endpoint?.uri),
    call.body.endpoint?.signing,
    call,
  )
  const changed = withPatch(action, call.body, {
    ...present({ authentication }),
    signingSecrets: secrets,
    ...rule,
  })
  changed.updatedAt = call.nowMs
  checkAction(changed)
  mustBringCredentials(action.endpoint, call.body.endpoint)
  await updateAction(call.db, changed)
  call.audit({
    action: 'UPDATE',
    targetType: 'ACTION',
    targetId: action.id,
    details: { type: action.type, fields: changedFields(call.body) },
  })
  return { status: 200, body: show(changed, generatedSecret) }
}

/** The action type in a path. Throws the first three problems of the reference's order. */
export function typeOf({ actionType }: { actionType: string }, { organization }: Mounted): ActionTypeDescriptor {
  if (unimplementedActionTypes.some(({ path }) => path === actionType)) throw actionProblems.typeNotImplemented()
  const descriptor = descriptors.find(({ path, category }) => path === actionType && category === 'PRE_POST')
  if (!descriptor) throw actionProblems.invalidType()
  if (organization.depth > 0 && !descriptor.mayBeConfiguredByOrganization) {
    throw actionProblems.notForOrganizations(descriptor.type)
  }
  return descriptor
}

/** Finds the action of the path, if its type and organization match. */
async function find(call: Pick<Call<'getAction'>, 'db' | 'tenant' | 'organization' | 'origin' | 'prefix' | 'params'>) {
  const { db, tenant, organization, params } = call
  const action = await findActionById(db, tenant.id, params.actionId)
  const isMeant = action?.type === typeOf(params, call).type && action.organizationId === organization.id
  return isMeant ? action : undefined
}

/** The permissions that the extension of an action can obtain. */
function targetOf({ type }: Pick<Action, 'type'>, { organization }: Mounted): Target {
  return { reach: reachOfAction({ type }, organization) }
}

/**
 * Credentials of an endpoint are only for its origin. If the endpoint moves to another origin, the same request must contain them
 * again.
 */
export function mustBringCredentials(
  { uri, authentication }: Action['endpoint'],
  patch: EndpointPatch | null | undefined,
): void {
  const isMoved = patch?.uri != null && URL.parse(patch.uri)?.origin !== URL.parse(uri)?.origin
  if (!isMoved || authentication.type === 'NONE' || patch?.authentication) return
  throw requestProblems.invalid(
    'endpoint.uri: has another origin. Also send endpoint.authentication with its credentials, so that no credentials reach a host they are not for.',
  )
}

/** Signing secrets are dropped if the endpoint moves to another origin, like every credential. */
export function keptSigningSecrets(
  { uri, signingSecrets }: Action['endpoint'],
  wanted: string | null | undefined,
): string[] {
  const isMoved = wanted != null && URL.parse(wanted)?.origin !== URL.parse(uri)?.origin
  return isMoved ? [] : signingSecrets
}

async function switchTo(
  status: Action['status'],
  verb: string,
  call: Omit<Call<'activateAction'>, 'body' | 'query'>,
): Promise<{ status: 200; body: ActionSummary }> {
  const action = await find(call)
  if (!action) throw actionProblems.noSuchAction()
  call.authorize('action.update', targetOf(action, call))
  await setActionStatus(call.db, call.tenant.id, action.id, status)
  call.audit({ action: verb, targetType: 'ACTION', targetId: action.id, details: { type: action.type } })
  return { status: 200, body: summarize({ ...action, status, updatedAt: call.nowMs }, call) }
}

function newAction(
  call: Call<'createAction'>,
  descriptor: ActionTypeDescriptor,
): { action: Action; generatedSecret?: string } {
  const { body, nowMs, tenant, organization } = call
  for (const member of SPECIAL_MEMBERS[descriptor.type] ?? []) {
    if (!body[member]) throw requestProblems.invalid(`Property ${member} cannot be null.`)
  }
  checkSupported(body, descriptor)
  const authentication = readAuthentication(body.endpoint.authentication)
  const rule = body.rule ? readRule(body.rule, descriptor) : undefined
  checkAttributesSupported(body, descriptor)
  const { secrets, generatedSecret } = changeSigning([], body.endpoint.signing, call)
  const { passwordSharing, platform } = body
  const action: Action = {
    id: call.newId(),
    tenantId: tenant.id,
    organizationId: organization.id,
    type: descriptor.type,
    name: body.name,
    ...present({ description: body.description || undefined }),
    status: 'INACTIVE',
    version: descriptor.latestVersion,
    endpoint: {
      uri: body.endpoint.uri,
      authentication,
      allowedHeaders: body.endpoint.allowedHeaders ?? [],
      allowedParameters: body.endpoint.allowedParameters ?? [],
      signingSecrets: secrets,
    },
    ...present({ rule }),
    attributes: [...new Set(body.attributes ?? [])],
    ...present({
      passwordSharing: passwordSharing ? sharing(passwordSharing.format, passwordSharing.certificate) : undefined,
    }),
    onFailure: body.onFailure ?? 'error',
    ...present({ platform: platform && platform !== 'default' ? platform : undefined }),
    createdAt: nowMs,
    updatedAt: nowMs,
  }
  return { action, ...present({ generatedSecret }) }
}

/** The action with the fields of the body replaced. `undefined` in `read` removes the rule. */
function withPatch(
  action: Action,
  body: ActionPatch,
  read: {
    authentication?: Action['endpoint']['authentication']
    signingSecrets: string[]
    rule?: Action['rule'] | undefined
  },
): Action {
  const { rule: oldRule, platform: oldPlatform, passwordSharing: oldSharing, ...rest } = action
  const rule = 'rule' in read ? read.rule : oldRule
  const platform = body.platform ?? oldPlatform
  const passwordSharing = body.passwordSharing
    ? sharing(
        body.passwordSharing.format ?? oldSharing?.format ?? 'PLAIN_TEXT',
        body.passwordSharing.certificate ?? oldSharing?.certificate,
      )
    : oldSharing
  return {
    ...rest,
    name: body.name ?? action.name,
    ...present({ description: body.description ?? undefined }),
    version: body.version ?? action.version,
    endpoint: {
      uri: body.endpoint?.uri ?? action.endpoint.uri,
      authentication: read.authentication ?? action.endpoint.authentication,
      allowedHeaders: body.endpoint?.allowedHeaders ?? action.endpoint.allowedHeaders,
      allowedParameters: body.endpoint?.allowedParameters ?? action.endpoint.allowedParameters,
      signingSecrets: read.signingSecrets,
    },
    ...present({ rule }),
    attributes: body.attributes ? [...new Set(body.attributes)] : action.attributes,
    ...present({ passwordSharing }),
    onFailure: body.onFailure ?? action.onFailure,
    ...present({ platform: platform && platform !== 'default' ? platform : undefined }),
  }
}

/** An empty certificate means no certificate. */
function sharing(
  format: NonNullable<Action['passwordSharing']>['format'],
  certificate: string | null | undefined,
): NonNullable<Action['passwordSharing']> {
  return { format, ...present({ certificate: certificate || undefined }) }
}

/** Refuses fields that the type does not support, in the order of the reference's mappers. */
function checkSupported(body: ActionInput | ActionPatch, { type, mayListHeaders }: ActionTypeDescriptor): void {
  if (body.passwordSharing && !SPECIAL_MEMBERS[type]?.includes('passwordSharing')) throw actionProblems.malformedBody()
  if (mayListHeaders) return
  if (body.endpoint?.allowedHeaders) throw actionProblems.headersNotSupported(type)
  if (body.endpoint?.allowedParameters) throw actionProblems.parametersNotSupported(type)
}

function checkAttributesSupported(
  { attributes }: ActionInput | ActionPatch,
  { type, mayListAttributes }: ActionTypeDescriptor,
): void {
  if (attributes && attributes.length > 0 && !mayListAttributes) throw actionProblems.attributesNotSupported(type)
}

/**
 * Newest first. After generating a secret the previous one stays valid, so that the operator has time to update the extension.
 */
export function changeSigning(
  current: readonly string[],
  input: SigningInput | null | undefined,
  { randomBytes }: { randomBytes(count: number): Uint8Array },
): { secrets: string[]; generatedSecret?: string } {
  const given = input?.secrets ? [...input.secrets] : [...current]
  if (!input?.generate) return { secrets: given }
  const generatedSecret = `whsec_${Buffer.from(randomBytes(SIGNING_SECRET_BYTES)).toString('base64')}`
  return { secrets: [generatedSecret, ...given].slice(0, MAX_SIGNING_SECRETS), generatedSecret }
}

/** The names of the fields that a body sets, including those of the endpoint, for the audit log. Never values. */
function changedFields(body: ActionPatch): string[] {
  return Object.entries(body).flatMap(([name, value]) =>
    name === 'endpoint' && value ? Object.keys(value).map(inner => `endpoint.${inner}`) : [name],
  )
}

function summarize(action: Action, { prefix }: Mounted): ActionSummary {
  const { path } = actionTypes[action.type]
  return {
    ...commonOf(action),
    links: [{ href: `${prefix}${BASE}/${path}/${action.id}`, method: 'GET', rel: 'self' }],
  }
}

function commonOf({ id, type, name, description, status, version, createdAt, updatedAt }: Action) {
  return {
    id,
    type,
    name,
    ...present({ description }),
    status,
    version,
    createdAt: instant(createdAt),
    updatedAt: instant(updatedAt),
  }
}

function show(action: Action, generatedSecret?: string): ActionView {
  const { endpoint, rule, attributes, passwordSharing, onFailure, platform } = action
  return {
    ...commonOf(action),
    endpoint: showEndpoint(endpoint, generatedSecret),
    ...present({
      rule,
      attributes: attributes.length > 0 ? attributes : undefined,
      passwordSharing,
    }),
    onFailure,
    ...present({ platform: platform === undefined ? undefined : (platform as NonNullable<ActionView['platform']>) }),
  }
}

/** The endpoint of an action without its secrets, except for a secret that this request generated. */
export function showEndpoint(endpoint: Action['endpoint'], generatedSecret?: string): EndpointView {
  const { uri, authentication, allowedHeaders, allowedParameters, signingSecrets } = endpoint
  const shown = ENDPOINT_AUTHENTICATION_PROPERTIES[authentication.type].shown
  const properties = 'properties' in authentication ? Object.entries(authentication.properties) : []
  const visible = properties.filter(([name]) => shown.includes(name))
  return {
    uri,
    authentication: {
      type: authentication.type,
      ...present({ properties: visible.length > 0 ? Object.fromEntries(visible) : undefined }),
    },
    ...present({
      allowedHeaders: allowedHeaders.length > 0 ? allowedHeaders : undefined,
      allowedParameters: allowedParameters.length > 0 ? allowedParameters : undefined,
    }),
    ...(signingSecrets.length > 0
      ? {
          signing: {
            activeSecrets: signingSecrets.length,
            ...present({ generatedSecret }),
          },
        }
      : {}),
  }
}
