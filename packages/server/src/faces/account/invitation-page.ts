import type { IncomingMessage, ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import { isByExtension } from '../../domain/actions/extension-problems.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import type { UserPorts } from '../../domain/users/user-change.ts'
import { pageProblems } from '../../ground/pages/page-problems.ts'
import { donePage, newPasswordPage } from '../../ground/pages/pages.ts'
import { send, sendProblemPage } from '../../ground/pages/send.ts'
import { readInvitation } from './invitation.ts'
import { invitationProblems } from './invitation-problems.ts'

/** The path of the invitation page, below the path of the issuer. */
export const INVITATION_PATH = '/set-password'

const METHODS = ['GET', 'HEAD', 'POST']

export interface InvitationPagePorts extends UserPorts {
  /** Reads a small form. Rejects if it is too large or not a form. */
  readForm(request: IncomingMessage): Promise<URLSearchParams>
}

/**
 * Answers the page at which an invited user sets a password. The invitation is the only proof, so the page needs no cookie.
 * Another site's page can do no more with it than its owner.
 */
export async function handleInvitation(
  request: IncomingMessage,
  response: ServerResponse,
  { tenant, organization }: Issuer,
  ports: InvitationPagePorts,
): Promise<void> {
  if (!METHODS.includes(request.method ?? '')) {
    return sendProblemPage(response, pageProblems.methodNotAllowed(METHODS, 'Use GET or POST for this page.'))
  }
  const isForm = request.method === 'POST'
  const given = isForm ? await ports.readForm(request) : new URL(request.url ?? '', 'http://any.invalid').searchParams
  const text = given.get('invitation') ?? ''
  const invitation = await readInvitation(ports.db, tenant.id, text)
  if (invitation?.user.organizationId !== organization.id) {
    return sendProblemPage(response, invitationProblems.invalid())
  }
  const { invitedBy, user } = invitation
  const show = (status: number, complaint?: string) =>
    send(response, status, newPasswordPage({ userName: user.userName, invitation: text, ...present({ complaint }) }))
  if (!isForm) return show(200)

  const password = given.get('password') ?? ''
  if (password !== given.get('again')) return show(400, 'The two passwords are not the same.')
  const initiator = { type: 'ADMIN', id: invitedBy } as const
  const updated = await updateUser(ports, { tenant, organization, initiator, user, password, action: 'INVITE' })
  switch (updated.status) {
    case 'updated': {
      const details = { changed: ['password'], invitedBy }
      await auditUser(ports, user, { initiator: user.id, action: 'UPDATE', details })
      return send(response, 200, donePage('Password Set Successfully', 'You can sign in with it now.'))
    }
    case 'password_broke_rule':
      return show(400, updated.sentence)
    case 'refused': {
      const { problem } = updated
      if (isByExtension(problem)) return show(problem.status, problem.sentence ?? 'Choose another password.')
      return sendProblemPage(response, invitationProblems.notCalled(problem))
    }
    default:
      return show(409, 'Your account changed in the meantime. Try again.')
  }
}
