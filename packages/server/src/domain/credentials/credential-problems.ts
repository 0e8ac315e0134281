import { codeOfStatus, Problem } from '../../ground/problem.ts'

/** Why a caller may not use an API. */
export const credentialProblems = {
  unauthorized: () =>
    new Problem(
      401,
      codeOfStatus(401),
      'Send the user name and password of somebody who may do this (Basic), or an access token with the scope of the operation (Bearer).',
      {
        title: 'Unauthorized.',
        headers: { 'www-authenticate': 'Basic realm="Preflow", charset="UTF-8", Bearer realm="Preflow"' },
      },
    ),
  lacksScope: (scope: string) =>
    new Problem(403, codeOfStatus(403), `This needs the scope ${scope}.`, { title: 'Forbidden.' }),
  /** A browser that remembers Basic credentials would send them with any page's request. */
  crossSite: () =>
    new Problem(403, codeOfStatus(403), 'Pages of other sites may not use this API.', { title: 'Forbidden.' }),
  tooManyWrongPasswords: () =>
    new Problem(429, codeOfStatus(429), 'Try again in a minute.', {
      title: 'Too many wrong passwords.',
      headers: { 'retry-after': '60' },
    }),
}
