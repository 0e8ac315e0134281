import type { IncomingMessage } from 'node:http'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { verifyPassword } from '../../ground/store/users.ts'
import type { Issuer } from '../tenants/issuer.ts'
import { type Attempt, createAttempts } from './attempts.ts'

/** The result of a password check. It does not reveal whether the name or the password was wrong. */
export type PasswordVerdict = { status: 'right'; user: User } | { status: 'wrong' } | { status: 'resting' }

export type CheckPassword = (
  attempt: { issuer: Issuer; userName: string; password: string },
  request: IncomingMessage,
) => Promise<PasswordVerdict>

/** The message for a user whose sign-in is rejected. */
export const PASSWORD_COMPLAINTS: Record<Exclude<PasswordVerdict['status'], 'right'>, string> = {
  wrong: 'The user name or the password is wrong.',
  resting: 'Too many wrong passwords. Try again in a minute.',
}

/** Creates the one password check, which slows down guessing at every entry point. */
export function createGuardedCheck(
  db: Database,
): (attempt: Attempt & { password: string; organizationId?: string }) => Promise<PasswordVerdict> {
  const attempts = createAttempts(db)
  return async ({ password, organizationId, ...attempt }) => {
    if (!(await attempts.mayTry(attempt))) return { status: 'resting' }
    const user = await verifyPassword(db, attempt.tenantId, attempt.userName, password, organizationId)
    if (user) return (await attempts.succeeded(attempt)) ? { status: 'right', user } : { status: 'resting' }
    await attempts.failed(attempt)
    return { status: 'wrong' }
  }
}

/** The same check for the sign-in page and the password grant, which have the issuer and the client. */
export function createPasswordCheck(ports: {
  db: Database
  clientRequestOf(request: IncomingMessage): ClientRequest
}): CheckPassword {
  const check = createGuardedCheck(ports.db)
  return ({ issuer: { organization, tenant }, userName, password }, request) => {
    const { address } = ports.clientRequestOf(request)
    return check({ tenantId: tenant.id, organizationId: organization.id, userName, password, address })
  }
}
