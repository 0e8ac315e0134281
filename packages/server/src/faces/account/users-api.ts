import { present } from '@preflow/contract'
import * as z from 'zod'
import { decide } from '../../domain/access/decide.ts'
import type { Access } from '../../domain/access/permission-names.ts'
import { reachOfUser } from '../../domain/access/reach.ts'
import { PRIMARY_USER_STORE } from '../../domain/actions/event-nouns.ts'
import { type AuthenticatePorts, type Caller, createAuthenticate } from '../../domain/credentials/authenticate.ts'
import {
  createGuardedCheck,
  type GuardedCheck,
  passwordComplaint,
  REFUSAL_STATUS,
} from '../../domain/credentials/check-password.ts'
import { mustBeAllowed, mustHold } from '../../domain/credentials/credential-problems.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import type { UserPorts } from '../../domain/users/user-change.ts'
import { type MountedApi, mountRoutes, type RouteName, routesOf } from '../../ground/http/mount.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { problemResponse } from '../../ground/http/send.ts'
import type { Log } from '../../ground/observe/log.ts'
import { problemOf } from '../../ground/problem.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserById, findUserByUserName } from '../../ground/store/users.ts'
import { writeInvitation } from './invitation.ts'
import { INVITATION_PATH } from './invitation-page.ts'
import { passwordProblems } from './password-problems.ts'

/** The beginning of every path of this API. */
export const USERS_API_PATH = '/api/users/v1'

/** Every route of the users API, with the access that it requires. */
const usersApiRoutes = {
  'POST /me/change-password': { permission: 'internal_user_password_update' },
  'POST /offline-invite-link': { permission: 'internal_offline_invite' },
} as const satisfies Record<RouteName, Access>

/** The same routes as a list. */
export const usersApiRouteList = routesOf(usersApiRoutes)

export interface UsersApiPorts extends UserPorts, AuthenticatePorts {
  log: Pick<Log, 'error' | 'info'>
}

const MAX_BODY_BYTES = 16_384
const changeSchema = z.object({ currentPassword: z.string().min(1), newPassword: z.string().min(1) })
const inviteSchema = z.object({ username: z.string().min(1), userstore: z.string().exactOptional() })

/** A request whose caller is authorized. */
interface Visit extends Mounted {
  caller: Caller
  request: Request
}

/**
 * Creates the API for users' passwords:
 *
 * - `POST /api/users/v1/me/change-password` with `currentPassword` and `newPassword` changes the caller's password and returns
 * 204.
 *   Wrong current passwords are counted like wrong ones at the sign-in.
 * - `POST /api/users/v1/offline-invite-link` with `username` returns 201 with a link at which that user sets a password. The
 * caller
 *   passes it on to the user.
 */
export function createUsersApi(ports: UsersApiPorts): MountedApi {
  const authenticate = createAuthenticate(ports)
  const check = createGuardedCheck(ports)
  const handlers: Record<keyof typeof usersApiRoutes, (visit: Visit) => Promise<Response>> = {
    'POST /me/change-password': visit => changePassword(visit, check, ports),
    'POST /offline-invite-link': visit => invite(visit, ports),
  }
  return mountRoutes(USERS_API_PATH, usersApiRouteList, {
    async answer({ access, name }, { mounted, request }) {
      const caller = await authenticate(request, mounted)
      mustHold(caller, access.permission, mounted.organization)
      return handlers[name]({ ...mounted, caller, request })
    },
    noSuchPath() {
      const known = usersApiRouteList.map(({ method, path }) => `${method} ${USERS_API_PATH}${path}`)
      return requestProblems.notFound(`Use ${known.join(' or ')}.`)
    },
    wrongMethod: requestProblems.methodNotAllowed,
    refuse(error) {
      const defect = { line: 'a change of a password failed', problem: passwordProblems.unexpected }
      return problemResponse(problemOf(error, ports, defect).problem)
    },
  })
}

async function changePassword(
  { address = '', caller, request, organization, tenant }: Visit,
  check: GuardedCheck,
  ports: UsersApiPorts,
): Promise<Response> {
  const { db } = ports
  const user = caller.userId === undefined ? undefined : await findUserById(db, tenant.id, caller.userId)
  if (user?.organizationId !== organization.id) throw passwordProblems.notOwn()

  const body = changeSchema.safeParse((await readJson(request, MAX_BODY_BYTES))?.value)
  if (!body.success) throw passwordProblems.missingData()
  const { currentPassword, newPassword } = body.data
  await mustKnow(user, currentPassword, address, check)
  if (newPassword === currentPassword) throw passwordProblems.samePassword()

  const initiator = { type: 'USER', id: user.id } as const
  const updated = await updateUser(ports, {
    tenant,
    organization,
    initiator,
    user,
    password: newPassword,
    ...present({ keptGrantId: caller.grantId }),
    action: 'UPDATE',
  })
  if (updated.status === 'refused') throw passwordProblems.byAction(updated.problem)
  if (updated.status === 'password_broke_rule') throw passwordProblems.brokeRule(updated.sentence)
  if (updated.status !== 'updated') throw passwordProblems.changedMeanwhile()
  await auditUser(ports, user, { initiator: caller.id, action: 'UPDATE', details: { changed: ['password'] } })
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}

async function invite(
  { caller, request, organization, origin, prefix, tenant }: Visit,
  ports: UsersApiPorts,
): Promise<Response> {
  const { db } = ports
  const body = inviteSchema.safeParse((await readJson(request, MAX_BODY_BYTES))?.value)
  if (!body.success) throw requestProblems.invalid('Send the user name as username.')
  const { username, userstore = PRIMARY_USER_STORE.name } = body.data
  if (userstore.toUpperCase() !== PRIMARY_USER_STORE.name) {
    throw requestProblems.invalid(`The user store does not exist. Users are in ${PRIMARY_USER_STORE.name}.`)
  }
  const user = await findUserByUserName(db, tenant.id, username, organization.id)
  if (!user) throw requestProblems.notFound('No user of this organization has this user name.', 'User is not found.')
  // The link sets the password, and so gives all rights of the user.
  mustBeAllowed(decide(caller, 'user.invite', organization, { reach: await reachOfUser(db, user) }))
  const invitation = await writeInvitation(db, { user, invitedBy: caller.id })
  await auditUser(ports, user, { initiator: caller.id, action: 'INVITE', details: {} })
  return new Response(`${origin}${prefix}${INVITATION_PATH}?invitation=${invitation}`, {
    status: 201,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** Checks the current password. The token may be stolen, so only the password proves who the caller is. */
async function mustKnow(user: User, password: string, address: string, check: GuardedCheck): Promise<void> {
  // Only the user's own credentials reach this point, so no one else can use up the attempts.
  const { tenantId, organizationId, userName } = user
  const account = { tenantId, organizationId, userName }
  const verdict = await check({ ...account, password, address, browser: USERS_API_PATH })
  if (verdict.status === 'wrong') throw passwordProblems.wrongPassword()
  if (verdict.status !== 'right') {
    throw passwordProblems.notNow(REFUSAL_STATUS[verdict.status], passwordComplaint(verdict), verdict.afterSeconds)
  }
}
