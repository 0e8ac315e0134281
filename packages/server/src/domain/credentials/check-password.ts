import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { present } from '@preflow/contract'
import { stepAside } from '../../ground/http/admission.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import type { Database } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { Busy, RETRY_AFTER_SECONDS } from '../../ground/store/passwords.ts'
import { verifyPassword } from '../../ground/store/users.ts'
import type { Limits } from '../limits/limits.ts'
import { networkOf } from '../limits/networks.ts'
import type { Issuer } from '../tenants/issuer.ts'
import { type Attempt, createAttempts } from './attempts.ts'
import { createKnownBrowsers } from './known-browsers.ts'

/**
 * The result of a password check. It does not reveal whether the name or the password was wrong. `resting`: too many were
 * wrong. `busy`: too many passwords are being checked.
 */
export type PasswordVerdict =
  | { status: 'right'; user: User }
  | { status: 'wrong' }
  | { status: 'resting' | 'busy'; afterSeconds: number }

/** A verdict that refuses the sign-in. */
export type PasswordRefusal = Exclude<PasswordVerdict, { status: 'right' }>

export type CheckPassword = (
  attempt: { issuer: Issuer; userName: string; password: string },
  request: IncomingMessage,
) => Promise<PasswordVerdict>

const FACTOR = 'password'
const HASH_LENGTH = 16

/** The sentence for a refused user. */
export function passwordComplaint(refusal: PasswordRefusal): string {
  if (refusal.status === 'wrong') return 'The user name or the password is wrong.'
  if (refusal.status === 'busy') return 'Too many people are signing in. Try again in a few seconds.'
  return `Too many wrong passwords. Try again in ${inWords(refusal.afterSeconds)}.`
}

function inWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60)
  return minutes === 1 ? 'a minute' : `${minutes} minutes`
}

/** The HTTP status of each refusal, if the protocol has no other. */
export const REFUSAL_STATUS: Record<PasswordRefusal['status'], number> = { wrong: 400, resting: 429, busy: 503 }

export type GuardedCheck = (
  attempt: Attempt & { password: string; organizationId?: string },
) => Promise<PasswordVerdict>

/** Creates the one password check. It slows down guessing at every entry point, before anything is hashed. */
export function createGuardedCheck({ db, limits }: { db: Database; limits: Limits }): GuardedCheck {
  const attempts = createAttempts(limits)
  const hashOf = createUserNameHash(db)
  return async ({ password, organizationId, ...attempt }) => {
    const { address, tenantId, userName } = attempt
    const details = { factor: FACTOR, userNameHash: hashOf(attempt) }
    const resting = (afterSeconds: number): PasswordVerdict => {
      noteEvent('sign_in.limited', { details })
      return { status: 'resting', afterSeconds }
    }
    const seconds = await attempts.waitFor(attempt)
    if (seconds !== undefined) return resting(seconds)
    let user: User | undefined
    stepAside()
    try {
      user = await verifyPassword(db, tenantId, userName, password, organizationId, networkOf(address))
    } catch (error) {
      if (error instanceof Busy) return { status: 'busy', afterSeconds: RETRY_AFTER_SECONDS }
      throw error
    }
    if (!user) {
      noteEvent('sign_in.failed', { details })
      if (await attempts.failed(attempt)) noteEvent('sign_in.locked', { details })
      return { status: 'wrong' }
    }
    const tooMany = await attempts.succeeded(attempt)
    if (tooMany !== undefined) return resting(tooMany)
    const actor = { kind: 'user', id: user.id } as const
    noteEvent('sign_in.step_passed', { actor, targetId: user.id, details: { factor: FACTOR } })
    return { status: 'right', user }
  }
}

/** People type their password into the name field, so an event must not show what was typed. */
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
  limits: Limits
  clientRequestOf(request: IncomingMessage): ClientRequest
}): CheckPassword {
  const check = createGuardedCheck(ports)
  const browsers = createKnownBrowsers(ports.db)
  return ({ issuer: { organization, tenant }, userName, password }, request) => {
    const { address } = ports.clientRequestOf(request)
    const account = { tenantId: tenant.id, userName }
    const browser = present({ browser: browsers.find(request.headers?.cookie, account) })
    return check({ ...account, organizationId: organization.id, password, address, ...browser })
  }
}
