import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ActionResponse, type Platform, platforms } from '@preflow/contract'
import { call, sampleRequest } from '@preflow/extension/testing'
import {
  allow,
  type Context,
  type DecisionRecord,
  defineExtension,
  deny,
  type ExtensionOptions,
  fail,
  type Handler,
  redirectTo,
  removeClaim,
  setClaim,
  shortenTo,
} from './index.ts'

type AccessTokenHandler = Handler<'PRE_ISSUE_ACCESS_TOKEN'>

const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN')

/** Calls an extension with this handler. Returns the answer and the record. */
async function decide(
  handler: AccessTokenHandler,
  options: Partial<ExtensionOptions> = {},
  sent: unknown = request,
  headers: Record<string, string> = {},
) {
  const records: DecisionRecord[] = []
  const extension = defineExtension(
    { preIssueAccessToken: handler },
    { caller: { type: 'none' }, log: record => records.push(record), ...options },
  )
  const result = await call(extension, sent, { headers })
  assert.equal(records.length, 1, 'one record per call')
  return { ...result, record: records[0] as DecisionRecord }
}

test('a handler decides: SUCCESS, FAILED, ERROR', async () => {
  const success = await decide(() => allow())
  assert.deepEqual([success.status, success.answer], [200, { actionStatus: 'SUCCESS' }])
  assert.match(success.headers.get('content-type') ?? '', /^application\/json/)
  const failed = await decide(async () => deny('access_denied', 'Not today.'))
  assert.deepEqual(
    [failed.status, failed.answer],
    [200, { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'Not today.' }],
  )
  const error = await decide(() => fail('server_error', 'The directory is down.'))
  assert.deepEqual(
    [error.status, error.answer],
    [500, { actionStatus: 'ERROR', errorMessage: 'server_error', errorDescription: 'The directory is down.' }],
  )
  const invalid = await decide(() => fail('invalid_request', 'The event names no user.', { status: 400 }))
  assert.deepEqual(
    [invalid.status, invalid.answer],
    [400, { actionStatus: 'ERROR', errorMessage: 'invalid_request', errorDescription: 'The event names no user.' }],
  )
})

test('a platform that retries gets the missed answer, and the handler is not called twice', async () => {
  const records: DecisionRecord[] = []
  let asked = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const extension = defineExtension(
    {
      async preIssueAccessToken() {
        asked++
        await promise
        return allow([shortenTo(900)])
      },
    },
    { caller: { type: 'none' }, log: record => records.push(record) },
  )
  const once = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { requestId: 'once' })
  const both = [call(extension, once), call(extension, once)]
  resolve()
  const [first, second] = await Promise.all(both)
  assert.equal(asked, 1)
  assert.deepEqual(first?.answer, second?.answer)
  assert.deepEqual(
    records.map(({ isRepeat, operations }) => [isRepeat, operations.length]),
    [
      [undefined, 1],
      [true, 1],
    ],
  )
  await call(extension, { ...once, requestId: 'another' })
  const { requestId: _, ...nameless } = once
  await call(extension, nameless)
  await call(extension, nameless)
  assert.equal(asked, 4)
})

test('an ERROR is not kept for a retry', async () => {
  let asked = 0
  const extension = defineExtension(
    { preIssueAccessToken: () => (asked++ === 0 ? fail('server_error', 'Down.') : allow()) },
    { caller: { type: 'none' } },
  )
  assert.deepEqual([(await call(extension, request)).status, (await call(extension, request)).status], [500, 200])
})

test('INCOMPLETE carries a redirect if the event offers one, and only to an absolute URL', async () => {
  const extension = (url: string) =>
    defineExtension({ authentication: () => redirectTo(url) }, { caller: { type: 'none' } })
  const authentication = sampleRequest('AUTHENTICATION')
  const { status, answer } = await call(extension('https://pin.test/page'), authentication)
  assert.equal(status, 200)
  assert.deepEqual(answer, {
    actionStatus: 'INCOMPLETE',
    operations: [{ op: 'redirect', url: 'https://pin.test/page' }],
  })
  for (const url of ['/page', 'javascript:alert(1)', '']) {
    assert.equal((await call(extension(url), authentication)).status, 500)
  }
  const notOffered = await decide(() => redirectTo('https://pin.test/page'))
  assert.equal(notOffered.status, 500)
  assert.match(notOffered.record.reports[0] ?? '', /offers no redirect/)
})

