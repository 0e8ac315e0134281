import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { allow, defineExtension, deny, type Extension } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import { run } from '../run.ts'
import { brokenExtensions, serveBroken } from '../verify/broken-extensions.fixture.ts'
import { API_KEY, credentialKeys, makeGoodExtension } from '../verify/good-extension.fixture.ts'

const PREFLOW_AUTH = `api-key:X-API-Key=${API_KEY}`

/** Runs the command as a pipe would. */
async function preflow(argv: string[], env: Record<string, string> = { PREFLOW_AUTH }, columns?: number) {
  let out = ''
  let err = ''
  const code = await run(['verify', ...argv], {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    isTTY: false,
    columns,
    env,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

async function served(t: TestContext, extension: Extension): Promise<string> {
  const server = await serve(extension, { log: false })
  t.after(() => server.close())
  return server.url
}

/** Serves the broken extension of this name. */
async function broken(t: TestContext, name: string): Promise<string> {
  const found = brokenExtensions.find(extension => extension.name === name)
  assert.ok(found, name)
  return (await serveBroken(t, await makeGoodExtension(), found.defect())).url
}

const COMMA = 'refuses with a comma in the description'

test('an extension that follows the contract exits with 0, and every platform works', async t => {
  const { code, out } = await preflow([await served(t, await makeGoodExtension())])
  assert.equal(code, 0)
  assert.match(out, /decides PRE_ISSUE_ACCESS_TOKEN, PRE_UPDATE_PASSWORD, PRE_UPDATE_PROFILE/)
  assert.match(out, /WSO2 Identity Server 7\.1 +works +works +works +works +–/)
  assert.match(out, /^\d+ checks passed, 0 failed, \d+ not checked\.$/m)
  assert.match(out, /What cannot be checked from outside\n {2}- what it writes to its log/)
})

test('a problem is reported with its place, its effect on platforms, why it matters and how to fix it', async t => {
  const { code, out } = await preflow([await broken(t, COMMA), '--type', 'preIssueAccessToken'])
  assert.equal(code, 1)
  assert.match(
    out,
    /✗ Messages contain only characters that platforms accept answer\.alphabet\n {6}failureDescription contains ","/,
  )
  assert.match(out, /in: bare/)
  assert.match(out, /breaks on Preflow; Asgardeo; [^:]+: failureDescription contains ','/)
  assert.match(out, /The\s+client\s+sees\s+500\s+server_error/)
  assert.match(out, /Why: Only letters, digits, white space/)
  assert.match(out, /Fix: Word it without the character/)
  assert.match(out, /bare\n {6}FAILED access_denied\n {8}breaks on Preflow; Asgardeo; /)
})

test('a platform that is not selected does not count', async t => {
  const strictest = await broken(t, 'adds an unknown member')
  const types = ['--type', 'preIssueAccessToken']
  assert.equal((await preflow([strictest, ...types])).code, 1)
  const { code, out } = await preflow([strictest, ...types, '--platform', 'preflow'])
  assert.equal(code, 0)
  assert.doesNotMatch(out, /WSO2 Identity Server 7/)
})

test('advice fails only a strict run', async t => {
  const url = await broken(t, 'refuses without a description')
  const { code, out } = await preflow([url, '--type', 'preIssueAccessToken'])
  assert.equal(code, 0)
  assert.match(out, /! A refusal has a description answer\.description/)
  assert.match(out, /1 advised/)
  assert.equal((await preflow([url, '--type', 'preIssueAccessToken', '--strict'])).code, 1)
})

test('the JSON document has every check, every platform and every answer', async t => {
  const { code, out } = await preflow([await broken(t, COMMA), '--type', 'preIssueAccessToken', '--json'])
  assert.equal(code, 1)
  const document = JSON.parse(out)
  assert.equal(document.passed, false)
  assert.equal(document.summary.failed, 1)
  assert.equal(document.requests > 50, true)
  const failed = document.checks.filter(({ result }: { result: string }) => result === 'failed')
  assert.deepEqual(
    failed.map(({ id, actionType, level }: Record<string, string>) => [id, actionType, level]),
    [['answer.alphabet', 'PRE_ISSUE_ACCESS_TOKEN', 'must']],
  )
  assert.equal(failed[0].problems[0].consequences[0].kind, 'broken')
  assert.deepEqual(document.platforms.map(({ name }: { name: string }) => name).sort(), [
    'asgardeo',
    'preflow',
    'wso2-is-7.0',
    'wso2-is-7.1',
    'wso2-is-7.2',
    'wso2-is-next',
  ])
  assert.equal(document.platforms[0].actionTypes[0].state, 'breaks')
  const bare = document.answers.find(({ scenario }: { scenario: string }) => scenario === 'bare')
  assert.equal(bare.decision, 'FAILED access_denied')
  assert.ok(document.notCheckable.length > 0)
})

test('the JUnit file is well-formed and contains the failures', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'junit.xml')
  const url = await broken(t, 'refuses without a description')
  const types = ['--type', 'preIssueAccessToken']
  await preflow([url, ...types, '--junit', file])
  const relaxed = await readFile(file, 'utf8')
  assertWellFormed(relaxed)
  assert.match(relaxed, /<testsuites name="preflow verify" [^>]*failures="0"/)
  assert.match(relaxed, /<system-out>FAILED has no failureDescription\./)
  assert.match(relaxed, /<skipped message="No credentials|<skipped message="No signing secret/)
  await preflow([url, ...types, '--junit', file, '--strict'])
  const strict = await readFile(file, 'utf8')
  assertWellFormed(strict)
  assert.match(strict, /<testsuites name="preflow verify" [^>]*failures="1"/)
  assert.match(strict, /<failure type="should" message="FAILED has no failureDescription\.">/)
})

/** Every element that is opened is closed, and every special character is escaped. */
function assertWellFormed(xml: string): void {
  const open: string[] = []
  for (const [, closing, name = '', rest = ''] of xml.matchAll(/<(\/?)([a-z-]+)([^>]*)>/g)) {
    if (closing) assert.equal(open.pop(), name)
    else if (!rest.endsWith('/')) open.push(name)
    assert.doesNotMatch(rest.replaceAll(/"[^"<]*"/g, ''), /["<]/)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(xml, /&(?!amp;|lt;|gt;|quot;)/)
}

test('encrypted passwords are checked with the key of the certificate', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'action.pem')
  await writeFile(file, credentialKeys.publicKey.export({ type: 'spki', format: 'pem' }))
  const types = ['--type', 'preUpdatePassword', '--json']
  const forms = (out: string) =>
    JSON.parse(out).checks.find(({ id }: { id: string }) => id === 'event.credential-forms')
  const good = await preflow([await served(t, await makeGoodExtension()), ...types, '--certificate', file])
  assert.equal(forms(good.out).result, 'passed')
  assert.equal('note' in forms(good.out), false)

  const blind = defineExtension(
    {
      preUpdatePassword: ({ user: { updatingCredential: credential } }) =>
        typeof credential !== 'string' && credential.value === 'P@ssw0rd'
          ? deny('breached', 'It is breached.')
          : allow(),
    },
    { caller: { type: 'apiKey', header: 'x-api-key', keys: [API_KEY] } },
  )
  const caught = await preflow([await served(t, blind), ...types, '--certificate', file])
  assert.equal(forms(caught.out).result, 'failed')
  assert.equal((await preflow(['http://127.0.0.1:1/', '--certificate', join(folder, 'none.pem')])).code, 2)
})

