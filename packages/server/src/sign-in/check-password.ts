import type { IncomingMessage } from 'node:http'
import type { ClientRequest } from '../client-request.ts'
import type { Issuer } from '../oauth/issuer.ts'
import type { Database } from '../store/database.ts'
import type { User } from '../store/model.ts'
import { verifyPassword } from '../store/users.ts'
import { createAttempts } from './attempts.ts'

/** Whether somebody is who they say. Which of name and password was wrong is nobody's business. */
export type PasswordVerdict = { status: 'right'; user: User } | { status: 'wrong' } | { status: 'resting' }

export type CheckPassword = (
  attempt: { issuer: Issuer; userName: string; password: string },
  request: IncomingMessage,
) => Promise<PasswordVerdict>

/** What a person reads who is not let in. */
export const PASSWORD_COMPLAINTS: Record<Exclude<PasswordVerdict['status'], 'right'>, string> = {
  wrong: 'The user name or the password is wrong.',
  resting: 'Too many wrong passwords. Try again in a minute.',
}

/** Makes the one check of a password for the sign-in page and the password grant; it slows down whoever guesses. */
export function createPasswordCheck(ports: {
  db: Database
  clientRequestOf(request: IncomingMessage): ClientRequest
}): CheckPassword {
  const attempts = createAttempts(ports.db)
  return async ({ issuer, userName, password }, request) => {
    const { tenant, organization } = issuer
    const attempt = { tenantId: tenant.id, userName, address: ports.clientRequestOf(request).address }
    if (!(await attempts.mayTry(attempt))) return { status: 'resting' }
    const user = await verifyPassword(ports.db, tenant.id, userName, password, organization.id)
    if (user) return (await attempts.succeeded(attempt)) ? { status: 'right', user } : { status: 'resting' }
    await attempts.failed(attempt)
    return { status: 'wrong' }
  }
}
