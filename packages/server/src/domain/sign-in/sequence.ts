import type { Application, SignInSequence } from '../../ground/store/model.ts'

/** The name of the password page among the authenticators, as in WSO2's products. */
export const BASIC_AUTHENTICATOR = 'BasicAuthenticator'

/** The sequence of an application without its own. */
export const DEFAULT_SEQUENCE: SignInSequence = {
  steps: [{ options: [BASIC_AUTHENTICATOR] }],
  subjectStep: 1,
  attributeStep: 1,
}

/**
 * The steps of an application. System applications always require the password, so that an authenticator that refuses everyone
 * cannot lock out administrators.
 */
export function sequenceOf({ isSystem, signIn }: Application): SignInSequence {
  return isSystem ? DEFAULT_SEQUENCE : (signIn ?? DEFAULT_SEQUENCE)
}

/** Whether a sequence has only the password page. */
export function isPasswordOnly({ steps: [first, ...others] }: SignInSequence): boolean {
  return others.length === 0 && first?.options.length === 1 && first.options[0] === BASIC_AUTHENTICATOR
}

/**
 * The value in the claim `amr` for an authenticator: the name of RFC 8176 for the password, otherwise the authenticator's name.
 */
export function methodOf(authenticator: string): string {
  return authenticator === BASIC_AUTHENTICATOR ? 'pwd' : authenticator
}

/**
 * The first steps that a session has already completed, by the authenticator that was used.
 *
 * @param methods The session's `amr`.
 */
export function stepsPassedBefore({ steps }: SignInSequence, methods: readonly string[] = []): string[] {
  const passed: string[] = []
  for (const { options } of steps) {
    const used = options.find(option => methods.includes(methodOf(option)))
    if (used === undefined) break
    passed.push(used)
  }
  return passed
}
