/**
 * The identity server with its default limits, a user, and two applications: one without and one with an action, whose extension
 * answers with as many operations as the path of its address names.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { present } from '@preflow/contract'
import { completeConfiguration, createLog, createServer } from '@preflow/server'

const adminPassword = 'bench-administrator'
const dataFolder = await mkdtemp(join(tmpdir(), 'preflow-bench-'))
const limits = process.argv.slice(2)
const server = await createServer(
  completeConfiguration({ port: 0, dataFolder, adminPassword, privateEndpoints: ['127.0.0.0/8'], limits }),
  { now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') },
)
await server.listen()

const extension = createHttpServer((request, response) => {
  const count = Number(request.url?.slice(1))
  const operations = Array.from({ length: count }, (_, i) => ({
    op: 'add',
    path: '/accessToken/claims/-',
    value: { name: `claim-${i}`, value: 'v' },
  }))
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ actionStatus: 'SUCCESS', operations }))
  })
})
extension.listen(0, '127.0.0.1')
await once(extension, 'listening')
const extensionUrl = `http://127.0.0.1:${(extension.address() as AddressInfo).port}`

const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
const admin = basic('admin', adminPassword)

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(server.address + path, {
    method,
    headers: { authorization: admin, 'content-type': 'application/json' },
    ...present({ body: body === undefined ? undefined : JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
  return response
}

async function addTenantApplication(name: string): Promise<string> {
  const oidc = { grantTypes: ['client_credentials'], accessToken: { type: 'JWT' } }
  const created = await call('POST', '/api/server/v1/applications', {
    name,
    inboundProtocolConfiguration: { oidc },
  })
  const id = created.headers.get('location')?.split('/').at(-1)
  const inbound = await call('GET', `/api/server/v1/applications/${id}/inbound-protocols/oidc`)
  const { clientId, clientSecret } = (await inbound.json()) as { clientId: string; clientSecret: string }
  return basic(clientId, clientSecret)
}

const application = await addTenantApplication('bench')
const action = (await (
  await call('POST', '/api/server/v1/actions/preIssueAccessToken', {
    name: 'bench',
    endpoint: { uri: `${extensionUrl}/1`, authentication: { type: 'NONE' } },
  })
).json()) as { id: string }
const user = { userName: 'mallory', password: 'Blue-Heron-4711!' }
await call('POST', '/scim2/Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], ...user })

const reported = {
  ...{ url: server.address, admin, application, extensionUrl, user: basic(user.userName, user.password) },
  action: `/api/server/v1/actions/preIssueAccessToken/${action.id}`,
}
process.stdout.write(`${JSON.stringify(reported)}\n`)
process.once('SIGTERM', async () => {
  extension.closeAllConnections()
  extension.close()
  await server.close()
  await rm(dataFolder, { recursive: true })
})
