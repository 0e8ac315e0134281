import assert from 'node:assert/strict'
import { disclose } from '@preflow/engine'
import type { Json } from '../extension-under-test.ts'
import { differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { callThroughEngine, throughDisclose, throughEngine } from './engine-under-test.ts'
import { AT, issued, lastEvent, lastRequest, MACHINE_FORM, offered, passwordForm } from './tokens.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

async function asMachine(stage: Stage): Promise<Json> {
  issued(await stage.token(stage.machine, MACHINE_FORM))
  return lastRequest(stage)
}

export const envelope: Section = {
  title: 'Envelope',
  rows: [
    row(
      'E27',
      'client_credentials grant: no user, no userStore; response.parameters = access_token, token_type, scope, expires_in',
      async stage => {
        const { event } = await asMachine(stage)
        assert.deepEqual(['user' in event, 'userStore' in event], [false, false])
        assert.deepEqual(event.response.parameters, ['access_token', 'token_type', 'scope', 'expires_in'])
      },
    ),
    row(
      'E28',
      'code grant with openid: `id_token` in response.parameters and remove path `/response/parameters/id_token`',
      async stage => {
        issued(await stage.redeem(stage.web, 'openid'))
        assert.equal(lastEvent(stage).request.grantType, 'authorization_code')
        assert(lastEvent(stage).response.parameters.includes('id_token'))
        assert(offered(stage, 'remove').includes('/response/parameters/id_token'))
      },
    ),
    row(
      'E29',
      'app with refresh grant: event.refreshToken, replace path of its lifetime, remove path `/response/parameters/refresh_token`',
      async stage => {
        issued(await stage.token(stage.web, passwordForm(stage, 'openid')))
        assert.deepEqual(lastEvent(stage).refreshToken, { claims: [{ name: 'expires_in', value: 7200 }] })
        assert(offered(stage, 'replace').includes('/refreshToken/claims/expires_in'))
        assert(offered(stage, 'remove').includes('/response/parameters/refresh_token'))
      },
    ),
    row('E30', 'user in PRIMARY store: userStore = {id `UFJJTUFSWQ==`, name `PRIMARY`}', async stage => {
      issued(await stage.token(stage.web, passwordForm(stage, 'openid')))
      assert.deepEqual(lastEvent(stage).userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
    }),
    throughDisclose(
      row('E31', 'user store name unknown: `"userStore": {}`', async stage => {
        const { event } = disclose({
          action: {
            id: 'action-of-the-row',
            type: AT,
            version: 'v1',
            endpoint: { uri: 'https://extension.test', authentication: { type: 'NONE' } },
          },
          platform: stage.platform,
          event: { tenant: { id: '1', name: 'acme' }, user: { id: 'u-1' }, userStore: { id: '', name: '' } },
          facts: {},
          requestId: 'request-of-the-row',
        })
        assert.equal(JSON.stringify(event), '{"tenant":{"id":"1","name":"acme"},"user":{"id":"u-1"},"userStore":{}}')
      }),
    ),
    row(
      'E32',
      'no correlation id: requestId absent',
      async stage => assert.equal('requestId' in (await asMachine(stage)), false),
      differs('every request has an id, by which both sides find the call', async stage => {
        const { requestId } = await asMachine(stage)
        assert.match(requestId, UUID)
        assert.equal((await stage.must('GET', `/api/server/v1/actions/calls/${requestId}`)).body.id, requestId)
      }),
    ),
    row('E33', 'empty additionalParams: key absent', async stage => {
      await stage.configure(AT, { allowedParameters: ['nobody-sends-this'] })
      const { event } = await asMachine(stage)
      assert.equal('additionalParams' in event.request, false)
      assert.equal('additionalHeaders' in event.request, true)
    }),
    row('E34', 'org depth 0: `depth: 0` present', async stage => {
      const { event } = await asMachine(stage)
      assert.deepEqual(event.organization, stage.organization)
      assert.equal(event.organization.depth, 0)
    }),
    throughEngine(
      row('E35', 'AUTHENTICATION: flowId present, allowedOperations contains op redirect', async stage => {
        await callThroughEngine(stage, {
          action: { type: 'AUTHENTICATION' },
          event: { tenant: { id: '1', name: 'acme' }, application: { id: 'a-1', name: 'Shop' }, currentStepIndex: 1 },
          flowId: 'flow-of-the-row',
        })
        const [call] = stage.extension('AUTHENTICATION').calls
        assert.equal(call?.body.flowId, 'flow-of-the-row')
        assert.deepEqual(call?.body.allowedOperations, [{ op: 'redirect' }])
      }),
    ),
  ],
}
