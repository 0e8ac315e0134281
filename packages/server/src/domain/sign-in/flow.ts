import { mayDiscloseHeader, mayDiscloseParameter, type NamedValues, RETURN_CODE_PARAMETER } from '@preflow/contract'
import type { Interaction } from 'oidc-provider'
import type { Database } from '../../ground/store/database.ts'
import type { Application } from '../../ground/store/model.ts'
import { insertSignInFlow } from '../../ground/store/sign-in-flows.ts'
import type { Issuer } from '../tenants/issuer.ts'
import { isPasswordOnly, sequenceOf, stepsPassedBefore } from './sequence.ts'

/** Why a browser with a session has to sign in nevertheless: the application asks for more than the session went through. */
export const AUTHENTICATOR_MISSING = 'authenticator_missing'

const FLOW_ID_BYTES = 16
/** Only a return may bring it. */
const RETURN_CODE = RETURN_CODE_PARAMETER.toLowerCase()

/** Whether the session stands and only lacks steps; otherwise the user is to sign in anew. */
export function continuesSession({ prompt, session }: Interaction): boolean {
  return session?.accountId !== undefined && prompt.reasons.every(reason => reason === AUTHENTICATOR_MISSING)
}

/**
 * Remembers that a sign-in has begun and what the browser sent, for custom authenticators. A sign-in with nothing but the
 * password needs no memory.
 *
 * @param request What the browser sent to the authorize endpoint. Secrets are left out of what is kept.
 */
export async function beginSignIn(
  { interaction, issuer, application }: { interaction: Interaction; issuer: Issuer; application: Application },
  request: { headers: readonly NamedValues[]; parameters: readonly NamedValues[] },
  { db, randomBytes }: { db: Database; randomBytes(count: number): Uint8Array },
): Promise<void> {
  const sequence = sequenceOf(application)
  if (interaction.prompt.name !== 'login' || isPasswordOnly(sequence)) return
  const { accountId: userId = '', amr } = interaction.session ?? {}
  const passed = continuesSession(interaction) ? stepsPassedBefore(sequence, amr) : []
  await insertSignInFlow(db, {
    id: Buffer.from(randomBytes(FLOW_ID_BYTES)).toString('hex'),
    tenantId: issuer.tenant.id,
    organizationId: issuer.organization.id,
    interactionId: interaction.uid,
    version: 1,
    passed: passed.map(authenticator => ({ authenticator, userId })),
    request: {
      headers: request.headers.filter(mayDiscloseHeader),
      parameters: request.parameters.filter(
        parameter => mayDiscloseParameter(parameter) && parameter.name.toLowerCase() !== RETURN_CODE,
      ),
    },
    isDecided: false,
    expiresAt: interaction.exp * 1000,
  })
}
