import { BASIC_AUTHENTICATOR, sequenceOf } from '../../domain/sign-in/sequence.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import { authenticationTypesOf } from '../../ground/store/authenticators.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, SignInSequence, Tenant } from '../../ground/store/model.ts'
import type { AuthenticationSequenceInput, AuthenticationSequenceView } from './routes/applications.ts'

const refuse = (sentence: string) => requestProblems.invalid(`authenticationSequence${sentence}`)

/**
 * Reads the sign-in sequence of an application.
 *
 * @returns The sequence, or nothing for the default one. Rejects with a problem that names the wrong step.
 */
export async function readSequence(
  { type = 'DEFAULT', steps = [], subjectStepId = 1, attributeStepId = 1 }: AuthenticationSequenceInput,
  { db, tenant }: { db: Database; tenant: Tenant },
): Promise<SignInSequence | undefined> {
  const ordered = steps.toSorted((one, other) => one.id - other.id)
  const options = ordered.map(step => step.options.map(({ authenticator }) => nameOf(authenticator)))
  if (type === 'DEFAULT') {
    // A sequence with more steps must not be accepted and then ignored.
    if (options.length <= 1 && (options[0] ?? []).every(name => name === BASIC_AUTHENTICATOR)) return undefined
    throw refuse(`: DEFAULT is one step with ${BASIC_AUTHENTICATOR}. Send "type": "USER_DEFINED" to use these steps.`)
  }
  if (ordered.length === 0) throw refuse('.steps: list at least one step, or send "type": "DEFAULT".')
  for (const [index, { id }] of ordered.entries()) {
    if (id !== index + 1) throw refuse(`.steps: ids must be 1, 2, 3 and so on. Check step ${id}.`)
  }
  await checkOptions(options, db, tenant)
  for (const [name, id] of Object.entries({ subjectStepId, attributeStepId })) {
    if (id > ordered.length) throw refuse(`.${name}: step ${id} does not exist. The last step is ${ordered.length}.`)
  }
  return {
    steps: options.map(names => ({ options: names })),
    subjectStep: subjectStepId,
    attributeStep: attributeStepId,
  }
}

/** Tools send `basic` for the password page. */
function nameOf(authenticator: string): string {
  return authenticator === 'basic' ? BASIC_AUTHENTICATOR : authenticator
}

async function checkOptions(steps: readonly string[][], db: Database, tenant: Tenant): Promise<void> {
  const types = await authenticationTypesOf(db, tenant, [...new Set(steps.flat())])
  for (const [index, options] of steps.entries()) {
    const at = `.steps: step ${index + 1}`
    if (options.length === 0) throw refuse(`${at} has no options. List at least one authenticator.`)
    if (new Set(options).size < options.length) throw refuse(`${at} lists an authenticator twice.`)
    for (const name of options) {
      if (name === BASIC_AUTHENTICATOR) continue
      const known = types.get(name)
      if (!known) {
        const shown = JSON.stringify(name)
        throw refuse(
          `${at}: the authenticator ${shown} does not exist. Create it, or use one that GET /authenticators lists.`,
        )
      }
      if (index === 0 && known.includes('VERIFICATION')) {
        throw refuse(
          `${at}: ${name} verifies an already identified user. Move it to a later step, after one that identifies the user.`,
        )
      }
    }
  }
}

export function showSequence(application: Application): AuthenticationSequenceView {
  const { steps, subjectStep, attributeStep } = sequenceOf(application)
  return {
    type: application.signIn && !application.isSystem ? 'USER_DEFINED' : 'DEFAULT',
    steps: steps.map(({ options }, index) => ({
      id: index + 1,
      options: options.map(authenticator => ({ idp: 'LOCAL', authenticator })),
    })),
    subjectStepId: subjectStep,
    attributeStepId: attributeStep,
  }
}