test('a credential that the extension repeats is not in the report', async t => {
  const url = await broken(t, 'repeats the key of the call')
  const { out } = await preflow([url, '--type', 'preIssueAccessToken', '--json'])
  assert.equal(out.includes(API_KEY), false)
})

test('a credential that must be escaped is not in the JUnit file either', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const key = 'open <"sesame"> & enter'
  const { url } = await serveBroken(t, await makeGoodExtension(), call => ({
    status: 200,
    headers: { 'content-type': `text/${call.headers['x-api-key']}` },
    body: '',
  }))
  const file = join(folder, 'reports', 'junit.xml')
  const env = { PREFLOW_AUTH: `api-key:x-api-key=${key}` }
  await preflow([url, '--type', 'preIssueAccessToken', '--junit', file], env)
  const xml = await readFile(file, 'utf8')
  assertWellFormed(xml)
  assert.doesNotMatch(xml, /sesame/)
})

test('a JUnit file that cannot be written does not suppress the report', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const { code, out, err } = await preflow([await broken(t, COMMA), '--type', 'preIssueAccessToken', '--junit', folder])
  assert.equal(code, 1)
  assert.match(out, /1 failed/)
  assert.match(err, /--junit .*: cannot be written \(EISDIR\)\./)
})

test('control characters of an extension never reach the terminal or the XML', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'junit.xml')
  const { url } = await serveBroken(t, await makeGoodExtension(), () => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      actionStatus: 'FAILED',
      failureReason: 'no\u001b[2J\u0000]]>',
      failureDescription: '\ud800\ufffe',
    }),
  }))
  const { out } = await preflow([url, '--type', 'preIssueAccessToken', '--junit', file])
  assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u)
  assert.match(out, /FAILED no\\u001b\[2J/)
  const xml = await readFile(file, 'utf8')
  assertWellFormed(xml)
  assert.doesNotMatch(xml.replaceAll('\n', ''), /\p{Cc}|\ufffe|\]\]>/u)
})

