import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { allow, defineExtension, type Handler, setClaim } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import { Webhook } from 'standardwebhooks'
import { run } from '../run.ts'

interface Seen {
  headers: IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: events of every type
  body: any
}

/** An extension that always returns the same answer and keeps the requests. */
async function extension(t: TestContext, status: number, answer: unknown): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      seen.push({ headers: request.headers, text, body: JSON.parse(text) })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?code=a-function-key`, seen }
}

/** Runs the command as a pipe would. */
async function preflow(argv: string[], env: Record<string, string> = {}) {
  let out = ''
  let err = ''
  const code = await run(['trigger', ...argv], {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    isTTY: false,
    env,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

const shortened = {
  actionStatus: 'SUCCESS',
  operations: [
    { op: 'replace', path: '/accessToken/claims/expires_in', value: 900 },
    { op: 'add', path: '/accessToken/claims/-', value: { name: 'sub', value: 'root' } },
    { op: 'remove', path: '/accessToken/claims/iss' },
  ],
}

test('the verdict of each operation is shown with its reason', async t => {
  const { url } = await extension(t, 200, shortened)
  const { code, out } = await preflow(['pre-issue-access-token', '--to', url])
  assert.equal(code, 0)
  assert.match(out, /✓ applied {6}replace \/accessToken\/claims\/expires_in {2}Expiry time updated\./)
  assert.match(out, /✗ rejected {5}add \/accessToken\/claims\/- +An access token claim already exists\./)
  assert.match(out, /– not allowed {2}remove \/accessToken\/claims\/iss +Not among the allowed operations for remove\./)
  assert.match(out, /The client would see 200 with an access token, 1 change applied\./)
})

test('a refusal is shown as the client would see it', async t => {
  const refusal = { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'Not from here.' }
  const { url } = await extension(t, 200, refusal)
  const { code, out } = await preflow(['preIssueAccessToken', '--to', url])
  assert.equal(code, 0)
  assert.match(out, /The client would see 400 access_denied "Not from here\."/)
  const scim = await preflow(['preUpdatePassword', '--to', url])
  assert.match(scim.out, /a SCIM error 400, scimType access_denied "Not from here\."/)
})

test('an unusable answer exits with 1 and shows the reason', async t => {
  const refusal = { actionStatus: 'FAILED', failureReason: 'no, not you' }
  const { url } = await extension(t, 200, refusal)
  const { code, out } = await preflow(['preIssueAccessToken', '--to', url, '--platform', 'wso2-is-7.1'])
  assert.equal(code, 1)
  assert.match(out, /WSO2 Identity Server 7\.1 cannot use it: failureReason contains ','/)
  assert.match(out, /The client would see 500 server_error/)
})

test('an unreachable endpoint is tried as often as the platform does', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const { code, out } = await preflow(['authentication', '--to', `http://127.0.0.1:${port}/`])
  assert.equal(code, 1)
  assert.match(out, /attempt 2 of 2: The endpoint refused the connection/)
})

test('the scenario is chosen and changed by options', async t => {
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const { code } = await preflow([
    'preIssueAccessToken',
    '--to',
    url,
    '--grant',
    'refresh_token',
    '--set',
    'accessToken.claims.expires_in=240',
    '--set',
    'request.additionalHeaders.x-client-source-ip=175.45.176.0',
    '--set',
    'session=null',
    '--set',
    'requestId=rq-7',
  ])
  assert.equal(code, 0)
  const { event, requestId, allowedOperations } = seen[0]?.body ?? {}
  assert.equal(event.request.grantType, 'refresh_token')
  assert.equal(event.accessToken.claims.find((claim: { name: string }) => claim.name === 'expires_in').value, 240)
  assert.deepEqual(
    event.request.additionalHeaders.find((header: { name: string }) => header.name === 'x-client-source-ip').value,
    ['175.45.176.0'],
  )
  assert.equal('session' in event, false)
  assert.equal(requestId, 'rq-7')
  assert.ok(allowedOperations.length > 0)
})

test('the revision of the contract and the version are those of the platform', async t => {
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  await preflow(['preUpdatePassword', '--to', url])
  await preflow(['preUpdatePassword', '--to', url, '--platform', 'wso2-is-7.1'])
  await preflow(['preUpdatePassword', '--to', url, '--api-version', 'v1'])
  assert.deepEqual(
    seen.map(({ headers }) => headers['x-wso2-api-version']),
    ['v2', 'v1', 'v1'],
  )
  const { requestId, event } = seen[1]?.body ?? {}
  assert.equal(requestId, undefined)
  assert.equal(event.initiatorType, 'USER')
  assert.equal('organization' in event, false)
})

test('a header set by --set is sent although the type forwards none by default', async t => {
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  await preflow(['preIssueIdToken', '--to', url, '--set', 'request.additionalHeaders.x-door=7'])
  assert.deepEqual(seen[0]?.body.event.request.additionalHeaders, [{ name: 'x-door', value: ['7'] }])
})

