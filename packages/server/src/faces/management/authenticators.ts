import { actionTypes, ENDPOINT_AUTHENTICATION_PROPERTIES, present, RETURN_CODE_PARAMETER } from '@preflow/contract'
import type { Target } from '../../domain/access/decide.ts'
import { reachOfAction } from '../../domain/access/reach.ts'
import { BASIC_AUTHENTICATOR } from '../../domain/sign-in/sequence.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { Problem } from '../../ground/problem.ts'
import { listApplications } from '../../ground/store/applications.ts'
import {
  authenticatorIdOf,
  deleteAuthenticator,
  findAuthenticator,
  insertAuthenticator,
  listAuthenticators,
  MAX_AUTHENTICATORS,
  updateAuthenticator,
} from '../../ground/store/authenticators.ts'
import type { Action, Authenticator } from '../../ground/store/model.ts'
import { changeSigning, keptSigningSecrets, mustBringCredentials, showEndpoint } from './actions.ts'
import { authenticatorProblems } from './authenticator-problems.ts'
import { checkAction, readAuthentication } from './check-action.ts'
import type { Call, Handlers } from './handler.ts'
import type { AuthenticationInput, EndpointPatch } from './routes/actions.ts'
import type { AuthenticatorSummary, CustomAuthenticatorView } from './routes/authenticators.ts'
import { MANAGEMENT_BASE_PATH } from './routes/routes.ts'

const BASE = `${MANAGEMENT_BASE_PATH}/authenticators`
const NAME = /^custom-[a-zA-Z0-9-_]{3,}$/
const DISPLAY_NAME = /^.{3,}$/

type AuthenticatorRouteName =
  | 'listAuthenticators'
  | 'createCustomAuthenticator'
  | 'getCustomAuthenticator'
  | 'updateCustomAuthenticator'
  | 'deleteCustomAuthenticator'

/** Custom authenticators. Each is an action of type AUTHENTICATION with its own name, configured like every action. */
export const authenticatorHandlers: Handlers<AuthenticatorRouteName> = {
  listAuthenticators: {
    async handle(call) {
      const { db, tenant, organization } = call
      const own = await listAuthenticators(db, tenant.id, organization.id)
      // Authenticators of the root apply to the whole tenant, unless an organization has one with the same name.
      const inherited =
        organization.id === tenant.rootOrganizationId
          ? []
          : await listAuthenticators(db, tenant.id, tenant.rootOrganizationId)
      const others = inherited.filter(({ name }) => !own.some(authenticator => authenticator.name === name))
      const custom = [...own, ...others].map(authenticator => summarize(authenticator, call))
      return { status: 200, body: [PASSWORD_PAGE, ...custom] }
    },
  },

  createCustomAuthenticator: {
    async handle(call) {
      const { body, db, tenant, organization, nowMs } = call
      const { name, displayName, description, image } = body
      checkNames(body)
      const taken = await findAuthenticator(db, tenant.id, organization.id, name)
      if (taken) throw authenticatorProblems.nameTaken(name)
      const { secrets, generatedSecret } = changeSigning([], body.endpoint.signing, call)
      const authenticator: Authenticator = {
        name,
        displayName,
        authenticationType: body.authenticationType ?? 'IDENTIFICATION',
        ...present({ image: image || undefined }),
        action: {
          id: call.newId(),
          tenantId: tenant.id,
          organizationId: organization.id,
          type: 'AUTHENTICATION',
          name,
          ...present({ description: description || undefined }),
          status: statusOf(body.isEnabled ?? true),
          version: actionTypes.AUTHENTICATION.latestVersion,
          endpoint: {
            uri: body.endpoint.uri,
            authentication: readCredentials(body.endpoint.authentication),
            allowedHeaders: body.endpoint.allowedHeaders ?? [],
            allowedParameters: body.endpoint.allowedParameters ?? [],
            signingSecrets: secrets,
          },
          attributes: [],
          // An extension that cannot be called must not sign anyone in.
          onFailure: 'error',
          createdAt: nowMs,
          updatedAt: nowMs,
        },
      }
      checkEndpoint(authenticator.action)
      call.authorize('authenticator.create', targetOf(authenticator, call))
      const inserted = await insertAuthenticator(db, authenticator)
      if (inserted === 'name_taken') throw authenticatorProblems.nameTaken(name)
      if (inserted === 'too_many') {
        throw requestProblems.invalid(
          `An organization can have at most ${MAX_AUTHENTICATORS} custom authenticators. Delete one first.`,
        )
      }
      audit(call, 'ADD', name)
      return {
        status: 201,
        body: show(authenticator, call, generatedSecret),
        location: `${call.prefix}${BASE}/custom/${authenticatorIdOf(name)}`,
      }
    },
  },

  getCustomAuthenticator: {
    async handle(call) {
      return { status: 200, body: show(await mustFind(call), call) }
    },
  },

  updateCustomAuthenticator: {
    async handle(call) {
      const { body, nowMs } = call
      const authenticator = await mustFind(call)
      call.authorize('authenticator.update', targetOf(authenticator, call))
      refuseChange('name', body.name, authenticator.name)
      refuseChange('authenticationType', body.authenticationType, authenticator.authenticationType)
      const { displayName, description, image, endpoint } = body
      checkNames({ name: authenticator.name, displayName })
      const { name, authenticationType } = authenticator
      const { description: _, ...action } = authenticator.action
      const { secrets, generatedSecret } = changeSigning(
        keptSigningSecrets(action.endpoint, endpoint?.uri),
        endpoint?.signing,
        call,
      )
      const changed: Authenticator = {
        name,
        displayName,
        authenticationType,
        ...present({ image: image || undefined }),
        action: {
          ...action,
          ...present({ description: description || undefined }),
          status: body.isEnabled == null ? action.status : statusOf(body.isEnabled),
          endpoint: { ...withPatch(action.endpoint, endpoint ?? {}), signingSecrets: secrets },
          updatedAt: nowMs,
        },
      }
      checkEndpoint(changed.action)
      mustBringCredentials(authenticator.action.endpoint, endpoint)
      await updateAuthenticator(call.db, changed)
      audit(call, 'UPDATE', name, { fields: Object.keys(body) })
      return { status: 200, body: show(changed, call, generatedSecret) }
    },
  },

  deleteCustomAuthenticator: {
    async handle(call) {
      const authenticator = await find(call)
      if (!authenticator) return { status: 204 }
      call.authorize('authenticator.delete', targetOf(authenticator, call))
      await refuseWhileUsed(authenticator, call)
      await deleteAuthenticator(call.db, authenticator)
      audit(call, 'DELETE', authenticator.name)
      return { status: 204 }
    },
  },
}

