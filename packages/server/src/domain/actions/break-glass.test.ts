import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type BreakGlass,
  completeConfiguration,
  createLog,
  createServer,
  openBreakGlass,
  type Ports,
  type Server,
} from '@preflow/server'
import { TEST_PASSWORD_COST } from '../../ground/store/password-cost.fixture.ts'

const OLD = 'http://127.0.0.1:9/old'
const NEW = 'http://127.0.0.1:9/new'
const OTHER = 'http://127.0.0.1:9/other'

describe('break-glass', () => {
  let folder: string
  let server: Server
  let breakGlass: BreakGlass

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-break-glass-'))
    const configuration = completeConfiguration({
      port: 0,
      dataFolder: folder,
      adminPassword: 'administrator-1',
      privateEndpoints: ['127.0.0.0/8'],
    })
    const ports: Ports = {
      now: Date.now,
      newId: randomUUID,
      randomBytes,
      log: createLog('error', { write: () => true }),
      passwordCost: TEST_PASSWORD_COST,
    }
    server = await createServer(configuration, ports)
    await server.listen()
    breakGlass = await openBreakGlass(configuration, ports)
  })
  after(async () => {
    await breakGlass.close()
    await server.close()
    await rm(folder, { recursive: true })
  })

  // biome-ignore lint/suspicious/noExplicitAny: tests assert on wire values of any shape
  async function manage(method: string, path: string, body?: object): Promise<any> {
    const response = await fetch(`${server.address}/api/server/v1${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('admin:administrator-1').toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text === '' ? response.headers.get('location')?.split('/').at(-1) : JSON.parse(text)
  }

  const endpoint = (uri: string) => ({
    uri,
    authentication: { type: 'API_KEY', properties: { header: 'x-api-key', value: 'the-key' } },
  })

  /** The newest audit record, without members that differ each time. */
  async function lastRecord(): Promise<unknown> {
    const [{ action, initiator, targetType, targetId, details }] = await manage('GET', '/audit-logs?limit=1')
    return { action, initiator, targetType, targetId, details }
  }

  test('moves an action to another address, and the audit record has both addresses', async () => {
    const { id } = await manage('POST', '/actions/preUpdateProfile', { name: 'Profiles', endpoint: endpoint(OLD) })
    const { moved, elsewhere } = await breakGlass.move(OLD, NEW, action => action.id === id)
    assert.deepEqual([moved.map(action => action.id), elsewhere], [[id], []])
    assert.equal((await manage('GET', `/actions/preUpdateProfile/${id}`)).endpoint.uri, NEW)
    assert.deepEqual(await lastRecord(), {
      action: 'UPDATE',
      initiator: 'command line',
      targetType: 'ACTION',
      targetId: id,
      details: { type: 'PRE_UPDATE_PROFILE', fields: ['endpoint.uri'] },
    })
  })

  test('moves authenticators too, audits them under their public id, and keeps those with another endpoint', async () => {
    const make = (name: string, uri: string) =>
      manage('POST', '/authenticators/custom', { name, displayName: name, endpoint: endpoint(uri) })
    const { id } = await make('custom-moves', OLD)
    const stays = await make('custom-stays', OTHER)
    const { moved, elsewhere } = await breakGlass.move(OLD, NEW, action => action.type === 'AUTHENTICATION')
    assert.deepEqual(
      [moved.map(({ name }) => name), elsewhere.map(({ name }) => name)],
      [['custom-moves'], ['custom-stays']],
    )
    assert.equal((await manage('GET', `/authenticators/custom/${id}`)).endpoint.uri, NEW)
    assert.equal((await manage('GET', `/authenticators/custom/${stays.id}`)).endpoint.uri, OTHER)
    assert.deepEqual(await lastRecord(), {
      action: 'UPDATE',
      initiator: 'command line',
      targetType: 'AUTHENTICATOR',
      targetId: id,
      details: { type: 'AUTHENTICATION', fields: ['endpoint.uri'] },
    })
    const again = await breakGlass.move(OLD, NEW, action => action.type === 'AUTHENTICATION')
    assert.deepEqual(again.moved, [])
  })

  test('deactivates an authenticator and audits it under that id', async () => {
    const { id } = await manage('POST', '/authenticators/custom', {
      name: 'custom-off',
      displayName: 'Off',
      endpoint: endpoint(OLD),
    })
    await breakGlass.set('INACTIVE', ({ name }) => name === 'custom-off')
    assert.equal((await manage('GET', `/authenticators/custom/${id}`)).isEnabled, false)
    assert.deepEqual(await lastRecord(), {
      action: 'DEACTIVATE',
      initiator: 'command line',
      targetType: 'AUTHENTICATOR',
      targetId: id,
      details: null,
    })
  })

  test('moves a callback URL once, and keeps an application with another callback URL', async () => {
    const oidc = { grantTypes: ['authorization_code'], callbackURLs: [OTHER, OLD] }
    const id = await manage('POST', '/applications', { name: 'Shop', inboundProtocolConfiguration: { oidc } })
    const path = `/applications/${id}/inbound-protocols/oidc`
    const { clientId } = await manage('GET', path)
    const move = (from: string, to: string, client = clientId, tenant = 'carbon.super') =>
      breakGlass.moveCallback(from, to, { tenant, clientId: client })
    assert.equal(await move(OLD, NEW), 'moved')
    assert.deepEqual((await manage('GET', path)).callbackURLs, [OTHER, NEW])
    const record = {
      action: 'UPDATE',
      initiator: 'command line',
      targetType: 'APPLICATION',
      targetId: id,
      details: { fields: ['oidc.callbackURLs'] },
    }
    assert.deepEqual(await lastRecord(), record)
    assert.equal(await move(OLD, NEW), 'there')
    assert.equal(await move(OLD, 'http://127.0.0.1:9/third'), 'elsewhere')
    assert.equal(await move(NEW, OLD, 'nobody'), 'elsewhere')
    assert.equal(await move(NEW, OLD, clientId, 'nowhere'), 'elsewhere')
    assert.deepEqual((await manage('GET', path)).callbackURLs, [OTHER, NEW])
  })
})