test('credentials and signatures are sent, and neither is shown', async t => {
  const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const { out, err } = await preflow(['preIssueAccessToken', '--to', url, '--sign', secret, '--json', '--show'], {
    PREFLOW_AUTH: 'api-key:X-Key=s3cret-of-the-platform',
  })
  const [call] = seen
  assert.equal(call?.headers['x-key'], 's3cret-of-the-platform')
  assert.ok(new Webhook(secret).verify(call?.text ?? '', call?.headers as Record<string, string>))
  for (const text of [out, err]) {
    assert.equal(text.includes('s3cret'), false)
    assert.equal(text.includes(secret), false)
    assert.equal(text.includes('a-function-key'), false)
  }
})

test('the JSON document has what a program needs', async t => {
  const { url } = await extension(t, 200, shortened)
  const { code, out } = await preflow(['preIssueAccessToken', '--to', url, '--json'])
  assert.equal(code, 0)
  const document = JSON.parse(out)
  assert.deepEqual(Object.keys(document), [
    'actionType',
    'scenario',
    'apiVersion',
    'platform',
    'contract',
    'isUsable',
    'outcome',
    'clientSees',
    'request',
    'answer',
    'attempts',
    'durationMs',
  ])
  assert.equal(document.isUsable, true)
  assert.equal(document.outcome.status, 'success')
  assert.deepEqual(
    document.outcome.operations.map(({ verdict }: { verdict: string }) => verdict),
    ['applied', 'rejected', 'not_allowed'],
  )
  assert.equal(document.request.body.event.request.grantType, 'client_credentials')
  assert.deepEqual(document.answer.body, shortened)
})

test('a request or an event from a file is sent', async t => {
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const folder = await mkdtemp(join(tmpdir(), 'preflow-trigger-'))
  t.after(() => rm(folder, { recursive: true }))
  const event = {
    request: { clientId: 'web1', grantType: 'password' },
    tenant: { id: '41', name: 'acme' },
    accessToken: { tokenType: 'JWT', claims: [{ name: 'expires_in', value: 60 }] },
  }
  const asRequest = join(folder, 'request.json')
  const asEvent = join(folder, 'event.json')
  const allowedOperations = [{ op: 'add', paths: ['/accessToken/scopes/'] }]
  await writeFile(
    asRequest,
    JSON.stringify({ actionType: 'PRE_ISSUE_ACCESS_TOKEN', requestId: 'rq-9', event, allowedOperations }),
  )
  await writeFile(asEvent, JSON.stringify(event))
  assert.equal((await preflow(['--file', asRequest, '--to', url])).code, 0)
  assert.equal((await preflow(['preIssueAccessToken', '--file', asEvent, '--to', url])).code, 0)
  assert.deepEqual(seen[0]?.body, {
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    event,
    allowedOperations,
    requestId: 'rq-9',
  })
  assert.deepEqual(seen[1]?.body.event, event)
  assert.notDeepEqual(seen[1]?.body.allowedOperations, allowedOperations)
  assert.equal((await preflow(['preUpdateProfile', '--file', asRequest, '--to', url])).code, 2)
})

test('operations that the SDK omitted and the position of an exception are shown', async t => {
  const served = async (handler: Handler<'PRE_ISSUE_ACCESS_TOKEN'>) => {
    const extension = defineExtension({ preIssueAccessToken: handler }, { caller: { type: 'none' } })
    const server = await serve(extension, { log: () => {} })
    t.after(() => server.close())
    return server.url
  }
  const leftOut = await preflow(['preIssueAccessToken', '--to', await served(() => allow([setClaim('iss', 'x')]))])
  assert.equal(leftOut.code, 0)
  assert.match(leftOut.out, /SUCCESS without operations\.\nThe extension reports:\n {2}setClaim: /)
  const url = await served(() => {
    throw new TypeError('the name of Ines')
  })
  const thrown = await preflow(['preIssueAccessToken', '--to', url])
  assert.equal(thrown.code, 1)
  assert.match(thrown.out, /\nIts handler threw TypeError at .*trigger\.test\.ts:\d+:\d+/)
  assert.doesNotMatch(thrown.out, /Ines/)
  const document = JSON.parse((await preflow(['preIssueAccessToken', '--to', url, '--json'])).out)
  assert.equal(document.explanation.thrown.name, 'TypeError')
})

test('a path that no event has gets a warning with a suggestion', async t => {
  const { url } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const setting = async (...paths: string[]) => {
    const words = paths.flatMap(path => ['--set', `${path}=1`])
    const { code, err } = await preflow(['preIssueAccessToken', '--to', url, ...words])
    assert.equal(code, 0)
    return err
  }
  assert.equal(
    await setting('request.additionalHeader.x-client-source-ip', 'event.acessToken.claims.sub'),
    '--set request.additionalHeader: no PRE_ISSUE_ACCESS_TOKEN event has this member. Did you mean additionalHeaders? It is sent anyway.\n' +
      '--set acessToken: no PRE_ISSUE_ACCESS_TOKEN event has this member. Did you mean accessToken? It is sent anyway.\n',
  )
  // Members of other scenarios are known, and so are names in lists and members beside the event.
  const known = ['user.id', 'request.additionalHeaders.x-anything', 'accessToken.claims.anything', 'requestId']
  assert.equal(await setting(...known), '')
})

