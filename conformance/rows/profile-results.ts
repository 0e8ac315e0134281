import assert from 'node:assert/strict'
import type { Answered } from '../requests.ts'
import { type Check, differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { type Person, replacing } from '../users.ts'
import {
  asAdministrator,
  askForUnknownAttribute,
  assertNotCalled,
  CLAIMS,
  claimsOf,
  ENTERPRISE,
  onlyEvent,
  onlyRequest,
  PROFILE_ACTION,
  patchMe,
  patchUser,
  WSO2,
} from './account-changes.ts'
import { json } from './engine-under-test.ts'
import { MISSING } from './missing-flows.ts'
import { rule } from './tokens.ts'

const DEPARTMENT = `${ENTERPRISE}:department`
const toHydrology = replacing(DEPARTMENT, 'Hydrology')
const withMobile = { op: 'add', path: 'phoneNumbers', value: [{ type: 'mobile', value: '+4670000001' }] }
const IF_MOBILE = rule([['claim', 'equals', CLAIMS.mobile]])

const addInes = (stage: Stage): Promise<Person> =>
  stage.addUser({ attributes: { [ENTERPRISE]: { department: 'Geology' } } })

/** The department is unchanged. */
async function assertGeology({ must }: Stage, { id }: Person): Promise<void> {
  assert.equal((await must('GET', `/scim2/Users/${id}`)).body[ENTERPRISE].department, 'Geology')
}

/** What the administrator who moves Ines gets while the extension does this. Nothing changes. */
async function movedWhile(stage: Stage, arrange: () => void): Promise<Answered> {
  const ines = await addInes(stage)
  await stage.configure(PROFILE_ACTION)
  arrange()
  const answered = await patchUser(stage, ines, [toHydrology])
  await assertGeology(stage, ines)
  return answered
}

/** A profile that the extension could not decide about: 500 without its message. */
function assertUndecided({ body, status }: Answered): void {
  assert.deepEqual([status, body.status, body.scimType], [500, '500', undefined])
  assert.match(body.detail, /Error while updating attributes of user/)
  assert.doesNotMatch(JSON.stringify(body), /vault/)
}

const hangs: Check = async stage => {
  let reached = 0
  const answered = await movedWhile(stage, () =>
    stage.extension(PROFILE_ACTION).handle(request => {
      reached++
      request.resume()
    }),
  )
  assertUndecided(answered)
  assert.equal(reached, stage.platform.calling.attempts)
}

export const profileRules: Section = {
  title: 'Rules',
  rows: [
    row('PF-18', 'rule claim equals mobile, the department changes: no call', async stage => {
      const ines = await addInes(stage)
      await stage.configure(PROFILE_ACTION, IF_MOBILE)
      assert.equal((await patchUser(stage, ines, [toHydrology])).status, 200)
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row('PF-19', 'the same rule, mobile and department change: called, both in `request.claims`', async stage => {
      const ines = await addInes(stage)
      await stage.configure(PROFILE_ACTION, IF_MOBILE)
      assert.equal((await patchUser(stage, ines, [toHydrology, withMobile])).status, 200)
      assert.deepEqual(claimsOf(onlyEvent(stage, PROFILE_ACTION).request.claims), {
        [CLAIMS.department]: { value: 'Hydrology' },
        [CLAIMS.mobile]: { value: '+4670000001' },
      })
    }),
    row('PF-20', 'rule flow equals `userInitiatedProfileUpdate`, an administrator changes: no call', async stage => {
      const ines = await addInes(stage)
      await stage.configure(PROFILE_ACTION, rule([['flow', 'equals', 'userInitiatedProfileUpdate']]))
      assert.equal((await patchUser(stage, ines, [toHydrology], await asAdministrator(stage))).status, 200)
      assertNotCalled(stage, PROFILE_ACTION)
      // The other rule matches, so the condition can be met.
      await patchMe(stage, ines, replacing('nickName', 'Bittern'))
      assert.equal(onlyEvent(stage, PROFILE_ACTION).initiatorType, 'USER')
    }),
  ],
}

export const profileResults: Section = {
  title: 'Results',
  rows: [
    row('PF-21', 'FAILED with R and D: 400, scimType R, detail D, the value is unchanged', async stage => {
      const { body, status } = await movedWhile(stage, () =>
        stage.extension(PROFILE_ACTION).refuse('dept_unknown', 'No such department.'),
      )
      assert.equal(status, 400)
      assert.deepEqual(body, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        scimType: 'dept_unknown',
        detail: 'No such department.',
        status: '400',
      })
    }),
    row('PF-22', 'ERROR: 500, `Error while updating attributes of user`, the value is unchanged', async stage => {
      const error = { actionStatus: 'ERROR', errorMessage: 'vault', errorDescription: 'The vault is on fire.' }
      const answered = await movedWhile(stage, () => stage.extension(PROFILE_ACTION).answer(() => json(error, 500)))
      assertUndecided(answered)
      assert.equal(stage.extension(PROFILE_ACTION).calls.length, 1)
    }),
    row('PF-23', 'no answer in time: as ERROR', hangs),
    row('PF-24', 'body: no `flowId`, no `allowedOperations`; `action` is UPDATE, also at PUT', async stage => {
      const ines = await addInes(stage)
      await stage.configure(PROFILE_ACTION)
      const wanted = { userName: ines.userName, nickName: 'Bittern' }
      const changes = [
        () => patchUser(stage, ines, [toHydrology]),
        () => patchMe(stage, ines, replacing(DEPARTMENT, 'Botany')),
        () => stage.call('PUT', `/scim2/Users/${ines.id}`, wanted),
      ]
      for (const change of changes) {
        stage.extension(PROFILE_ACTION).reset()
        assert.equal((await change()).status, 200)
        const { requestId, event, ...rest } = onlyRequest(stage, PROFILE_ACTION)
        assert.deepEqual([rest, event.action], [{ actionType: 'PRE_UPDATE_PROFILE' }, 'UPDATE'])
        assert.equal(requestId !== undefined, stage.platform.disclosing.sendsRequestId)
      }
    }),
    row(
      'PF-25',
      'attribute configured that the claim dialect no longer has: 500 class, `Claim not found for claim URI: …`',
      differs(
        'it is left out, like an attribute that the user does not have: no change of the dialect prevents new attributes',
        async stage => {
          const ines = await addInes(stage)
          askForUnknownAttribute(stage, await stage.configure(PROFILE_ACTION))
          assert.equal((await patchUser(stage, ines, [replacing('nickName', 'Bittern')])).status, 200)
          assert.deepEqual(claimsOf(onlyEvent(stage, PROFILE_ACTION).user.claims), {
            [CLAIMS.department]: { value: 'Geology' },
          })
        },
      ),
    ),
    row(
      'PF-26',
      '`managedOrg` present but null: fails like an unknown organization',
      notApplicable(MISSING.sharing, async stage => {
        const ines = await addInes(stage)
        await stage.configure(PROFILE_ACTION)
        const wanted = { userName: ines.userName, nickName: 'Bittern', [WSO2]: { managedOrg: null } }
        assert.equal((await stage.call('PUT', `/scim2/Users/${ines.id}`, wanted)).status, 200)
        const { user } = onlyEvent(stage, PROFILE_ACTION)
        assert.deepEqual([user.id, user.organization, user.sharedUserId], [ines.id, stage.organization, undefined])
      }),
    ),
  ],
}
