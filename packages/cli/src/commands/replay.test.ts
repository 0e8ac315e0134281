import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ActionRequest } from '@preflow/contract'
import { completeConfiguration, createLog, createServer, type Server } from '@preflow/server'
import { run } from '../run.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

const ADDRESS = '203.0.113.77'
const PASSWORD = 'quite-a-secret-1'
const DENIED = { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'Not from here.' }
const SHORTENED = {
  actionStatus: 'SUCCESS',
  operations: [{ op: 'replace', path: '/accessToken/claims/expires_in', value: 900 }],
}

let folder: string
let server: Server
let client: { clientId: string; clientSecret: string }
const remote = extension()
const local = extension()

/** An extension that answers one thing and keeps what it was asked. */
function extension() {
  const calls: { body: ActionRequest<Json>; headers: Json }[] = []
  const http = createHttpServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    calls.push({ body: JSON.parse(Buffer.concat(chunks).toString()), headers: request.headers })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answering.answer))
  })
  const answering = { calls, http, url: '', answer: SHORTENED as object }
  return answering
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'preflow-replay-'))
  for (const each of [remote, local]) {
    await new Promise<void>(resolve => each.http.listen(0, '127.0.0.1', resolve))
    each.url = `http://127.0.0.1:${(each.http.address() as AddressInfo).port}/`
  }
  const configuration = { port: 0, dataFolder: folder, adminPassword: PASSWORD, privateEndpoints: ['127.0.0.0/8'] }
  const ports = { now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') }
  server = await createServer(completeConfiguration(configuration), ports)
  await server.listen()
  const { headers } = await manage('POST', '/api/server/v1/applications', {
    name: 'machine',
    inboundProtocolConfiguration: { oidc: { grantTypes: ['client_credentials'], accessToken: { type: 'JWT' } } },
  })
  const application = headers.get('location')?.split('/').at(-1)
  client = (await manage('GET', `/api/server/v1/applications/${application}/inbound-protocols/oidc`)).body
  await activate('preIssueAccessToken', {
    endpoint: { allowedHeaders: ['x-client-source-ip'] },
    platform: 'asgardeo',
  })
  await activate('preUpdatePassword', {
    attributes: ['http://wso2.org/claims/emailaddress'],
    passwordSharing: { format: 'PLAIN_TEXT' },
  })
})
after(async () => {
  await server.close()
  for (const { http } of [remote, local]) {
    http.close()
    http.closeAllConnections()
  }
  await rm(folder, { recursive: true })
})

