import { Problem } from '../../ground/problem.ts'

const problem = (status: number, code: string, title: string, sentence: string) =>
  new Problem(status, `AUT-${code}`, sentence, { title })

const notInFormat = (what: string, given: string, form: RegExp) =>
  `The provided ${what} ${JSON.stringify(given)} is not in the expected format ${form.source}.`

/** The problems of the authenticators API, with the reference's codes and wording. */
export const authenticatorProblems = {
  invalidEndpoint: (sentence: string) => problem(400, '60011', 'Invalid endpoint configuration provided.', sentence),
  notFound: (id: string) =>
    problem(
      404,
      '60012',
      'Authenticator not found.',
      `No custom authenticator has the id ${id}. GET /authenticators lists all.`,
    ),
  nameTaken: (name: string) =>
    problem(
      400,
      '60013',
      'The authenticator already exists.',
      `The authenticator already exists for the given name: ${name}.`,
    ),
  invalidName: (name: string, form: RegExp) =>
    problem(400, '60014', 'Authenticator name is invalid.', notInFormat('authenticator name', name, form)),
  invalidDisplayName: (name: string, form: RegExp) =>
    problem(
      400,
      '60015',
      'Authenticator display name is invalid.',
      notInFormat('authenticator display name', name, form),
    ),
}
