import assert from 'node:assert/strict'
import type { Rule } from '@preflow/contract'
import { type Check, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { actionPath } from '../stage-actions.ts'
import { replacing } from '../users.ts'
import {
  acceptInvitation,
  asAdministrator,
  asApplication,
  assertCalledAs,
  assertNotCalled,
  changeOwnPassword,
  configurePassword,
  create,
  downgrade,
  invite,
  NEW_PASSWORD,
  onlyEvent,
  opens,
  PASSWORD_ACTION,
  patchUser,
  register,
  setPassword,
  WSO2,
} from './account-changes.ts'
import { callThroughEngine, throughEngine } from './engine-under-test.ts'
import { MISSING } from './missing-flows.ts'
import { rule } from './tokens.ts'

/** No mail is sent. Instead the administrator passes on the link. */
const HANDED_OVER = 'the link comes from offline-invite-link, because mail is missing'

/** Creates a user who sets the password through the invitation, as with `askPassword`. */
async function addInvited(stage: Stage): Promise<{ id: string; userName: string }> {
  const attributes = { password: undefined, [WSO2]: { askPassword: true } }
  const { body, status, userName } = await register(stage, { authorization: await asAdministrator(stage), attributes })
  assert.equal(status, 201, JSON.stringify(body))
  return { id: body.id, userName }
}

const RESETS_BY_USERS: Rule = {
  condition: 'OR',
  rules: [
    {
      condition: 'AND',
      expressions: [{ field: 'flow', operator: 'equals', value: 'userInitiatedPasswordReset' }],
    },
  ],
}

/** The password is set through a link, and works. */
async function setThroughLink(stage: Stage, userName: string): Promise<void> {
  const { html, status } = await acceptInvitation(stage, await invite(stage, userName))
  assert.equal(status, 200, html)
  assert.match(html, /Password Set Successfully/)
  assert(await opens(stage, { userName }, NEW_PASSWORD))
}

const askedForPassword: Check = async stage => {
  await configurePassword(stage)
  const { id, userName } = await addInvited(stage)
  assertNotCalled(stage)
  await setThroughLink(stage, userName)
  assertCalledAs(stage, 'ADMIN', 'INVITE', id)
}

/** An administrator sets the password while the rule of the action decides whether it is called. */
function adminSetsUnder(...expression: [operator: string, flow: string]): Check {
  return async stage => {
    const ines = await stage.addUser()
    await configurePassword(stage, rule([['flow', ...expression]]))
    const { status } = await setPassword(stage, ines, { authorization: await asAdministrator(stage) })
    assert.equal(status, 200)
    assertCalledAs(stage, 'ADMIN', 'UPDATE', ines.id)
  }
}

export const passwordTriggering: Section = {
  title: 'Who sets a password, and how',
  rows: [
    row('PW-01', 'Ines changes her password at change-password: one call, USER / UPDATE, with her id', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      assert.equal((await changeOwnPassword(stage, ines)).status, 204)
      assertCalledAs(stage, 'USER', 'UPDATE', ines.id)
      assert.equal(stage.extension(PASSWORD_ACTION).calls[0]?.body.actionType, 'PRE_UPDATE_PASSWORD')
    }),
    row('PW-02', 'SCIM PATCH of her password with the token of an administrator: ADMIN / UPDATE', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      assert.equal((await setPassword(stage, ines, { authorization: await asAdministrator(stage) })).status, 200)
      assertCalledAs(stage, 'ADMIN', 'UPDATE', ines.id)
    }),
    row('PW-03', 'the same PATCH with the token of an application: APPLICATION / UPDATE', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      assert.equal((await setPassword(stage, ines, { authorization: await asApplication(stage) })).status, 200)
      assertCalledAs(stage, 'APPLICATION', 'UPDATE', ines.id)
    }),
    row(
      'PW-04',
      'administrator sets `forcePasswordReset`, Ines follows the mailed link: ADMIN / RESET, no call at the PATCH',
      notApplicable(MISSING.mail, async stage => {
        await configurePassword(stage)
        await patchUser(stage, stage.user, [replacing(`${WSO2}:forcePasswordReset`, true)])
        assertNotCalled(stage)
      }),
    ),
    {
      ...row(
        'PW-05',
        'administrator creates a user with `askPassword`, who then sets a password: ADMIN / INVITE with the id of the user',
        askedForPassword,
      ),
      how: HANDED_OVER,
    },
    row('PW-06', 'a password is set through an offline invitation link: ADMIN / INVITE', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      await setThroughLink(stage, ines.userName)
      assertCalledAs(stage, 'ADMIN', 'INVITE', ines.id)
    }),
    row(
      'PW-07',
      'v2, user is created with a password before the offline link: one earlier call, ADMIN / REGISTER without id',
      async stage => {
        await configurePassword(stage)
        const { body, userName } = await register(stage, { authorization: await asAdministrator(stage) })
        assertCalledAs(stage, 'ADMIN', 'REGISTER', undefined)
        await acceptInvitation(stage, await invite(stage, userName))
        const [, { event }] = stage.extension(PASSWORD_ACTION).calls.map(call => call.body)
        assert.deepEqual([event.initiatorType, event.action, event.user.id], ['ADMIN', 'INVITE', body.id])
      },
    ),
    row('PW-08', 'recovery API v2 with a code by SMS, reset: USER / RESET', notApplicable(MISSING.recovery)),
    row('PW-09', 'invited-user registration flow reaches the password: ADMIN / INVITE', notApplicable(MISSING.flows)),
    row('PW-10', 'v2, SCIM POST of a user with the token of an administrator: ADMIN / REGISTER, no id', async stage => {
      await configurePassword(stage)
      assert.equal((await register(stage, { authorization: await asAdministrator(stage) })).status, 201)
      assertCalledAs(stage, 'ADMIN', 'REGISTER', undefined)
    }),
    row('PW-11', 'v2, the same with the token of an application: APPLICATION / REGISTER', async stage => {
      await configurePassword(stage)
      assert.equal((await register(stage, { authorization: await asApplication(stage) })).status, 201)
      assertCalledAs(stage, 'APPLICATION', 'REGISTER', undefined)
    }),
    row('PW-12', 'v2, self-registration page: USER / REGISTER', notApplicable(MISSING.selfRegistration)),
    row('PW-13', 'v2, registration flow of the flow engine: USER / REGISTER', notApplicable(MISSING.flows)),
    row('PW-14', 'v1, SCIM POST of a user with a password: no call, 201', async stage => {
      downgrade(stage, await configurePassword(stage))
      assert.equal((await register(stage)).status, 201)
      assertNotCalled(stage)
    }),
    {
      ...row(
        'PW-15',
        'v2, user is created with `askPassword`: no call at the creation, ADMIN / INVITE later',
        askedForPassword,
      ),
      how: HANDED_OVER,
    },
    row('PW-16', 'action inactive: no call, the password is stored', async stage => {
      const ines = await stage.addUser()
      const id = await configurePassword(stage)
      await stage.must('POST', `${actionPath(PASSWORD_ACTION)}/${id}/deactivate`)
      assert.equal((await setPassword(stage, ines)).status, 200)
      assertNotCalled(stage)
      assert(await opens(stage, ines, NEW_PASSWORD))
    }),
    row('PW-17', 'no action configured: no call, success', async stage => {
      const ines = await stage.addUser()
      assert.equal((await setPassword(stage, ines)).status, 200)
      assertNotCalled(stage)
      assert(await opens(stage, ines, NEW_PASSWORD))
    }),
  ],
}

