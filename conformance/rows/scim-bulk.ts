import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import { differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { patchOf } from '../users.ts'
import { asApplication, onlyEvent, PASSWORD_ACTION } from './account-changes.ts'
import { makeUser, newName } from './scim-under-test.ts'

const send = (stage: Stage, Operations: object[], more: object = {}, as?: string) =>
  stage.call(
    'POST',
    '/scim2/Bulk',
    { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], ...more, Operations },
    as,
  )
const statuses = ({ Operations }: Json): string[] => Operations.map(({ status }: Json) => status)
const creation = (bulkId: string, data: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { userName: newName(), ...data },
})
const groupOf = (bulkId: string, member: string) => ({
  ...{ method: 'POST', path: '/Groups', bulkId },
  data: { displayName: newName(), members: [{ value: `bulkId:${member}` }] },
})
const BAD = { method: 'DELETE', path: '/Users/nobody' }

export const scimBulk: Section = {
  title: 'Bulk',
  rows: [
    row(
      'SB-01',
      'two users and a group with `bulkId:` members: 200, statuses as strings, the order of the request',
      async stage => {
        const { body, status } = await send(stage, [groupOf('g', 'a'), creation('a'), creation('b')])
        assert.equal(status, 200)
        assert.deepEqual(
          body.Operations.map(({ bulkId, status }: Json) => [bulkId, status]),
          [
            ['g', '201'],
            ['a', '201'],
            ['b', '201'],
          ],
        )
      },
    ),
    row(
      'SB-02',
      'scopes: the one for everything, new ones per operation, none: 403',
      differs(
        'the scope for everything opens bulk requests, and each operation needs its own scope as if it were sent alone',
        async stage => {
          assert.equal((await send(stage, [creation('a')], {}, await asApplication(stage))).status, 403)
        },
      ),
    ),
    row('SB-03', '`failOnErrors` 1 stops, 0 goes on', async stage => {
      assert.deepEqual(statuses((await send(stage, [BAD, creation('a')], { failOnErrors: 1 })).body), ['404'])
      assert.deepEqual(statuses((await send(stage, [BAD, creation('a')], { failOnErrors: 0 })).body), ['404', '201'])
    }),
    row('SB-04', 'double `bulkId` 400; missing in POST 400; circle 409', async stage => {
      assert.equal((await send(stage, [creation('a'), creation('a')])).status, 400)
      assert.equal((await send(stage, [{ ...creation('a'), bulkId: undefined }])).status, 400)
      assert.deepEqual(statuses((await send(stage, [groupOf('a', 'b'), groupOf('b', 'a')])).body), ['409', '409'])
    }),
    row('SB-05', '1001 operations, or 1 MiB and 1 byte: 413', async stage => {
      assert.equal(
        (
          await send(
            stage,
            Array.from({ length: 1001 }, () => BAD),
          )
        ).status,
        413,
      )
      assert.equal((await send(stage, [creation('a', { title: 'x'.repeat(1_048_576) })])).status, 413)
    }),
    row(
      'SB-06',
      'creation with a password that the action refuses: that operation 400, the action gets REGISTER',
      async stage => {
        await stage.configure(PASSWORD_ACTION, { passwordSharing: { format: 'PLAIN_TEXT' } })
        stage.extension(PASSWORD_ACTION).answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'known' } }))
        const { body } = await send(stage, [creation('a', { password: 'Blue-Heron_42!' }), creation('b')])
        assert.deepEqual(statuses(body), ['400', '201'])
        assert.equal(onlyEvent(stage, PASSWORD_ACTION).action, 'REGISTER')
      },
    ),
    row('SB-07', 'PATCH of `emails[type eq home]`, PUT and DELETE in one request', async stage => {
      const [one, two, three] = [await makeUser(stage), await makeUser(stage), await makeUser(stage)]
      const { body } = await send(stage, [
        {
          method: 'PATCH',
          path: `/Users/${one.id}`,
          data: patchOf({ op: 'add', path: 'emails[type eq home].value', value: 'h@x' }),
        },
        { method: 'PUT', path: `/Users/${two.id}`, data: { userName: two.userName, nickName: 'N' } },
        { method: 'DELETE', path: `/Users/${three.id}` },
      ])
      assert.deepEqual(statuses(body), ['200', '200', '204'])
    }),
    row(
      'SB-08',
      'the status of an operation is `{"code":201}`',
      differs('the status is the string of RFC 7644 on every platform', async stage => {
        assert.deepEqual(statuses((await send(stage, [creation('a')])).body), ['201'])
      }),
    ),
  ],
}
