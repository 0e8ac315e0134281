import type { IncomingMessage, ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import { errors } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../../ground/claims/oidc-claims.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import { pageProblems } from '../../ground/pages/page-problems.ts'
import { consentPage } from '../../ground/pages/pages.ts'
import { sendProblemPage } from '../../ground/pages/send.ts'
import { listApiResources } from '../../ground/store/api-resources.ts'
import { changeSignInFlow, findSignInFlowOf } from '../../ground/store/sign-in-flows.ts'
import { findUserById } from '../../ground/store/users.ts'
import { login } from './login.ts'
import { endReturnedElsewhere } from './returning.ts'
import { signInProblems } from './sign-in-problems.ts'
import {
  csrfOf,
  finish,
  isOwnForm,
  type Prompt,
  type SignInPorts,
  type SignInServer,
  showPage,
  type Visit,
} from './visit.ts'

/** The meaning of the identity scopes, for the consent page. */
const IDENTITY_WISHES: Record<string, string> = {
  openid: 'know who you are',
  profile: 'read your name and profile',
  email: 'read your e-mail address',
  phone: 'read your telephone number',
  address: 'read your postal address',
  groups: 'see your groups',
  roles: 'see your roles',
}

/**
 * Answers the sign-in page of an issuer at `/sign-in/{uid}`: signs the user in, shows the consent page, and returns the browser
 * to its authorization request. A browser without the cookie of that request cannot continue.
 */
export async function handleSignIn(
  request: IncomingMessage,
  response: ServerResponse,
  server: SignInServer,
  ports: SignInPorts,
): Promise<void> {
  try {
    await answer(request, response, server, ports)
  } catch (error) {
    // This can also happen later: during an extension call the same browser may end the sign-in in another tab.
    if (!(error instanceof errors.SessionNotFound)) throw error
    const isElsewhere = await endReturnedElsewhere(request, server, ports)
    sendProblemPage(response, isElsewhere ? signInProblems.returnedElsewhere() : signInProblems.overOrElsewhere())
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  server: SignInServer,
  ports: SignInPorts,
): Promise<void> {
  const { interaction, application } = await server.interactions.find(request, response)
  if (!application) return sendProblemPage(response, signInProblems.applicationRemoved())
  const visit: Visit = { request, response, server, ports, interaction, application }
  const prompt = prompts[interaction.prompt.name]
  if (!prompt) {
    return finish(visit, { error: 'interaction_required', error_description: 'The request requires an unknown step.' })
  }
  if (request.method === 'GET' || request.method === 'HEAD') return prompt.show(visit)
  if (request.method !== 'POST') {
    const problem = pageProblems.methodNotAllowed(['GET', 'HEAD', 'POST'], 'Use GET or POST for this page.')
    return sendProblemPage(response, problem)
  }

  const form = await ports.readForm(request)
  if (!isOwnForm(visit, form)) return sendProblemPage(response, signInProblems.foreignForm())
  if (form.get('step') === 'cancel') {
    // End the flow too, so that a return in another tab is not mistaken for one in another browser.
    const flow = await findSignInFlowOf(ports.db, interaction.uid)
    if (flow) await changeSignInFlow(ports.db, flow, { isDecided: true })
    noteEvent('sign_in.refused', { targetId: application.id, clientId: application.clientId, reason: 'cancelled' })
    return finish(visit, { error: 'access_denied', error_description: 'The user denied the request.' })
  }
  return prompt.submit(visit, form)
}

/** The handler of each prompt of an authorization request. */
const prompts: Record<string, Prompt> = {
  login,
  consent: {
    async show(visit) {
      const { application, interaction, ports, server } = visit
      const user = await findUserById(ports.db, server.issuer.tenant.id, interaction.session?.accountId ?? '')
      const wishes = await wishesOf(visit)
      const page = consentPage({
        application: application.name,
        userName: user?.userName ?? 'you',
        csrf: csrfOf(visit),
        wishes,
      })
      showPage(visit, 200, page)
    },
    async submit(visit) {
      const { application, interaction, server } = visit
      const scopes = server.interactions.missingScopes(interaction)
      const grantId = await server.interactions.grant(interaction, application, scopes)
      const { clientId, id: targetId } = application
      const actor = { kind: 'user', ...present({ id: interaction.session?.accountId }) } as const
      noteEvent('consent.given', { actor, clientId, targetId, details: { scopes } })
      await finish(visit, { consent: { grantId } })
    },
  },
}

async function wishesOf({ interaction, ports, server }: Visit): Promise<string[]> {
  const scopes = server.interactions.missingScopes(interaction)
  const apis = scopes.every(scope => IDENTITY_SCOPES.includes(scope))
    ? []
    : await listApiResources(ports.db, server.issuer.tenant.id)
  const titles = new Map(apis.flatMap(api => api.scopes.map(scope => [scope.name, scope.displayName ?? scope.name])))
  return scopes.map(scope => IDENTITY_WISHES[scope] ?? titles.get(scope) ?? scope)
}
