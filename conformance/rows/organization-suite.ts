import assert from 'node:assert/strict'
import { actionTypes } from '@preflow/contract'
import type { Json } from '../extension-under-test.ts'
import { notApplicable, numbered, row, type Suite } from '../row.ts'
import type { Stage } from '../stage.ts'
import { type Person, patchOf } from '../users.ts'
import { API, addDoor, addSignIn, answers, begin, lastCallOf, PAGE, redeemed } from './doors.ts'
import { assertRefused } from './engine-under-test.ts'
import { MISSING } from './missing-flows.ts'
import { addOrganization, configureBelow, type OrganizationUnderTest } from './organizations.ts'

const PASSWORD = 'PRE_UPDATE_PASSWORD'
const PROFILE = 'PRE_UPDATE_PROFILE'
const PASSWORD_SHARING = { passwordSharing: { format: 'PLAIN_TEXT' } }
const NEW_PASSWORD = 'Blue-Heron_42!'

/** The administrator replaces attributes of a user of the organization. */
function change(stage: Stage, { below }: OrganizationUnderTest, { id }: Person, value: object) {
  return stage.must('PATCH', `${below}/scim2/Users/${id}`, patchOf({ op: 'replace', value }))
}

/** The token with which a user of an organization manages the account, after a sign-in there with the password. */
async function signedInTo(stage: Stage, { below }: OrganizationUnderTest, person: Person): Promise<string> {
  const form = { grant_type: 'password', username: person.userName, password: person.password }
  const scope = 'internal_login internal_user_password_update'
  const { body } = await stage.post(`${below}/oauth2/token`, stage.console, { ...form, scope })
  assert.equal(typeof body.access_token, 'string', JSON.stringify(body))
  return `Bearer ${body.access_token}`
}

