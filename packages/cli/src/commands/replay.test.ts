import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run } from '../run.ts'
import {
  ADDRESS,
  type Answering,
  DENIED,
  PASSWORD,
  type RecordedCalls,
  SHORTENED,
  startRecordedCalls,
} from './recorded-calls.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

let world: RecordedCalls
let local: Answering
let remote: Answering
before(async () => {
  world = await startRecordedCalls()
  local = world.local
  remote = world.remote
})
after(() => world.close())

async function refusedToken(): Promise<string> {
  const { callId, status } = await world.token(DENIED)
  assert.equal(status, 400)
  return callId
}

function preflow(...argv: string[]) {
  local.calls.length = 0
  return world.preflow('replay', ...argv)
}

test('a refused call is replayed to the extension that is being fixed, and both results are shown', async () => {
  const id = await refusedToken()
  local.answer = SHORTENED
  const { code, out } = await preflow(id, '--to', local.url)
  assert.equal(code, 0, out)
  assert.match(out, /✓ applied {2,}replace \/accessToken\/claims\/expires_in/)
  assert.match(out, /The result is different\.\nRecorded at 20\S+Z: failed\. FAILED: access_denied: Not from here\./)

  const [then, now] = [remote.calls.at(-1)?.body, local.calls[0]?.body]
  assert.equal(now?.event.request.grantType, 'client_credentials')
  assert.equal(now?.event.request.clientId, then?.event.request.clientId)
  assert.deepEqual(now?.allowedOperations, then?.allowedOperations)
  const namesOf = (request: Json) => request.event.accessToken.claims.map(({ name }: { name: string }) => name)
  assert.deepEqual(namesOf(now), namesOf(then))
  assert.notEqual(now?.requestId, then?.requestId)
  assert.equal(local.calls[0]?.headers['x-wso2-api-version'], remote.calls.at(-1)?.headers['x-wso2-api-version'])
})

test('values that the record lacks are replaced by samples, which are listed, or by --set', async () => {
  const id = await refusedToken()
  const place = 'request.additionalHeaders.x-client-source-ip'
  const sampled = await preflow(id, '--to', local.url)
  assert.match(sampled.out, new RegExp(`Samples were sent.*\\n.* {2}${place}\\n`, 's'))
  const sent = JSON.stringify(local.calls[0]?.body)
  assert.doesNotMatch(sent, /<string>|<number>|\[redacted\]/)
  assert.ok(!sent.includes(ADDRESS))
  const given = await preflow(id, '--to', local.url, '--set', `${place}=198.51.100.9`)
  assert.ok(!given.out.includes(`  ${place}`))
  assert.ok(JSON.stringify(local.calls[0]?.body).includes('198.51.100.9'))
})

test('an equal result is reported as equal, also in JSON', async () => {
  const id = await refusedToken()
  local.answer = DENIED
  const { code, out } = await preflow(id, '--to', local.url, '--json')
  const { callId, isSame, outcome, platform, recorded, samples } = JSON.parse(out)
  assert.equal(platform, 'asgardeo')
  assert.deepEqual([code, callId, isSame, outcome.status], [0, id, true, 'failed'])
  assert.equal(recorded.status, 'failed')
  assert.ok(samples.length > 0)
})

test('two unusable answers are equal only if they are unusable for the same reason', async () => {
  const { callId } = await world.token({})
  local.answer = {}
  const isSame = async (...argv: string[]) => JSON.parse((await preflow(...argv, '--json')).out).isSame
  assert.equal(await isSame(callId, '--to', local.url), true)
  assert.equal(await isSame(callId, '--to', 'http://127.0.0.1:1/'), false)

  // The failure mode belongs to the action. It does not make the result different.
  const { body } = await world.manage('GET', `/api/server/v1/actions/calls/${callId}`)
  for (const status of ['continued', 'failed']) {
    const words = await fileOf({ ...body, status })
    local.answer = {}
    assert.equal(await isSame(...words), true)
    local.answer = DENIED
    assert.equal(await isSame(...words), false)
  }
})

test('the newest call is found without its id, and by its status', async () => {
  const id = await refusedToken()
  assert.ok((await preflow('last', '--to', local.url)).out.includes(id))
  assert.ok((await preflow('last', '--status', 'failed', '--to', local.url)).out.includes(id))
  const { code, err } = await preflow('last', '--status', 'continued', '--to', local.url)
  assert.equal(code, 1)
  assert.match(err, /no call with status continued.*PREFLOW_DATA/)
})

