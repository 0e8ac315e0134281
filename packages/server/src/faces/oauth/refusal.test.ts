import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { EndpointAuthentication } from '@preflow/contract'
import { createLog } from '../../ground/observe/log.ts'
import { updateAction } from '../../ground/store/actions.ts'
import { listCalls } from '../../ground/store/calls.ts'
import type { Action, Application } from '../../ground/store/model.ts'
import { type Answer, type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let extension: Extension
let action: Action
let m2m: Application

before(async () => {
  world = await startWorld({ actionReadTimeoutMs: 300, breaksCircuits: false })
  extension = await startExtension()
  action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
  m2m = await world.addApplication()
})
after(async () => {
  await extension.close()
  await world.close()
})
beforeEach(() => {
  extension.calls.length = 0
})

const ask = () => world.token(m2m, { grant_type: 'client_credentials' })
const failed = (failureReason?: string, failureDescription?: string): Answer => ({
  body: { actionStatus: 'FAILED', failureReason, failureDescription },
})
const ERROR = { actionStatus: 'ERROR', errorMessage: 'broken', errorDescription: 'The store is away.' }

describe('the client’s error', () => {
  test('T202, E158: FAILED returns the extension’s reason and description', async () => {
    extension.answer(() => failed('policy deny', 'Not today'))
    const { status, headers, body } = await ask()
    assert.equal(status, 400)
    assert.equal(body.error, 'policy deny')
    assert.equal(body.error_description, 'Not today')
    assert.match(headers.get('cache-control') ?? '', /no-store/)
  })

  test('T211: FAILED without a description returns only the reason', async () => {
    extension.answer(() => failed('access_denied'))
    const { status, body } = await ask()
    assert.equal(status, 400)
    assert.deepEqual([body.error, body.error_description, body.access_token], ['access_denied', undefined, undefined])
  })

  test('T210: invalid_client is 401 with a challenge', async () => {
    extension.answer(() => failed('invalid_client', 'Unknown device'))
    const { status, headers, body } = await ask()
    assert.equal(status, 401)
    assert.match(headers.get('www-authenticate') ?? '', /^Basic /)
    assert.deepEqual([body.error, body.error_description], ['invalid_client', 'Unknown device'])
  })

  const faults: [row: string, answer: Answer, calls: number][] = [
    ['T203, E159: HTTP 500 with ERROR', { status: 500, body: ERROR }, 1],
    ['T204: HTTP 400 with ERROR', { status: 400, body: ERROR }, 1],
    ['T205, E160: HTTP 401 with text', { status: 401, type: 'text/plain', body: 'Unauthorized' }, 1],
    [
      'T206, E161: INCOMPLETE',
      { body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://x.test' }] } },
      1,
    ],
    ['T207: FAILED without a reason', failed(), 1],
    ['T208: FAILED with a comma in the description', failed('access_denied', 'a, b'), 1],
    ['T209: FAILED with a reason that means a server error', failed('Internal_Server_Error', 'x'), 1],
    ['T213: HTTP 200 with ERROR', { body: ERROR }, 1],
    ['T214: HTTP 200 with HTML', { type: 'text/html', body: '<p>hello' }, 1],
    ['T215: HTTP 404', { status: 404, body: {} }, 1],
    ['T217: HTTP 503 twice', { status: 503, body: {} }, 2],
    ['T225: an unknown operation', { body: { actionStatus: 'SUCCESS', operations: [{ op: 'copy', path: '/x' }] } }, 1],
  ]
  for (const [row, answer, calls] of faults) {
    test(`${row}: server_error without details, after ${calls} call(s)`, async () => {
      extension.answer(() => answer)
      const { status, body } = await ask()
      assert.equal(status, 500)
      assert.equal(body.error, 'server_error')
      assert.equal(body.error_description, 'Internal Server Error.')
      assert.equal(extension.calls.length, calls)
    })
  }

  test('T216: 503 followed by SUCCESS is a success after two calls', async () => {
    extension.answer(() =>
      extension.calls.length === 1 ? { status: 503, body: {} } : { body: { actionStatus: 'SUCCESS', operations: [] } },
    )
    assert.equal((await ask()).status, 200)
    assert.equal(extension.calls.length, 2)
  })

  test('T218: an extension that does not answer costs one deadline per attempt', async () => {
    const held: (() => void)[] = []
    extension.answer(() => new Promise(resolve => held.push(() => resolve({ body: {} }))))
    const started = performance.now()
    const { status, body } = await ask()
    for (const letGo of held) letGo()
    assert.deepEqual([status, body.error], [500, 'server_error'])
    assert.equal(extension.calls.length, 2)
    assert(performance.now() - started >= 2 * 300)
  })
})

describe('the explanation', () => {
  test('the id of the call record is in the error and in the request to the extension', async () => {
    extension.answer(() => failed('access_denied', 'Not from here.'))
    const { headers, body } = await ask()
    const [newest] = await listCalls(world.db, world.tenant.id, { limit: 1 })
    assert.equal(body.call_id, headers.get('x-preflow-call-id'))
    assert.equal(body.call_id, extension.calls[0]?.body.requestId)
    assert.equal(newest?.id, body.call_id)
    assert.deepEqual(
      [newest?.status, newest?.flowResult, newest?.clientId, newest?.grantType],
      ['failed', 'denied', m2m.clientId, 'client_credentials'],
    )
  })

  test('only the call record explains a failure', async () => {
    extension.answer(() => ({ status: 500, body: ERROR }))
    const { body } = await ask()
    assert(!JSON.stringify(body).includes('store is away'))
    const [newest] = await listCalls(world.db, world.tenant.id, { limit: 1 })
    assert.equal(newest?.id, body.call_id)
    assert.match(newest?.reason ?? '', /store is away/)
    assert.equal(newest?.flowResult, 'refused with server_error')
  })

  test('the call record explains why a rule does not match', async () => {
    const expression = { field: 'grantType', operator: 'equals' as const, value: 'password' }
    const rule = { condition: 'OR' as const, rules: [{ condition: 'AND' as const, expressions: [expression] }] }
    await updateAction(world.db, { ...action, rule })
    assert.equal((await ask()).status, 200)
    await updateAction(world.db, action)
    const [newest] = await listCalls(world.db, world.tenant.id, { limit: 1 })
    assert.equal(newest?.status, 'skipped')
    assert.match(newest?.reason ?? '', /grantType/)
  })
})

describe('the setting for a failing extension', () => {
  const choose = async (onFailure: Action['onFailure']) => {
    await updateAction(world.db, { ...action, onFailure })
    extension.answer(() => ({ status: 500, body: 'no' }))
    const answer = await ask()
    await updateAction(world.db, action)
    return answer
  }

  test('deny: the client is refused as by the extension', async () => {
    const { status, body } = await choose('deny')
    assert.deepEqual([status, body.error], [400, 'access_denied'])
  })

  test('continue: the token is issued unmodified, and the call record states it', async () => {
    assert.equal((await choose('continue')).status, 200)
    const [newest] = await listCalls(world.db, world.tenant.id, { limit: 1 })
    assert.deepEqual([newest?.status, newest?.flowResult], ['continued', 'continued unmodified'])
  })
})

describe('an extension behind OAuth', () => {
  let tokenAnswer: { status: number; type: string; body: string }
  let tokenCalls = 0
  const tokenServer = createServer((_request, response) => {
    tokenCalls++
    response.writeHead(tokenAnswer.status, { 'content-type': tokenAnswer.type }).end(tokenAnswer.body)
  })
  let tokenEndpoint: string
  before(async () => {
    await new Promise<void>(resolve => tokenServer.listen(0, '127.0.0.1', resolve))
    tokenEndpoint = `http://127.0.0.1:${(tokenServer.address() as AddressInfo).port}/token`
  })
  after(() => {
    tokenServer.closeAllConnections()
    tokenServer.close()
  })
  const secured = (authentication: EndpointAuthentication) =>
    updateAction(world.db, { ...action, endpoint: { ...action.endpoint, authentication } })

  const failures: [what: string, answer: typeof tokenAnswer][] = [
    ['401', { status: 401, type: 'application/json', body: '{"error":"invalid_client"}' }],
    ['500', { status: 500, type: 'text/plain', body: 'no' }],
    ['no JSON', { status: 200, type: 'text/plain', body: 'token' }],
    ['no access_token', { status: 200, type: 'application/json', body: '{"token_type":"Bearer"}' }],
  ]
  for (const [index, [what, answer]] of failures.entries()) {
    test(`T222: the token endpoint answers ${what}: server_error, and the extension is not called`, async () => {
      tokenAnswer = answer
      tokenCalls = 0
      await secured({
        type: 'CLIENT_CREDENTIAL',
        properties: { clientId: `preflow-${index}`, clientSecret: 's', tokenEndpoint },
      })
      const { status, body } = await ask()
      await updateAction(world.db, action)
      assert.deepEqual([status, body.error, extension.calls.length], [500, 'server_error', 0])
      assert(tokenCalls >= 1)
    })
  }

  test('T223: with user name and password a token is requested and sent', async () => {
    tokenAnswer = { status: 200, type: 'application/json', body: '{"access_token":"tok-1","token_type":"Bearer"}' }
    extension.succeed()
    await secured({
      type: 'PASSWORD_CREDENTIAL',
      properties: { clientId: 'preflow', clientSecret: 's', tokenEndpoint, username: 'u', password: 'p' },
    })
    const { status } = await ask()
    await updateAction(world.db, action)
    assert.equal(status, 200)
    assert.equal(extension.calls[0]?.headers.authorization, 'Bearer tok-1')
  })
})

test('an extension that does not answer is not called again, and the client is answered at once', async () => {
  const guarded = await startWorld()
  try {
    await guarded.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    const application = await guarded.addApplication()
    extension.answer(() => ({ status: 503, body: '' }))
    for (let round = 0; round < 20; round++) await guarded.token(application, { grant_type: 'client_credentials' })
    assert(extension.calls.length < 40)
    const [newest] = await listCalls(guarded.db, guarded.tenant.id, { limit: 1 })
    assert.match(newest?.reason ?? '', /is not called for a while/)
  } finally {
    await guarded.close()
  }
})

describe('break-glass', () => {
  test('T18: a disabled type is not called, even if an action is active', async () => {
    const calm = await startWorld({ disabledActions: ['PRE_ISSUE_ACCESS_TOKEN'] })
    try {
      await calm.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
      extension.answer(() => failed('access_denied', 'No.'))
      const application = await calm.addApplication()
      const { status } = await calm.token(application, { grant_type: 'client_credentials' })
      assert.deepEqual([status, extension.calls.length], [200, 0])
    } finally {
      await calm.close()
    }
  })
})

describe('the log', () => {
  const lines: Record<string, unknown>[] = []
  let logged: World
  let application: Application
  before(async () => {
    logged = await startWorld({}, createLog('info', { write: line => void lines.push(JSON.parse(line)) }))
    await logged.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    application = await logged.addApplication()
  })
  after(() => logged.close())
  beforeEach(() => {
    lines.length = 0
  })
  const [INFO, WARN] = [30, 40]
  /** Lines that are not security events. */
  const others = () => lines.filter(({ securityEvent }) => securityEvent === undefined)

  test('an ERROR leaves one log line with the id of the call, without the extension’s message', async () => {
    extension.answer(() => ({ status: 500, body: ERROR }))
    const { body } = await logged.token(application, { grant_type: 'client_credentials' })
    assert.deepEqual(
      others().map(({ level, callId, msg }) => ({ level, callId, msg })),
      [
        {
          level: WARN,
          callId: body.call_id,
          msg: 'action call: The extension answered ERROR. The call record has its message.',
        },
      ],
    )
  })

  test('a log line has the reason of a refusal; the description is only in the call record', async () => {
    extension.answer(() => failed('access_denied', 'Not for Mira Example'))
    await logged.token(application, { grant_type: 'client_credentials' })
    assert.deepEqual(
      others().map(({ level, msg }) => ({ level, msg })),
      [{ level: INFO, msg: 'action call: FAILED: access_denied.' }],
    )
  })
})