/** An extension that identifies users can sign in as any user. */
function targetOf(
  { authenticationType }: Pick<Authenticator, 'authenticationType'>,
  { organization }: Mounted,
): Target {
  const identifies = authenticationType === 'IDENTIFICATION'
  return { reach: reachOfAction({ type: 'AUTHENTICATION', identifies }, organization) }
}

type OneAuthenticatorCall = Pick<Call<'getCustomAuthenticator'>, 'db' | 'tenant' | 'organization' | 'params'>

function find({ db, tenant, organization, params }: OneAuthenticatorCall): Promise<Authenticator | undefined> {
  const name = Buffer.from(params.authenticatorId, 'base64url').toString()
  return findAuthenticator(db, tenant.id, organization.id, name)
}

async function mustFind(call: OneAuthenticatorCall): Promise<Authenticator> {
  const authenticator = await find(call)
  if (authenticator) return authenticator
  throw authenticatorProblems.notFound(call.params.authenticatorId)
}

function refuseChange(field: string, wanted: string | null | undefined, current: string): void {
  if (wanted == null || wanted === current) return
  throw requestProblems.invalid(`${field}: cannot be changed. Leave it out, or create another authenticator.`)
}

function checkNames({ name, displayName }: { name: string; displayName: string }): void {
  if (!NAME.test(name)) throw authenticatorProblems.invalidName(name, NAME)
  if (!DISPLAY_NAME.test(displayName)) throw authenticatorProblems.invalidDisplayName(displayName, DISPLAY_NAME)
}

function statusOf(isEnabled: boolean): Action['status'] {
  return isEnabled ? 'ACTIVE' : 'INACTIVE'
}

