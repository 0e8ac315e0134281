import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProfileEvent, present } from '@preflow/contract'
import type { DecisionRecord } from '@preflow/extension'
import { lambdaHandler } from '@preflow/extension/lambda'
import { readService } from '@preflow/extension/service'
import { call, sampleRequest } from '@preflow/extension/testing'
import type { Configuration } from './configuration.ts'
import type { Directory, DirectoryAnswer } from './directory.ts'
import type { OutboxMessage } from './outbox.ts'
import { createProfileGuard, type ProfileGuardPorts } from './profile-guard.ts'
import { profileGuard } from './service.ts'

const DEPARTMENT = 'http://wso2.org/claims/department'
const EMAIL = 'http://wso2.org/claims/emailaddress'
const MOBILES = 'http://wso2.org/claims/mobileNumbers'
const NICKNAME = 'http://wso2.org/claims/nickname'
type Values = Record<string, string | string[]>

const key = 'k'.repeat(20)
function configuration(settings: object = {}): Configuration {
  const read = readService(profileGuard, {
    environment: {},
    file: {
      caller: 'api-key',
      callerSecrets: [key],
      alertTo: ['security@heron.example'],
      alertFrom: 'alerts@heron.example',
      smtpHost: '127.0.0.1',
      ...settings,
    },
  })
  assert.ok(read.ok, JSON.stringify(read))
  return read.configuration
}

function update(requested: Values, stored: Values = {}, more: { requestId?: string; user?: object } = {}): unknown {
  const claims = Object.entries(stored).map(([uri, value]) => {
    const updatingValue = requested[uri]
    return { uri, value, ...present({ updatingValue }) }
  })
  const sample = sampleRequest('PRE_UPDATE_PROFILE')
  return {
    ...sample,
    ...present({ requestId: more.requestId }),
    event: {
      ...sample.event,
      request: { claims: Object.entries(requested).map(([uri, value]) => ({ uri, value })) },
      user: { ...sample.event.user, claims, ...more.user },
    } satisfies ProfileEvent,
  }
}

/** A guard with its outbox and log. `answer` is the result of the directory. */
function guardOf(settings: object = {}, ports: ProfileGuardPorts & { answer?: DirectoryAnswer } = {}) {
  const kept: OutboxMessage[] = []
  const records: DecisionRecord[] = []
  const asked: { values: readonly string[]; userId: string | undefined; remainingMs: number }[] = []
  const woken = { times: 0 }
  const directory: Directory = {
    knows: async (values, userId, { remainingMs }) => {
      asked.push({ values, userId, remainingMs })
      return ports.answer ?? 'known'
    },
  }
  const extension = createProfileGuard(configuration(settings), {
    directory,
    alerts: {
      add: async messages => {
        kept.push(...messages)
        return messages.length
      },
      wake: () => {
        woken.times += 1
      },
    },
    log: record => records.push(record),
    ...ports,
  })
  const send = (request: unknown) => call(extension, request, { headers: { 'x-api-key': key } })
  return { send, kept, records, asked, woken, extension }
}

const success = { status: 200, answer: { actionStatus: 'SUCCESS' } }
const outcomeOf = ({ status, answer }: Awaited<ReturnType<typeof call>>) => ({ status, answer })
const rules = [{ claim: DEPARTMENT, values: ['Engineering', 'HR'], mayBeRemoved: false }]

test('an update that meets the rules is allowed, and the decision is logged without a value', async () => {
  const { send, records, kept } = guardOf({ rules })
  assert.deepEqual(outcomeOf(await send(update({ [DEPARTMENT]: 'engineering' }, { [DEPARTMENT]: 'HR' }))), success)
  assert.deepEqual(kept, [], 'the department is not watched by default')
  assert.equal(records[0]?.why, 'profile rules: kept; directory: not called')
})

test('UC-12: a value outside the rules is rejected, in a list too, and so is a removal', async () => {
  const { send } = guardOf({ rules })
  const refused = async (value: string | string[]) =>
    outcomeOf(await send(update({ [DEPARTMENT]: value }, { [DEPARTMENT]: 'HR' })))
  const notAllowed = {
    status: 200,
    answer: {
      actionStatus: 'FAILED',
      failureReason: 'attribute_value_not_allowed',
      failureDescription: 'The value of department is not one of the allowed values.',
    },
  }
  assert.deepEqual(await refused('Fraud'), notAllowed)
  assert.deepEqual(await refused(['HR', 'Fraud']), notAllowed)
  assert.deepEqual(await refused(['hr', 'ENGINEERING']), success)
  for (const removed of ['', []]) {
    const { answer } = await send(update({ [DEPARTMENT]: removed }, { [DEPARTMENT]: 'HR' }))
    assert.equal(answer.actionStatus === 'FAILED' && answer.failureReason, 'attribute_not_removable')
  }
})

test('UC-11: the rule applies to a removed department, and the alert is stored', async () => {
  const { send, kept } = guardOf({ rules, watchedClaims: [DEPARTMENT] })
  const { answer } = await send(update({ [DEPARTMENT]: '' }, { [DEPARTMENT]: 'HR' }))
  assert.equal(answer.actionStatus, 'FAILED')
  assert.equal(kept.length, 1)
  assert.deepEqual(JSON.parse(kept[0]?.content ?? '').outcome, 'refused')
})