test('a file with headers as an object, as in the guides, is sent in the form that platforms send', async t => {
  const { url, seen } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const folder = await mkdtemp(join(tmpdir(), 'preflow-trigger-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'guide.json')
  const request = { grantType: 'password', additionalHeaders: { 'x-geo': ['LK'] }, additionalParams: { a: '1' } }
  await writeFile(
    file,
    JSON.stringify({ actionType: 'PRE_ISSUE_ACCESS_TOKEN', event: { request, tenant: { id: '1' } } }),
  )
  const { code, err } = await preflow(['--file', file, '--to', url])
  assert.equal(code, 0)
  assert.match(err, /guide\.json: event\.request\.additionalHeaders is an object, as in the guides of WSO2\./)
  assert.deepEqual(seen[0]?.body.event.request, {
    grantType: 'password',
    additionalHeaders: [{ name: 'x-geo', value: ['LK'] }],
    additionalParams: [{ name: 'a', value: ['1'] }],
  })
})

test('a SUCCESS without a user is unusable as the first step of a sign-in', async t => {
  const { url } = await extension(t, 200, { actionStatus: 'SUCCESS' })
  const first = await preflow(['authentication', '--to', url])
  assert.equal(first.code, 1)
  assert.match(first.out, /cannot use it: The answer names no user, and nobody is known from an earlier step\./)
  assert.match(first.out, /The client would see the application again, with error=authentication_processing_error\./)
  assert.equal((await preflow(['authentication', '--to', url, '--flow', 'second-step'])).code, 0)
})

test('a message of the extension ends with one full stop', async t => {
  const error = { actionStatus: 'ERROR', errorMessage: 'server_error', errorDescription: 'The extension failed.' }
  const { url } = await extension(t, 500, error)
  const { out } = await preflow(['preIssueAccessToken', '--to', url])
  assert.match(out, /server_error - The extension failed\. See its log\.\n/)
})

test('an answer that takes too long is aborted', async t => {
  const server = createServer(() => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const { code, out } = await preflow(['authentication', '--to', `http://127.0.0.1:${port}/`, '--timeout', '50'])
  assert.equal(code, 1)
  assert.match(out, /No complete answer within 50 ms/)
})

test('control characters of an answer never reach the terminal', async t => {
  const { url } = await extension(t, 200, {
    actionStatus: 'FAILED',
    failureReason: 'no\u001b[2J',
    failureDescription: 'x',
  })
  for (const options of [[], ['--show'], ['--json']]) {
    const { out } = await preflow(['preIssueAccessToken', '--to', url, ...options])
    assert.doesNotMatch(out.replaceAll('\n', ''), /\p{Cc}/u)
  }
})

for (const [words, said] of [
  [['preIssueAccessToken'], 'The address of the extension is missing.'],
  [['preIssueNothing', '--to', 'http://127.0.0.1:1/'], 'preIssueNothing: unknown action type.'],
  [['--to', 'http://127.0.0.1:1/'], 'Name an action type'],
  [['preIssueAccessToken', '--to', 'ftp://a/'], 'is not an absolute http or https URL'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--platform', 'okta'], 'okta: unknown platform.'],
  [
    ['preIssueIdToken', '--to', 'http://127.0.0.1:1/', '--platform', 'wso2-is-7.0'],
    'has no PRE_ISSUE_ID_TOKEN actions',
  ],
  [
    ['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--grant', 'magic'],
    'has no such event. Choose one of these:',
  ],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--set', 'novalue'], 'must be PATH=VALUE'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--timeout', 'soon'], '--timeout'],
  [
    ['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--api-version', 'newest'],
    '--api-version: must be v and a number',
  ],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--set', 'event=null'], '--set event: must be an object'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--set', 'event=[]'], '--set event: must be an object'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--set', 'allowedOperations=3'], 'must be a list'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--set', 'request.additionalHeaders=3'], 'must be a list'],
  [['preIssueAccessToken', 'http://127.0.0.1:1/'], 'unexpected argument. Use --to for the address.'],
  [['preIsueAccessToken', '--to', 'http://127.0.0.1:1/'], 'Did you mean preIssueAccessToken?'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--file', '/nowhere.json'], 'cannot be read'],
  [['preIssueAccessToken', '--to', 'http://127.0.0.1:1/', '--nonsense'], 'nonsense'],
] as const) {
  test(`trigger ${words.join(' ')} is a usage error`, async () => {
    const { code, out, err } = await preflow([...words])
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.ok(err.includes(said), err.split('\n')[0])
  })
}
