import assert from 'node:assert/strict'
import type { Answer, Json } from '../extension-under-test.ts'
import type { Answered } from '../requests.ts'
import { type Check, differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import type { Person } from '../users.ts'
import {
  acceptInvitation,
  answerInTurn,
  assertUnchanged,
  changeOwnPassword,
  configurePassword,
  countUsers,
  invite,
  NEW_PASSWORD,
  opens,
  PASSWORD_ACTION,
  PROFILE_ACTION,
  register,
  setPassword,
} from './account-changes.ts'
import { json } from './engine-under-test.ts'
import { MISSING } from './missing-flows.ts'

const REASON = 'weak_for_policy'
const DESCRIPTION = 'Pick another one.'
const REFUSED = { actionStatus: 'FAILED', failureReason: REASON, failureDescription: DESCRIPTION }
const SUCCESS = { actionStatus: 'SUCCESS' }
/** A message that nobody may see. */
const ERROR = { actionStatus: 'ERROR', errorMessage: 'store_broken', errorDescription: 'The vault is on fire.' }
const ERROR_WORDS = /store_broken|vault/

const SCIM_ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'

/** What the user who sets a password gets, with this answer of the extension. */
interface Attempted extends Answered {
  ines: Person
  /** How often the extension was called. */
  calls: number
}

/** Sets the password of a new user while the extension returns these answers in sequence. The last one repeats. */
async function setWhile(stage: Stage, answers: Answer[], set: Setting = setPassword): Promise<Attempted> {
  const ines = await stage.addUser()
  await configurePassword(stage)
  answerInTurn(stage, PASSWORD_ACTION, ...answers)
  const answered = await set(stage, ines)
  return { ...answered, ines, calls: stage.extension(PASSWORD_ACTION).calls.length }
}

type Setting = (stage: Stage, person: Person) => Promise<Answered>

/** Each of Ines's ways to set a password. */
const SETTINGS: Setting[] = [setPassword, changeOwnPassword]

/**
 * A password that the extension could not decide about: every entry point returns 500 without its message, and the old
 * password stays.
 */
function undecided(answers: Answer[], { calls: expected }: { calls: number }): Check {
  return async stage => {
    for (const set of SETTINGS) {
      const { body, calls, ines, status } = await setWhile(stage, answers, set)
      assert.deepEqual([status, calls], [500, expected], JSON.stringify(body))
      assertNothingShown(body)
      await assertUnchanged(stage, ines)
      await stage.remove(PASSWORD_ACTION)
      stage.extension(PASSWORD_ACTION).reset()
    }
  }
}

function assertNothingShown(body: Json): void {
  assert.equal(body.scimType, undefined)
  assert.doesNotMatch(JSON.stringify(body), ERROR_WORDS)
}

/** A password that the extension accepts: the new one works. */
function accepted(answers: Answer[], { calls: expected, status: wanted }: { calls: number; status: number }): Check {
  return async stage => {
    const { body, calls, ines, status } = await setWhile(stage, answers)
    assert.deepEqual([status, calls], [wanted, expected], JSON.stringify(body))
    assert(await opens(stage, ines, NEW_PASSWORD))
  }
}

/** Opens an invitation while the extension returns this answer. */
async function pageWhile(stage: Stage, answer: Answer) {
  const ines = await stage.addUser()
  await configurePassword(stage)
  answerInTurn(stage, PASSWORD_ACTION, answer)
  const page = await acceptInvitation(stage, await invite(stage, ines.userName))
  return { ines, page }
}

export const passwordAnswers: Section = {
  title: 'SUCCESS, FAILED and ERROR at each entry point',
  rows: [
    row(
      'PR-01',
      'SUCCESS, SCIM PATCH: 200, the new password works',
      accepted([json(SUCCESS)], { calls: 1, status: 200 }),
    ),
    row('PR-02', 'SUCCESS, change-password: 204', async stage => {
      const { calls, ines, status } = await setWhile(stage, [json(SUCCESS)], changeOwnPassword)
      assert.deepEqual([status, calls], [204, 1])
      assert(await opens(stage, ines, NEW_PASSWORD))
    }),
    row(
      'PR-03',
      'FAILED with R and D, SCIM PATCH: 400, scimType R, detail D, the old password still works',
      async stage => {
        const { body, ines, status } = await setWhile(stage, [json(REFUSED)])
        assert.equal(status, 400)
        assert.deepEqual(body, { schemas: [SCIM_ERROR], scimType: REASON, detail: DESCRIPTION, status: '400' })
        await assertUnchanged(stage, ines)
        assert.equal(await opens(stage, ines, NEW_PASSWORD), false)
      },
    ),
    row('PR-04', 'FAILED, SCIM POST: 400 with the same members, no user is created', async stage => {
      await configurePassword(stage)
      answerInTurn(stage, PASSWORD_ACTION, json(REFUSED))
      const { body, status, userName } = await register(stage)
      assert.equal(status, 400)
      assert.deepEqual(body, { schemas: [SCIM_ERROR], scimType: REASON, detail: DESCRIPTION, status: '400' })
      assert.equal(await countUsers(stage, userName), 0)
    }),
    row('PR-05', 'FAILED, change-password: 400 `PWD-10004`, D in the description', async stage => {
      const { body, ines, status } = await setWhile(stage, [json(REFUSED)], changeOwnPassword)
      assert.deepEqual([status, body.code, body.message], [400, 'PWD-10004', 'Password validation failed'])
      assert.equal(body.description, DESCRIPTION)
      await assertUnchanged(stage, ines)
    }),
    row('PR-06', 'FAILED, recovery API v2: 400 `PWR-20067`, message R, description D', notApplicable(MISSING.recovery)),
    row('PR-07', 'FAILED, recovery API v1: 400 `20067`, message R', notApplicable(MISSING.recovery)),
    row(
      'PR-08',
      'FAILED, page behind an invitation or reset link: 200 with D in `[data-testid=error-page-header]`',
      differs(
        'the page of the invitation shows D with status 400 and lets the user enter another one; there is no reset page, because mail is missing',
        async stage => {
          const { ines, page } = await pageWhile(stage, json(REFUSED))
          assert.equal(page.status, 400)
          assert.match(page.html, /<p id="complaint" role="alert">Pick another one\.<\/p>/)
          assert.match(page.html, /name="password"/)
          assert.doesNotMatch(page.html, /weak_for_policy/)
          await assertUnchanged(stage, ines)
        },
      ),
    ),
    row('PR-09', 'FAILED, registration flow: `FEE-60003`, message R', notApplicable(MISSING.flows)),
    row('PR-10', 'FAILED, invited-user flow: `FE-60012`, message R', notApplicable(MISSING.flows)),
    row('PR-11', 'FAILED, self-registration page: D as the header, no user', notApplicable(MISSING.selfRegistration)),
    row(
      'PR-12',
      '500 ERROR, SCIM PATCH: 500, detail with `Error while updating attributes of user`, no scimType, no message of the extension, 1 call',
      async stage => {
        const { body, calls, ines, status } = await setWhile(stage, [json(ERROR, 500)])
        assert.deepEqual([status, body.status, calls], [500, '500', 1])
        assert.match(body.detail, /Error while updating attributes of user/)
        assertNothingShown(body)
        await assertUnchanged(stage, ines)
      },
    ),
    row('PR-13', '500 ERROR, SCIM POST: 500, detail with `Error in adding the user`', async stage => {
      await configurePassword(stage)
      answerInTurn(stage, PASSWORD_ACTION, json(ERROR, 500))
      const { body, status, userName } = await register(stage)
      assert.equal(status, 500)
      assert.match(body.detail, /Error in adding the user/)
      assertNothingShown(body)
      assert.equal(await countUsers(stage, userName), 0)
    }),
    row(
      'PR-14',
      '500 ERROR, registration flow: `FEE-65001` `Error while onboarding user.`',
      notApplicable(MISSING.flows),
    ),
    row(
      'PR-15',
      '500 ERROR, page behind a link: 200 with `The server encountered an internal error.`',
      differs('the page of the invitation shows it with status 500, so that monitoring sees it', async stage => {
        const { ines, page } = await pageWhile(stage, json(ERROR, 500))
        assert.equal(page.status, 500)
        assert.match(page.html, /The server encountered an internal error\./)
        assert.doesNotMatch(page.html, ERROR_WORDS)
        await assertUnchanged(stage, ines)
      }),
    ),
    row('PR-16', '500 ERROR, change-password: 500 `PWD-15001`', async stage => {
      const { body, ines, status } = await setWhile(stage, [json(ERROR, 500)], changeOwnPassword)
      assert.deepEqual([status, body.code, body.message], [500, 'PWD-15001', 'Error updating password'])
      assertNothingShown(body)
      await assertUnchanged(stage, ines)
    }),
    row('PR-17', '400 ERROR, 401 ERROR: 500, 1 call each', async stage => {
      for (const status of [400, 401]) await undecided([json(ERROR, status)], { calls: 1 })(stage)
    }),
  ],
}

const PAGE: Answer = { status: 500, type: 'text/html', body: '<h1>The vault is on fire</h1>' }
const REDIRECT = { op: 'redirect', url: 'https://vault.test/enter' }

export const passwordAttempts: Section = {
  title: 'Attempts and invalid answers',
  rows: [
    row('PR-18', '500 with HTML: 2 calls, then 500', undecided([PAGE], { calls: 2 })),
    row(
      'PR-19',
      '503, then 200 SUCCESS: 2 calls, 200',
      accepted([{ status: 503, type: 'text/plain', body: 'later' }, json(SUCCESS)], { calls: 2, status: 200 }),
    ),
    row('PR-20', '502 twice: 2 calls, 500', undecided([{ status: 502, type: 'text/plain', body: 'no' }], { calls: 2 })),
    row('PR-21', '429: 1 call, 500', undecided([{ status: 429, type: 'text/plain', body: 'slow down' }], { calls: 1 })),
    row('PR-22', 'no answer for 8 seconds: failure after the read timeout, password unchanged', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      let reached = 0
      stage.extension(PASSWORD_ACTION).handle(request => {
        reached++
        // No answer comes, and the platform disconnects.
        request.resume()
      })
      const startedAt = performance.now()
      const { body, status } = await setPassword(stage, ines)
      const { attempts, readTimeoutMs } = stage.platform.calling
      assert.equal(status, 500)
      assertNothingShown(body)
      assert.equal(reached, attempts)
      assert(performance.now() - startedAt >= attempts * readTimeoutMs)
      await assertUnchanged(stage, ines)
    }),
    row('PR-23', '200 with status `MAYBE`: 500 class', undecided([json({ actionStatus: 'MAYBE' })], { calls: 1 })),
    row(
      'PR-24',
      '200 FAILED without a reason: 500 class, the answer is invalid',
      undecided([json({ actionStatus: 'FAILED', failureDescription: 'The vault is on fire.' })], { calls: 1 }),
    ),
    row(
      'PR-25',
      '200 FAILED without a description: 400, scimType R, no or empty detail',
      differs('detail repeats R, so that clients that show only detail show something', async stage => {
        const { body, ines, status } = await setWhile(stage, [json({ actionStatus: 'FAILED', failureReason: REASON })])
        assert.equal(status, 400)
        assert.deepEqual(body, { schemas: [SCIM_ERROR], scimType: REASON, detail: REASON, status: '400' })
        await assertUnchanged(stage, ines)
      }),
    ),
    row(
      'PR-26',
      '401 with FAILED: 500 class, the combination is invalid',
      undecided([json({ ...REFUSED, failureDescription: 'The vault is on fire.' }, 401)], { calls: 1 }),
    ),
    row(
      'PR-27',
      '200 INCOMPLETE with a redirect: 500 class, no redirect',
      undecided([json({ actionStatus: 'INCOMPLETE', operations: [REDIRECT] })], { calls: 1 }),
    ),
    row(
      'PR-28',
      '200 SUCCESS with operations: they are ignored, success',
      accepted(
        [json({ ...SUCCESS, operations: [{ op: 'replace', path: '/user/updatingCredential/value', value: 'evil' }] })],
        { calls: 1, status: 200 },
      ),
    ),
    row(
      'PR-29',
      'SCIM PUT with password and nickname, the profile action answers FAILED: the password is changed, the nickname is not',
      differs('nothing is stored unless both actions allow it, so there is no partial change', async stage => {
        const ines = await stage.addUser()
        await configurePassword(stage)
        await stage.configure(PROFILE_ACTION)
        answerInTurn(stage, PROFILE_ACTION, json(REFUSED))
        const wanted = { userName: ines.userName, password: NEW_PASSWORD, nickName: 'Bittern' }
        const { body, status } = await stage.call('PUT', `/scim2/Users/${ines.id}`, wanted)
        assert.deepEqual([status, body.scimType], [400, REASON])
        for (const type of [PASSWORD_ACTION, PROFILE_ACTION] as const) {
          assert.equal(stage.extension(type).calls.length, 1)
        }
        await assertUnchanged(stage, ines)
        assert.equal((await stage.must('GET', `/scim2/Users/${ines.id}`)).body.nickName, undefined)
      }),
    ),
    row('PR-30', '200 with the body `{}`: 500 class', undecided([json({})], { calls: 1 })),
  ],
}
