import {
  type ActionType,
  type AllowedOperation,
  actionTypes,
  type EditablePlace,
  lastSegment,
  type OfferedPath,
  type Platform,
} from '@preflow/contract'
import { valueAt } from './event-path.ts'
import { type OfferCircumstances, trimEvent } from './revision.ts'

/**
 * What a platform lets an extension change in an event.
 *
 * Paths address existing values: one per claim that does not belong to the platform (lists with a trailing slash,
 * objects none). Refresh token and response parameters have paths only if the event has them.
 *
 * @returns The entries in the order of the wire; undefined for types that offer nothing.
 * @example
 * allowedOperationsFor('PRE_ISSUE_ACCESS_TOKEN', event, platforms.preflow, { refreshTokenWillBeIssued: false })
 */
export function allowedOperationsFor(
  type: ActionType,
  event: object,
  platform: Platform,
  circumstances: OfferCircumstances = {},
): AllowedOperation[] | undefined {
  const { offers, places } = actionTypes[type]
  if (offers.length === 0) return undefined
  const seen = trimEvent(type, event, platform, circumstances)
  return offers.map(({ op, paths }) =>
    paths ? { op, paths: paths.flatMap(path => resolvePath(path, seen, places)) } : { op },
  )
}

function resolvePath(offered: OfferedPath, event: object, places: readonly EditablePlace[]): string[] {
  if (typeof offered === 'string') return [offered]
  if ('eachClaimOf' in offered) return claimPaths(offered.eachClaimOf, event, places)
  return isPresent(offered.path, event) ? [offered.path] : []
}

function claimPaths(path: string, event: object, places: readonly EditablePlace[]): string[] {
  const claims = valueAt(event, path)
  const place = places.find(candidate => candidate.kind === 'claims' && candidate.path === path)
  const standard = place?.kind === 'claims' ? place.standard : []
  if (!Array.isArray(claims)) return []
  return claims.flatMap(({ name, value }: { name: string; value?: unknown }) => {
    if (standard.includes(name)) return []
    if (Array.isArray(value)) return [`${path}${name}/`]
    return ['string', 'number', 'boolean'].includes(typeof value) ? [`${path}${name}`] : []
  })
}

/**
 * `/response/parameters/` needs the list. `/response/parameters/id_token` needs the list to contain it. A claim's path
 * needs the claim.
 */
function isPresent(path: string, event: object): boolean {
  const list = valueAt(event, path.slice(0, path.lastIndexOf('/') + 1))
  const member = lastSegment(path)
  if (member === '') return list !== undefined
  return Array.isArray(list) && list.some(item => item === member || item?.name === member)
}
