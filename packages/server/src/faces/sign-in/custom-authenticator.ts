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
import type { Database } from '../../ground/store/database.ts'
import type { Application, Authenticator, SignInFlow, User } from '../../ground/store/model.ts'
import { findUserById } from '../../ground/store/users.ts'

/** The step in which an authenticator is asked. */
export interface Asking {
  authenticator: Authenticator
  application: Application
  issuer: Issuer
  flow: SignInFlow
  /** Whom the last of the steps before found. Absent in the first step. */
  user?: User
  /** What the browser brought back from the page of the extension. */
  returnCode?: string
}

/** What an authenticator decided. */
export type Decision =
  | { status: 'passed'; user: User }
  /** The browser must go there first. `awaitsReturn`: and the extension is called again only when it comes back. */
  | { status: 'redirected'; url: string; awaitsReturn: boolean }
  /** An OAuth error, as the application gets it. */
  | { status: 'refused'; error: string; description: string | undefined }

/** What RFC 6749, section 4.1.2.1, lets an error consist of. */
const ERROR_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/
/**
 * Reasons that oidc-provider takes for classes of its own, in lower case without underscores: it would put its own words in the
 * place of the extension's, or show a page instead of going back to the application.
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
/** What the application gets when an authenticator could not be asked, or said nothing that can be used. */
const PROCESSING_ERROR = 'authentication_processing_error'
/** Between the values of a claim that has several, where the reference keeps them as one text. */
const SEPARATOR = ','
const USERNAME = localClaimUri('username')
/** The store knows them itself, so what an answer says about them is not looked at. */
const IGNORED_CLAIMS: ReadonlySet<string> = new Set([localClaimUri('groups'), localClaimUri('roles')])
const ALL_ATTRIBUTES = [...localClaims.keys()]

/**
 * Asks the extension behind a custom authenticator whether a step of a sign-in is passed. The first call and those after the
 * browser came back are alike.
 *
 * Never rejects because of the extension. What it says wrong is in the record of the call, and only the id of that record
 * reaches the application.
 */
export async function askAuthenticator(
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
            ? undecided(outcome, 'The url of the redirect cannot be understood. Send the whole address of your page.')
            : outcome
        // Nobody has passed a step whose authenticator was not asked.
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

/** The refusal that says nothing but whom to ask. */
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

/** Who has passed the step, or a sentence for the record that says why the answer names nobody who could have. */
async function findSubject(
  data: AuthenticationData | undefined,
  { authenticator, issuer, user: previous }: Asking,
  platform: Platform,
  db: Database,
): Promise<User | string> {
  if (authenticator.authenticationType === 'VERIFICATION') {
    return previous ?? 'There is no user to verify. Put the authenticator after a step that identifies the user.'
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
  if (!user.isActive) return 'The user in the authentication response is not active.'
  if (previous && previous.id !== user.id && platform.signingIn.bindsToPreviousStep) {
    return 'The user in the authentication response is not the user of the steps before.'
  }
  return user
}

/** What is wrong with the claims of an answer. Their values are taken from the store, whatever is right. */
function faultOfClaims(claims: NonNullable<NonNullable<AuthenticationData['user']>['claims']>, user: User) {
  for (const { uri, value } of claims) {
    if (IGNORED_CLAIMS.has(uri)) continue
    if (!localClaims.has(uri)) return `Claim not found for claim URI: ${shortened(uri)}`
    if (isMultiValued(uri)) {
      if (!Array.isArray(value)) return `The claim ${uri} is multi-valued. Send its values as a list.`
      if (value.some(element => element.includes(SEPARATOR))) {
        return `The character ${SEPARATOR} is not allowed in values of the multi-valued claim ${uri}.`
      }
    } else if (typeof value !== 'string') return `The claim ${uri} is single-valued. Send its value as a text.`
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

/** The address with the application in its query, as newer platforms send it; its own query stays as it is written. */
function withApplication(url: string, { application, issuer }: Asking): string | undefined {
  // Where a platform sends browsers anywhere, an address without a host is one of the platform itself.
  const target = URL.parse(url, issuer.url)
  if (!target) return undefined
  if (!target.searchParams.has('spId')) {
    target.search += `${target.search === '' ? '?' : '&'}spId=${encodeURIComponent(application.id)}`
  }
  return target.href
}