test('SUCCESS carries data if the action type has some, and data with another structure is reported', async () => {
  const user = { id: 'u-1', claims: [{ uri: 'http://wso2.org/claims/emailaddress', value: 'a@b.test' }] }
  const extension = defineExtension(
    { authentication: () => allow([], { data: { user } }) },
    { caller: { type: 'none' } },
  )
  const { answer } = await call(extension, sampleRequest('AUTHENTICATION'))
  assert.deepEqual(answer, { actionStatus: 'SUCCESS', data: { user } })
  const records: DecisionRecord[] = []
  const wrong = defineExtension(
    { authentication: () => allow([], { data: { user: { id: 7 } } as never }) },
    { caller: { type: 'none' }, log: record => records.push(record) },
  )
  await call(wrong, sampleRequest('AUTHENTICATION'))
  assert.match(records[0]?.reports[0] ?? '', /^data\.user\.id:/)
})

const acceptedBy = (platform: Platform, answer: ActionResponse) => {
  const [reason, description] =
    answer.actionStatus === 'FAILED'
      ? [answer.failureReason, answer.failureDescription ?? '']
      : answer.actionStatus === 'ERROR'
        ? [answer.errorMessage, answer.errorDescription ?? '']
        : ['-', '-']
  const { alphabet, maxReason, maxDescription } = platform.text
  return (
    reason.length > 0 &&
    reason.length <= maxReason &&
    description.length > 0 &&
    description.length <= maxDescription &&
    alphabet.test(reason) &&
    alphabet.test(description)
  )
}

test('every platform accepts every message, and the author learns what was replaced', async () => {
  const words: [string, string, RegExp][] = [
    ['access_denied', 'Invalid, unknown, or malformed.', /characters that platforms reject/],
    ['access_denied', 'Say "no" to <script>/etc & more @ 100% … – ünïcödé 日本', /characters that platforms reject/],
    ['a,b', 'fine', /^reason:/],
    ['r'.repeat(150), 'd'.repeat(301), /cut to 100/],
    ['', '', /^reason: it was empty/],
    ['日本', '日本', /empty/],
    ['   ', '\t\n', /empty/],
  ]
  for (const [reason, description, report] of words) {
    for (const decision of [deny(reason, description), fail(reason, description)]) {
      const { answer, record } = await decide(() => decision)
      for (const platform of Object.values(platforms)) assert.ok(acceptedBy(platform, answer), JSON.stringify(answer))
      assert.match(record.reports[0]?.replace(/^message/, 'reason') ?? '', report)
    }
  }
})

test('a sanitized message still reads well', async () => {
  const { answer } = await decide(() => deny('access_denied', 'Blocked: "Café, 100%", see docs/errors – or ask…'))
  assert.equal(
    answer.actionStatus === 'FAILED' && answer.failureDescription,
    "Blocked: 'Cafe; 100 percent'; see docs-errors - or ask...",
  )
})

test('a message at the limit is unchanged', async () => {
  const { answer, record } = await decide(() => deny('r'.repeat(100), 'd'.repeat(300)))
  assert.equal(answer.actionStatus === 'FAILED' && answer.failureDescription?.length, 300)
  assert.deepEqual(record.reports, [])
})

test('the reason of a server error is replaced in a denial, because platforms reject it', async () => {
  for (const reason of ['server_error', 'Internal_Server_Error', '500']) {
    const { answer, record } = await decide(() => deny(reason, 'No.'))
    assert.equal(answer.actionStatus === 'FAILED' && answer.failureReason, 'access_denied')
    assert.match(record.reports[0] ?? '', /Use fail/)
  }
})

