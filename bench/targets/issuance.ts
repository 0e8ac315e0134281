/**
 * The identity server issuing JWTs for client credentials, with (`action`) or without (`plain`) an action to call
 * first.
 */

import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { present } from '@preflow/contract'
import { completeConfiguration, createLog, createServer } from '@preflow/server'

const adminPassword = 'bench-administrator'
const dataFolder = await mkdtemp(join(tmpdir(), 'preflow-bench-'))
const server = await createServer(
  completeConfiguration({
    port: 0,
    dataFolder,
    adminPassword,
    privateEndpoints: ['127.0.0.0/8'],
    logLevel: 'info',
    tokenAlgorithm: 'ES256',
    limits: process.argv.includes('limited') ? ['token-client=1000000/60', 'token-tenant=1000000/60'] : ['off'],
  }),
  { now: Date.now, newId: randomUUID, randomBytes, log: createLog('info', { write: () => true }) },
)
if (process.argv[3] === 'old-records') addOldRecords(join(dataFolder, 'preflow.db'), 1_000_000)
await server.listen()

/** Records that the server begins to delete as soon as it listens. */
function addOldRecords(file: string, count: number): void {
  const database = new DatabaseSync(file)
  const insert = database.prepare(
    `insert into calls (id, tenant_id, action_id, action_type, action_name, started_at, duration_ms, status, reason, flow_result, details)
      values (?, '-1234', 'old', 'PRE_ISSUE_ACCESS_TOKEN', 'old', ?, 5, 'success', 'SUCCESS', 'continued', ?)`,
  )
  const details = JSON.stringify({ text: 'x'.repeat(300) })
  database.exec('begin')
  for (let row = 0; row < count; row++) insert.run(`old-${row}`, Date.now() - 86_400_000 + row, details)
  database.exec('commit')
  database.close()
}

async function manage(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(`${server.address}/api/server/v1${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...present({ body: body === undefined ? undefined : JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
  return response
}

const created = await manage('POST', '/applications', {
  name: 'bench',
  inboundProtocolConfiguration: { oidc: { grantTypes: ['client_credentials'], accessToken: { type: 'JWT' } } },
})
const id = created.headers.get('location')?.split('/').at(-1)
const inbound = (await (await manage('GET', `/applications/${id}/inbound-protocols/oidc`)).json()) as {
  clientId: string
  clientSecret: string
}
const extension =
  process.argv[2] === 'action'
    ? spawn(process.execPath, [`${import.meta.dirname}/bare-http.ts`], { stdio: ['ignore', 'pipe', 'inherit'] })
    : undefined
if (extension) {
  const [first] = (await once(createInterface({ input: extension.stdout as NodeJS.ReadableStream }), 'line')) as [
    string,
  ]
  const action = (await (
    await manage('POST', '/actions/preIssueAccessToken', {
      name: 'bench',
      endpoint: { uri: JSON.parse(first).url, authentication: { type: 'NONE' } },
    })
  ).json()) as { id: string }
  await manage('POST', `/actions/preIssueAccessToken/${action.id}/activate`)
}
const credentials = Buffer.from(`${inbound.clientId}:${inbound.clientSecret}`).toString('base64')
process.stdout.write(
  `${JSON.stringify({ url: `${server.address}/oauth2/token`, headers: { authorization: `Basic ${credentials}` } })}\n`,
)
process.once('SIGTERM', async () => {
  extension?.kill('SIGTERM')
  await server.close()
  await rm(dataFolder, { recursive: true })
})