/** The rows about organizations: which action runs, and what its extension gets. */
export const organizationSuite: Suite = {
  title: 'Organizations',
  introduction:
    'Reed is an organization of depth 1 below the root of the tenant. A shared user belongs to one organization and has an association in another one.',
  ids: numbered('OR-', 14),
  sections: [
    {
      title: 'Actions of organizations',
      rows: [
        row(
          'OR-01',
          'Reed has its own password action; its administrator sets the password of its user: the endpoint of Reed is called; tenant is that of the root, organization and user.organization are Reed, depth 1',
          async stage => {
            await stage.configure(PASSWORD, PASSWORD_SHARING as object)
            const reed = await addOrganization(stage)
            const extension = await configureBelow(stage, reed, PASSWORD, PASSWORD_SHARING)
            const user = await stage.addUser({ below: reed.below })
            extension.calls.length = 0
            await change(stage, reed, user, { password: NEW_PASSWORD })
            assert.equal(extension.calls.length, 1)
            assert.equal(stage.extension(PASSWORD).calls.length, 0)
            const { event } = lastCallOf(extension).body
            assert.deepEqual(event.tenant, { id: stage.tenant.id, name: stage.tenant.domain })
            assert.equal(reed.shown.depth, 1)
            assert.deepEqual([event.organization, event.user.organization], [reed.shown, reed.shown])
          },
        ),
        row('OR-02', 'only the root has an action; a user of Reed changes their own password: no call', async stage => {
          await stage.configure(PASSWORD, PASSWORD_SHARING as object)
          const reed = await addOrganization(stage)
          const user = await stage.addUser({ below: reed.below })
          const body = { currentPassword: user.password, newPassword: NEW_PASSWORD }
          const path = `${reed.below}/api/users/v1/me/change-password`
          const as = await signedInTo(stage, reed, user)
          assert.equal((await stage.call('POST', path, body, as)).status, 204)
          await signedInTo(stage, reed, { ...user, password: NEW_PASSWORD })
          assert.equal(stage.extension(PASSWORD).calls.length, 0)
        }),
        row(
          'OR-03',
          'a user is shared from the root with Reed, the password changes at the root: the action of the root is called, without sharedUserId',
          notApplicable(MISSING.sharing),
        ),
        row(
          'OR-04',
          'Reed sets the password of the shared user: not possible, or not called in Reed',
          notApplicable(MISSING.sharing),
        ),
        row(
          'OR-05',
          'Reed changes an attribute of the shared user that may be customised: organization Reed, user.organization the root, user.id that of the root, sharedUserId that of Reed',
          notApplicable(MISSING.sharing),
        ),
        row(
          'OR-06',
          'the same without a record of the association: user.id absent, sharedUserId present, a warning in the log',
          notApplicable(MISSING.sharing),
        ),
        row(
          'OR-07',
          'profile of a user who was created in Reed: sharedUserId absent, user.organization Reed',
          async stage => {
            const reed = await addOrganization(stage)
            const extension = await configureBelow(stage, reed, PROFILE)
            const user = await stage.addUser({ below: reed.below })
            await change(stage, reed, user, { nickName: 'Bittern' })
            const { event } = lastCallOf(extension).body
            assert.deepEqual(event.user, { id: user.id, organization: reed.shown })
            assert.equal('sharedUserId' in event.user, false)
          },
        ),
        row('OR-08', 'claims of OR-05: read by sharedUserId', notApplicable(MISSING.sharing)),
        row(
          'OR-09',
          'the claim managedOrg names the super organization: its name is that of the super root, its handle `carbon.super`, its depth 0',
          notApplicable(MISSING.sharing),
        ),
        row('OR-10', 'the claim managedOrg names an unknown organization: 500', notApplicable(MISSING.sharing)),
      ],
    },
    {
      title: 'Configuration and sign-in of organizations',
      rows: [
        row(
          'OR-11',
          'create PRE_ISSUE_ACCESS_TOKEN in Reed: 403 ACTION-60015; create PRE_UPDATE_PASSWORD in Reed: 201',
          async stage => {
            const { below } = await addOrganization(stage)
            const create = (type: 'PRE_ISSUE_ACCESS_TOKEN' | typeof PASSWORD, more: object = {}) =>
              stage.call('POST', `${below}${API}/actions/${actionTypes[type].path}`, {
                name: 'Guard',
                endpoint: { uri: 'https://guard.example/call', authentication: { type: 'NONE' } },
                ...more,
              })
            assertRefused(
              await create('PRE_ISSUE_ACCESS_TOKEN'),
              403,
              'ACTION-60015',
              'The requested action type: PRE_ISSUE_ACCESS_TOKEN is not allowed at the organization level.',
            )
            assert.equal((await create(PASSWORD, PASSWORD_SHARING)).status, 201)
          },
        ),
        row('OR-12', 'GET `/actions/types` in Reed: without the token types', async stage => {
          const { below } = await addOrganization(stage)
          const typesAt = async (place: string) =>
            (await stage.must('GET', `${place}${API}/actions/types`)).body.map(({ type }: Json) => type)
          assert.deepEqual(await typesAt(below), [PASSWORD, PROFILE])
          assert.deepEqual(
            (await typesAt('')).toSorted(),
            ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_ISSUE_ID_TOKEN', PASSWORD, PROFILE].toSorted(),
          )
        }),
        row(
          'OR-13',
          'custom authenticator of Reed, INCOMPLETE: the browser returns to `/o/{id of Reed}/commonauth?flowId=`',
          async stage => {
            const reed = await addOrganization(stage)
            const { name, extension } = await addDoor(stage, { below: reed.below })
            const user = await stage.addUser({ below: reed.below })
            const application = await addSignIn(stage, [name])
            extension.answer(() => answers.redirect(PAGE))
            const { browser } = await begin(stage, application, { below: reed.below })
            const { event, flowId } = lastCallOf(extension).body
            assert.deepEqual(event.organization, reed.shown)
            extension.answer(() => answers.identified(user))
            const back = await browser.open(`${stage.server.address}${reed.below}/commonauth?flowId=${flowId}`)
            const { idToken } = await redeemed(stage, application, back, reed.below)
            assert.deepEqual([idToken?.sub, idToken?.['org_id']], [user.id, reed.shown.id])
          },
        ),
        row('OR-14', 'organization of depth 2: depth 2, the tenant is still that of the root', async stage => {
          const reed = await addOrganization(stage)
          const pond = await addOrganization(stage, { name: 'Pond', parent: reed })
          const extension = await configureBelow(stage, pond, PROFILE)
          const user = await stage.addUser({ below: pond.below })
          await change(stage, pond, user, { nickName: 'Bittern' })
          const { event } = lastCallOf(extension).body
          assert.equal(event.organization.depth, 2)
          assert.deepEqual(event.organization, pond.shown)
          assert.deepEqual(event.tenant, { id: stage.tenant.id, name: stage.tenant.domain })
        }),
      ],
    },
  ],
}
