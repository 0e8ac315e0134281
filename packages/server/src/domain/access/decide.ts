import type { Organization } from '../../ground/store/model.ts'
import { OPERATIONS, type OperationName, type OperationRule } from './operations.ts'
import { organizationForm } from './permission-names.ts'
import type { Principal } from './principal.ts'

/** The object of an operation. */
export interface Target {
  /** The permissions that the target's credentials can obtain. Absent: none. */
  reach?: ReadonlySet<string>
  /** Whether it is an application of the server itself. */
  isSystem?: boolean
}

/** Whether the caller may do it. A refusal names what is missing. */
export type Decision =
  | { allowed: true }
  | { allowed: false; operation: OperationName; reason: string; missing: readonly string[] }

const ALLOWED: Decision = { allowed: true }

/** Whether the principal has a permission at this organization, in the form that applies there. */
export function holds({ permissions }: Principal, permission: string, { depth }: Organization): boolean {
  return permissions.has(formAt(permission, { depth }))
}

/**
 * Decides whether a principal may do an operation on a target. Every API uses this one decision.
 *
 * @param place The organization of the request. Look up the target there: for the caller, objects of other tenants and
 *   organizations do not exist.
 */
export function decide(principal: Principal, name: OperationName, place: Organization, target: Target = {}): Decision {
  const { covers, permission, sparesSystem }: OperationRule = OPERATIONS[name]
  const refused = (reason: string, missed: readonly string[]): Decision => ({
    allowed: false,
    operation: name,
    reason,
    missing: missed,
  })
  if (!holds(principal, permission, place)) return refused(missing(permission, place), [formAt(permission, place)])
  if (sparesSystem && target.isSystem)
    return refused('This application belongs to the server and cannot be changed.', [])
  if (!covers) return ALLOWED
  const excess = [...(target.reach ?? [])].filter(needed => !principal.authority.has(needed))
  return excess.length === 0
    ? ALLOWED
    : refused(`This needs every permission that its target can obtain. You lack ${listOf(excess)}.`, excess)
}

/** The sentence for a permission that the caller lacks. */
export function missing(permission: string, place: Pick<Organization, 'depth'>): string {
  return `This needs the scope ${formAt(permission, place)}.`
}

/** The form in which a permission applies at an organization. */
export function formAt(permission: string, { depth }: Pick<Organization, 'depth'>): string {
  return depth > 0 ? organizationForm(permission) : permission
}

const SHOWN = 3

function listOf(permissions: readonly string[]): string {
  const shown = [...permissions].sort().slice(0, SHOWN).join(', ')
  return permissions.length > SHOWN ? `${shown} and ${permissions.length - SHOWN} more` : shown
}
