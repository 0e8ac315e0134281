import { type AccessTokenEvent, type ActionType, type IdTokenEvent, present, type TokenClaim } from '@preflow/contract'
import { type ClaimValue, claimsOf } from '../../ground/claims/oidc-claims.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { asSeenBy } from '../access/permissions.ts'
import { extensionProblems } from '../actions/extension-problems.ts'
import type { Trigger, Triggered } from '../actions/trigger-action.ts'
import {
  addedScopes,
  type Customisation,
  type CustomisedToken,
  changedClaimNames,
  claimsAtStart,
} from './customisation.ts'
import {
  type AccessTokenDraft,
  accessTokenEvent,
  type IdTokenDraft,
  idTokenEvent,
  readAccessToken,
  readIdToken,
} from './token-draft.ts'
import type { TokenPlan } from './token-plan.ts'
import { isForManaging, runsAccessTokenAction, runsIdTokenAction } from './when-actions-run.ts'

/** The tokens to issue, after the actions changed them. */
export interface TokenDecision {
  accessToken: AccessTokenDraft
  /** Absent if none is issued: no user, or no `openid` among the remaining scopes. */
  idToken?: IdTokenDraft
  response: {
    added: { name: string; value: unknown }[]
    /** `refresh_token` and `id_token`: issued, but left out of the response. */
    hidden: string[]
    /** Differs from the token's scopes only where the reference's bug is reproduced. */
    scopes: string[]
  }
  /** To be stored with the refresh token. */
  customisation: Customisation
  /** Where the tokens are valid: the organization that the user switched to, otherwise the issuer's. */
  organization: Organization
  /** The scopes before the actions changed them. */
  grantedScopes: string[]
  /** The calls behind this decision, for the client's error and the log. */
  callIds: string[]
}

/** The ports of the decision. */
export interface DecisionPorts {
  trigger(trigger: Trigger): Promise<Triggered>
  isDisabled(type: ActionType): boolean
  newId(): string
  /** Maximum lifetime of a token. Neither the application nor an action can exceed it. */
  maxTokenLifetimeSeconds: number
  maxRefreshLifetimeSeconds: number
  /** Whether the tenant has an application with this client id. */
  isClient(tenantId: string, clientId: string): Promise<boolean>
}

/** The value of the rule field `grantType` where there is no grant. */
const NO_GRANT = 'N/A'

/**
 * Decides the tokens of one request: drafts them, calls the access token action and then the ID token action, which can change
 * the drafts, and returns what later refreshes need.
 *
 * Call it before anything is consumed or stored. Throws a {@link Problem} if an action refuses or cannot be called.
 */
export async function decideTokens(plan: TokenPlan, ports: DecisionPorts): Promise<TokenDecision> {
  const isOff = (type: ActionType) => isForManaging(plan) || ports.isDisabled(type)
  const gates = { accessToken: !isOff('PRE_ISSUE_ACCESS_TOKEN'), idToken: !isOff('PRE_ISSUE_ID_TOKEN') }
  // If neither type can run, the customisation of earlier runs is ignored too (T18).
  const stored = (gates.accessToken || gates.idToken) && plan.stored ? plan.stored : {}

  const callIds: string[] = []
  const access = await decideAccessToken(plan, stored, gates.accessToken, ports, callIds)
  const id = await decideIdToken(plan, stored, gates.idToken, access, ports, callIds)

  return {
    accessToken: access.draft,
    ...present({ idToken: id?.draft }),
    response: { added: access.added, hidden: access.hidden, scopes: access.shownScopes },
    customisation: customisationAfter(access, id, plan, stored),
    organization: organizationOf(plan),
    grantedScopes: plan.grantedScopes,
    callIds,
  }
}

/** The customisation to store for refreshes. */
function customisationAfter(
  access: DecidedAccessToken,
  id: DecidedIdToken | undefined,
  { grantedScopes }: TokenPlan,
  stored: Customisation,
): Customisation {
  const customised = ({ changedClaims, draft }: DecidedAccessToken | DecidedIdToken) => ({
    claims: draft.claims,
    ...present({ changedClaims }),
    audiences: draft.audiences,
    lifetimeSeconds: draft.lifetimeSeconds,
  })
  const refreshTokenLifetimeSeconds = access.draft.refreshToken?.lifetimeSeconds
  const added = addedScopes(stored.accessToken?.addedScopes ?? [], grantedScopes, access.draft.scopes)
  // A refresh without an ID token keeps the starting point of the next one.
  const idToken = id ? (id.isCustomised ? customised(id) : undefined) : stored.idToken
  const accessToken = access.isCustomised
    ? {
        ...customised(access),
        ...present({ refreshTokenLifetimeSeconds, addedScopes: added.length > 0 ? added : undefined }),
      }
    : undefined
  return present({ accessToken, idToken })
}

/** Where the tokens of the plan are valid. */
/** The user of a token, with the roles that its application accepts where it is valid. */
function subjectOf(plan: TokenPlan, user: User): User {
  return asSeenBy(user, plan.application, organizationOf(plan))
}

