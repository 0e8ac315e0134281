import { Problem } from '../../ground/problem.ts'

/** Why a sign-in ends at a page of the server, in sentences for users. It cannot be reported to the application. */
export const signInProblems = {
  over: () => new Problem(400, 'session_not_found', 'This sign-in is already finished, or it took too long.'),
  /** The browser has no cookie of a sign-in in progress. */
  overOrElsewhere: () =>
    new Problem(
      400,
      'session_not_found',
      'This sign-in is already finished, took too long, or was started in another browser.',
    ),
  /** A user proved a factor for a sign-in that another browser started. */
  returnedElsewhere: () =>
    new Problem(
      400,
      'access_denied',
      'This sign-in was started in another browser, so it was ended and no one was signed in. If someone sent you here, report it.',
    ),
  applicationRemoved: () => new Problem(400, 'invalid_client', 'The application was deleted in the meantime.'),
  foreignForm: () => new Problem(403, 'access_denied', 'The form did not come from this page. Load it again.'),
}
