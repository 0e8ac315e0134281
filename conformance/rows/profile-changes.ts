import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import type { Answered } from '../requests.ts'
import { notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { type Person, replacing } from '../users.ts'
import {
  asAdministrator,
  asApplication,
  assertNotCalled,
  CLAIMS,
  claimsOf,
  ENTERPRISE,
  onlyEvent,
  PROFILE_ACTION,
  patchMe,
  patchUser,
  register,
  WSO2,
} from './account-changes.ts'
import { MISSING } from './missing-flows.ts'

const { department, groups, mobileNumbers, nickname, title } = CLAIMS

/** How to request a change of a nickname, and whose nickname it is. */
type Editor = (stage: Stage, person: Person, operation: object) => Promise<Answered>

const bySelf: Editor = (stage, person, operation) => patchMe(stage, person, operation)
const byAdministrator: Editor = async (stage, person, operation) =>
  patchUser(stage, person, [operation], await asAdministrator(stage))
const byApplication: Editor = async (stage, person, operation) =>
  patchUser(stage, person, [operation], await asApplication(stage))

/** A change of the nickname, and what the extension gets about it: in the request and of the user. */
interface NicknameChange {
  before?: string
  operation: object
  requested: Json
  /** Absent: `user.claims` is absent. */
  shown?: Json
}

const ADDED: NicknameChange = { operation: replacing('nickName', 'Heron'), requested: { value: 'Heron' } }
const REPLACED: NicknameChange = {
  before: 'Heron',
  operation: replacing('nickName', 'Bittern'),
  requested: { value: 'Bittern' },
  shown: { value: 'Heron', updatingValue: 'Bittern' },
}
const REMOVED: NicknameChange = {
  before: 'Heron',
  operation: { op: 'remove', path: 'nickName' },
  requested: { value: '' },
  shown: { value: 'Heron', updatingValue: '' },
}

/** Each change has this event, with this initiator. */
function changed(edit: Editor, initiatorType: string, ...changes: NicknameChange[]) {
  return async (stage: Stage) => {
    for (const { before, operation, requested, shown } of changes) {
      const ines = await stage.addUser({ attributes: before === undefined ? {} : { nickName: before } })
      await stage.configure(PROFILE_ACTION, { attributes: [nickname] })
      const { body, status } = await edit(stage, ines, operation)
      assert.equal(status, 200, JSON.stringify(body))
      const event = onlyEvent(stage, PROFILE_ACTION)
      assert.deepEqual([event.initiatorType, event.action, event.user.id], [initiatorType, 'UPDATE', ines.id])
      assert.deepEqual(event.request.claims, [{ uri: nickname, ...requested }])
      assert.deepEqual(event.user.claims, shown && [{ uri: nickname, ...shown }])
      await stage.remove(PROFILE_ACTION)
      stage.extension(PROFILE_ACTION).reset()
    }
  }
}

const FIRST = '+4670000001'
const SECOND = '+4670000002'
const NUMBERS = `${WSO2}:mobileNumbers`

/** Changes the mobile numbers of a new user, and returns the new list as both places of the event have it. */
async function numbersAfter(
  stage: Stage,
  before: string[],
  change: (person: Person) => Promise<Answered>,
): Promise<Json> {
  const ines = await stage.addUser({ attributes: { [WSO2]: { mobileNumbers: before } } })
  await stage.configure(PROFILE_ACTION, { attributes: [mobileNumbers] })
  const { body, status } = await change(ines)
  assert.equal(status, 200, JSON.stringify(body))
  const { request, user } = onlyEvent(stage, PROFILE_ACTION)
  const requested = claimsOf(request.claims)?.[mobileNumbers].value
  assert.deepEqual(claimsOf(user.claims), { [mobileNumbers]: { value: before, updatingValue: requested } })
  return requested
}

export const profileClaims: Section = {
  title: 'What changes',
  rows: [
    row(
      'PF-01',
      'Ines adds a nickname at /Me, the action requests it: in `request.claims`; `user.claims` is absent',
      changed(bySelf, 'USER', ADDED),
    ),
    row(
      'PF-02',
      'she replaces Heron by Bittern: `user.claims` has value Heron and updatingValue Bittern, `request.claims` value Bittern alone',
      changed(bySelf, 'USER', REPLACED),
    ),
    row(
      'PF-03',
      'she removes the nickname: `request.claims` has value `""`, `user.claims` updatingValue `""`',
      changed(bySelf, 'USER', REMOVED),
    ),
    row(
      'PF-04',
      'PF-01 to PF-03 by an administrator at /Users: ADMIN',
      changed(byAdministrator, 'ADMIN', ADDED, REPLACED, REMOVED),
    ),
    row(
      'PF-05',
      'PF-01 to PF-03 with the token of an application: APPLICATION',
      changed(byApplication, 'APPLICATION', ADDED, REPLACED, REMOVED),
    ),
    row('PF-06', 'list [a], PATCH adds b: [a, b] in both places', async stage => {
      const added = await numbersAfter(stage, [FIRST], ines =>
        patchUser(stage, ines, [{ op: 'add', path: NUMBERS, value: [SECOND] }]),
      )
      assert.deepEqual(added, [FIRST, SECOND])
    }),
    row('PF-07', 'list [a, b], PATCH removes a: [b] in both places', async stage => {
      const left = await numbersAfter(stage, [FIRST, SECOND], ines =>
        patchUser(stage, ines, [{ op: 'remove', path: `${NUMBERS}[value eq "${FIRST}"]` }]),
      )
      assert.deepEqual(left, [SECOND])
    }),
    row('PF-08', 'list, PATCH removes the attribute: `[]` on the wire', async stage => {
      const left = await numbersAfter(stage, [FIRST, SECOND], ines =>
        patchUser(stage, ines, [{ op: 'remove', path: NUMBERS }]),
      )
      assert.deepEqual(left, [])
    }),
    row('PF-09', 'list, PUT without the attribute: `[]` on the wire', async stage => {
      const left = await numbersAfter(stage, [FIRST], ({ id, userName }) =>
        stage.call('PUT', `/scim2/Users/${id}`, { userName, name: { givenName: 'Mira' } }),
      )
      assert.deepEqual(left, [])
    }),
    row('PF-10', 'single value with a comma: one string', async stage => {
      const ines = await stage.addUser({ attributes: { nickName: 'Ines' } })
      await stage.configure(PROFILE_ACTION, { attributes: [nickname] })
      await patchUser(stage, ines, [replacing('nickName', 'Ines, the diver')])
      const { request, user } = onlyEvent(stage, PROFILE_ACTION)
      assert.deepEqual(request.claims, [{ uri: nickname, value: 'Ines, the diver' }])
      assert.deepEqual(user.claims, [{ uri: nickname, value: 'Ines', updatingValue: 'Ines, the diver' }])
    }),
    row('PF-11', 'PATCH of roles and groups alone: no call', async stage => {
      await stage.configure(PROFILE_ACTION, { attributes: [groups] })
      const ines = await stage.addUser({ groups: ['ops'] })
      for (const path of ['groups', 'roles']) {
        const { status } = await patchUser(stage, ines, [replacing(path, [{ value: 'lab' }])])
        assert.equal(status, 400)
      }
      const group = { displayName: `lab-${ines.id}`, members: [{ value: ines.id }] }
      await stage.must('POST', '/scim2/Groups', group)
      const { body } = await stage.must('GET', `/scim2/Users/${ines.id}`)
      assert.deepEqual(
        body.groups.map(({ display }: Json) => display),
        ['ops', group.displayName],
      )
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row(
      'PF-12',
      'PATCH of `forcePasswordReset` alone: no call of the profile action',
      notApplicable(MISSING.mail, async stage => {
        await stage.configure(PROFILE_ACTION)
        await patchUser(stage, stage.user, [replacing(`${WSO2}:forcePasswordReset`, true)])
        assertNotCalled(stage, PROFILE_ACTION)
      }),
    ),
    row('PF-13', 'PATCH that changes nothing: no call', async stage => {
      const ines = await stage.addUser({ attributes: { nickName: 'Heron' } })
      await stage.configure(PROFILE_ACTION, { attributes: [nickname] })
      assert.equal((await patchUser(stage, ines, [replacing('nickName', 'Heron')])).status, 200)
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row(
      'PF-14',
      'attribute changes that the action does not request: in `request.claims`, not in `user.claims`',
      async stage => {
        const attributes = { nickName: 'Heron', title: 'Dr' }
        const ines = await stage.addUser({ attributes })
        await stage.configure(PROFILE_ACTION, { attributes: [title] })
        await patchUser(stage, ines, [replacing('nickName', 'Bittern')])
        const { request, user } = onlyEvent(stage, PROFILE_ACTION)
        assert.deepEqual(request.claims, [{ uri: nickname, value: 'Bittern' }])
        assert.deepEqual(claimsOf(user.claims), { [title]: { value: 'Dr' } })
      },
    ),
    row('PF-15', 'requested attribute that does not change: `uri` and `value`, no `updatingValue`', async stage => {
      const ines = await stage.addUser({ attributes: { nickName: 'Heron', [ENTERPRISE]: { department: 'Geology' } } })
      await stage.configure(PROFILE_ACTION, { attributes: [department, nickname] })
      await patchUser(stage, ines, [replacing('nickName', 'Bittern')])
      assert.deepEqual(claimsOf(onlyEvent(stage, PROFILE_ACTION).user.claims), {
        [department]: { value: 'Geology' },
        [nickname]: { value: 'Heron', updatingValue: 'Bittern' },
      })
    }),
    row('PF-16', 'groups requested: `user.groups` is a list, and they are not among the claims', async stage => {
      const ines = await stage.addUser({ groups: ['ops', 'lab'] })
      await stage.configure(PROFILE_ACTION, { attributes: [groups] })
      await patchUser(stage, ines, [replacing('nickName', 'Bittern')])
      const { user } = onlyEvent(stage, PROFILE_ACTION)
      assert.deepEqual([user.groups, user.claims], [['ops', 'lab'], undefined])
    }),
    row('PF-17', 'user is created through SCIM: no call of the profile action', async stage => {
      await stage.configure(PROFILE_ACTION, { attributes: [nickname] })
      assert.equal((await register(stage, { attributes: { nickName: 'Heron' } })).status, 201)
      assertNotCalled(stage, PROFILE_ACTION)
    }),
  ],
}