test('operations that a platform does not apply are listed for each platform', async t => {
  const { url } = await serveBroken(t, await makeGoodExtension(), async (call, good) => {
    const reply = await good()
    const answer = {
      actionStatus: 'SUCCESS',
      operations: [{ op: 'replace', path: '/accessToken/claims/sub', value: 'x' }],
    }
    return call.json?.event && typeof reply !== 'string' && reply.status === 200
      ? { ...reply, body: JSON.stringify(answer) }
      : reply
  })
  const { out } = await preflow([url, '--type', 'preIssueAccessToken'])
  assert.match(out, /Asgardeo +works in part at 9 of 9/)
  assert.match(out, /works in part on Preflow; [^:]+: Not applied:\s+replace\s+\/accessToken\/claims\/sub\./)
  const { out: json } = await preflow([url, '--type', 'preIssueAccessToken', '--json'])
  assert.deepEqual(JSON.parse(json).platforms[0].actionTypes, [
    { actionType: 'PRE_ISSUE_ACCESS_TOKEN', state: 'works', usable: 9, partial: 9, declined: 0, broken: 0 },
  ])
})

test('a type that was only tried is not reported as decided', async t => {
  const { url } = await serveBroken(t, await makeGoodExtension(), () => ({ status: 500, body: '' }))
  const { out } = await preflow([url])
  assert.match(out, /^http:\S+ decides nothing; called with PRE_ISSUE_ACCESS_TOKEN, /)
})

test('the lines fit a narrow terminal', async t => {
  const { out } = await preflow([await served(t, await makeGoodExtension())], { PREFLOW_AUTH }, 60)
  assert.match(out, /^preUpdatePassword\n {2}Preflow +works\n/m)
  const { out: failed } = await preflow([await broken(t, COMMA), '--type', 'preIssueAccessToken'], { PREFLOW_AUTH }, 60)
  const problem = failed.slice(failed.indexOf('failureDescription contains'), failed.indexOf('\n\nOperations'))
  assert.deepEqual(
    problem.split('\n').filter(line => line.length > 62),
    [],
  )
})

test('checks that did not run for the same reason share one line', async t => {
  const { out } = await preflow([await broken(t, 'answers as text/html'), '--type', 'preIssueAccessToken'])
  assert.match(out, /– \d+ checks: No answer contained an operation\. operation\.form, operation\.redirect, /)
})

test('a pipe gets no colours', async t => {
  const { out } = await preflow([await broken(t, COMMA), '--type', 'preIssueAccessToken'])
  assert.equal(out.includes('\u001b'), false)
})

for (const [words, said] of [
  [[], 'The address of the extension is missing.'],
  [['nowhere'], 'is not an absolute http or https URL'],
  [
    ['http://127.0.0.1:1/', '--type', 'preIssueNothing'],
    'preIssueNothing: unknown action type. Use one of preIssueAccessToken, ',
  ],
  [['http://127.0.0.1:1/', '--type', 'preIssueIdToken', '--platform', 'wso2-is-7.0'], 'No selected platform has'],
  [['http://127.0.0.1:1/', '--platform', 'okta'], 'okta: unknown platform.'],
  [['http://127.0.0.1:1/', '--platform', 'asgadeo'], 'Did you mean asgardeo?'],
  [['http://127.0.0.1:1/', '--timeout', '0'], '--timeout'],
  [['http://127.0.0.1:1/', 'http://127.0.0.1:2/'], 'unexpected argument'],
] as const) {
  test(`verify ${words.join(' ')} is a usage error`, async () => {
    const { code, out, err } = await preflow([...words], {})
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.ok(err.includes(said), err.split('\n')[0])
  })
}