/** Reads the credentials. Refusals have the reference's wording for authenticators, which names the property. */
function readCredentials(input: AuthenticationInput): Action['endpoint']['authentication'] {
  const given = input.properties ?? {}
  for (const property of ENDPOINT_AUTHENTICATION_PROPERTIES[input.type].required) {
    if (!Object.hasOwn(given, property) || given[property] === null) {
      throw authenticatorProblems.invalidEndpoint(
        `The property ${property} must be provided as an authentication property for the ${input.type} authentication type.`,
      )
    }
    if (given[property]?.trim() === '')
      throw authenticatorProblems.invalidEndpoint(`The Property ${property} cannot be blank.`)
  }
  return readAuthentication(input)
}

/** Checks the endpoint like that of every action, with the error code of authenticators. */
function checkEndpoint(action: Action): void {
  try {
    checkAction(action)
  } catch (error) {
    throw error instanceof Problem ? authenticatorProblems.invalidEndpoint(error.message) : error
  }
}

function withPatch(endpoint: Action['endpoint'], patch: EndpointPatch): Action['endpoint'] {
  return {
    ...endpoint,
    uri: patch.uri ?? endpoint.uri,
    authentication: patch.authentication ? readCredentials(patch.authentication) : endpoint.authentication,
    allowedHeaders: patch.allowedHeaders ?? endpoint.allowedHeaders,
    allowedParameters: patch.allowedParameters ?? endpoint.allowedParameters,
  }
}

/** If a step no longer existed, the application would refuse everyone or skip a protection. */
async function refuseWhileUsed(
  { name }: Authenticator,
  { db, tenant, organization }: OneAuthenticatorCall,
): Promise<void> {
  const isOfRoot = organization.id === tenant.rootOrganizationId
  // Without its own authenticator, an organization uses the one of the root.
  if (!isOfRoot && (await findAuthenticator(db, tenant.id, tenant.rootOrganizationId, name))) return
  const users = (await listApplications(db, tenant.id)).filter(({ signIn }) =>
    signIn?.steps.some(({ options }) => options.includes(name)),
  )
  if (users.length === 0) return
  const names = users.map(application => application.name).join(', ')
  throw requestProblems.invalid(
    `${name} is used to sign in to ${names}. Remove it from their authenticationSequence first.`,
  )
}

function audit(
  call: Pick<Call<'createCustomAuthenticator'>, 'audit'>,
  action: string,
  name: string,
  details: object = {},
): void {
  call.audit({ action, targetType: 'AUTHENTICATOR', targetId: authenticatorIdOf(name), details: { name, ...details } })
}

/** The page for user name and password, which every tenant has. */
const PASSWORD_PAGE: AuthenticatorSummary = {
  id: authenticatorIdOf(BASIC_AUTHENTICATOR),
  name: BASIC_AUTHENTICATOR,
  displayName: 'Username & Password',
  isEnabled: true,
  type: 'LOCAL',
  definedBy: 'SYSTEM',
  tags: ['Username-Password'],
}

function summarize(authenticator: Authenticator, { prefix }: Mounted): AuthenticatorSummary {
  const { name, displayName, authenticationType, image, action } = authenticator
  return {
    id: authenticatorIdOf(name),
    name,
    displayName,
    isEnabled: action.status === 'ACTIVE',
    type: 'LOCAL',
    definedBy: 'USER',
    tags: ['Custom', ...(authenticationType === 'VERIFICATION' ? ['2FA'] : [])],
    ...present({ image, description: action.description }),
    self: `${prefix}${BASE}/custom/${authenticatorIdOf(name)}`,
  }
}

function show(authenticator: Authenticator, mounted: Mounted, generatedSecret?: string): CustomAuthenticatorView {
  return {
    ...summarize(authenticator, mounted),
    authenticationType: authenticator.authenticationType,
    endpoint: showEndpoint(authenticator.action.endpoint, generatedSecret),
    ...present({ warnings: warningsOf(authenticator) }),
  }
}

/**
 * With the return code in the list an operator states that the extension checks it. Platforms that reproduce the reference
 * forward only listed parameters.
 */
function warningsOf({ action }: Authenticator): string[] | undefined {
  if (action.endpoint.allowedParameters.includes(RETURN_CODE_PARAMETER)) return undefined
  return [
    `allowedParameters does not list ${RETURN_CODE_PARAMETER}. If the extension sends the flow id through the browser and checks no return code, an attacker can make a user finish the attacker’s sign-in. Make the extension check a return code, and list ${RETURN_CODE_PARAMETER}.`,
  ]
}
