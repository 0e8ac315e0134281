import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
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

const FACTOR = 'password'
const HASH_LENGTH = 16

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
  const hashOf = createUserNameHash(db)
  return async ({ password, organizationId, ...attempt }) => {
    const details = { factor: FACTOR, userNameHash: hashOf(attempt) }
    const resting = (): PasswordVerdict => {
      noteEvent('sign_in.limited', { details })
      return { status: 'resting' }
    }
    if (!(await attempts.mayTry(attempt))) return resting()
    const user = await verifyPassword(db, attempt.tenantId, attempt.userName, password, organizationId)
    if (!user) {
      noteEvent('sign_in.failed', { details })
      if (await attempts.failed(attempt)) noteEvent('sign_in.locked', { details })
      return { status: 'wrong' }
    }
    if (!(await attempts.succeeded(attempt))) return resting()
    const actor = { kind: 'user', id: user.id } as const
    noteEvent('sign_in.step_passed', { actor, targetId: user.id, details: { factor: FACTOR } })
    return { status: 'right', user }
  }
}

/** People type their password where the name belongs, so an event must not show what was typed. */
function createUserNameHash({ seal }: Database): (attempt: Attempt) => string {
  const secret = seal.deriveSecret('user names of security events')
  return ({ tenantId, userName }) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([tenantId, userName.toLowerCase()]))
      .digest('base64url')
      .slice(0, HASH_LENGTH)
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
