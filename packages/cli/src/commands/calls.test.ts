import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ADDRESS,
  DENIED,
  PASSWORD,
  type RecordedCalls,
  SHORTENED,
  startRecordedCalls,
} from './recorded-calls.fixture.ts'

let world: RecordedCalls
let refused: string
let shortened: string
before(async () => {
  world = await startRecordedCalls()
  refused = (await world.token(DENIED)).callId
  shortened = (await world.token(SHORTENED)).callId
})
after(() => world.close())

const preflow = (...argv: string[]) => world.preflow('calls', ...argv)

test('calls are listed newest first, each with its id, status and reason', async () => {
  const { code, out } = await preflow()
  assert.equal(code, 0)
  const lines = out.trimEnd().split('\n')
  assert.equal(lines.length, 4)
  assert.match(lines[0] ?? '', new RegExp(`^20\\S+Z {2}${shortened} {2}carbon\\.super {2}PRE_ISSUE_ACCESS_TOKEN$`))
  assert.equal(lines[1], '  success: SUCCESS: 1 of 1 operations applied.')
  assert.ok(lines[2]?.includes(refused))
  assert.equal(lines[3], '  failed: FAILED: access_denied: Not from here.')
})

test('calls are filtered by status, type and tenant, and limited in number', async () => {
  const ids = async (...argv: string[]) =>
    JSON.parse((await preflow(...argv, '--json')).out).map((call: { id: string }) => call.id)
  assert.deepEqual(await ids(), [shortened, refused])
  assert.deepEqual(await ids('--status', 'failed'), [refused])
  assert.deepEqual(await ids('--limit', '1'), [shortened])
  assert.deepEqual(await ids('--type', 'pre-update-password'), [])
  assert.deepEqual(await ids('--tenant', 'carbon.super'), [shortened, refused])
  assert.deepEqual(await ids('--tenant', 'nobody'), [])
  assert.equal((await preflow('--status', 'error')).out, 'No calls match.\n')
})

test('one call is shown in full: the reason, each attempt, each operation, the request and the answer', async () => {
  const { code, out } = await preflow(shortened)
  assert.equal(code, 0)
  assert.match(out, /^PRE_ISSUE_ACCESS_TOKEN of carbon\.super: Guard\n20\S+Z, \d+ ms, as Asgardeo, application /)
  assert.match(out, /\nsuccess: SUCCESS: 1 of 1 operations applied\.\nFlow: continued\.\n/)
  assert.match(out, /\nAttempt 1: status 200 after \d+ ms\n/)
  assert.match(out, /✓ applied {2,}replace \/accessToken\/claims\/expires_in {2}Expiry time updated\./)
  assert.match(out, /Request to http:.*without values:\n {2}\{\n {4}"actionType": "PRE_ISSUE_ACCESS_TOKEN"/)
  assert.match(out, /Answer, without values:/)
  const { details, id } = JSON.parse((await preflow(shortened, '--json')).out)
  assert.deepEqual([id, details.platform, details.operations.length], [shortened, 'asgardeo', 1])
  for (const text of [out, JSON.stringify(details)]) assert.doesNotMatch(text, new RegExp(`${ADDRESS}|${PASSWORD}`))
})

test('a usage error states what to do', async () => {
  const wrong: [argv: string[], code: number, said: RegExp][] = [
    [['nobody'], 1, /There is no call nobody in these records\. Check PREFLOW_DATA/],
    [['a', 'b'], 2, /b: unexpected argument/],
    [[refused, '--status', 'failed'], 2, /An id selects one call/],
    [['--status', 'faild'], 2, /Did you mean failed\? Use one of failed, error,/],
    [['--limit', '0'], 2, /whole number from 1 to 1000/],
    [['--type', 'preIssueAcessToken'], 2, /Did you mean preIssueAccessToken/],
  ]
  for (const [argv, code, said] of wrong) {
    const answered = await preflow(...argv)
    assert.equal(answered.code, code)
    assert.match(answered.err, said)
  }
})
