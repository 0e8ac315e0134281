import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { type ActionResponse, platforms } from '@preflow/contract'
import { buildCorpus } from '@preflow/corpus'
import type { DecisionRecord } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import { type OpenService, readService } from '@preflow/extension/service'
import { call, sampleRequest } from '@preflow/extension/testing'
import { CompactEncrypt, exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { type RangeStandIn, startRangeStandIn } from './range-stand-in.ts'
import { passwordGuard } from './service.ts'

const folder = await mkdtemp(join(tmpdir(), 'password-guard-'))
after(() => rm(folder, { recursive: true }))

const key = 'a-key-of-the-platform'
const headers = { 'x-api-key': key, 'x-wso2-api-version': 'v2' }
const good = 'Blue-Heron_42!'
const breached = 'Tr0ub4dor&3'

const plain = (value: unknown) => ({ type: 'PASSWORD', format: 'PLAIN_TEXT', value }) as never
const hashed = (text: string) =>
  ({
    type: 'PASSWORD',
    format: 'HASH',
    value: hash('sha256', text, 'base64'),
    additionalData: { algorithm: 'SHA256' },
  }) as never

/** A guard as it is deployed, with a stand-in for the range API, and its log. */
async function open(
  context: TestContext,
  file: Record<string, unknown> = {},
): Promise<{ guard: OpenService; standIn: RangeStandIn; log: DecisionRecord[] }> {
  const standIn = await startRangeStandIn({ passwords: { [breached]: 5 } })
  context.after(() => standIn.close())
  const read = readService(passwordGuard, {
    environment: { PASSWORD_GUARD_CALLER: 'api-key', PASSWORD_GUARD_CALLER_SECRETS: key },
    file: { rangeApiUrl: standIn.url, ...file },
  })
  assert.ok(read.ok, JSON.stringify(read))
  const log: DecisionRecord[] = []
  const guard = await passwordGuard.open(read.configuration, { log: record => log.push(record) })
  context.after(() => guard.close?.())
  return { guard, standIn, log }
}

async function decide(guard: OpenService, updatingCredential: never, more = {}): Promise<[number, ActionResponse]> {
  const event = { user: { updatingCredential }, ...more }
  const { status, answer } = await call(guard.extension, sampleRequest('PRE_UPDATE_PASSWORD', { event }), { headers })
  return [status, answer]
}

const fine: [number, ActionResponse] = [200, { actionStatus: 'SUCCESS' }]
const reasonOf = ([, answer]: [number, ActionResponse]) =>
  answer.actionStatus === 'FAILED'
    ? answer.failureReason
    : answer.actionStatus === 'ERROR'
      ? answer.errorMessage
      : answer.actionStatus

test('UC-01: a breached password is rejected with a reason for programs and a sentence for people', async context => {
  const { guard, standIn } = await open(context)
  assert.deepEqual(await decide(guard, plain(breached)), [
    200,
    {
      actionStatus: 'FAILED',
      failureReason: 'password_compromised',
      failureDescription: 'This password is known from data breaches and is not safe. Please choose a different one.',
    },
  ])
  assert.deepEqual(await decide(guard, plain(good)), fine)
  assert.deepEqual(
    standIn.requests.map(({ path }) => path),
    ['/range/87457', '/range/0BC7F'],
  )
})

test('versions 1 and 2 are both decided, with and without members that only newer platforms send', async context => {
  const { guard } = await open(context)
  const old = sampleRequest('PRE_UPDATE_PASSWORD', {
    requestId: undefined,
    event: {
      organization: undefined,
      user: { organization: undefined, claims: undefined, updatingCredential: plain(good) },
    },
  })
  const registration = sampleRequest('PRE_UPDATE_PASSWORD', {
    event: { action: 'REGISTER', initiatorType: 'ADMIN', user: { id: undefined, updatingCredential: plain(breached) } },
  })
  const v1 = await call(guard.extension, old, { headers: { ...headers, 'x-wso2-api-version': 'v1' } })
  assert.deepEqual([v1.status, v1.answer.actionStatus], [200, 'SUCCESS'])
  const v2 = await call(guard.extension, registration, { headers })
  assert.deepEqual([v2.status, v2.answer.actionStatus], [200, 'FAILED'])
  const v3 = await call(guard.extension, old, { headers: { ...headers, 'x-wso2-api-version': 'v3' } })
  assert.deepEqual([v3.status, v3.answer.actionStatus], [400, 'ERROR'])
})

test('PC-10: an organization, claims in any order and unknown fields make no difference', async context => {
  const { guard } = await open(context)
  const claims = [
    { uri: 'http://wso2.org/claims/department', value: ['Geology'] },
    { uri: 'http://wso2.org/claims/emailaddress', value: 'blue@heron.example' },
  ]
  for (const order of [claims, claims.toReversed()]) {
    const event = {
      user: { claims: order, updatingCredential: plain(good), sharedUserId: 'x' },
      extra: { a: 1 },
    } as never
    const { answer } = await call(guard.extension, sampleRequest('PRE_UPDATE_PASSWORD', { event }), { headers })
    assert.equal(reasonOf([200, answer]), 'password_contains_personal_data')
  }
})

test('UC-04: a hashed password is compared with SHA-256 digests; without any, the result is an error and never SUCCESS', async context => {
  const source = join(folder, 'company.txt')
  await writeFile(source, good)
  await buildCorpus({ source, out: `${source}.corpus`, digest: 'sha256' })
  const bare = await open(context, { rulesNotCheckable: 'allow' })
  assert.deepEqual(
    [(await decide(bare.guard, hashed(good)))[0], reasonOf(await decide(bare.guard, hashed(good)))],
    [400, 'password_not_checkable'],
  )
  assert.equal(reasonOf(await decide(bare.guard, hashed('dragon'))), 'password_compromised')
  assert.equal(bare.standIn.requests.length, 0)
  const { guard } = await open(context, { rulesNotCheckable: 'allow', corpora: [`${source}.corpus`] })
  assert.equal(reasonOf(await decide(guard, hashed(good))), 'password_compromised')
  assert.deepEqual(await decide(guard, hashed('Other-Heron_42!')), fine)
  const strict = await open(context, { corpora: [`${source}.corpus`] })
  assert.deepEqual(
    [(await decide(strict.guard, hashed(good)))[0], reasonOf(await decide(strict.guard, hashed(good)))],
    [400, 'password_not_checkable'],
  )
})

test('UC-05: encrypted passwords are read in both forms, with the old and the new key, and rejected with another key', async context => {
  const [current, previous, stranger] = await Promise.all(
    Array.from({ length: 3 }, () => generateKeyPair('RSA-OAEP-256', { extractable: true })),
  )
  assert.ok(current && previous && stranger)
  const keyFile = join(folder, 'guard.key')
  await writeFile(keyFile, await exportPKCS8(current.privateKey))
  const { guard, log } = await open(context, {
    decryptionKey: keyFile,
    previousDecryptionKey: JSON.stringify(await exportJWK(previous.privateKey)),
  })
  const encrypt = async (value: unknown, { publicKey }: typeof current) =>
    (await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(plain(value))))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
      .encrypt(publicKey)) as never
  for (const pair of [current, previous]) {
    for (const form of [(text: string) => text, (text: string) => [...text]]) {
      assert.deepEqual(await decide(guard, await encrypt(form(good), pair)), fine)
      assert.equal(reasonOf(await decide(guard, await encrypt(form(breached), pair))), 'password_compromised')
    }
  }
  const [status, answer] = await decide(guard, await encrypt(good, stranger))
  assert.deepEqual([status, reasonOf([status, answer])], [500, 'credential_not_decryptable'])
  assert.match(log.at(-1)?.why ?? '', /credential not_decryptable/)
  const keyless = await open(context)
  assert.deepEqual(reasonOf(await decide(keyless.guard, await encrypt(good, current))), 'credential_no_key')
})

