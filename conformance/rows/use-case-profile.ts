import assert from 'node:assert/strict'
import { sampleRequest } from '@preflow/extension/testing'
import type { Answered } from '../requests.ts'
import { type Check, row, type Section } from '../row.ts'
import { CALLER_AUTHENTICATION, type RunningProfileGuard, startProfileGuard } from '../running-extensions.ts'
import type { Stage } from '../stage.ts'
import { type Person, patchOf, replacing } from '../users.ts'
import { alone, callAsPlatform } from './use-case-password.ts'

const DEPARTMENT = 'http://wso2.org/claims/department'
const EMAIL = 'http://wso2.org/claims/emailaddress'
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const DEPARTMENT_PATH = `${ENTERPRISE}:department`

const OLD_EMAIL = 'ines@heron.example'
const NEW_EMAIL = 'new@heron.example'
const TEAM = 'security@heron.example'

const rules = [{ claim: DEPARTMENT, values: ['Engineering', 'HR'], mayBeRemoved: false }]

function withGuard(settings: object, use: (guard: RunningProfileGuard, stage: Stage) => Promise<void>): Check {
  return async stage => {
    const guard = await startProfileGuard(settings)
    try {
      await use(guard, stage)
    } finally {
      await guard.close()
    }
  }
}

/** Runs with profile-guard as the action of the stage, and a user in HR whose profile the administrator changes. */
function guarding(
  settings: object,
  use: (
    change: (...operations: object[]) => Promise<Answered>,
    more: { guard: RunningProfileGuard; department: () => Promise<string | undefined> },
  ) => Promise<void>,
): Check {
  return withGuard(settings, async (guard, stage) => {
    const user: Person = await stage.addUser({
      attributes: { [ENTERPRISE]: { department: 'HR' }, emails: [{ value: OLD_EMAIL, primary: true }] },
    })
    const attributes = [DEPARTMENT, EMAIL]
    await stage.configure('PRE_UPDATE_PROFILE', { uri: guard.url, authentication: CALLER_AUTHENTICATION, attributes })
    const path = `/scim2/Users/${user.id}`
    await use((...operations) => stage.call('PATCH', path, patchOf(...operations)), {
      guard,
      department: async () => (await stage.must('GET', path)).body[ENTERPRISE]?.department,
    })
  })
}

const changingEmail = () => replacing('emails', [{ value: NEW_EMAIL, primary: true }])

/** The request about a profile with these changes. */
function aboutProfile(requested: Record<string, unknown>): object {
  const { event, ...rest } = sampleRequest('PRE_UPDATE_PROFILE')
  return {
    ...rest,
    event: { ...event, request: { claims: Object.entries(requested).map(([uri, value]) => ({ uri, value })) } },
  }
}

export const profileGuard: Section = {
  title: 'Profile changes: profile-guard',
  rows: [
    row(
      'UC-11',
      'the department is removed: the rule applies, the alert is stored',
      guarding({ rules, watchedClaims: [DEPARTMENT] }, async (change, { department, guard }) => {
        const { body, status } = await change({ op: 'remove', path: DEPARTMENT_PATH })
        assert.deepEqual([status, body.scimType], [400, 'attribute_not_removable'])
        assert.equal(await department(), 'HR')
        const [alert, ...more] = guard.waiting()
        assert.equal(more.length, 0)
        assert.deepEqual([alert?.recipient, alert?.content.outcome], [TEAM, 'refused'])
        assert.deepEqual(
          alert?.content.changes.map(({ kind, uri }) => [kind, uri]),
          [['removed', DEPARTMENT]],
        )
      }),
    ),
    row(
      'UC-12',
      'the department is a list, or in another case: checked by its values',
      guarding({ rules }, async (change, { department, guard }) => {
        assert.equal((await change(replacing(DEPARTMENT_PATH, 'ENGINEERING'))).status, 200)
        assert.equal(await department(), 'ENGINEERING')
        assert.equal((await change(replacing(DEPARTMENT_PATH, 'Fraud'))).status, 400)
        for (const [value, actionStatus] of [
          [['hr', 'Engineering'], 'SUCCESS'],
          [['HR', 'Fraud'], 'FAILED'],
        ] as const) {
          const { body, status } = await callAsPlatform(guard, aboutProfile({ [DEPARTMENT]: value }))
          assert.deepEqual([status, body.actionStatus], [200, actionStatus])
        }
      }),
    ),
    alone(
      row(
        'UC-13',
        'the same request twice within 10 s, as platforms retry: one alert',
        withGuard({ watchedClaims: [DEPARTMENT] }, async guard => {
          const asked = aboutProfile({ [DEPARTMENT]: 'HR' })
          for (const attempt of [1, 2]) {
            const { body } = await callAsPlatform(guard, asked)
            assert.deepEqual(body, { actionStatus: 'SUCCESS' }, `attempt ${attempt}`)
          }
          assert.equal(guard.waiting().length, 1)
        }),
      ),
    ),
    row(
      'UC-14',
      'the mail server is down: SUCCESS, the alert stays in the queue',
      guarding(
        // Nothing listens there.
        { alertDelivery: 'here', smtpHost: '127.0.0.1', smtpPort: 1, smtpSecurity: 'none' },
        async (change, { guard }) => {
          assert.equal((await change(changingEmail())).status, 200)
          await guard.reported('alert postponed')
          assert.deepEqual(
            guard.waiting().map(({ recipient }) => recipient),
            [OLD_EMAIL, TEAM],
          )
        },
      ),
    ),
    alone(
      row(
        'UC-15',
        'an e-mail address with CR and LF: one clean line in the alert',
        withGuard({ watchedClaims: [EMAIL], shownClaims: [EMAIL] }, async guard => {
          await callAsPlatform(guard, aboutProfile({ [EMAIL]: 'new@heron.example\r\nBcc: all@heron.example' }))
          const [alert] = guard.waiting()
          assert.deepEqual(alert?.content.changes[0]?.after, ['new@heron.example Bcc: all@heron.example'])
        }),
      ),
    ),
    row(
      'UC-16',
      'the e-mail address changes: the previous address gets an alert',
      guarding({}, async (change, { guard }) => {
        assert.equal((await change(changingEmail())).status, 200)
        assert.deepEqual(
          guard.waiting().map(({ content, recipient }) => [recipient, content.audience]),
          [
            [OLD_EMAIL, 'owner'],
            [TEAM, 'team'],
          ],
        )
      }),
    ),
  ],
}
