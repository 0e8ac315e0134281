import {
  mayDiscloseHeader,
  mayDiscloseParameter,
  type NamedValues,
  present,
  RETURN_CODE_PARAMETER,
} from '@preflow/contract'
import type { Interaction } from 'oidc-provider'
import type { Database } from '../../ground/store/database.ts'
import type { Application } from '../../ground/store/model.ts'
import { insertSignInFlow } from '../../ground/store/sign-in-flows.ts'
import type { Issuer } from '../tenants/issuer.ts'
import { isPasswordOnly, sequenceOf, stepsPassedBefore } from './sequence.ts'

/** The reason why a browser with a session must sign in again: the application requires more steps than the session has. */
export const AUTHENTICATOR_MISSING = 'authenticator_missing'

const FLOW_ID_BYTES = 16
/** Only a return may contain it. */
const RETURN_CODE = RETURN_CODE_PARAMETER.toLowerCase()

/** Whether the session is valid and only lacks steps. Otherwise the user must sign in again. */
export function continuesSession({ prompt, session }: Interaction): boolean {
  return session?.accountId !== undefined && prompt.reasons.every(reason => reason === AUTHENTICATOR_MISSING)
}

/** The start of a sign-in. */
interface SignInStart {
  interaction: Interaction
  issuer: Issuer
  application: Application
  /** The generation of the session's user. Absent: no step of the session counts. */
  generation?: string
}

/**
 * Stores the start of a sign-in and the browser's request, for custom authenticators. A sign-in with only the password needs no
 * flow.
 *
 * @param request The browser's request to the authorize endpoint. Secrets are not stored.
 */
export async function beginSignIn(
  { interaction, issuer, application, generation }: SignInStart,
  request: { headers: readonly NamedValues[]; parameters: readonly NamedValues[] },
  { db, randomBytes }: { db: Database; randomBytes(count: number): Uint8Array },
): Promise<void> {
  const sequence = sequenceOf(application)
  if (interaction.prompt.name !== 'login' || isPasswordOnly(sequence)) return
  const { accountId: userId = '', amr } = interaction.session ?? {}
  const isContinued = generation !== undefined && continuesSession(interaction)
  const passed = isContinued ? stepsPassedBefore(sequence, amr) : []
  await insertSignInFlow(db, {
    id: Buffer.from(randomBytes(FLOW_ID_BYTES)).toString('hex'),
    tenantId: issuer.tenant.id,
    organizationId: issuer.organization.id,
    interactionId: interaction.uid,
    version: 1,
    passed: passed.map(authenticator => ({ authenticator, userId, ...present({ generation }) })),
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