test('UC-08: without the key of the platform nothing is decided, so outsiders cannot check passwords', async context => {
  const { guard, standIn } = await open(context)
  for (const wrong of [{}, { 'x-api-key': 'a-key-of-nobody' }, { authorization: `Bearer ${key}` }] as Record<
    string,
    string
  >[]) {
    const { status, answer } = await call(guard.extension, sampleRequest('PRE_UPDATE_PASSWORD'), { headers: wrong })
    assert.deepEqual([status, answer.actionStatus], [401, 'ERROR'])
  }
  assert.equal(standIn.requests.length, 0)
})

test('after every failure the answer is a valid ERROR with errorMessage on 400 or 500', async context => {
  const { guard, standIn } = await open(context, { whenUnavailable: 'error', rangeApiTimeoutMs: 150 })
  for (const fault of ['garbage', 'truncated', 'cut', 'empty', 'hangup', 'slow', 302, 500, 503, 429] as const) {
    standIn.setFault(fault)
    const [status, answer] = await decide(guard, plain(good))
    assert.equal(status, 500)
    assert.ok(answer.actionStatus === 'ERROR' && answer.errorMessage === 'check_unavailable' && answer.errorDescription)
  }
})

test('UC-06: if the service hangs, the setting decides well before the platform times out', async context => {
  for (const [whenUnavailable, actionStatus] of [
    ['allow', 'SUCCESS'],
    ['deny', 'FAILED'],
    ['error', 'ERROR'],
  ] as const) {
    const { guard, standIn } = await open(context, { whenUnavailable, rangeApiTimeoutMs: 200 })
    for (const fault of ['slow', 'drip'] as const) {
      standIn.setFault(fault)
      const startedAt = performance.now()
      const [, answer] = await decide(guard, plain(good))
      assert.equal(answer.actionStatus, actionStatus)
      assert.ok(performance.now() - startedAt < 2500)
    }
  }
})

