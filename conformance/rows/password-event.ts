import assert from 'node:assert/strict'
import { allow, defineExtension, deny } from '@preflow/extension'
import { differs, notApplicable, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import type { ActionSettings } from '../stage-actions.ts'
import type { Person, PersonSettings } from '../users.ts'
import {
  asAdministrator,
  askForUnknownAttribute,
  CLAIMS,
  claimsOf,
  configurePassword,
  downgrade,
  ENTERPRISE,
  onlyEvent,
  onlyRequest,
  PASSWORD_ACTION,
  register,
  setPassword,
  WSO2,
} from './account-changes.ts'

/** The administrator sets the password of a new user with these properties, with an action of these settings. */
async function setFor(stage: Stage, about: PersonSettings, settings: ActionSettings): Promise<Person> {
  const ines = await stage.addUser(about)
  await configurePassword(stage, settings)
  assert.equal((await setPassword(stage, ines)).status, 200)
  return ines
}

/** What the extension gets about such a user. */
async function shownOf(stage: Stage, about: PersonSettings, ...attributes: string[]) {
  await setFor(stage, about, { attributes })
  const { claims, groups } = onlyEvent(stage).user
  return { claims: claimsOf(claims), groups }
}

export const passwordEnvelope: Section = {
  title: 'Request',
  rows: [
    row('PW-26', 'header `x-wso2-api-version`: `v1` for an action of v1, `v2` for one of v2', async stage => {
      const ines = await stage.addUser()
      const { calls } = stage.extension(PASSWORD_ACTION)
      const id = await configurePassword(stage)
      await setPassword(stage, ines)
      downgrade(stage, id)
      await setPassword(stage, ines, { password: 'Grey-Heron_43!' })
      assert.deepEqual(
        calls.map(({ headers }) => headers['x-wso2-api-version']),
        ['v2', 'v1'],
      )
    }),
    row('PW-27', 'body: no `flowId`, no `allowedOperations`, no `event.request`', async stage => {
      await setFor(stage, {}, {})
      const { requestId, event, ...rest } = onlyRequest(stage)
      assert.deepEqual(rest, { actionType: 'PRE_UPDATE_PASSWORD' })
      assert.equal(requestId !== undefined, stage.platform.disclosing.sendsRequestId)
      const members = ['action', 'initiatorType', 'organization', 'tenant', 'user', 'userStore']
      assert.deepEqual(Object.keys(event).sort(), members)
    }),
    row(
      'PW-28',
      'at the root: `tenant.id` is a string, `organization.depth` is the number 0 and present',
      async stage => {
        const ines = await setFor(stage, {}, {})
        const { organization, tenant, user } = onlyEvent(stage)
        assert.deepEqual(tenant, { id: stage.tenant.id, name: stage.tenant.domain })
        assert.equal(typeof tenant.id, 'string')
        assert.deepEqual(organization, stage.organization)
        assert.deepEqual([user.id, user.organization], [ines.id, stage.organization])
      },
    ),
    row(
      'PW-29',
      'user store WAREHOUSE: `userStore` is `{"id":"V0FSRUhPVVNF","name":"WAREHOUSE"}`',
      notApplicable('there is one user store, PRIMARY, and it is named in the same way', async stage => {
        await setFor(stage, {}, {})
        const { id, name } = onlyEvent(stage).userStore
        assert.deepEqual([name, Buffer.from(id, 'base64').toString()], ['PRIMARY', 'PRIMARY'])
        assert.equal(id, 'UFJJTUFSWQ==')
      }),
    ),
  ],
}

export const passwordClaims: Section = {
  title: 'Attributes',
  rows: [
    row('PW-30', '`attributes` empty: neither `claims` nor `groups`', async stage => {
      await setFor(stage, { attributes: { nickName: 'Heron' } }, { attributes: [] })
      const members = ['id', 'organization', 'updatingCredential']
      assert.deepEqual(Object.keys(onlyEvent(stage).user).sort(), members)
    }),
    row(
      'PW-31',
      '`attributes` department and groups, Ines has both: `claims` has the department alone, `groups` her groups',
      async stage => {
        const about = { groups: ['ops', 'lab'], attributes: { [ENTERPRISE]: { department: 'Geology' } } }
        assert.deepEqual(await shownOf(stage, about, CLAIMS.department, CLAIMS.groups), {
          claims: { [CLAIMS.department]: { value: 'Geology' } },
          groups: ['ops', 'lab'],
        })
      },
    ),
    row('PW-32', 'attribute configured, Ines has none: no element', async stage => {
      const about = { attributes: { nickName: 'Heron', title: '' } }
      const { claims } = await shownOf(stage, about, CLAIMS.department, CLAIMS.nickname, CLAIMS.title)
      assert.deepEqual(claims, { [CLAIMS.nickname]: { value: 'Heron' } })
    }),
    row('PW-33', 'multi-valued `emailAddresses` with one value: list of one', async stage => {
      const about = { attributes: { [WSO2]: { emailAddresses: ['ines@heron.example'] } } }
      const { claims } = await shownOf(stage, about, CLAIMS.emailAddresses)
      assert.deepEqual(claims, { [CLAIMS.emailAddresses]: { value: ['ines@heron.example'] } })
    }),
    row('PW-34', 'single-valued nickname `Ines, the diver`: stays one string', async stage => {
      const { claims } = await shownOf(stage, { attributes: { nickName: 'Ines, the diver' } }, CLAIMS.nickname)
      assert.deepEqual(claims, { [CLAIMS.nickname]: { value: 'Ines, the diver' } })
    }),
    row(
      'PW-35',
      'attribute configured that the claim dialect no longer has: error `Claim not found for claim URI: …`, 500 class',
      differs(
        'it is left out, like an attribute that the user does not have: no change of the dialect prevents new passwords',
        async stage => {
          const ines = await stage.addUser({ attributes: { [ENTERPRISE]: { department: 'Geology' } } })
          askForUnknownAttribute(stage, await configurePassword(stage))
          assert.equal((await setPassword(stage, ines)).status, 200)
          assert.deepEqual(claimsOf(onlyEvent(stage).user.claims), { [CLAIMS.department]: { value: 'Geology' } })
        },
      ),
    ),
    row('PW-36', 'REGISTER: attributes come from the request, though the user does not exist yet', async stage => {
      await configurePassword(stage, { attributes: [CLAIMS.department] })
      const attributes = { [ENTERPRISE]: { department: 'Geology' } }
      const { status } = await register(stage, { authorization: await asAdministrator(stage), attributes })
      assert.equal(status, 201)
      const { user } = onlyEvent(stage)
      assert.equal(user.id, undefined)
      assert.deepEqual(claimsOf(user.claims), { [CLAIMS.department]: { value: 'Geology' } })
    }),
    row(
      'PW-37',
      'separator `;` configured: lists are split at it, `,` is untouched',
      notApplicable('lists are stored as lists, so there is no separator and both characters stay', async stage => {
        const mobileNumbers = ['+46 70, 000 01', '+46 70; 000 02']
        const { claims } = await shownOf(stage, { attributes: { [WSO2]: { mobileNumbers } } }, CLAIMS.mobileNumbers)
        assert.deepEqual(claims, { [CLAIMS.mobileNumbers]: { value: mobileNumbers } })
      }),
    ),
    row('PW-38', 'claims in another order: an extension finds them by their URI', async stage => {
      const { department, nickname } = CLAIMS
      const about = { attributes: { nickName: 'Heron', [ENTERPRISE]: { department: 'Geology' } } }
      await setFor(stage, about, { attributes: [department, nickname] })
      const { fetch: ask } = defineExtension(
        {
          preUpdatePassword: (_, context) =>
            context.claim(department) === 'Geology' && context.claim(nickname) === 'Heron'
              ? allow()
              : deny('not_found', 'A claim is missing.'),
        },
        { caller: { type: 'none' } },
      )
      const request = onlyRequest(stage)
      const { claims } = request.event.user
      assert.equal(claims.length, 2)
      for (const ordered of [claims, claims.toReversed()]) {
        const event = { ...request.event, user: { ...request.event.user, claims: ordered } }
        const response = await ask(
          new Request(stage.extension(PASSWORD_ACTION).url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ ...request, event }),
          }),
        )
        assert.deepEqual(await response.json(), { actionStatus: 'SUCCESS' })
      }
    }),
    row(
      'PW-39',
      'accessing organization unknown: `event.organization` is left out, the call is made',
      notApplicable('every request belongs to an organization, the root one if the path names none'),
    ),
    row(
      'PW-40',
      'root organization is not found: server error, no call',
      notApplicable('a tenant and its root organization are stored in one transaction, so both always exist'),
    ),
  ],
}
