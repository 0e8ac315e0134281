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

/** The endpoint to which extensions return browsers, below any path of tenant and organization. Only the flow id matters. */
export const COMMON_AUTH = /(^|\/)commonauth$/

/**
 * Redirects a browser that returns from an extension to its sign-in page, with the extension's return code.
 *
 * The request is trusted only to name the flow. The page continues only in the browser with the cookie of the sign-in. A return
 * in any other browser ends the sign-in.
 */
export async function handleCommonAuth(
  request: IncomingMessage,
  response: ServerResponse,
  { db, findIssuer }: { db: Database; findIssuer(place: FlowPlace): Promise<Issuer | undefined> },
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendProblemPage(response, pageProblems.methodNotAllowed(['GET', 'HEAD'], 'Return to this address with GET.'))
  }
  // Use only the query, because the part before it may not be a valid address.
  const [, query] = (request.url ?? '').split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  const flow = await findSignInFlow(db, parameters.get('flowId') ?? '')
  const issuer = flow && (await findIssuer(flow))
  if (!flow || !issuer) return sendProblemPage(response, signInProblems.over())
  const returned = sealReturn(db.seal, flow, parameters.getAll(RETURN_CODE_PARAMETER))
  redirect(response, 302, `${issuer.path}/sign-in/${flow.interactionId}?${RETURNED}=${returned}`)
}

/** The place where a flow began. */
interface FlowPlace {
  tenantId: string
  organizationId: string
}
