import { Problem } from '../../ground/problem.ts'

/** Why a sign-in ends at a page of the server, in words for people: it cannot be reported to the application. */
export const signInProblems = {
  over: () => new Problem(400, 'session_not_found', 'This sign-in was finished before, or it took too long.'),
  /** The browser has no cookie of a running sign-in. */
  overOrElsewhere: () =>
    new Problem(
      400,
      'session_not_found',
      'This sign-in was finished before, took too long, or was begun in another browser.',
    ),
  /** Somebody proved who they are for a sign-in that another browser began. */
  returnedElsewhere: () =>
    new Problem(
      400,
      'access_denied',
      'This sign-in was begun in another browser, so it was ended and nobody was signed in. If somebody sent you here, report it.',
    ),
  applicationRemoved: () => new Problem(400, 'invalid_client', 'The application was removed meanwhile.'),
  foreignForm: () => new Problem(403, 'access_denied', 'The form did not come from this page. Load it again.'),
}
