import { Problem } from '../problem.ts'

/** The problems that every page has, in words for people. */
export const pageProblems = {
  methodNotAllowed: (methods: readonly string[], sentence: string) =>
    new Problem(405, 'invalid_request', sentence, { headers: { allow: methods.join(', ') } }),
}