test('the author may check an edit in advance, and gets a report afterwards', async () => {
  const told: unknown[] = []
  const { record } = await decide(
    (_event, context) => {
      assert.equal(context.may(shortenTo(900)), true)
      assert.equal(context.may(removeClaim('sub')), false)
      return allow([removeClaim('sub')])
    },
    { onReport: report => told.push(report) },
  )
  assert.equal(record.reports.length, 1)
  assert.deepEqual(told, [{ actionType: 'PRE_ISSUE_ACCESS_TOKEN', requestId: 'rq-1', message: record.reports[0] }])
})

test('the context reads claims, headers and parameters as one value and as a list', async () => {
  let seen: unknown
  await decide(
    (_event, context) => {
      seen = [
        [context.claim('given_name'), context.claims('given_name')],
        [context.claim('groups'), context.claims('groups')],
        [context.claim('expires_in'), context.claim('nothing'), context.claims('nothing'), context.claims('void')],
        [context.header('x-ip'), context.headers('X-Ip')],
        [context.parameter('a'), context.parameters('a'), context.parameter('A')],
      ]
      return allow()
    },
    {},
    sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
      event: {
        request: {
          additionalHeaders: [
            { name: 'X-IP', value: ['1', '2'] },
            { name: 'x-ip', value: ['3'] },
          ],
          additionalParams: [{ name: 'a', value: ['x', 'y'] }],
        },
        accessToken: {
          claims: [
            { name: 'given_name', value: 'Mira' },
            { name: 'groups', value: ['staff', 'eu'] },
            { name: 'expires_in', value: 3600 },
            { name: 'void' },
          ],
        },
      },
    }),
  )
  assert.deepEqual(seen, [
    ['Mira', ['Mira']],
    ['staff', ['staff', 'eu']],
    ['3600', undefined, [], []],
    ['1', ['1', '2', '3']],
    ['x', ['x', 'y'], undefined],
  ])
})

test('claims of a user are read by their URI', async () => {
  let seen: unknown
  const extension = defineExtension(
    {
      preUpdatePassword(_event, context) {
        seen = [context.claim('http://wso2.org/claims/username'), context.header('x')]
        return allow()
      },
    },
    { caller: { type: 'none' } },
  )
  await call(extension, sampleRequest('PRE_UPDATE_PASSWORD'))
  assert.deepEqual(seen, ['mira', undefined])
})

test("the context shows the caller's data and the remaining time", async () => {
  let seen: Context | undefined
  await decide(
    (_event, context) => {
      seen = context as Context
      const left = context.remainingMs()
      assert.ok(left > 0 && left <= 2800)
      assert.equal(context.now(), 42)
      assert.equal(context.signal.aborted, false)
      return allow()
    },
    { now: () => 42 },
    { ...request, flowId: 'f-1' },
    { 'x-wso2-api-version': 'v1' },
  )
  assert.deepEqual(
    [seen?.actionType, seen?.requestId, seen?.flowId, seen?.apiVersion, seen?.allowedOperations.length],
    ['PRE_ISSUE_ACCESS_TOKEN', 'rq-1', 'f-1', 'v1', 3],
  )
})

test('when the budget is used up an answer is sent and running work is aborted', async () => {
  let reason: unknown
  const { status, answer, record } = await decide(
    (_event, context) =>
      new Promise(() => {
        context.signal.addEventListener('abort', () => {
          reason = context.signal.reason
        })
      }),
    { budgetMs: 20 },
  )
  assert.equal(status, 500)
  assert.equal(answer.actionStatus === 'ERROR' && answer.errorDescription, 'The extension did not decide in time.')
  assert.equal((reason as Error).name, 'TimeoutError')
  assert.equal(record.why, 'budget spent')
})