export const passwordRules: Section = {
  title: 'Rules, and flows that no rule can name',
  rows: [
    row(
      'PW-18',
      'rule flow equals `adminInitiatedPasswordUpdate`, Ines changes her own password: no call, 204',
      async stage => {
        const ines = await stage.addUser()
        await configurePassword(stage, rule([['flow', 'equals', 'adminInitiatedPasswordUpdate']]))
        assert.equal((await changeOwnPassword(stage, ines)).status, 204)
        assertNotCalled(stage)
        // The other rule matches, so the condition can be met.
        await setPassword(stage, ines)
        assertCalledAs(stage, 'ADMIN', 'UPDATE', ines.id)
      },
    ),
    row(
      'PW-19',
      'rule flow notEquals `userInitiatedPasswordUpdate`, PATCH by an administrator: called',
      adminSetsUnder('notEquals', 'userInitiatedPasswordUpdate'),
    ),
    row('PW-20', 'rule with the field `claim` on a password action: refused by the API', async stage => {
      const { body, status } = await create(stage, PASSWORD_ACTION, {
        passwordSharing: { format: 'PLAIN_TEXT' },
        ...rule([['claim', 'equals', 'http://wso2.org/claims/nickname']]),
      })
      assert.deepEqual([status, body.code], [400, 'ACTION-60013'], JSON.stringify(body))
      assert.match(body.description, /Field claim is not supported/)
    }),
    throughEngine(
      row(
        'PW-21',
        'rule present, APPLICATION / RESET, which no rule can name: evaluation fails, 500 class, password unchanged',
        async stage => {
          const { outcome, reached } = await callThroughEngine(stage, {
            action: { type: PASSWORD_ACTION, version: 'v2', rule: RESETS_BY_USERS },
            event: { initiatorType: 'APPLICATION', action: 'RESET', tenant: { id: '417', name: 'heron.example' } },
            facts: { flow: undefined },
          })
          assert.equal(outcome.status, 'error')
          assert.match(outcome.error.message, /Error occurred while evaluating the rule/)
          assert.equal(reached, 0)
        },
      ),
    ),
    row(
      'PW-22',
      'a password is set outside of any flow: the listener continues without a call',
      notApplicable(
        'every code path that sets a password passes its flow as an argument, and the compiler requires it',
      ),
    ),
    row('PW-23', 'a SCIM update of the profile carries the password: UPDATE', async stage => {
      const ines = await stage.addUser()
      await configurePassword(stage)
      const operations = [replacing('nickName', 'Bittern'), replacing('password', NEW_PASSWORD)]
      assert.equal((await patchUser(stage, ines, operations)).status, 200)
      assert.equal(onlyEvent(stage).action, 'UPDATE')
    }),
    row(
      'PW-24',
      'unknown persona: builder error `Invalid initiator flow.`, 500',
      notApplicable('the initiator of a user change is one of three values, and the compiler requires one'),
    ),
    row(
      'PW-25',
      'the builder of v1 is given REGISTER directly: error `Invalid action flow.`',
      notApplicable('one builder creates the events of both versions; PW-14 covers whether one is sent'),
    ),
  ],
}
