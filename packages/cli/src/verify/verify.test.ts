import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { actionTypes, contractRevision, platforms, present } from '@preflow/contract'
import { allow, defineExtension, type Extension, fail, redirectTo } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import type { Target } from '../events/action-call.ts'
import { brokenExtensions, type Defect, serveBroken } from './broken-extensions.fixture.ts'
import { usableCheck } from './checks/answer.ts'
import { checksFor } from './checks/checks.ts'
import { API_KEY, credentialKeys, makeGoodExtension, SIGNING_SECRET } from './good-extension.fixture.ts'
import { type Verification, type VerificationResult, verify } from './verify.ts'

function targetAt(url: string, calling: 'keyed' | 'signed' | 'openly' = 'keyed'): Target {
  return {
    url,
    authentication:
      calling === 'keyed' ? { type: 'API_KEY', properties: { header: 'X-API-Key', value: API_KEY } } : { type: 'NONE' },
    signingSecrets: calling === 'signed' ? [SIGNING_SECRET] : [],
  }
}

/** A whole run. No machine misses this deadline, unless the test is about missing it. */
function run(
  target: Target,
  { deadlineMs = 4000, ...more }: Partial<Verification> & { deadlineMs?: number } = {},
): Promise<VerificationResult> {
  const { platforms: chosen = Object.values(platforms), ...others } = more
  return verify({
    target,
    platforms: chosen.map(platform => ({ ...platform, calling: { ...platform.calling, readTimeoutMs: deadlineMs } })),
    signal: new AbortController().signal,
    ...others,
  })
}

/** Platforms that together cover all differences. More would only slow down the runs. */
const DIFFERENT = [platforms.preflow, platforms.asgardeo, platforms['wso2-is-7.1']]

async function served(t: Pick<TestContext, 'after'>, extension: Extension): Promise<string> {
  const server = await serve(extension, { log: false })
  t.after(() => server.close())
  return server.url
}

/** The checks with a problem, each once. */
function caught({ results }: VerificationResult): string[] {
  return [...new Set(results.filter(({ finding }) => finding.result === 'failed').map(({ check }) => check.id))]
}

suite('broken extensions', { concurrency: 4 }, () => {
  for (const {
    name,
    seen,
    type = 'PRE_ISSUE_ACCESS_TOKEN',
    defect,
    caughtBy,
    calling,
    deadlineMs,
  } of brokenExtensions) {
    test(`an extension that ${name} is caught by ${caughtBy.join(', ')} (${seen})`, async t => {
      const { url } = await serveBroken(t, await makeGoodExtension(), defect())
      const result = await run(targetAt(url, calling), {
        types: [type],
        platforms: DIFFERENT,
        ...present({ deadlineMs }),
      })
      assert.deepEqual(caught(result).sort(), [...caughtBy].sort())
    })
  }
})

test('the good extension passes every check for every action type that it decides', async t => {
  const result = await run(targetAt(await served(t, await makeGoodExtension())))
  assert.deepEqual(caught(result), [])
  assert.equal(result.isPassed, true)
  assert.deepEqual([...result.types].sort(), Object.keys(actionTypes).sort())
  const states = new Set(result.cells.map(({ state }) => state))
  assert.deepEqual([...states].sort(), ['absent', 'works'])
})

test('every check runs on some extension', async t => {
  const looked = new Set<string>()
  const look = ({ results }: VerificationResult) => {
    for (const { check, finding } of results) if (finding.result !== 'not checked') looked.add(check.id)
  }
  const { privateKey, publicKey } = credentialKeys
  assert.ok(privateKey)
  const good = await makeGoodExtension()
  look(await run(targetAt(await served(t, good)), { encryptionKey: publicKey }))
  const signed = await makeGoodExtension({ type: 'signature', secrets: [SIGNING_SECRET] })
  look(await run(targetAt(await served(t, signed), 'signed'), { types: ['PRE_ISSUE_ACCESS_TOKEN'] }))
  const open = await makeGoodExtension({ type: 'none' })
  look(await run(targetAt(await served(t, open), 'openly'), { types: ['PRE_ISSUE_ACCESS_TOKEN'] }))
  const signsIn = defineExtension(
    { authentication: () => allow([], { data: { user: { id: 'u-1' } } }) },
    { caller: { type: 'none' } },
  )
  look(await run(targetAt(await served(t, signsIn), 'openly')))
  const all = checksFor({ type: 'NONE' }).map(({ id }) => id)
  assert.deepEqual([...looked].sort(), all.sort())
})

