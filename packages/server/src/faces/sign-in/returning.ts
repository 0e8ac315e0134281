import type { IncomingMessage } from 'node:http'
import { isReturnOf, openReturn, type Return } from '../../domain/sign-in/returns.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import type { SignInFlow } from '../../ground/store/model.ts'
import { changeSignInFlow, findSignInFlow } from '../../ground/store/sign-in-flows.ts'
import type { SignInPorts, SignInServer, Visit } from './visit.ts'

/** The parameter with a sealed return from `/commonauth` to the sign-in page. */
export const RETURNED = 'returned'

/** Returns the browser's return for the current state of the flow. Returns nothing for any other request. */
export function returnOf({ ports, request }: Visit, flow: SignInFlow): Return | undefined {
  const returned = readReturn(request, ports)
  return returned && isReturnOf(returned, flow) ? returned : undefined
}

/**
 * Ends a sign-in whose user returned in a browser that did not start it: an attacker may have made the user prove a factor for
 * the attacker's sign-in. The browser that started it gets `access_denied`.
 *
 * @returns Whether the request was such a return.
 */
export async function endReturnedElsewhere(
  request: IncomingMessage,
  { issuer }: Pick<SignInServer, 'issuer'>,
  ports: SignInPorts,
): Promise<boolean> {
  const returned = request.method === 'GET' ? readReturn(request, ports) : undefined
  const flow = returned && (await findSignInFlow(ports.db, returned.flowId))
  if (!returned || !flow?.sentAway || flow.isDecided) return false
  if (!isReturnOf(returned, flow) || flow.tenantId !== issuer.tenant.id) return false
  const refusal = {
    error: 'access_denied',
    error_description: 'The sign-in was continued in a browser that did not start it.',
  }
  if (!(await changeSignInFlow(ports.db, flow, { isDecided: true, refusal }))) return false
  noteEvent('sign_in.returned_elsewhere', { details: { authenticators: Object.keys(flow.sentAway) } })
  return true
}

function readReturn({ url = '' }: IncomingMessage, { db }: SignInPorts): Return | undefined {
  const [, query] = url.split(/\?(.*)/s)
  const text = new URLSearchParams(query).get(RETURNED)
  return text === null ? undefined : openReturn(db.seal, text)
}