test('the lists of addresses and numbers are watched by default', async () => {
  const { send, kept } = guardOf()
  await send(update({ [MOBILES]: ['+4670000001', '+4670000002'] }, { [MOBILES]: ['+4670000001'] }))
  assert.equal(kept.length, 1)
})

test('UC-16: the previous address gets an alert about a new one', async () => {
  const { send, kept, woken } = guardOf()
  await send(update({ [EMAIL]: 'new@heron.example' }, { [EMAIL]: 'ines@heron.example' }))
  assert.deepEqual(
    kept.map(({ recipient }) => recipient),
    ['security@heron.example', 'ines@heron.example'],
  )
  assert.equal(woken.times, 1)
})

test('an address whose previous value is not shared with the action is noted in the log', async () => {
  const { send, records } = guardOf()
  await send(update({ [EMAIL]: 'new@heron.example' }))
  assert.deepEqual(records[0]?.facts, { previousAddress: 'unknown', alerts: 1, repeated: 0 })
})

test('the answer waits until the alert is stored, and not until it is sent', async () => {
  const order: string[] = []
  const isAsked = Promise.withResolvers<void>()
  const isKept = Promise.withResolvers<number>()
  const { send } = guardOf(
    {},
    {
      alerts: {
        add: () => {
          order.push('asked to store')
          isAsked.resolve()
          return isKept.promise
        },
        wake: () => void order.push('woken'),
      },
    },
  )
  const answered = send(update({ [EMAIL]: 'new@heron.example' })).then(() => order.push('answered'))
  await isAsked.promise
  order.push('kept')
  isKept.resolve(1)
  await answered
  assert.deepEqual(order, ['asked to store', 'kept', 'woken', 'answered'])
})

test('if an alert cannot be stored, a setting decides, but a refusal stays a refusal', async () => {
  const broken = {
    alerts: {
      add: async () => {
        throw Object.assign(new Error('ines@heron.example could not be written'), { code: 'ECONNREFUSED' })
      },
      wake: () => assert.fail('nothing was added'),
    },
  }
  const change = update({ [EMAIL]: 'new@heron.example' }, { [EMAIL]: 'ines@heron.example' })
  const decisions: Record<string, object> = {}
  for (const outboxUnavailable of ['error', 'deny', 'allow']) {
    const { send, records } = guardOf({ outboxUnavailable }, broken)
    const { status, answer } = await send(change)
    decisions[outboxUnavailable] = [status, answer.actionStatus]
    assert.equal(records[0]?.facts?.['outbox'], 'ECONNREFUSED')
    assert.doesNotMatch(JSON.stringify(records), /@/)
  }
  assert.deepEqual(decisions, { error: [500, 'ERROR'], deny: [200, 'FAILED'], allow: [200, 'SUCCESS'] })
  const refusing = guardOf({ outboxUnavailable: 'allow', rules: [{ claim: EMAIL, mayChange: false }] }, broken)
  assert.equal((await refusing.send(change)).answer.actionStatus, 'FAILED')
})

test('if the outbox hangs, the same setting decides, within the budget', async () => {
  const { send, records } = guardOf(
    { budgetMs: 300, directoryTimeoutMs: 100 },
    { alerts: { add: () => new Promise(() => undefined), wake: () => undefined } },
  )
  assert.equal((await send(update({ [EMAIL]: 'new@heron.example' }))).status, 500)
  assert.equal(records[0]?.facts?.['outbox'], 'timeout')
})

test('values are looked up in the directory, with the user, and never for a removal', async () => {
  const lookUp = { directoryUrl: 'https://directory.example/{value}', directoryClaims: [DEPARTMENT] }
  const { send, asked } = guardOf(lookUp)
  assert.deepEqual(
    outcomeOf(await send(update({ [DEPARTMENT]: ['HR', 'Sales'], [NICKNAME]: 'x' }, {}, { user: { id: 'u1' } }))),
    success,
  )
  assert.deepEqual([asked[0]?.values, asked[0]?.userId], [['HR', 'Sales'], 'u1'])
  assert.ok((asked[0]?.remainingMs ?? 0) > 1500 && (asked[0]?.remainingMs ?? 0) <= 2240)
  assert.deepEqual(outcomeOf(await send(update({ [DEPARTMENT]: '' }, { [DEPARTMENT]: 'HR' }))), success)
  assert.equal(asked.length, 1)
  const strange = await guardOf(lookUp, { answer: 'unknown' }).send(update({ [DEPARTMENT]: 'Fraud' }))
  assert.deepEqual(strange.answer, {
    actionStatus: 'FAILED',
    failureReason: 'attribute_value_unknown',
    failureDescription: 'The value of department is not in the directory.',
  })
})

test('the directory is not called about values that the rules reject', async () => {
  const { send, asked } = guardOf({
    rules,
    directoryUrl: 'https://directory.example/{value}',
    directoryClaims: [DEPARTMENT],
  })
  await send(update({ [DEPARTMENT]: 'Fraud' }))
  assert.equal(asked.length, 0)
})