test('the answer for a used-up budget can be configured', async () => {
  const { answer } = await decide(() => new Promise(() => {}), {
    budgetMs: 20,
    onDeadline: deny('access_denied', 'Too busy.'),
  })
  assert.equal(answer.actionStatus, 'FAILED')
})

test('a handler that throws is an ERROR without details; the record names the error but does not quote it', async () => {
  const errors: unknown[] = []
  const thrown = Object.assign(new RangeError('the claim of mira@example.test'), { code: 'E_RANGE' })
  for (const handler of [
    () => {
      throw thrown
    },
    () => Promise.reject(thrown),
  ] as AccessTokenHandler[]) {
    const { status, answer, record } = await decide(handler, { onError: error => errors.push(error) })
    assert.equal(status, 500)
    assert.deepEqual(answer, {
      actionStatus: 'ERROR',
      errorMessage: 'server_error',
      errorDescription: 'The extension failed.',
    })
    assert.equal(record.thrown?.name, 'RangeError')
    assert.equal(record.thrown?.code, 'E_RANGE')
    assert.match(record.thrown?.at ?? '', /define-extension\.test\.[jt]s/)
    assert.doesNotMatch(JSON.stringify(record), /mira@example/)
  }
  assert.deepEqual(errors, [thrown, thrown])
})

test('a handler that returns no decision is an ERROR with a report', async () => {
  for (const nothing of [undefined, null, {}, 'allow']) {
    const { status, record } = await decide((() => nothing) as unknown as AccessTokenHandler)
    assert.equal(status, 500)
    assert.match(record.reports[0] ?? '', /Return allow, deny, fail or redirectTo/)
  }
})

test('a logger that throws does not prevent the answer', async () => {
  const errors: unknown[] = []
  const extension = defineExtension(
    { preIssueAccessToken: () => allow() },
    {
      caller: { type: 'none' },
      log: () => {
        throw new Error('disk full')
      },
      onError: error => errors.push(error),
    },
  )
  assert.equal((await call(extension, request)).status, 200)
  assert.equal(errors.length, 1)
})

test('a record contains the decision and nothing of the payload', async () => {
  const { record } = await decide((_event, context) => {
    context.log({ check: 'tier', cached: true })
    return allow([setClaim('given_name', 'Grace Hopper'), shortenTo(900)], { why: 'tier: gold' })
  })
  const { durationMs, ...rest } = record
  assert.deepEqual(rest, {
    decision: 'allow',
    status: 200,
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    requestId: 'rq-1',
    why: 'tier: gold',
    operations: ['replace /accessToken/claims/given_name', 'replace /accessToken/claims/expires_in'],
    reports: [],
    facts: { check: 'tier', cached: true },
  })
  assert.ok(durationMs >= 0)
})

test('an action type without a handler gets an error with what to do', async () => {
  const { status, answer } = await decide(() => allow(), {}, sampleRequest('PRE_UPDATE_PASSWORD'))
  assert.equal(status, 400)
  assert.equal(
    answer.actionStatus === 'ERROR' && answer.errorDescription,
    'This extension has no PRE_UPDATE_PASSWORD handler. Add one to defineExtension.',
  )
  const unknown = await decide(() => allow(), {}, { ...request, actionType: 'PRE_TELEPORT' })
  assert.equal(
    unknown.answer.actionStatus === 'ERROR' && unknown.answer.errorDescription,
    'This extension has no PRE_TELEPORT handler. Add one to defineExtension.',
  )
})

test('handlers are named after action types, and a wrong name is found when the extension is created', () => {
  const handlers = { preIssueToken: () => allow() } as never
  assert.throws(() => defineExtension(handlers, { caller: { type: 'none' } }), /preIssueToken: no action type/)
  const extension = defineExtension(
    { preIssueIdToken: () => allow(), authentication: () => allow() },
    { caller: { type: 'none' } },
  )
  assert.deepEqual(extension.actionTypes, ['PRE_ISSUE_ID_TOKEN', 'AUTHENTICATION'])
})

