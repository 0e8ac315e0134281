import { Problem } from '../problem.ts'

/** The problems of every page, in sentences for users. */
export const pageProblems = {
  methodNotAllowed: (methods: readonly string[], sentence: string) =>
    new Problem(405, 'invalid_request', sentence, { headers: { allow: methods.join(', ') } }),
}
