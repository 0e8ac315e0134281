import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type PlatformName, platforms } from '@preflow/contract'
import { deleteAction } from '../../ground/store/actions.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtaXJhIn0.c2lnbmF0dXJl'

/** Credentials of gateways, clients and users, by their headers. */
const SECRET: Record<string, string> = {
  'cf-access-jwt-assertion': 'plain-1',
  'cf-access-authenticated-user-email': 'plain-2',
  'x-amz-security-token': 'plain-3',
  'x-amzn-oidc-data': JWT,
  'x-goog-iap-jwt-assertion': 'plain-4',
  'x-goog-iap-user': 'plain-5',
  'x-ms-token-aad-access-token': 'plain-6',
  'x-forwarded-access-token': 'plain-7',
  'x-forwarded-client-cert': 'plain-8',
  'ssl-client-verify': 'plain-9',
  dpop: 'plain-10',
  'x-auth-token': 'plain-11',
  'X-Session-Id': 'plain-12',
  'x-ocp-apim-api-key': 'plain-13',
  'x-csrf-token': 'plain-14',
  'x-foo': JWT,
  'x-nested': `user=mira; token=${JWT}`,
  'x-bar': 'Bearer abcdef',
  'x-basic': 'basic bWlyYTpzZWNyZXQ=',
}
const OPEN: Record<string, string> = {
  'postman-token': 'ad5aa1e0-6e2b-4b9c-8b0f-6f0c6a4b4b8e',
  'x-request-id': 'r-1',
  'user-agent': 'a test/1.0',
  'x-author': 'nobody',
}
const SECRET_PARAMETERS: Record<string, string> = {
  otp: '123456',
  PIN: '4711',
  api_key: 'plain-20',
  id_token_hint: 'plain-21',
  login_token: 'plain-22',
  app_secret: 'plain-23',
  newPassword: 'plain-24',
  saml_assertion: 'plain-25',
  anything: JWT,
}
const OPEN_PARAMETERS = { device: 'd-1', subject_token_type: 'urn:x', pinned: 'yes' }

let world: World
let extension: Extension
before(async () => {
  extension = await startExtension()
  world = await startWorld()
})
after(async () => {
  await world.close()
  await extension.close()
})

const names = (list: { name: string }[] = []) => list.map(({ name }) => name)

for (const platform of Object.keys(platforms) as PlatformName[]) {
  for (const isListed of [false, true]) {
    test(`AZ-53: credentials never reach an extension, on ${platform}${isListed ? ', even if they are listed' : ''}`, async () => {
      const application = await world.addApplication()
      const action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url, {
        platform,
        endpoint: {
          uri: extension.url,
          authentication: { type: 'NONE' },
          allowedHeaders: isListed ? [...Object.keys(SECRET), ...Object.keys(OPEN)] : [],
          allowedParameters: isListed ? [...Object.keys(SECRET_PARAMETERS), ...Object.keys(OPEN_PARAMETERS)] : [],
          signingSecrets: [],
        },
      })
      try {
        const form = { grant_type: 'client_credentials', ...SECRET_PARAMETERS, ...OPEN_PARAMETERS }
        const { status, body } = await world.token(application, form, { ...SECRET, ...OPEN })
        assert.equal(status, 200, JSON.stringify(body))
      } finally {
        await deleteAction(world.db, world.tenant.id, action.id)
      }
      const call = extension.calls.at(-1)
      const { additionalHeaders, additionalParams } = call?.body.event.request ?? {}
      assert.deepEqual(
        Object.keys(OPEN).filter(name => !names(additionalHeaders).includes(name)),
        [],
      )
      assert.deepEqual(
        Object.keys(OPEN_PARAMETERS).filter(name => !names(additionalParams).includes(name)),
        [],
      )
      for (const name of Object.keys(SECRET)) assert.ok(!names(additionalHeaders).includes(name.toLowerCase()), name)
      for (const name of Object.keys(SECRET_PARAMETERS)) assert.ok(!names(additionalParams).includes(name), name)
      const sent = JSON.stringify(call?.body)
      for (const value of [...Object.values(SECRET), '4711', ...Object.values(SECRET_PARAMETERS)]) {
        if (value.startsWith('plain-') || value.includes(JWT)) assert.ok(!sent.includes(`"${value}"`), value)
      }
    })
  }
}

test('AZ-53: an action that lists a credential is refused', async () => {
  await world.addUser({ userName: 'boss', isAdministrator: true }, 'seven-otters-in-a-canoe')
  const save = async (lists: object) => {
    const response = await fetch(`${world.base}/api/server/v1/actions/preIssueAccessToken`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from('boss:seven-otters-in-a-canoe').toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        name: 'lists',
        endpoint: { uri: extension.url, authentication: { type: 'NONE' }, ...lists },
      }),
    })
    return { ...((await response.json()) as { code?: string }), status: response.status }
  }
  for (const name of ['cf-access-jwt-assertion', 'X-Auth-Token', 'dpop']) {
    const { code, status } = await save({ allowedHeaders: [name] })
    assert.deepEqual([status, code], [400, 'ACTION-60007'], name)
  }
  for (const name of ['otp', 'Api_Key', 'login_token']) {
    const { code, status } = await save({ allowedParameters: [name] })
    assert.deepEqual([status, code], [400, 'ACTION-60008'], name)
  }
  const open = { allowedHeaders: ['postman-token', 'user-agent'], allowedParameters: ['device'] }
  assert.equal((await save(open)).status, 201)
})