test('an invalid body is a 400 that names the place, without quoting it', async () => {
  for (const [body, what] of [
    ['{', /not JSON/],
    ['', /not JSON/],
    ['null', /object/],
    ['[]', /object/],
    ['"secret-value"', /object/],
    [{}, /actionType/],
    [{ ...request, actionType: 7 }, /actionType/],
    [{ ...request, actionType: 'secret-value' }, /actionType/],
    [{ ...request, event: undefined }, /event/],
    [{ ...request, event: { ...request.event, tenant: 'secret-value' } }, /event\.tenant/],
    [{ ...request, allowedOperations: [{ op: 'secret-value' }] }, /allowedOperations\.0\.op/],
  ] as const) {
    const { status, answer } = await decide(() => allow(), {}, body)
    assert.equal(status, 400)
    assert.equal(answer.actionStatus, 'ERROR')
    assert.match(answer.errorDescription ?? '', what)
    assert.doesNotMatch(answer.errorDescription ?? '', /secret-value/)
    for (const platform of Object.values(platforms)) assert.ok(acceptedBy(platform, answer))
  }
})

test('fields of a later revision are accepted', async () => {
  const event = { ...request.event, weather: 'fine', tenant: { ...request.event.tenant, region: 'eu' } }
  assert.equal((await decide(() => allow(), {}, { ...request, event, extra: 1 })).status, 200)
})

test("a newer version than the contract's and a missing version are distinguished", async () => {
  const status = async (version: string) =>
    (await decide(() => allow(), {}, request, { 'x-wso2-api-version': version })).status
  assert.equal(await status('v1'), 200)
  assert.equal(await status('v1.3'), 200)
  assert.equal(await status('v2'), 400)
  assert.equal(await status('latest'), 400)
})

const ask = (init: RequestInit & { duplex?: 'half' }, options: Partial<ExtensionOptions> = {}) =>
  defineExtension({ preIssueAccessToken: () => allow() }, { caller: { type: 'none' }, ...options }).fetch(
    new Request('http://extension.test/', init),
  )

test('only POST is answered', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const response = await ask({ method })
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), 'POST')
    assert.equal(((await response.json()) as ActionResponse).actionStatus, 'ERROR')
  }
})

test('only JSON is accepted', async () => {
  const body = JSON.stringify(request)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
    assert.equal((await ask({ method: 'POST', headers: { 'content-type': type }, body })).status, 415)
  }
  for (const type of ['application/json', 'Application/JSON', 'application/json; charset=utf-8']) {
    assert.equal((await ask({ method: 'POST', headers: { 'content-type': type }, body })).status, 200)
  }
})

test('a body above the limit is rejected by its declared size, or by counting if none is declared', async () => {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(request)
  const size = Buffer.byteLength(body)
  assert.equal((await ask({ method: 'POST', headers, body }, { maxBodyBytes: size })).status, 200)
  const declared = await ask({ method: 'POST', headers: { ...headers, 'content-length': '9000000000' }, body: '{}' })
  assert.equal(declared.status, 413)
  let pulled = 0
  const endless = new ReadableStream({
    pull(controller) {
      pulled++
      controller.enqueue(new Uint8Array(1024).fill(32))
    },
  })
  const counted = await ask({ method: 'POST', headers, body: endless, duplex: 'half' }, { maxBodyBytes: 4096 })
  assert.equal(counted.status, 413)
  assert.ok(pulled < 20, 'reading stops at the limit')
})

test('characters split over chunks are read', async () => {
  const bytes = new TextEncoder().encode(
    JSON.stringify(sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { tenant: { name: 'Zürich 日本' } } })),
  )
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
  let name: string | undefined
  const extension = defineExtension(
    {
      preIssueAccessToken(event) {
        name = event.tenant.name
        return allow()
      },
    },
    { caller: { type: 'none' } },
  )
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
  assert.equal((await extension.fetch(new Request('http://extension.test/', init as RequestInit))).status, 200)
  assert.equal(name, 'Zürich 日本')
})
