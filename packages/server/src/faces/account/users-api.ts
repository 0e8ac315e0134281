import { Hono } from 'hono'
import * as z from 'zod'
import { CALL_ID_HEADER } from '../../domain/actions/call-record.ts'
import { PRIMARY_USER_STORE } from '../../domain/actions/event-nouns.ts'
import { createAuthenticate, forbidden, mayUse, type VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { createGuardedCheck } from '../../domain/credentials/check-password.ts'
import { USERS_API_SCOPES } from '../../domain/tenants/api-scopes.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import { type ActionRefusal, isPassword, PASSWORD_FORM, type UserPorts } from '../../domain/users/user-change.ts'
import { type Mounted, originOf } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import { invalidRequest, Refusal } from '../../ground/http/refusal.ts'
import type { Log } from '../../ground/observe/log.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserById, findUserByUserName } from '../../ground/store/users.ts'
import { writeInvitation } from './invitation.ts'
import { INVITATION_PATH } from './invitation-page.ts'

/** What all paths of this API are below. */
export const USER_API_PATH = '/api/users/v1'

export interface UsersApiPorts extends UserPorts {
  log: Pick<Log, 'error'>
  verifyAccessToken: VerifyAccessToken
}

/** It answers every request itself; it never rejects. */
export interface UsersApi {
  /** @param request With the prefix of tenant and organization taken off. */
  fetch(request: Request, mounted: Mounted): Promise<Response>
}

type App = { Bindings: Mounted }

const MAX_BODY_BYTES = 16_384
const changeSchema = z.object({ currentPassword: z.string().min(1), newPassword: z.string().min(1) })
const inviteSchema = z.object({ username: z.string().min(1), userstore: z.string().exactOptional() })

const refuse = {
  missingData: () =>
    new Refusal(
      400,
      'PWD-10000',
      'Required data is missing',
      'Send currentPassword and newPassword, as texts that are not empty.',
    ),
  wrongPassword: () =>
    new Refusal(
      400,
      'PWD-10001',
      'Current password is incorrect',
      'Send the password as it is now in currentPassword.',
    ),
  samePassword: () =>
    new Refusal(400, 'PWD-10002', 'New password is the same as the current one', 'Choose another new password.'),
  badForm: () => new Refusal(400, 'PWD-10003', 'Password policy violation', `A password must have ${PASSWORD_FORM}.`),
  byAction: ({ callId, ...refusal }: ActionRefusal) => {
    const headers = callId === undefined ? {} : { [CALL_ID_HEADER]: callId }
    return refusal.by === 'extension'
      ? new Refusal(400, 'PWD-10004', 'Password validation failed', refusal.description ?? NO_DESCRIPTION, headers)
      : new Refusal(500, 'PWD-15001', 'Error updating password', whyOf(callId), headers)
  },
  notOwn: () =>
    new Refusal(
      400,
      'PWD-10005',
      'Invalid request',
      'The caller is not a user of this organization. Sign in as the user.',
    ),
  resting: () =>
    new Refusal(429, 'PWD-10005', 'Too many wrong passwords', 'Try again in a minute.', { 'retry-after': '60' }),
  changedMeanwhile: () => new Refusal(409, 'PWD-10005', 'The user was changed meanwhile', 'Repeat the change.'),
}

/** The reference's words for a refusal without words. */
const NO_DESCRIPTION = 'The new password does not meet the custom requirements configured for this organization.'

function whyOf(callId: string | undefined): string {
  const record = callId === undefined ? 'The log says why.' : `Why is in the record of its call, ${callId}.`
  return `The action could not be asked. ${record}`
}

/**
 * Makes the API about passwords of users:
 *
 * - `POST /api/users/v1/me/change-password` with `currentPassword` and `newPassword` changes one's own, answered with 204. Wrong
 *   current passwords are counted like wrong ones at the sign-in.
 * - `POST /api/users/v1/offline-invite-link` with `username` answers 201 with a link at which that user sets one, to be handed over
 *   in whatever way there is.
 */
export function createUsersApi(ports: UsersApiPorts): UsersApi {
  const { db } = ports
  const authenticate = createAuthenticate(db, ports.verifyAccessToken)
  const check = createGuardedCheck(db)
  const app = new Hono<App>({ strict: false }).basePath(USER_API_PATH)

  app.post('/me/change-password', async context => {
    const { organization, tenant } = context.env
    const request = context.req.raw
    const caller = await authenticate(request, context.env)
    if (!mayUse(caller, USERS_API_SCOPES.changePassword, organization)) throw forbidden(USERS_API_SCOPES.changePassword)
    const user = caller.userId === undefined ? undefined : await findUserById(db, tenant.id, caller.userId)
    if (user?.organizationId !== organization.id) throw refuse.notOwn()

    const body = changeSchema.safeParse((await readJson(request, MAX_BODY_BYTES))?.value)
    if (!body.success) throw refuse.missingData()
    const { currentPassword, newPassword } = body.data
    await mustKnow(user, currentPassword)
    if (newPassword === currentPassword) throw refuse.samePassword()
    if (!isPassword(newPassword)) throw refuse.badForm()

    const initiator = { type: 'USER', id: user.id } as const
    const updated = await updateUser(ports, {
      tenant,
      organization,
      initiator,
      user,
      password: newPassword,
      action: 'UPDATE',
    })
    if (updated.status === 'refused') throw refuse.byAction(updated.refusal)
    if (updated.status !== 'updated') throw refuse.changedMeanwhile()
    await auditUser(ports, user, { initiator: caller.id, action: 'UPDATE', details: { changed: ['password'] } })
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
  })

  app.post('/offline-invite-link', async context => {
    const { organization, prefix, tenant } = context.env
    const request = context.req.raw
    const caller = await authenticate(request, context.env)
    if (!mayUse(caller, USERS_API_SCOPES.invite, organization)) throw forbidden(USERS_API_SCOPES.invite)
    const body = inviteSchema.safeParse((await readJson(request, MAX_BODY_BYTES))?.value)
    if (!body.success) throw invalidRequest('Send the user name as username.')
    const { username, userstore = PRIMARY_USER_STORE.name } = body.data
    if (userstore.toUpperCase() !== PRIMARY_USER_STORE.name) {
      throw invalidRequest(`There is no user store of this name. Users are in ${PRIMARY_USER_STORE.name}.`)
    }
    const user = await findUserByUserName(db, tenant.id, username, organization.id)
    if (!user) throw new Refusal(404, 'PREFLOW-404', 'User is not found.', 'Nobody here has this user name.')
    // Who may invite could otherwise take over an administrator's account.
    if (user.isAdministrator && !caller.isAdministrator) {
      throw new Refusal(403, 'PREFLOW-403', 'Forbidden.', 'Administrators are invited by administrators only.')
    }
    const invitation = await writeInvitation(db, { user, invitedBy: caller.id })
    await auditUser(ports, user, { initiator: caller.id, action: 'INVITE', details: {} })
    return new Response(`${originOf(request)}${prefix}${INVITATION_PATH}?invitation=${invitation}`, {
      status: 201,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    })
  })

  app.notFound(() => {
    const known = ['me/change-password', 'offline-invite-link'].map(path => `POST ${USER_API_PATH}/${path}`)
    throw new Refusal(404, 'PREFLOW-404', 'Not found.', `There are ${known.join(' and ')}.`)
  })
  app.onError(error => {
    if (error instanceof Refusal) return answer(error)
    const traceId = ports.newId()
    ports.log.error({ traceId, err: error }, 'a change of a password failed')
    return answer(new Refusal(500, 'PWD-15001', 'Error updating password', `The server's log has it under ${traceId}.`))
  })

  /** The user is known already, by a token that somebody may have found: only the password proves who it is. */
  async function mustKnow(user: User, password: string): Promise<void> {
    // Only the user's own credentials lead here, so nobody else can use up the attempts.
    const { tenantId, organizationId, userName } = user
    const { status } = await check({ tenantId, organizationId, userName, password, address: USER_API_PATH })
    if (status === 'resting') throw refuse.resting()
    if (status === 'wrong') throw refuse.wrongPassword()
  }

  return { fetch: async (request, mounted) => app.fetch(request, mounted) }
}

function answer({ headers, problem, status }: Refusal): Response {
  return Response.json(problem, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