test('every check except the last is failed by a broken extension', () => {
  const covered = new Set([...brokenExtensions.flatMap(({ caughtBy }) => caughtBy), 'reach.connection'])
  const all = checksFor({ type: 'NONE' }).map(({ id }) => id)
  assert.deepEqual(
    all.filter(id => !covered.has(id)),
    ['answer.usable'],
  )
})

test('the last check reports what no other check explains', async t => {
  const server = await served(t, await makeGoodExtension())
  const { eventExchanges } = await run(targetAt(server), { types: ['PRE_UPDATE_PROFILE'] })
  const [exchange] = eventExchanges
  const [judgement] = exchange?.judgements ?? []
  assert.ok(exchange && judgement)
  assert.deepEqual(usableCheck.inspect(exchange), [])
  const error = { code: 'unreadable_answer' as const, message: 'Something new is wrong.' }
  const outcome = { status: 'error' as const, error, trace: judgement.outcome.trace }
  const inexplicable = { ...exchange, judgements: [{ ...judgement, outcome }] }
  assert.deepEqual(usableCheck.inspect(inexplicable), ['Something new is wrong.'])
})

test('an extension that verifies signatures passes with signed requests', async t => {
  const extension = await makeGoodExtension({ type: 'signature', secrets: [SIGNING_SECRET] })
  const result = await run(targetAt(await served(t, extension), 'signed'), { types: ['PRE_ISSUE_ACCESS_TOKEN'] })
  assert.deepEqual(caught(result), [])
  for (const id of ['caller.missing', 'caller.wrong', 'caller.altered', 'caller.replayed']) {
    assert.equal(result.results.find(({ check }) => check.id === id)?.finding.result, 'passed', id)
  }
})

test('a second factor that declines without a known user is found and passes', async t => {
  const extension = defineExtension(
    {
      authentication: ({ user }, { flowId }) =>
        user?.id === undefined
          ? fail('no_user', 'This is a second factor.', { status: 400 })
          : redirectTo(`https://door.example/entry?flow=${flowId}`),
    },
    { caller: { type: 'apiKey', header: 'x-api-key', keys: [API_KEY] } },
  )
  const result = await run(targetAt(await served(t, extension)))
  assert.deepEqual(caught(result), [])
  assert.deepEqual(result.types, ['AUTHENTICATION'])
  const [cell] = result.cells
  assert.deepEqual([cell?.state, cell?.usable, cell?.declined], ['declines', 1, 2])
})

test('an extension that fails on some platforms only gets a report for each platform', async t => {
  const good = await makeGoodExtension()
  const { url } = await serveBroken(t, good, async (call, answer) => {
    const reply = await answer()
    const isOld = call.json?.event && !call.json.event.organization
    return isOld && typeof reply !== 'string' && reply.status === 200 ? { ...reply, status: 418 } : reply
  })
  const { cells } = await run(targetAt(url), { types: ['PRE_UPDATE_PASSWORD'] })
  const states = Object.fromEntries(cells.map(({ platform, state }) => [platform.name, state]))
  assert.deepEqual(states, {
    preflow: 'works',
    asgardeo: 'works',
    'wso2-is-next': 'works',
    'wso2-is-7.2': 'works',
    'wso2-is-7.1': 'breaks',
    'wso2-is-7.0': 'absent',
  })
})

test('invalid JSON is reported with the position, but without its content', async t => {
  for (const [body, what] of [
    ['{"operations":[NaN],"secret":"x"}', "Unexpected token 'N'"],
    ['{"actionStatus":"SUCC', 'Unterminated string in JSON at position 21'],
    ["{'actionStatus':'SUCCESS'}", "Expected property name or '}' in JSON at position 1"],
    ['{"actionStatus":"SUCCESS"', "Expected ',' or '}' after property value in JSON at position 25"],
    ['<html>', "Unexpected token '<'"],
  ] as const) {
    const { url } = await serveBroken(t, await makeGoodExtension(), () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body,
    }))
    const result = await run(targetAt(url), { types: ['PRE_UPDATE_PROFILE'], platforms: [platforms.preflow] })
    const { finding } = result.results.find(({ check }) => check.id === 'answer.json') ?? {}
    assert.ok(finding?.result === 'failed')
    assert.equal(finding.problems[0]?.text, `The answer cannot be read: the body is not JSON (${what}).`)
  }
})

test('an answer on the second attempt works, as on platforms', async t => {
  const found = brokenExtensions.find(({ name }) => name === 'is not ready for the first call')
  assert.ok(found)
  const { url } = await serveBroken(t, await makeGoodExtension(), found.defect())
  const { cells } = await run(targetAt(url), { types: ['PRE_ISSUE_ACCESS_TOKEN'] })
  assert.deepEqual([...new Set(cells.map(({ state }) => state))], ['works'])
})