async function manage(method: string, path: string, body?: unknown): Promise<{ headers: Headers; body: Json }> {
  const response = await fetch(server.address + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
      'content-type': path.startsWith('/scim2') ? 'application/scim+json' : 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

async function activate(type: string, { endpoint, ...settings }: { endpoint?: object; [name: string]: unknown }) {
  const { body } = await manage('POST', `/api/server/v1/actions/${type}`, {
    name: 'Guard',
    endpoint: { uri: remote.url, authentication: { type: 'NONE' }, ...endpoint },
    ...settings,
  })
  await manage('POST', `/api/server/v1/actions/${type}/${body.id}/activate`)
}

/** A token request that the extension refuses. Returns the id of its call, as the client is told it. */
async function refusedToken(): Promise<string> {
  remote.answer = DENIED
  const { clientId, clientSecret } = client
  const response = await fetch(`${server.address}/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'x-client-source-ip': ADDRESS,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  assert.equal(response.status, 400)
  return ((await response.json()) as Json).call_id
}

async function preflow(...argv: string[]) {
  const said = { out: '', err: '' }
  local.calls.length = 0
  const code = await run(['replay', ...argv], {
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

test('a refused call is replayed to the extension that is being mended, and both ends are shown', async () => {
  const id = await refusedToken()
  local.answer = SHORTENED
  const { code, out } = await preflow(id, '--to', local.url)
  assert.equal(code, 0, out)
  assert.match(out, /✓ applied {2,}replace \/accessToken\/claims\/expires_in/)
  assert.match(out, /It ends otherwise than then\.\nThen, at 20\S+Z: failed\. FAILED: access_denied: Not from here\./)

  const [then, now] = [remote.calls.at(-1)?.body, local.calls[0]?.body]
  assert.equal(now?.event.request.grantType, 'client_credentials')
  assert.equal(now?.event.request.clientId, client.clientId)
  assert.deepEqual(now?.allowedOperations, then?.allowedOperations)
  const namesOf = (request: Json) => request.event.accessToken.claims.map(({ name }: { name: string }) => name)
  assert.deepEqual(namesOf(now), namesOf(then))
  assert.notEqual(now?.requestId, then?.requestId)
  assert.equal(local.calls[0]?.headers['x-wso2-api-version'], remote.calls.at(-1)?.headers['x-wso2-api-version'])
})

test('what the record does not keep is a sample that is named, or what --set gives', async () => {
  const id = await refusedToken()
  const place = 'request.additionalHeaders.x-client-source-ip'
  const sampled = await preflow(id, '--to', local.url)
  assert.match(sampled.out, new RegExp(`samples were sent.*\\n.* {2}${place}\\n`, 's'))
  const sent = JSON.stringify(local.calls[0]?.body)
  assert.doesNotMatch(sent, /<string>|<number>|\[redacted\]/)
  assert.ok(!sent.includes(ADDRESS))
  const given = await preflow(id, '--to', local.url, '--set', `${place}=198.51.100.9`)
  assert.ok(!given.out.includes(`  ${place}`))
  assert.ok(JSON.stringify(local.calls[0]?.body).includes('198.51.100.9'))
})

test('a call that ends alike says so, also to a program', async () => {
  const id = await refusedToken()
  local.answer = DENIED
  const { code, out } = await preflow(id, '--to', local.url, '--json')
  const { callId, isSame, outcome, platform, recorded, samples } = JSON.parse(out)
  assert.equal(platform, 'asgardeo')
  assert.deepEqual([code, callId, isSame, outcome.status], [0, id, true, 'failed'])
  assert.equal(recorded.status, 'failed')
  assert.ok(samples.length > 0)
})

test('the newest call is found without its id, and by how it ended', async () => {
  const id = await refusedToken()
  assert.ok((await preflow('last', '--to', local.url)).out.includes(id))
  assert.ok((await preflow('last', '--status', 'failed', '--to', local.url)).out.includes(id))
  const { code, err } = await preflow('last', '--status', 'continued', '--to', local.url)
  assert.equal(code, 1)
  assert.match(err, /no call that ended as continued.*PREFLOW_DATA/)
})

test('of a password nothing is in the record: a sample is sent in its place', async () => {
  remote.answer = DENIED
  const { headers } = await manage('POST', '/scim2/Users', { userName: 'mira', password: PASSWORD })
  const id = headers.get('x-preflow-call-id') ?? ''
  local.answer = { actionStatus: 'SUCCESS' }
  const { code, out } = await preflow(id, '--to', local.url, '--show')
  assert.equal(code, 0, out)
  const { action, user } = local.calls[0]?.body.event ?? {}
  assert.equal(action, 'REGISTER')
  assert.equal(user.updatingCredential.format, 'PLAIN_TEXT')
  assert.notEqual(user.updatingCredential.value, PASSWORD)
  assert.match(out, / {2}user\.updatingCredential\n/)
  const own = await preflow(id, '--to', local.url, '--set', 'user.updatingCredential.value=password1')
  assert.equal(local.calls[0]?.body.event.user.updatingCredential.value, 'password1')
  assert.doesNotMatch(own.out, / {2}user\.updatingCredential\n/)
})

test('a record from the API is replayed from its file, and what was sent is kept for trigger', async () => {
  const id = await refusedToken()
  const record = join(folder, 'call.json')
  const kept = join(folder, 'request.json')
  await writeFile(record, JSON.stringify((await manage('GET', `/api/server/v1/actions/calls/${id}`)).body))
  const first = await preflow(record, '--to', local.url, '--save', kept)
  assert.equal(first.code, 0, first.err)
  assert.deepEqual(JSON.parse(await readFile(kept, 'utf8')), local.calls[0]?.body)
  const again = await preflow(record, '--to', local.url, '--save', kept)
  assert.deepEqual([again.code, /is there already/.test(again.err)], [2, true])
  const triggered = await run(['trigger', '--file', kept, '--to', local.url], {
    out: () => undefined,
    err: assert.fail,
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
  })
  assert.equal(triggered, 0)
})

const WRONG: [what: string, words: () => string[] | Promise<string[]>, code: number, said: RegExp][] = [
  ['nothing', () => ['--to', local.url], 2, /Name a call/],
  ['no address', () => ['last'], 2, /address of the extension is missing/],
  ['an id that nobody has', () => ['5d0c9d0e-0a51', '--to', local.url], 1, /no call 5d0c9d0e-0a51 in these records/],
  ['a file that is not there', () => ['./nowhere.json', '--to', local.url], 2, /cannot be read \(ENOENT\)/],
  ['a status without last', () => ['x', '--status', 'failed', '--to', local.url], 2, /goes with last/],
  ['a file that is no record', () => fileOf({ id: 'x' }), 2, /is no record of a call/],
  [
    'a call that sent nothing',
    () => fileOf({ actionType: 'PRE_ISSUE_ACCESS_TOKEN', reason: 'The rule does not hold.', details: {} }),
    1,
    /Nothing was sent in this call: The rule does not hold\./,
  ],
  [
    'a record that was cut',
    () =>
      fileOf({
        actionType: 'PRE_ISSUE_ACCESS_TOKEN',
        details: { request: { headers: {}, body: { cutAfterCharacters: 1, ofCharacters: 2, text: '{' } } },
      }),
    1,
    /was cut, because the request was very large/,
  ],
]
for (const [what, words, code, said] of WRONG) {
  test(`${what} is told with what to do`, async () => {
    const answered = await preflow(...(await words()))
    assert.equal(answered.code, code)
    assert.match(answered.err, said)
    assert.equal(local.calls.length, 0)
  })
}

async function fileOf(record: object): Promise<string[]> {
  const path = join(folder, `${randomUUID()}.json`)
  await writeFile(path, JSON.stringify(record))
  return [path, '--to', local.url]
}
