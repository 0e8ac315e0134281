import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import { basic, request } from '../requests.ts'
import { differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { onlyEvent, PROFILE_ACTION } from './account-changes.ts'
import { CUSTOM, ENTERPRISE, makeUser, newName, patch, patched, read, WSO2 } from './scim-under-test.ts'

const password = 'Blue-Heron_42!'
const replace = (path: string, value: unknown) => ({ op: 'replace', path, value })

/** Whether a user can sign in, with the password grant and with Basic credentials. */
async function entries(stage: Stage, { userName }: Json): Promise<boolean[]> {
  const token = await stage.token(stage.console, {
    grant_type: 'password',
    username: userName,
    password,
    scope: 'internal_login',
  })
  const me = await request(`${stage.base}/scim2/Me`, { headers: { authorization: basic(userName, password) } })
  return [token.status === 200, me.status === 200]
}

/** The state ends every entry, and its removal opens them again. */
async function assertEnds(stage: Stage, path: string, value: unknown, opening: unknown): Promise<void> {
  const user = await makeUser(stage, { password })
  assert.deepEqual(await entries(stage, user), [true, true])
  await stage.configure(PROFILE_ACTION, { attributes: [] })
  assert.equal((await patch(stage, user, replace(path, value))).status, 200)
  assert.equal(onlyEvent(stage, PROFILE_ACTION).request.claims.length, 1)
  assert.deepEqual(await entries(stage, user), [false, false])
  assert.equal((await patch(stage, user, replace(path, opening))).status, 200)
  assert.deepEqual(await entries(stage, user), [true, true])
}

export const scimStates: Section = {
  title: 'Account states',
  rows: [
    row(
      'SA-01',
      '`accountLocked` true: sign-in, password grant and Basic refused; false: again; the profile action is called',
      stage => assertEnds(stage, `${WSO2}:accountLocked`, true, false),
    ),
    row('SA-02', '`accountDisabled` likewise; `active:false` ends sessions and refresh tokens', async stage => {
      await assertEnds(stage, `${WSO2}:accountDisabled`, true, false)
      await stage.remove(PROFILE_ACTION)
      stage.extension(PROFILE_ACTION).reset()
      await assertEnds(stage, 'active', false, true)
    }),
    row(
      'SA-03',
      '`askPassword` in every extension, true or "true": no password needed, PENDING_AP, INVITE when it is set',
      differs('without mail the link comes from offline-invite-link, and the state is not shown', async stage => {
        for (const [schema, value] of [
          [WSO2, true],
          [ENTERPRISE, 'true'],
          [CUSTOM, true],
        ] as const) {
          const user = await makeUser(stage, { [schema]: { askPassword: value } })
          assert.deepEqual(await entries(stage, user), [false, false])
          const both = { userName: newName(), password, [schema]: { askPassword: value } }
          assert.equal((await stage.call('POST', '/scim2/Users', both)).status, 400)
        }
      }),
    ),
    row(
      'SA-04',
      '`forcePasswordReset`: locked, mail, RESET ADMIN when it is set; without a mode 400',
      differs('there is no mode without mail, so it is always 400', async stage => {
        const { body, status } = await stage.call('POST', '/scim2/Users', {
          userName: newName(),
          [WSO2]: { forcePasswordReset: true },
        })
        assert.deepEqual([status, body.scimType], [400, 'invalidValue'])
        assert.match(body.detail, /message to the user/)
      }),
    ),
    row(
      'SA-05',
      'administrator sets a password in between: UNLOCKED, old link void',
      notApplicable('mail is missing, so no link is sent and no reset can be forced'),
    ),
    row('SA-06', '`accountState` written: 400 mutability in PATCH, ignored in PUT', async stage => {
      const user = await makeUser(stage, { password })
      assert.equal((await patch(stage, user, replace(`${WSO2}:accountState`, 'LOCKED'))).body.scimType, 'mutability')
      await stage.must('PUT', `/scim2/Users/${user.id}`, {
        userName: user.userName,
        [WSO2]: { accountState: 'LOCKED' },
      })
      assert.deepEqual(await entries(stage, user), [true, true])
    }),
    row('SA-07', 'e-mail address removed: `emailVerified` is removed', async stage => {
      const before = { emails: [{ value: 'a@x', primary: true }], [WSO2]: { emailVerified: true } }
      assert.equal((await patched(stage, before, { op: 'remove', path: 'emails' }))[WSO2], undefined)
    }),
    row(
      'SA-08',
      'which request calls which action',
      notApplicable('the rows of the password action and of the profile action have every case'),
    ),
    row('SA-09', 'second work e-mail address added: stored, and the list is reported', async stage => {
      const user = await makeUser(stage, { emails: [{ type: 'work', value: 'a@x' }] })
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      await patch(stage, user, { op: 'add', path: 'emails', value: [{ type: 'work', value: 'b@x' }] })
      assert.deepEqual(onlyEvent(stage, PROFILE_ACTION).request.claims[0].value, ['a@x', 'b@x'])
      assert.equal((await read(stage, user)).body.emails.length, 2)
    }),
  ],
}