test('the policy keeps within the remaining budget, even if the range API may take longer', async context => {
  const { guard, standIn } = await open(context, { budgetMs: 400, rangeApiTimeoutMs: 399, whenUnavailable: 'allow' })
  standIn.setFault('slow')
  // The policy itself keeps the budget. The end of the budget would be an ERROR.
  assert.deepEqual(await decide(guard, plain(good)), fine)
})

test('UC-10: a request that is not a password update is rejected before any check', async context => {
  const { guard, standIn } = await open(context, { maxBodyBytes: 2048 })
  const sample = sampleRequest('PRE_UPDATE_PASSWORD')
  const cases: [unknown, number][] = [
    ['{"actionType":', 400],
    ['null', 400],
    [{ ...sample, actionType: 'PRE_UPDATE_PROFILE' }, 400],
    [{ ...sample, actionType: 'NONSENSE' }, 400],
    [{ actionType: 'PRE_UPDATE_PASSWORD' }, 400],
    [{ ...sample, event: { ...sample.event, user: {} } }, 400],
    [
      {
        ...sample,
        event: { ...sample.event, user: { updatingCredential: { ...(plain(good) as object), format: 'ROT13' } } },
      },
      400,
    ],
    [{ ...sample, event: { ...sample.event, user: { updatingCredential: 'not.a.jwe' } } }, 400],
    [{ ...sample, padding: 'x'.repeat(3000) }, 413],
  ]
  for (const [request, status] of cases) {
    const result = await call(guard.extension, request, { headers })
    assert.deepEqual([result.status, result.answer.actionStatus], [status, 'ERROR'])
  }
  assert.equal(standIn.requests.length, 0)
})

