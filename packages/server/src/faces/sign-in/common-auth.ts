import type { IncomingMessage, ServerResponse } from 'node:http'
import { RETURN_CODE_PARAMETER } from '@preflow/contract'
import { sealReturn } from '../../domain/sign-in/returns.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { pageProblems } from '../../ground/pages/page-problems.ts'
import { redirect, sendProblemPage } from '../../ground/pages/send.ts'
import type { Database } from '../../ground/store/database.ts'
import { findSignInFlow } from '../../ground/store/sign-in-flows.ts'
import { RETURNED } from './returning.ts'
import { signInProblems } from './sign-in-problems.ts'

/** Where extensions send browsers back to, below whatever names the tenant and the organization: the flow id says more. */
export const COMMON_AUTH = /(^|\/)commonauth$/

/**
 * Takes a browser that comes back from an extension to the page of its sign-in, with the return code that the extension gave it.
 *
 * Nothing of the request is believed but which flow is meant. The page continues only in the browser that has the cookie it was
 * given there, and a return in any other browser ends the sign-in.
 */
export async function handleCommonAuth(
  request: IncomingMessage,
  response: ServerResponse,
  { db, findIssuer }: { db: Database; findIssuer(place: FlowPlace): Promise<Issuer | undefined> },
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendProblemPage(response, pageProblems.methodNotAllowed(['GET', 'HEAD'], 'Come back here with a GET.'))
  }
  // Of the query alone: what is before it may be nothing that an address can be read in.
  const [, query] = (request.url ?? '').split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  const flow = await findSignInFlow(db, parameters.get('flowId') ?? '')
  const issuer = flow && (await findIssuer(flow))
  if (!flow || !issuer) return sendProblemPage(response, signInProblems.over())
  const returned = sealReturn(db.seal, flow, parameters.getAll(RETURN_CODE_PARAMETER))
  redirect(response, 302, `${issuer.path}/sign-in/${flow.interactionId}?${RETURNED}=${returned}`)
}

/** Where a flow began. */
interface FlowPlace {
  tenantId: string
  organizationId: string
}
