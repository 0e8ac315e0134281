import {
  type AuthenticationData,
  type AuthenticationEvent,
  localClaimUri,
  type Platform,
  RETURN_CODE_PARAMETER,
} from '@preflow/contract'
import type { Outcome } from '@preflow/engine'
import {
  attributesOf,
  isMultiValued,
  PRIMARY_USER_STORE,
  wireOrganization,
  wireTenant,
} from '../../domain/actions/event-nouns.ts'
import type { TriggerAction } from '../../domain/actions/trigger-action.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { localClaims } from '../../ground/claims/local-claims.ts'
import { maySignIn } from '../../ground/store/account-state.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, Authenticator, SignInFlow, User } from '../../ground/store/model.ts'
import { findUserById } from '../../ground/store/users.ts'

/** The step for which an authenticator is called. */
export interface Asking {
  authenticator: Authenticator
  application: Application
  issuer: Issuer
  flow: SignInFlow
  /** The user of the previous step. Absent in the first step. */
  user?: User
  /** The return code that the browser brought from the extension's page. */
  returnCode?: string
}

/** The decision of an authenticator. */
export type Decision =
  | { status: 'passed'; user: User }
  /** The browser must go to `url` first. `awaitsReturn`: the extension is called again only after the browser returns. */
  | { status: 'redirected'; url: string; awaitsReturn: boolean }
  /** An OAuth error for the application. */
  | { status: 'refused'; error: string; description: string | undefined }

/** The characters of an error (RFC 6749, section 4.1.2.1). */
const ERROR_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/
/**
 * Reasons that oidc-provider mistakes for its own error classes, in lower case without underscores. It would replace the
 * extension's description, or show a page instead of returning to the application.
 */
const MISTAKEN_REASONS: ReadonlySet<string> = new Set([
  'customoidcprovidererror',
  'invalidclientauth',
  'invalidclientmetadata',
  'invalidgrant',
  'invalidredirecturi',
  'invalidtoken',
  'oidcprovidererror',
  'sessionnotfound',
])
/** The application's error if an authenticator cannot be called or its answer is unusable. */
const PROCESSING_ERROR = 'authentication_processing_error'
/** The reference stores several values of a claim as one string with this separator. */
const SEPARATOR = ','
const USERNAME = localClaimUri('username')
/** The store has the groups and roles, so those of an answer are ignored. */
const IGNORED_CLAIMS: ReadonlySet<string> = new Set([localClaimUri('groups'), localClaimUri('roles')])
const ALL_ATTRIBUTES = [...localClaims.keys()]

/**
 * Calls the extension of a custom authenticator for a step of a sign-in. The first call and those after a redirect are alike.
 *
 * It never rejects because of the extension. The call record has the errors of an answer, and the application gets only the id of
 * that record.
 */
export async function callExtension(
  asking: Asking,
  { db, trigger }: { db: Database; trigger: TriggerAction },
): Promise<Decision> {
  const { application, authenticator, flow, issuer } = asking
  let user: User | undefined
  let url: string | undefined
  const triggered = await trigger({
    type: 'AUTHENTICATION',
    action: authenticator.action,
    tenant: issuer.tenant,
    organization: issuer.organization,
    facts: {},
    clientId: application.clientId,
    flowId: flow.id,
    refusedWith: PROCESSING_ERROR,
    eventFor: () => authenticationEvent(asking),
    async review(outcome, platform) {
      switch (outcome.status) {
        case 'success': {
          const found = await findSubject(outcome.data as AuthenticationData | undefined, asking, platform, db)
          if (typeof found === 'string') return undecided(outcome, found)
          user = found
          return outcome
        }
        case 'incomplete':
          url = withApplication(outcome.redirectUrl, asking)
          return url === undefined
            ? undecided(outcome, 'The url of the redirect is invalid. Send the complete address of your page.')
            : outcome
        // A step whose authenticator was not called is not passed.
        case 'skipped':
          return undecided(outcome, outcome.why)
        default:
          return outcome
      }
    },
  })
  if (triggered.status === 'success' && user) return { status: 'passed', user }
  if (triggered.status === 'incomplete' && url !== undefined) {
    return { status: 'redirected', url, awaitsReturn: triggered.platform.signingIn.resumes === 'on-return' }
  }
  if (triggered.status === 'failed' && !triggered.error) {
    const { reason, description } = triggered
    const isTellable = ERROR_TEXT.test(reason) && !MISTAKEN_REASONS.has(reason.replaceAll('_', '').toLowerCase())
    return { status: 'refused', error: isTellable ? reason : 'access_denied', description }
  }
  return processingError(authenticator.displayName, triggered.callId)
}