test('UC-07: a hundred concurrent decisions about one password send one request to the service', async context => {
  const { guard, standIn } = await open(context)
  const decisions = await Promise.all(Array.from({ length: 100 }, () => decide(guard, plain(breached))))
  assert.ok(decisions.every(decision => reasonOf(decision) === 'password_compromised'))
  assert.equal(standIn.requests.length, 1)
})

test("UC-09: a password with the local part of the user's own address is rejected", async context => {
  const { guard, standIn } = await open(context)
  const claims = [{ uri: 'http://wso2.org/claims/emailaddress', value: 'ines.diver@heron.example' }]
  const event = { user: { claims, updatingCredential: plain('Ines.Diver-2026') } }
  const { answer } = await call(guard.extension, sampleRequest('PRE_UPDATE_PASSWORD', { event }), { headers })
  assert.equal(reasonOf([200, answer]), 'password_contains_personal_data')
  assert.equal(standIn.requests.length, 0)
})

test('offline: a file and a filter of one corpus decide the same without network requests', async context => {
  const source = join(folder, 'corpus.txt')
  await writeFile(source, [breached, 'another-one'].map(text => `${hash('sha1', text).toUpperCase()}:7`).join('\r\n'))
  for (const kind of ['file', 'filter'] as const) {
    const out = `${source}.${kind}`
    await buildCorpus({ source, out, kind })
    const { guard, standIn } = await open(context, { corpora: [out], asksRangeApi: false })
    assert.equal(reasonOf(await decide(guard, plain(breached))), 'password_compromised')
    assert.deepEqual(await decide(guard, plain(good)), fine)
    assert.equal(standIn.requests.length, 0)
  }
})

test('every platform accepts every string of an answer', async context => {
  const { guard, standIn, log } = await open(context, { forbiddenWords: ['heron'], rangeApiTimeoutMs: 100 })
  const lenient = await open(context, {
    rulesNotCheckable: 'deny',
    whenNotCheckable: 'deny',
    maxLength: 20,
    rangeApiTimeoutMs: 100,
  })
  lenient.standIn.setFault('slow')
  standIn.setFault(500)
  const answers = [
    await decide(guard, plain('short')),
    await decide(guard, plain('x'.repeat(300))),
    await decide(guard, plain('mira-is-here-7')),
    await decide(guard, plain('my-heron-2026')),
    await decide(guard, plain(breached)),
    await decide(guard, hashed(good)),
    await decide(guard, 'a.b.c.d.e' as never),
    await decide(guard, 'garbage' as never),
    await decide(lenient.guard, hashed(good)),
    await decide(lenient.guard, plain(good)),
    await decide(lenient.guard, plain('dragon-is-no-good-password')),
  ]
  const reasons = new Set<string>()
  for (const [, answer] of answers) {
    assert.ok(answer.actionStatus === 'FAILED' || answer.actionStatus === 'ERROR')
    const [reason, description = ''] =
      answer.actionStatus === 'FAILED'
        ? [answer.failureReason, answer.failureDescription]
        : [answer.errorMessage, answer.errorDescription]
    reasons.add(reason)
    for (const { text } of Object.values(platforms)) {
      assert.ok(text.alphabet.test(reason) && reason.length <= text.maxReason)
      assert.ok(text.alphabet.test(description) && description.length > 0 && description.length <= text.maxDescription)
    }
  }
  assert.ok(reasons.size >= 8)
  assert.ok([...log, ...lenient.log].every(({ reports }) => reports.length === 0))
})

test('PR-12: an ERROR is sent over a socket with 500 and a body, so the platform does not retry', async context => {
  const { guard, standIn } = await open(context, { whenUnavailable: 'error', rangeApiTimeoutMs: 150 })
  standIn.setFault(500)
  const server = await serve(guard.extension, { log: false })
  context.after(() => server.close())
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(
      sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential: plain(good) } } }),
    ),
  })
  assert.equal(response.status, 500)
  assert.equal(((await response.json()) as ActionResponse).actionStatus, 'ERROR')
})
