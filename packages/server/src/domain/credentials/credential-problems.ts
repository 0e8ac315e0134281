import { noteEvent } from '../../ground/observe/security-events.ts'
import { codeOfStatus, Problem } from '../../ground/problem.ts'
import type { Organization } from '../../ground/store/model.ts'
import { type Decision, formAt, holds, missing } from '../access/decide.ts'
import type { Principal } from '../access/principal.ts'

/** Why a caller is refused. */
export const credentialProblems = {
  unauthorized: () =>
    new Problem(
      401,
      codeOfStatus(401),
      'Send the user name and password of a user with this permission (Basic), or an access token with the scope of the operation (Bearer).',
      {
        title: 'Unauthorized.',
        headers: { 'www-authenticate': 'Basic realm="Preflow", charset="UTF-8", Bearer realm="Preflow"' },
      },
    ),
  /** @param reason The reason of the decision. */
  forbidden: (reason: string) => new Problem(403, codeOfStatus(403), reason, { title: 'Forbidden.' }),
  /** The access token belongs to another organization of the tenant. */
  elsewhere: () =>
    new Problem(
      403,
      codeOfStatus(403),
      'This access token is valid at another organization. Get a token of this organization, or switch to it.',
      { title: 'Forbidden.' },
    ),
  /** A browser with remembered Basic credentials would send them with the requests of any page. */
  passwordFromOtherPage: () =>
    new Problem(
      403,
      codeOfStatus(403),
      'Pages of other origins cannot use a user name and password here. Send an access token (Bearer).',
      { title: 'Forbidden.' },
    ),
  tooManyWrongPasswords: (sentence: string, afterSeconds: number) =>
    new Problem(429, codeOfStatus(429), sentence, {
      title: 'Too many wrong passwords.',
      headers: { 'retry-after': String(afterSeconds) },
    }),
  tooManyRequests: (afterSeconds: number) =>
    new Problem(429, codeOfStatus(429), `Send fewer requests. Try again in ${afterSeconds} seconds.`, {
      title: 'Too many requests.',
      headers: { 'retry-after': String(afterSeconds) },
    }),
  /** Too many passwords are being checked. */
  busy: (sentence: string, afterSeconds: number) =>
    new Problem(503, codeOfStatus(503), sentence, {
      title: 'Service Unavailable.',
      headers: { 'retry-after': String(afterSeconds) },
    }),
}

/** Throws a 403 unless the caller has the permission at the organization. */
export function mustHold(caller: Principal, permission: string, organization: Organization): void {
  if (holds(caller, permission, organization)) return
  noteEvent('access.denied', { details: { missing: [formAt(permission, organization)] } })
  throw credentialProblems.forbidden(missing(permission, organization))
}

/** Throws a 403 with the reason of a refusing decision. */
export function mustBeAllowed(decision: Decision): void {
  if (decision.allowed) return
  const { missing, operation, reason } = decision
  noteEvent('access.denied', { targetId: operation, details: { missing } })
  throw credentialProblems.forbidden(reason)
}
