import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ActionRequest, present } from '@preflow/contract'
import { completeConfiguration, createLog, createServer } from '@preflow/server'
import { run } from '../run.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

/** The client address of the token requests. No record contains it. */
export const ADDRESS = '203.0.113.77'
/** The password of the administrator and of a user. No record contains it either. */
export const PASSWORD = 'quite-a-secret-1'
export const DENIED = {
  actionStatus: 'FAILED',
  failureReason: 'access_denied',
  failureDescription: 'Not from here.',
}
export const SHORTENED = {
  actionStatus: 'SUCCESS',
  operations: [{ op: 'replace', path: '/accessToken/claims/expires_in', value: 900 }],
}

/** An extension that always returns the same answer and keeps the requests. */
export interface Answering {
  url: string
  answer: object
  calls: { body: ActionRequest<Json>; headers: Json }[]
}

/** A server with two actions whose calls are recorded. */
export interface RecordedCalls {
  folder: string
  /** The extension that the actions call. */
  remote: Answering
  /** Another extension, for replays. */
  local: Answering
  manage(method: string, path: string, body?: unknown): Promise<{ headers: Headers; body: Json }>
  /** Requests a token. Returns the id of the call, which the client and the administrator get. */
  token(answer: object): Promise<{ status: number; callId: string }>
  /** Runs a command on the records. */
  preflow(...argv: string[]): Promise<{ code: number; out: string; err: string }>
  close(): Promise<void>
}

export async function startRecordedCalls(): Promise<RecordedCalls> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-calls-'))
  const [remote, local] = [await startExtension(), await startExtension()]
  const configuration = { port: 0, dataFolder: folder, adminPassword: PASSWORD, privateEndpoints: ['127.0.0.0/8'] }
  const passwordCost = { cost: 16, blockSize: 1, parallelization: 1 }
  const ports = { now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent'), passwordCost }
  const server = await createServer(completeConfiguration(configuration), ports)
  await server.listen()
  const manage = managing(server.address)
  const client = await makeClient(manage)
  await makeActions(manage, remote)
  return {
    folder,
    remote,
    local,
    manage,
    token(answer) {
      remote.answer = answer
      return requestToken(server.address, client)
    },
    preflow: (...argv) => runOn(folder, argv),
    async close() {
      await server.close()
      for (const extension of [remote, local]) await extension.close()
      await rm(folder, { recursive: true })
    },
  }
}

function managing(address: string): RecordedCalls['manage'] {
  return async (method, path, body) => {
    const response = await fetch(address + path, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
        'content-type': path.startsWith('/scim2') ? 'application/scim+json' : 'application/json',
      },
      ...present({ body: body === undefined ? undefined : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
}

async function makeClient(manage: RecordedCalls['manage']): Promise<Client> {
  const { headers } = await manage('POST', '/api/server/v1/applications', {
    name: 'machine',
    inboundProtocolConfiguration: { oidc: { grantTypes: ['client_credentials'], accessToken: { type: 'JWT' } } },
  })
  const application = headers.get('location')?.split('/').at(-1)
  return (await manage('GET', `/api/server/v1/applications/${application}/inbound-protocols/oidc`)).body as Client
}

interface Client {
  clientId: string
  clientSecret: string
}

async function makeActions(manage: RecordedCalls['manage'], remote: Answering): Promise<void> {
  const actions: Record<string, { endpoint?: object; [setting: string]: unknown }> = {
    preIssueAccessToken: { endpoint: { allowedHeaders: ['x-client-source-ip'] }, platform: 'asgardeo' },
    preUpdatePassword: {
      attributes: ['http://wso2.org/claims/emailaddress'],
      passwordSharing: { format: 'PLAIN_TEXT' },
    },
  }
  for (const [type, { endpoint, ...settings }] of Object.entries(actions)) {
    const { body } = await manage('POST', `/api/server/v1/actions/${type}`, {
      name: 'Guard',
      endpoint: { uri: remote.url, authentication: { type: 'NONE' }, ...endpoint },
      ...settings,
    })
    await manage('POST', `/api/server/v1/actions/${type}/${body.id}/activate`)
  }
}

async function requestToken(
  address: string,
  { clientId, clientSecret }: Client,
): Promise<{ status: number; callId: string }> {
  const response = await fetch(`${address}/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'x-client-source-ip': ADDRESS,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  await response.arrayBuffer()
  const callId = response.headers.get('x-preflow-call-id')
  assert.ok(callId)
  return { status: response.status, callId }
}

async function runOn(folder: string, argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const code = await run(argv, {
    out: text => {
      said.out += text
    },
    err: text => {
      said.err += text
    },
    isTTY: false,
    env: { PREFLOW_DATA: folder },
    signal: new AbortController().signal,
  })
  return { code, ...said }
}

async function startExtension(): Promise<Answering & { close(): Promise<void> }> {
  const http = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    extension.calls.push({ body: JSON.parse(Buffer.concat(chunks).toString()), headers: request.headers })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(extension.answer))
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const extension: Answering & { close(): Promise<void> } = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    answer: SHORTENED,
    calls: [],
    close: () =>
      new Promise(resolve => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return extension
}
