import { codeOfStatus, Problem } from '../problem.ts'

/** Problems of a request that do not depend on its meaning. */
export const requestProblems = {
  /** A body or query that violates its schema, with the code of the reference's dispatcher. */
  invalid: (sentence: string) => new Problem(400, 'UE-10000', sentence, { title: 'Invalid Request' }),
  forbidden: (sentence: string) => new Problem(403, codeOfStatus(403), sentence, { title: 'Forbidden.' }),
  notFound: (sentence: string, title = 'Not found.') => new Problem(404, codeOfStatus(404), sentence, { title }),
  methodNotAllowed: (methods: readonly string[]) =>
    new Problem(405, codeOfStatus(405), `Use ${methods.join(' or ')}.`, {
      title: 'Method not allowed.',
      headers: { allow: methods.join(', ') },
    }),
  tooLarge: (maxBytes: number, detail: string) =>
    new Problem(413, codeOfStatus(413), `Send at most ${maxBytes} bytes.`, {
      title: 'Request body too large.',
      detail,
      headers: { connection: 'close' },
    }),
  unsupportedMediaType: (mediaTypes: readonly string[]) =>
    new Problem(415, codeOfStatus(415), `Send the body as ${mediaTypes.join(' or ')} and set content-type.`, {
      title: 'Unsupported media type.',
    }),
}