test('a varying answer is not attributed to a contract revision', async t => {
  let hasFailed = false
  const { url } = await serveBroken(t, await makeGoodExtension(), (call, good) => {
    if (hasFailed || call.json?.event?.request?.grantType !== 'password') return good()
    hasFailed = true
    return {
      status: 500,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ actionStatus: 'ERROR', errorMessage: 'server_error' }),
    }
  })
  const result = await run(targetAt(url), { types: ['PRE_ISSUE_ACCESS_TOKEN'] })
  assert.deepEqual(caught(result), ['event.decides', 'event.revisions'])
  const { finding } = result.results.find(({ check }) => check.id === 'event.revisions') ?? {}
  assert.ok(finding?.result === 'failed')
  assert.match(finding.problems[0]?.text ?? '', /regardless of the revision: the answers vary\./)
})

test('TLS that a platform would refuse is reported with advice for a person at a terminal', async t => {
  const { url } = await serveBroken(t, await makeGoodExtension(), (_, good) => good())
  const result = await run(targetAt(url.replace('http:', 'https:')))
  const { finding } = result.results.find(({ check }) => check.id === 'reach.connection') ?? {}
  assert.ok(finding?.result === 'failed')
  assert.match(finding.problems[0]?.text ?? '', /It seems to use plain HTTP: try http:\/\/\./)
})

test('if nothing listens, only that is reported', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const url = `http://127.0.0.1:${port}/`
  for (const types of [undefined, ['PRE_UPDATE_PASSWORD' as const]]) {
    const result = await run(targetAt(url), types ? { types } : {})
    assert.deepEqual(caught(result), ['reach.connection'])
    assert.equal(result.isPassed, false)
    assert.ok(result.cells.every(({ state }) => state === 'breaks' || state === 'absent'))
  }
})

test('if everything is refused, the report states what to check', async t => {
  const extension = await makeGoodExtension()
  const result = await run({ ...targetAt(await served(t, extension)), authentication: { type: 'NONE' } })
  assert.deepEqual(caught(result), ['reach.claims'])
  const claims = result.results.find(({ check }) => check.id === 'reach.claims')
  assert.ok(claims?.finding.result === 'failed')
  assert.match(
    claims.finding.problems[0]?.text ?? '',
    /status 401, ERROR \w+\. It requires a credential: set --auth or --sign\./,
  )
})

test('if no type is decided, the answers of the extension are reported', async t => {
  const extension = await makeGoodExtension()
  const { url } = await serveBroken(t, extension, () => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ actionStatus: 'ERROR', errorMessage: 'not_mine' }),
  }))
  const result = await run(targetAt(url))
  const claims = result.results.find(({ check }) => check.id === 'reach.claims')
  assert.ok(claims?.finding.result === 'failed')
  assert.match(claims.finding.problems[0]?.text ?? '', /status 400, ERROR not_mine\. It does not handle this/)
})

const desperate: readonly [string, Defect, string[]][] = [
  ['hangs', () => 'silence', ['time.deadline']],
  ['breaks every connection', () => 'reset', ['answer.connection']],
  ['crashes', () => ({ status: 500, body: '' }), ['answer.content-type', 'input.malformed', 'input.no-event']],
]

for (const [what, defect, checks] of desperate) {
  test(`an extension that always ${what} is not reported as one that decides nothing`, async t => {
    const { url } = await serveBroken(t, await makeGoodExtension(), defect)
    const result = await run(targetAt(url), { deadlineMs: 1000 })
    assert.deepEqual(caught(result), checks)
    assert.equal(result.isPassed, false)
  })
}

test('an extension that hangs gets two deadlines, and the result holds for every platform', async t => {
  let asked = 0
  const { url } = await serveBroken(t, await makeGoodExtension(), () => {
    asked += 1
    return 'silence'
  })
  const result = await run(targetAt(url), { deadlineMs: 300 })
  // Each type once, in parallel, and one of them again.
  assert.equal(asked, Object.keys(actionTypes).length + 1)
  const [type] = result.types
  const concerned = result.platforms.filter(platform => type && contractRevision(platform, type) !== undefined)
  assert.equal(result.cells.filter(({ state }) => state === 'breaks').length, concerned.length)
})

test('a run can be aborted', async t => {
  const { url } = await serveBroken(t, await makeGoodExtension(), () => 'silence')
  const stop = new AbortController()
  const running = verify({
    target: targetAt(url),
    platforms: Object.values(platforms),
    signal: stop.signal,
  })
  setImmediate(() => stop.abort(new Error('given up')))
  await assert.rejects(running, { message: 'given up' })
})