/** The refusal that has only the name of the authenticator and the id of the call. */
export function processingError(displayName: string, callId?: string): Decision & { status: 'refused' } {
  const sentence = `An error occurred while authenticating user with ${displayName}.`
  return {
    status: 'refused',
    error: PROCESSING_ERROR,
    description: callId === undefined ? sentence : `${sentence} The id of the call is ${callId}.`,
  }
}

function undecided({ trace }: Outcome, message: string): Outcome {
  return { status: 'error', error: { code: 'not_supported', message }, trace }
}

function authenticationEvent({ application, flow, issuer, returnCode, user }: Asking): AuthenticationEvent {
  const { headers, parameters } = flow.request
  const brought = returnCode === undefined ? [] : [{ name: RETURN_CODE_PARAMETER, value: [returnCode] }]
  return {
    request: { additionalHeaders: headers, additionalParams: [...parameters, ...brought] },
    tenant: wireTenant(issuer.tenant),
    organization: wireOrganization(issuer.organization),
    ...(user
      ? {
          user: {
            id: user.id,
            userIdentitySource: 'LOCAL',
            sub: user.userName,
            ...attributesOf(user, ALL_ATTRIBUTES),
          },
          userStore: PRIMARY_USER_STORE,
        }
      : {}),
    application: { id: application.id, name: application.name },
    currentStepIndex: flow.passed.length + 1,
    authenticatedSteps: flow.passed.map(({ authenticator }, index) => ({ index: index + 1, name: authenticator })),
  }
}

/** Returns the user who passed the step, or a sentence for the call record with the reason why no user did. */
async function findSubject(
  data: AuthenticationData | undefined,
  { authenticator, issuer, user: previous }: Asking,
  platform: Platform,
  db: Database,
): Promise<User | string> {
  if (authenticator.authenticationType === 'VERIFICATION') {
    return previous ?? 'No user is identified yet. Move the authenticator after a step that identifies the user.'
  }
  const named = data?.user
  if (!named) {
    return 'The user field is missing in the authentication action response. This field is required for IDENTIFICATION authentication.'
  }
  const { id, claims, userStore } = named
  if (!id) return 'The userId field is missing in the authentication action response.'
  if (userStore?.name && userStore.name.toUpperCase() !== PRIMARY_USER_STORE.name) {
    return `No userStore is found for the given userStore domain name: ${shortened(userStore.name)}`
  }
  const user = await findUserById(db, issuer.tenant.id, id)
  if (user?.organizationId !== issuer.organization.id) return `No user is found for the given userId: ${shortened(id)}`
  const fault = faultOfClaims(claims ?? [], user)
  if (fault !== undefined) return fault
  if (!maySignIn(user, db.now())) return 'The user in the authentication response is not active.'
  if (previous && previous.id !== user.id && platform.signingIn.bindsToPreviousStep) {
    return 'The user in the authentication response is not the user of the previous steps.'
  }
  return user
}

/** Returns the error in the claims of an answer. Valid claims are still ignored, because the store has their values. */
function faultOfClaims(claims: NonNullable<NonNullable<AuthenticationData['user']>['claims']>, user: User) {
  for (const { uri, value } of claims) {
    if (IGNORED_CLAIMS.has(uri)) continue
    if (!localClaims.has(uri)) return `Claim not found for claim URI: ${shortened(uri)}`
    if (isMultiValued(uri)) {
      if (!Array.isArray(value)) return `The claim ${uri} is multi-valued. Send its values as a list.`
      if (value.some(element => element.includes(SEPARATOR))) {
        return `The character ${SEPARATOR} is not allowed in values of the multi-valued claim ${uri}.`
      }
    } else if (typeof value !== 'string') return `The claim ${uri} is single-valued. Send its value as a string.`
    if (uri === USERNAME && value !== user.userName) {
      return 'The provided username for the user in the authentication response does not match the resolved username from the userStore.'
    }
  }
  return undefined
}

const MAX_SHOWN_CHARACTERS = 100

function shortened(text: string): string {
  return text.slice(0, MAX_SHOWN_CHARACTERS)
}

/** Adds the application to the query of the address, as newer platforms do. The rest of the query stays unchanged. */
function withApplication(url: string, { application, issuer }: Asking): string | undefined {
  // If a platform allows any address, an address without a host belongs to the platform itself.
  const target = URL.parse(url, issuer.url)
  if (!target) return undefined
  if (!target.searchParams.has('spId')) {
    target.search += `${target.search === '' ? '?' : '&'}spId=${encodeURIComponent(application.id)}`
  }
  return target.href
}
