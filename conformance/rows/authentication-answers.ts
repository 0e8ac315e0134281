import assert from 'node:assert/strict'
import type { Answer } from '../extension-under-test.ts'
import { type Check, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import {
  API,
  addDoor,
  addDoorWithSignIn,
  addSignIn,
  answers,
  assertProcessingError,
  begin,
  claim,
  landed,
  lastCallOf,
  lastRecord,
  PAGE,
  PASSWORD_PAGE,
  passPassword,
  redeemed,
  sequence,
  subjectOf,
} from './doors.ts'

const WITHOUT_PROVIDERS = 'identity providers are missing, and so are their users (federated users)'

/** The extension returns this answer in the first step. The step fails, and the application learns no details. */
function refused(answer: (stage: Stage) => Answer, why: RegExp): Check {
  return async stage => {
    const { application, extension } = await addDoorWithSignIn(stage)
    extension.answer(() => answer(stage))
    const { page } = await begin(stage, application)
    await assertProcessingError(stage, page, why)
    assert.equal(extension.calls.length, 1)
  }
}

/**
 * The extension returns the stage's user in this form in the first step. The user is signed in with the data of the
 * store.
 */
function signedIn(more: object): Check {
  return async stage => {
    const { application, extension } = await addDoorWithSignIn(stage)
    extension.answer(() => answers.identified(stage.user, more))
    const { page } = await begin(stage, application)
    const { idToken } = await redeemed(stage, application, page)
    assert.deepEqual([idToken?.sub, idToken?.['given_name']], [stage.user.id, 'Mira'])
  }
}

/** The extension returns this answer about the user identified by the password. That user is signed in. */
function verified(answer: (stage: Stage) => Promise<Answer> | Answer): Check {
  return async stage => {
    const { name, extension } = await addDoor(stage, { authenticationType: 'VERIFICATION' })
    const application = await addSignIn(stage, [PASSWORD_PAGE], [name])
    const given = await answer(stage)
    extension.answer(() => given)
    const { page } = await passPassword(stage, application)
    assert.equal(await subjectOf(stage, application, page), stage.user.id)
    assert.equal(extension.calls.length, 1)
  }
}

const MISMATCH =
  /^The provided username for the user in the authentication response does not match the resolved username from the userStore\.$/

export const incomplete: Section = {
  title: 'Unusable redirects',
  rows: [
    row('AU-08', 'INCOMPLETE without operations: processing error', async stage => {
      for (const operations of [undefined, []]) {
        await refused(() => answers.incomplete(operations), /operations/)(stage)
      }
    }),
    row(
      'AU-09',
      'INCOMPLETE with two operations: processing error',
      refused(
        () => answers.incomplete([PAGE, PAGE].map(url => ({ op: 'redirect', url }))),
        /must contain only one operation/,
      ),
    ),
    row(
      'AU-10',
      'INCOMPLETE with the operation `add`: processing error',
      refused(() => answers.incomplete([{ op: 'add', path: '/x', value: 1 }]), /redirect/),
    ),
    row(
      'AU-11',
      'INCOMPLETE with a redirect without url: processing error',
      refused(() => answers.incomplete([{ op: 'redirect' }]), /url of the redirect is null or empty/),
    ),
  ],
}

export const identification: Section = {
  title: 'Users of the tenant',
  rows: [
    row(
      'AU-12',
      'SUCCESS without data, IDENTIFICATION: processing error, the record names the user field',
      refused(
        () => answers.success(),
        /^The user field is missing in the authentication action response\. This field is required for IDENTIFICATION authentication\.$/,
      ),
    ),
    row(
      'AU-13',
      'SUCCESS with a user without id: processing error, the record names the userId field',
      refused(
        () => answers.success({ user: {} }),
        /^The userId field is missing in the authentication action response\.$/,
      ),
    ),
    row(
      'AU-14',
      'SUCCESS with an unknown id: `No user is found…` in the record, processing error for the application',
      refused(() => answers.identified({ id: 'nobody' }), /^No user is found for the given userId: nobody$/),
    ),
    row(
      'AU-15',
      'SUCCESS with the user store NOPE: `No userStore is found…`',
      refused(
        ({ user }) => answers.identified(user, { userStore: { name: 'NOPE' } }),
        /^No userStore is found for the given userStore domain name: NOPE$/,
      ),
    ),
    row('AU-16', 'SUCCESS without a user store: the default one', signedIn({})),
    row(
      'AU-17',
      'SUCCESS with another username among the claims: mismatch error',
      refused(({ user }) => answers.identified(user, { claims: [claim('username', 'somebody')] }), MISMATCH),
    ),
    row(
      'AU-18',
      'SUCCESS without a username among the claims: accepted, the username is that of the store',
      signedIn({ claims: [claim('lastname', 'Heron')] }),
    ),
  ],
}

export const federated: Section = {
  title: 'Users of identity providers',
  rows: [
    row(
      'AU-19',
      'external user with an unknown claim: error',
      notApplicable(
        WITHOUT_PROVIDERS,
        refused(
          ({ user }) => answers.identified(user, { claims: [claim('shoeSize', '41')] }),
          /^Claim not found for claim URI: http:\/\/wso2\.org\/claims\/shoeSize$/,
        ),
      ),
    ),
    row(
      'AU-20',
      'external user with a string for a multi-valued claim: error',
      notApplicable(
        WITHOUT_PROVIDERS,
        refused(
          ({ user }) => answers.identified(user, { claims: [claim('emailAddresses', 'a@heron.example')] }),
          /^The claim http:\/\/wso2\.org\/claims\/emailAddresses is multi-valued\./,
        ),
      ),
    ),
    row('AU-21', 'external user in a group named `a,b`: error', notApplicable(WITHOUT_PROVIDERS)),
    row(
      'AU-22',
      'external user in the groups ["ops","lab"], which the identity provider maps: the roles they map to',
      notApplicable(WITHOUT_PROVIDERS),
    ),
  ],
}

export const laterSteps: Section = {
  title: 'Later steps',
  rows: [
    row(
      'AU-23',
      'second factor in step 2, SUCCESS without data: the user of step 1 is signed in',
      verified(() => answers.success()),
    ),
    row(
      'AU-24',
      'second factor, SUCCESS with the id of another user: the data is ignored',
      verified(async stage => answers.identified(await stage.addUser())),
    ),
    row('AU-25', 'second factor configured in step 1: rejected by the configuration', async stage => {
      const { name } = await addDoor(stage, { authenticationType: 'VERIFICATION' })
      const application = await stage.addApplication({ grantTypes: ['authorization_code'] })
      const { body, status } = await stage.call(
        'PATCH',
        `${API}/applications/${application.id}`,
        sequence([name], [PASSWORD_PAGE]),
      )
      assert.equal(status, 400)
      assert.match(body.description, /verifies an already identified user/)
    }),
    row(
      'AU-26',
      'second step, after the password: user with id, userIdentitySource LOCAL, sub, claims and groups, userStore, currentStepIndex 2, authenticatedSteps with index 1 and its name',
      async stage => {
        const { name, extension } = await addDoor(stage, { authenticationType: 'VERIFICATION' })
        extension.answer(() => answers.redirect(PAGE))
        await passPassword(stage, await addSignIn(stage, [PASSWORD_PAGE], [name]))
        const { event } = lastCallOf(extension).body
        const { claims, groups, ...user } = event.user
        assert.deepEqual(user, { id: stage.user.id, userIdentitySource: 'LOCAL', sub: stage.user.userName })
        assert.deepEqual(groups.toSorted(), ['eu', 'staff'])
        assert(
          claims.some(
            ({ uri, value }: { uri: string; value: unknown }) =>
              uri === 'http://wso2.org/claims/givenname' && value === 'Mira',
          ),
        )
        assert.deepEqual(event.userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
        assert.equal(event.currentStepIndex, 2)
        assert.deepEqual(event.authenticatedSteps, [{ index: 1, name: PASSWORD_PAGE }])
      },
    ),
    row(
      'AU-27',
      'step 1 was federated: userIdentitySource FEDERATED, userStore `{}`',
      notApplicable(WITHOUT_PROVIDERS),
    ),
  ],
}

export const refusals: Section = {
  title: 'Refusals and errors',
  rows: [
    row(
      'AU-28',
      'FAILED R=`door_closed` D=`Closed after 18:00.`: the application gets error=door_closed and that error_description',
      async stage => {
        const { application, extension } = await addDoorWithSignIn(stage)
        extension.answer(() => answers.failed('door_closed', 'Closed after 18:00.'))
        const { error, error_description } = landed((await begin(stage, application)).page)
        assert.deepEqual([error, error_description], ['door_closed', 'Closed after 18:00.'])
      },
    ),
    row(
      'AU-29',
      'ERROR: `authentication_processing_error` with a general sentence; the message of the extension does not leave the server',
      async stage => {
        const { application, extension } = await addDoorWithSignIn(stage)
        extension.answer(() => answers.error())
        const { page } = await begin(stage, application)
        await assertProcessingError(stage, page, /inner words/)
        assert.doesNotMatch(decodeURIComponent(page.url), /inner words|of the extension/)
        assert.equal((await lastRecord(stage)).status, 'error')
      },
    ),
  ],
}