test('the record has no part of a password, so a sample is sent', async () => {
  remote.answer = DENIED
  const { headers } = await world.manage('POST', '/scim2/Users', { userName: 'mira', password: PASSWORD })
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

test('a record from the API is replayed from its file, and its request can be saved for trigger', async () => {
  const id = await refusedToken()
  const record = join(world.folder, 'call.json')
  const kept = join(world.folder, 'request.json')
  await writeFile(record, JSON.stringify((await world.manage('GET', `/api/server/v1/actions/calls/${id}`)).body))
  const first = await preflow(record, '--to', local.url, '--save', kept)
  assert.equal(first.code, 0, first.err)
  assert.deepEqual(JSON.parse(await readFile(kept, 'utf8')), local.calls[0]?.body)
  const again = await preflow(record, '--to', local.url, '--save', kept)
  assert.deepEqual([again.code, /exists already/.test(again.err)], [2, true])
  const triggered = await world.preflow('trigger', '--file', kept, '--to', local.url)
  assert.equal(triggered.code, 0, triggered.err)
})

const WRONG: [what: string, words: () => string[] | Promise<string[]>, code: number, said: RegExp][] = [
  ['nothing', () => ['--to', local.url], 2, /Name a call/],
  ['a missing address', () => ['last'], 2, /address of the extension is missing/],
  ['an unknown id', () => ['5d0c9d0e-0a51', '--to', local.url], 1, /no call 5d0c9d0e-0a51 in these records/],
  ['a missing file', () => ['./nowhere.json', '--to', local.url], 2, /cannot be read \(ENOENT\)/],
  ['a status without last', () => ['x', '--status', 'failed', '--to', local.url], 2, /needs last/],
  ['a file that is not a record', () => fileOf({ id: 'x' }), 2, /is not the record of a call/],
  [
    'a call that sent nothing',
    () => fileOf({ actionType: 'PRE_ISSUE_ACCESS_TOKEN', reason: 'The rule does not match.', details: {} }),
    1,
    /This call sent no request: The rule does not match\./,
  ],
  [
    'a truncated record',
    () =>
      fileOf({
        actionType: 'PRE_ISSUE_ACCESS_TOKEN',
        details: { request: { headers: {}, body: { cutAfterCharacters: 1, ofCharacters: 2, text: '{' } } },
      }),
    1,
    /was truncated, because the request was very large/,
  ],
]
for (const [what, words, code, said] of WRONG) {
  test(`${what} is refused with advice`, async () => {
    const answered = await preflow(...(await words()))
    assert.equal(answered.code, code)
    assert.match(answered.err, said)
    assert.equal(local.calls.length, 0)
  })
}

const EVENT = { request: { grantType: 'client_credentials' } }
const RECORD = {
  actionType: 'PRE_ISSUE_ACCESS_TOKEN',
  details: { request: { headers: {}, body: { event: EVENT } } },
}
for (const [what, own] of [
  ['an id', { id: 5 }],
  ['a time', { startedAt: 'yesterday' }],
  ['a reason', { reason: null }],
  ['operations', { details: { ...RECORD.details, operations: [{ op: 'add' }] } }],
  ['headers', { details: { request: { body: { event: EVENT } } } }],
  ['allowed operations', { details: { request: { headers: {}, body: { event: EVENT, allowedOperations: 'all' } } } }],
] as const) {
  test(`a file with ${what} that no record has is refused with the file to save`, async () => {
    const { code, err } = await preflow(...(await fileOf({ ...RECORD, ...own })))
    assert.equal(code, 2)
    assert.match(err, /is not the record of a call\. Save the answer of GET/)
  })
}

test('a file of somebody else cannot send control characters to the terminal', async () => {
  const paint = '\u001b]0;title\u0007'
  const { request } = RECORD.details
  const details = { request: { ...request, headers: { 'x-wso2-api-version': `v1${paint}` } } }
  const { code, out } = await preflow(...(await fileOf({ ...RECORD, id: `call${paint}`, details })))
  assert.equal(code, 0, out)
  assert.doesNotMatch(out, /[^\P{Cc}\n]/u)
})

test('searching for a record does not create data', async () => {
  const folder = join(world.folder, 'elsewhere')
  let said = ''
  const code = await run(['replay', 'last', '--to', local.url], {
    out: () => undefined,
    err: text => {
      said += text
    },
    isTTY: false,
    env: { PREFLOW_DATA: folder },
    signal: new AbortController().signal,
  })
  assert.equal(code, 1)
  assert.match(said, /elsewhere does not exist.*PREFLOW_DATA/)
  await assert.rejects(stat(folder), { code: 'ENOENT' })
})

async function fileOf(record: object): Promise<string[]> {
  const path = join(world.folder, `${randomUUID()}.json`)
  await writeFile(path, JSON.stringify(record))
  return [path, '--to', local.url]
}