function organizationOf({ accessingOrganization, issuer }: TokenPlan): Organization {
  return accessingOrganization ?? issuer.organization
}

interface DecidedAccessToken {
  draft: AccessTokenDraft
  added: { name: string; value: unknown }[]
  hidden: string[]
  shownScopes: string[]
  isCustomised: boolean
  changedClaims: string[] | undefined
}

interface DecidedIdToken {
  draft: IdTokenDraft
  isCustomised: boolean
  changedClaims: string[] | undefined
}

async function decideAccessToken(
  plan: TokenPlan,
  stored: Customisation,
  mayRun: boolean,
  ports: DecisionPorts,
  callIds: string[],
): Promise<DecidedAccessToken> {
  const draft = draftAccessToken(plan, stored, ports)
  const untouched = {
    draft,
    added: [],
    hidden: [],
    shownScopes: draft.scopes,
    isCustomised: stored.accessToken !== undefined,
    changedClaims: stored.accessToken?.changedClaims,
  }
  if (!mayRun || !plan.tokens.includes('access')) return untouched

  const triggered = await ports.trigger({
    type: 'PRE_ISSUE_ACCESS_TOKEN',
    tenant: plan.issuer.tenant,
    organization: plan.issuer.organization,
    clientId: plan.application.clientId,
    facts: { application: plan.application.id, grantType: plan.grantType ?? NO_GRANT },
    ...present({ grantType: plan.grantType }),
    appliesTo: platform => runsAccessTokenAction(plan, platform),
    eventFor: platform => accessTokenEvent(plan, draft, platform),
    bounds: {
      protectsPlatform: true,
      maxLifetimeSeconds: {
        '/accessToken/claims/expires_in': maxLifetime(plan, ports),
        '/refreshToken/claims/expires_in': ports.maxRefreshLifetimeSeconds,
      },
    },
  })
  if (triggered.callId !== undefined) callIds.push(triggered.callId)
  const changed = changedEvent(triggered)
  if (!changed) return untouched

  const after = readAccessToken(changed.event as AccessTokenEvent, draft)
  const scopes = after.scopes.toSorted()
  const hidesRemoval = scopes.length === 0 && changed.platform.issuing.scopeAfterRemovingAll === 'original'
  return {
    draft: { ...after, scopes },
    added: changed.changes.addedParameters,
    hidden: changed.changes.removedParameters,
    // The reference shows the original scopes here, except on a refresh.
    shownScopes: hidesRemoval && plan.previousGrant === undefined ? draft.scopes : scopes,
    isCustomised: true,
    changedClaims: changedClaimsAfter(changed, stored.accessToken, draft, after),
  }
}

async function decideIdToken(
  plan: TokenPlan,
  stored: Customisation,
  mayRun: boolean,
  access: DecidedAccessToken,
  ports: DecisionPorts,
  callIds: string[],
): Promise<DecidedIdToken | undefined> {
  const { scopes } = access.draft
  const { user } = plan
  if (!plan.tokens.includes('id') || !user || !scopes.includes('openid')) return undefined
  const draft = draftIdToken(plan, stored, scopes, ports)
  const untouched = {
    draft,
    isCustomised: stored.idToken !== undefined,
    changedClaims: stored.idToken?.changedClaims,
  }
  if (!mayRun || plan.application.isSystem || access.hidden.includes('id_token')) return untouched

  const triggered = await ports.trigger({
    type: 'PRE_ISSUE_ID_TOKEN',
    tenant: plan.issuer.tenant,
    organization: plan.issuer.organization,
    clientId: plan.application.clientId,
    facts: { application: plan.application.id, grantType: plan.grantType ?? NO_GRANT },
    ...present({ grantType: plan.grantType }),
    appliesTo: platform => runsIdTokenAction(plan, platform),
    eventFor: () => idTokenEvent(plan, draft, scopes),
    bounds: {
      protectsPlatform: true,
      maxLifetimeSeconds: { '/idToken/claims/expires_in': maxLifetime(plan, ports) },
      // OpenID Connect Core, section 2: the client is an audience of its ID token. Without it, another client would accept the
      // token as its own.
      keptAudience: plan.application.clientId,
      findForeignAudiences: audiences => otherClients(audiences, plan, ports),
    },
  })
  if (triggered.callId !== undefined) callIds.push(triggered.callId)
  const changed = changedEvent(triggered)
  if (!changed) return untouched
  const after = readIdToken(changed.event as IdTokenEvent, draft)
  return { draft: after, isCustomised: true, changedClaims: changedClaimsAfter(changed, stored.idToken, draft, after) }
}

/**
 * What actions changed so far, if the platform lets other attributes follow the profile. It stays unknown in a chain that began
 * without it.
 */
