import assert from 'node:assert/strict'
import type { Answer } from '../extension-under-test.ts'
import type { Answered, Issued } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { patchOf } from '../users.ts'
import { askWhile, assertServerError, ERROR, json } from './engine-under-test.ts'
import { AT, IDT, issued, op } from './tokens.ts'

const FAILED = json({
  actionStatus: 'FAILED',
  failureReason: 'Some failure reason',
  failureDescription: 'Some description',
})
const UNAUTHORIZED: Answer = { status: 401, body: 'Unauthorized' }
const INCOMPLETE = json({ actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://pin.test' }] })

/** What the client gets when either token action returns this answer. */
async function clientSees(stage: Stage, answer: Answer): Promise<Answered[]> {
  const { issued: forMachine } = await askWhile(stage, answer)
  await stage.remove(AT)
  await stage.configure(IDT)
  stage.extension(IDT).answer(() => answer)
  const forUser = await stage.redeem(stage.web, 'openid')
  assert.equal(stage.extension(IDT).calls.length > 0, true)
  return [forMachine, forUser]
}

/** The client sees nothing of the extension's message. */
async function assertHidden(stage: Stage, answer: Answer): Promise<void> {
  for (const answered of await clientSees(stage, answer)) assertServerError(answered)
}

async function refreshLifetime(stage: Stage, { body }: Issued): Promise<number> {
  const { body: token } = await stage.post('/oauth2/introspect', stage.web, { token: body.refresh_token })
  assert.equal(token.active, true)
  return token.exp - token.iat
}

/** A change of a user that calls the action of the type. */
const CHANGES: [type: 'PRE_UPDATE_PASSWORD' | 'PRE_UPDATE_PROFILE', change: object][] = [
  ['PRE_UPDATE_PASSWORD', { path: 'password', value: 'another horse in the field' }],
  ['PRE_UPDATE_PROFILE', { path: 'nickName', value: 'Mimi' }],
]
const SETTINGS = {
  PRE_UPDATE_PASSWORD: { passwordSharing: { format: 'PLAIN_TEXT' } },
  PRE_UPDATE_PROFILE: {},
} as const

function patchUser(stage: Stage, change: object): Promise<Answered> {
  return stage.call('PATCH', `/scim2/Users/${stage.user.id}`, patchOf({ op: 'replace', ...change }))
}

export const clientVisible: Section = {
  title: 'What the client sees',
  rows: [
    row(
      'E158',
      '200 FAILED, token endpoint: 400, error `Some failure reason`, description `Some description`',
      async stage => {
        for (const { body, status } of await clientSees(stage, FAILED)) {
          assert.deepEqual(
            [status, body.error, body.error_description],
            [400, 'Some failure reason', 'Some description'],
          )
        }
      },
    ),
    row('E159', '500 ERROR payload: 500 server_error `Internal Server Error.`', stage =>
      assertHidden(stage, json(ERROR, 500)),
    ),
    row('E160', '401 text `Unauthorized` (declared json): 500 server_error', stage =>
      assertHidden(stage, UNAUTHORIZED),
    ),
    row('E161', '200 INCOMPLETE on token types: 500 server_error', stage => assertHidden(stage, INCOMPLETE)),
    row(
      'E162',
      'hybrid /authorize, any of the above: `error=server_error`, description about processing the authorization request',
      async stage => {
        const client: Client = await stage.addApplication({
          grantTypes: ['authorization_code'],
          hybridFlow: { enable: true, responseType: 'code id_token' },
        })
        await stage.configure(IDT)
        for (const answer of [FAILED, json(ERROR, 500), UNAUTHORIZED, INCOMPLETE]) {
          stage.extension(IDT).answer(() => answer)
          const { hash } = await stage.authorize(client, {
            response_type: 'code id_token',
            scope: 'openid',
            nonce: 'n-1',
          })
          const landed = new URLSearchParams(hash.slice(1))
          assert.equal(landed.get('error'), 'server_error')
          assert.match(
            landed.get('error_description') ?? '',
            /Error occurred when processing the authorization request/,
          )
          assert.deepEqual([landed.has('code'), landed.has('id_token')], [false, false])
        }
      },
    ),
    row(
      'E163',
      'SCIM password/profile update, FAILED: 400, scimType = reason, detail contains description',
      async stage => {
        for (const [type, change] of CHANGES) {
          await stage.configure(type, SETTINGS[type])
          stage.extension(type).answer(() => FAILED)
          const { body, status } = await patchUser(stage, change)
          assert.deepEqual([status, body.status, body.scimType], [400, '400', 'Some failure reason'])
          assert.match(body.detail, /Some description/)
          assert.equal(stage.extension(type).calls.length, 1)
          await stage.remove(type)
        }
      },
    ),
    row(
      'E164',
      'SCIM update, 500 ERROR: 500, detail contains `Error while updating attributes of user`',
      async stage => {
        for (const [type, change] of CHANGES) {
          await stage.configure(type, SETTINGS[type])
          stage.extension(type).answer(() => json(ERROR, 500))
          const { body, status } = await patchUser(stage, change)
          assert.deepEqual([status, body.scimType], [500, undefined])
          assert.match(body.detail, /Error while updating attributes of user/)
          await stage.remove(type)
        }
      },
    ),
    row('E165', 'change-password, FAILED: 400 `PWD-10004`', async stage => {
      const { password, userName } = await stage.addUser()
      await stage.configure('PRE_UPDATE_PASSWORD', SETTINGS.PRE_UPDATE_PASSWORD)
      stage.extension('PRE_UPDATE_PASSWORD').answer(() => FAILED)
      const response = await fetch(`${stage.base}/api/users/v1/me/change-password`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ currentPassword: password, newPassword: 'another horse' }),
      })
      assert.equal(response.status, 400)
      assert.deepEqual(await response.json(), {
        code: 'PWD-10004',
        message: 'Password validation failed',
        description: 'Some description',
      })
    }),
    row(
      'E166',
      'refresh-token expiry replaced to 47400 at code grant: introspected refresh token lifetime 47400; at refresh grant 48600',
      async stage => {
        stage.extension(AT).succeed(op('~R/expires_in', 47_400))
        const first = issued(await stage.redeem(stage.web, 'openid'))
        assert.equal(await refreshLifetime(stage, first), 47_400)
        stage.extension(AT).succeed(op('~R/expires_in', 48_600))
        const second = issued(await stage.refresh(stage.web, first))
        assert.equal(await refreshLifetime(stage, second), 48_600)
      },
    ),
  ],
}
