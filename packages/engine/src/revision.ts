import { type ActionType, actionTypes, contractRevision, type Platform, type Revision } from '@preflow/contract'
import type { ActionCall } from './call.ts'
import { valueAt, withValueAt } from './event-path.ts'

/** What the platform knows about the issuance that the event does not show. */
export interface OfferCircumstances {
  /** Whether a refresh token comes with the access token. Absent: according to the event, as in the reference. */
  refreshTokenWillBeIssued?: boolean
}

/**
 * The contract revision of the sent event: the platform's, unless the action has an older major version; then the
 * newest of that version.
 */
export function revisionOf(type: ActionType, platform: Platform, version: string | undefined): Revision | undefined {
  const { revisions } = actionTypes[type]
  const newest = contractRevision(platform, type)
  if (newest === undefined || version === undefined) return newest
  const major = majorOf(version)
  const usable = revisions.slice(0, revisions.indexOf(newest) + 1)
  return usable.findLast(revision => majorOf(revision) <= major) ?? newest
}

/**
 * Why the reference would not call an active action for this event: the platform has no such type, or the action's
 * version is older than the event.
 */
export function whyNotApplicable({ action, event, platform }: ActionCall): string | undefined {
  const revision = revisionOf(action.type, platform, action.version)
  if (revision === undefined) return `${platform.title} has no ${action.type} actions.`
  const { revisions, since } = actionTypes[action.type]
  const unknown = since.find(
    brought =>
      brought.value !== undefined &&
      revisions.indexOf(brought.revision) > revisions.indexOf(revision) &&
      valueAt(event, brought.path) === brought.value,
  )
  return unknown && `Actions of version ${action.version} do not have ${unknown.path} ${unknown.value}.`
}

/**
 * Whether the platform no longer runs actions of this version. Then the flow fails, so that nobody assumes it was
 * checked.
 */
export function isRetired({ action, platform }: ActionCall): boolean {
  const upTo = platform.retiredUpTo?.[action.type]
  return upTo !== undefined && majorOf(action.version) <= majorOf(upTo)
}

/** `v2` and `2.0` are 2. */
function majorOf(version: string): number {
  return Number.parseInt(version.replace('v', ''), 10)
}

/**
 * The event in the contract revision of a platform, without later fields. The event itself is not changed.
 *
 * @param version The action's major version, `v1`. Absent: the platform's newest.
 */
export function trimEvent<Event extends object>(
  type: ActionType,
  event: Event,
  platform: Platform,
  circumstances: OfferCircumstances = {},
  version?: string,
): Event {
  const { revisions, since } = actionTypes[type]
  const sent = revisionOf(type, platform, version)
  const reached = sent === undefined ? -1 : revisions.indexOf(sent)
  let trimmed = event
  for (const { path, revision, value } of since) {
    if (value === undefined && revisions.indexOf(revision) > reached) trimmed = withValueAt(trimmed, path, undefined)
  }
  if (platform.issuing.refreshPathsWhen === 'issued' && circumstances.refreshTokenWillBeIssued === false) {
    trimmed = withoutRefreshToken(trimmed)
  }
  return trimmed
}

/** The reference offers to change a refresh token that will not be issued. */
function withoutRefreshToken<Event extends object>(event: Event): Event {
  const parameters = valueAt(event, '/response/parameters')
  const trimmed = withValueAt(event, 'refreshToken', undefined)
  return Array.isArray(parameters)
    ? withValueAt(
        trimmed,
        '/response/parameters',
        parameters.filter(name => name !== 'refresh_token'),
      )
    : trimmed
}