function changedClaimsAfter(
  { platform }: Triggered & { status: 'success' },
  earlier: CustomisedToken | undefined,
  before: { claims: TokenClaim[] },
  after: { claims: TokenClaim[] },
): string[] | undefined {
  const isUnknown = earlier !== undefined && earlier.changedClaims === undefined
  if (platform.issuing.keptAttributes === 'all' || isUnknown) return undefined
  return changedClaimNames(earlier, before.claims, after.claims)
}

async function otherClients(
  audiences: readonly string[],
  { application, issuer }: TokenPlan,
  { isClient }: DecisionPorts,
): Promise<string[]> {
  const others = audiences.filter(audience => audience !== application.clientId)
  const areClients = await Promise.all(others.map(audience => isClient(issuer.tenant.id, audience)))
  return others.filter((_, index) => areClients[index])
}

/** The event after the action's changes, or nothing if it changed nothing. Throws if no token is issued. */
function changedEvent(triggered: Triggered): (Triggered & { status: 'success' }) | undefined {
  switch (triggered.status) {
    case 'skipped':
    case 'continued':
      return undefined
    case 'success':
      return triggered
    case 'failed': {
      const { callId, type, reason, platform } = triggered
      const description =
        triggered.description ??
        (type === 'PRE_ISSUE_ID_TOKEN' ? platform.issuing.idTokenDefaultDescription : undefined)
      throw extensionProblems.refused(
        { reason, ...present({ description, callId }) },
        reason === 'invalid_client' ? 401 : 400,
      )
    }
    case 'incomplete':
    case 'error':
      throw extensionProblems.notCalled(triggered)
    default:
      return triggered satisfies never
  }
}

/** In seconds. A token that is derived from another one does not outlive it. */
function maxLifetime({ maxLifetimeSeconds }: TokenPlan, ports: DecisionPorts): number {
  return Math.min(maxLifetimeSeconds ?? ports.maxTokenLifetimeSeconds, ports.maxTokenLifetimeSeconds)
}

function draftAccessToken(plan: TokenPlan, stored: Customisation, ports: DecisionPorts): AccessTokenDraft {
  const { application, user, grantedScopes } = plan
  const earlier = stored.accessToken
  const refreshToken = application.grantTypes.includes('refresh_token')
    ? {
        // Without its own lifetime the application uses the server's. The reference shows -1 then.
        lifetimeSeconds: Math.min(
          earlier?.refreshTokenLifetimeSeconds ?? (application.refreshTokenLifetimeSeconds || -1),
          ports.maxRefreshLifetimeSeconds,
        ),
        willBeIssued: plan.willIssueRefreshToken,
      }
    : undefined
  const lifetimeSeconds = user ? application.userTokenLifetimeSeconds : application.applicationTokenLifetimeSeconds
  return {
    subject: user?.id ?? application.clientId,
    subjectKind: user ? 'APPLICATION_USER' : 'APPLICATION',
    scopes: [...new Set(grantedScopes)].sort(),
    audiences: isForManaging(plan)
      ? [plan.issuer.url]
      : (earlier?.audiences ?? [application.clientId, ...application.audiences]),
    lifetimeSeconds: Math.min(earlier?.lifetimeSeconds ?? lifetimeSeconds, maxLifetime(plan, ports)),
    claims: claimsAtStart(earlier, () =>
      user
        ? asTokenClaims(
            claimsOf(subjectOf(plan, user), grantedScopes, application.accessTokenClaims, application.requestedClaims),
          )
        : [],
    ),
    ...present({ refreshToken, sessionDataKeyConsent: plan.sessionDataKeyConsent, actor: plan.actor }),
  }
}

function draftIdToken(plan: TokenPlan, stored: Customisation, scopes: string[], ports: DecisionPorts): IdTokenDraft {
  const { application, authentication = {}, issuer, user } = plan
  const { authTimeSeconds, nonce, acr, amr, sessionId } = authentication
  const organization = organizationOf(plan)
  const earlier = stored.idToken
  const fixed: [string, unknown][] = [
    ['jti', ports.newId()],
    ['iss', issuer.url],
    ['azp', application.clientId],
    ['auth_time', authTimeSeconds],
    ['nonce', nonce],
    ['acr', acr],
    ['amr', amr],
    ['sid', sessionId],
    ['org_id', organization.id],
    ['org_name', organization.name],
    ['org_handle', organization.handle],
    ['sub', user?.id],
  ]
  return {
    fixed: fixed.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
    claims: claimsAtStart(earlier, () =>
      user ? asTokenClaims(claimsOf(subjectOf(plan, user), scopes, [], application.requestedClaims)) : [],
    ),
    audiences: [...new Set([...(earlier?.audiences ?? []), application.clientId])],
    lifetimeSeconds: Math.min(earlier?.lifetimeSeconds ?? application.idTokenLifetimeSeconds, maxLifetime(plan, ports)),
  }
}

function asTokenClaims(claims: [string, ClaimValue][]): TokenClaim[] {
  return claims.map(([name, value]) => ({ name, value }))
}
