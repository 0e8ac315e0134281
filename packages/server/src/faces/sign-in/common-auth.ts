import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { pageProblems } from '../../ground/pages/page-problems.ts'
import { redirect, sendProblemPage } from '../../ground/pages/send.ts'
import type { Database } from '../../ground/store/database.ts'
import { findSignInFlow } from '../../ground/store/sign-in-flows.ts'
import { signInProblems } from './sign-in-problems.ts'

/** Where extensions send browsers back to, below whatever names the tenant and the organization: the flow id says more. */
export const COMMON_AUTH = /(^|\/)commonauth$/

/**
 * Takes a browser that comes back from an extension to the page of its sign-in.
 *
 * Nothing of the request is believed but which flow is meant. The page lets only the browser go on that has the cookie it was
 * given there, so whoever knows the id of somebody else's flow gets no further, and the extension is not asked.
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
  const flow = await findSignInFlow(db, new URLSearchParams(query).get('flowId') ?? '')
  const issuer = flow && (await findIssuer(flow))
  if (!flow || !issuer) return sendProblemPage(response, signInProblems.over())
  redirect(response, 302, `${issuer.path}/sign-in/${flow.interactionId}`)
}

/** Where a flow began. */
interface FlowPlace {
  tenantId: string
  organizationId: string
}