test('PF-22: if the directory is unavailable, a setting decides; by default the result is an error and nothing is stored', async () => {
  const decisions: Record<string, object> = {}
  for (const directoryUnavailable of ['error', 'deny', 'allow']) {
    const { send } = guardOf(
      { directoryUrl: 'https://directory.example/{value}', directoryClaims: [DEPARTMENT], directoryUnavailable },
      { answer: 'unavailable' },
    )
    const { status, answer } = await send(update({ [DEPARTMENT]: 'HR' }))
    decisions[directoryUnavailable] = [status, answer.actionStatus]
  }
  assert.deepEqual(decisions, { error: [500, 'ERROR'], deny: [200, 'FAILED'], allow: [200, 'SUCCESS'] })
  assert.equal(configuration().directoryUnavailable, 'error')
})

test('PF-14: a rule and an alert work for attributes that the action does not receive', async () => {
  const { send, kept } = guardOf({ rules, watchedClaims: [DEPARTMENT] })
  const { answer } = await send(update({ [DEPARTMENT]: 'Fraud' }))
  assert.equal(answer.actionStatus, 'FAILED')
  assert.equal(kept.length, 1)
})

test('PF-16, PF-24: an event with groups and without claims, flow and operations is valid', async () => {
  const sample = sampleRequest('PRE_UPDATE_PROFILE')
  const { claims: _claims, ...user } = sample.event.user
  const { request: _request, ...event } = sample.event
  const bare = { actionType: 'PRE_UPDATE_PROFILE', event: { ...event, user: { ...user, groups: ['ops'] } } }
  assert.deepEqual(outcomeOf(await guardOf({ rules }).send(bare)), success)
})

test('OR-05, OR-06: a shared user, with or without an id in the parent organization, is decided the same way', async () => {
  const { send, kept } = guardOf({ rules, watchedClaims: [DEPARTMENT] })
  const sample = sampleRequest('PRE_UPDATE_PROFILE')
  const { id: _id, ...user } = sample.event.user
  const shared = {
    ...sample,
    event: {
      ...sample.event,
      request: { claims: [{ uri: DEPARTMENT, value: 'HR' }] },
      user: { ...user, sharedUserId: 's1' },
    },
  }
  assert.deepEqual(outcomeOf(await send(shared)), success)
  assert.equal(kept.length, 1)
})

test('UC-08, UC-10: a wrong key, a wrong type, invalid JSON and a huge body are errors that the platform understands', async () => {
  const { extension, send, records } = guardOf()
  const unauthorized = await call(extension, update({}), { headers: { 'x-api-key': 'wrong' } })
  assert.deepEqual([unauthorized.status, unauthorized.answer.actionStatus], [401, 'ERROR'])
  const wrongType = await send(sampleRequest('PRE_ISSUE_ACCESS_TOKEN'))
  assert.deepEqual([wrongType.status, wrongType.answer.actionStatus], [400, 'ERROR'])
  const broken = await send('{')
  assert.deepEqual([broken.status, broken.answer.actionStatus], [400, 'ERROR'])
  const huge = await send(update({ [NICKNAME]: 'x'.repeat(300_000) }))
  assert.equal(huge.answer.actionStatus, 'ERROR')
  assert.equal(records.length, 4)
})

test('UC-26: the same guard is a Lambda handler that authenticates its caller and decodes base64 bodies', async () => {
  const handler = lambdaHandler(guardOf({ rules }).extension)
  const invoke = async (headers: Record<string, string>) => {
    const { statusCode, body } = await handler({
      version: '2.0',
      requestContext: { http: { method: 'POST' } },
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(JSON.stringify(update({ [DEPARTMENT]: 'Fraud' }))).toString('base64'),
      isBase64Encoded: true,
    })
    return [statusCode, JSON.parse(body).actionStatus]
  }
  assert.deepEqual(await invoke({ 'x-api-key': key }), [200, 'FAILED'])
  assert.deepEqual(await invoke({}), [401, 'ERROR'])
})

test('no log line contains a value of a profile, for any decision', async () => {
  const secret = 'T0p-S3cret'
  const requests = [
    update({ [DEPARTMENT]: secret, [EMAIL]: `${secret}@heron.example` }, { [EMAIL]: `old-${secret}@heron.example` }),
    update({ [NICKNAME]: secret }),
    update({ [DEPARTMENT]: [secret] }, { [DEPARTMENT]: secret }),
  ]
  const lookUp = { directoryUrl: 'https://directory.example/{value}', directoryClaims: [DEPARTMENT, NICKNAME] }
  for (const answer of ['known', 'unknown', 'unavailable'] as const) {
    for (const settings of [{ rules, ...lookUp }, lookUp]) {
      const { send, records } = guardOf(settings, { answer })
      for (const request of requests) await send(request)
      assert.equal(records.length, requests.length)
      assert.doesNotMatch(JSON.stringify(records), /S3cret|heron\.example/)
    }
  }
})
