import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { actionTypes, platforms } from '@preflow/contract'
import { onEachEngine } from '@preflow/database/testing'
import { refusals } from './entry.ts'
import { createPinAuthenticator, type Log } from './index.ts'
import {
  type Answer,
  adminKey,
  apiKey,
  begin,
  createBrowser,
  defaults,
  ines,
  pin,
  type RunningAuthenticator,
  startAuthenticator,
  stepOne,
  stepTwo,
} from './platform.fixture.ts'

const wrongPin = '739204'
const otherPin = '570813'
const noor = { ...ines, id: '0c7a1d6f-0000-4000-8000-5f0e9d8c7b6a', sub: 'noor' }
const reed = { id: 'f00dcafe-1111-4222-8333-444455556666', name: 'Reed', orgHandle: 'reed.example', depth: 1 }

/** Checks that every platform accepts the strings of an answer unchanged: the SDK had nothing to fix. */
function assertWorded({ log }: RunningAuthenticator): void {
  assert.deepEqual(
    log.flatMap(line => line['reports'] ?? []),
    [],
  )
}

async function withPin(settings: Parameters<typeof startAuthenticator>[0] = {}): Promise<RunningAuthenticator> {
  const running = await startAuthenticator(settings)
  const enrolled = await running.administer('PUT', ines.id, { pin, username: 'Ines' })
  assert.equal(enrolled.status, 204)
  return running
}

/** Where the browser with the right PIN returns: there and nowhere else, with its code. */
function assertReturn(forward: string | undefined, expected: string): void {
  const [address, code, ...others] = forward?.split('&returnCode=') ?? []
  assert.deepEqual([address, others], [expected, []])
  assert.match(code ?? '', /^[\w-]{43}$/)
}

function assertFailed(answer: Answer, reason: keyof typeof refusals): void {
  assert.deepEqual(answer, { actionStatus: 'FAILED', failureReason: reason, failureDescription: refusals[reason] })
}

// The three modes, 4.1 and 4.5.

test('AU-23, UC-25: second_factor verifies the user of the earlier step and answers without data', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  assert.equal(page.status, 200)
  assert.ok(!page.html.includes('name="username"'), 'the platform has identified the user')
  assert.match(page.html, /to continue to Gauge Board/)
  const done = await browser.send(page, { pin })
  assertReturn(done.forward, `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`)
  assert.deepEqual(await running.call({ flowId }), { status: 200, answer: { actionStatus: 'SUCCESS' } })
})

test('AU-06, AU-16: internal requires the user name in the first step and returns the local user', async () => {
  await using running = await withPin({ mode: 'internal' })
  const { flowId, browser, page } = await begin(running, { event: stepOne })
  assert.equal((await browser.send(page, { username: ' INES ', pin })).status, 200)
  const { answer } = await running.call({ flowId, event: stepOne })
  assert.deepEqual(answer, { actionStatus: 'SUCCESS', data: { user: { id: ines.id, claims: [] } } })
})

test('internal returns the user store of the enrolment', async () => {
  await using running = await startAuthenticator({ mode: 'internal' })
  await running.administer('PUT', ines.id, { pin, username: 'ines', userStore: 'AGENTS' })
  const { flowId, browser, page } = await begin(running, { event: stepOne })
  await browser.send(page, { username: 'ines', pin })
  const { answer } = await running.call({ flowId, event: stepOne })
  assert.deepEqual(answer.data, { user: { id: ines.id, claims: [], userStore: { name: 'AGENTS' } } })
})

test('internal after an earlier step requires only the PIN and returns that same user in its store', async () => {
  await using running = await withPin({ mode: 'internal' })
  const { flowId, browser, page } = await begin(running)
  assert.ok(!page.html.includes('name="username"'))
  await browser.send(page, { pin })
  const { answer } = await running.call({ flowId })
  assert.deepEqual(answer.data, { user: { id: ines.id, claims: [], userStore: { name: 'PRIMARY' } } })
})

test('internal cannot follow a step with a federated user', async () => {
  await using running = await withPin({ mode: 'internal' })
  const event = { ...stepTwo, user: { ...ines, userIdentitySource: 'FEDERATED' }, userStore: {} }
  const { status, answer } = await running.call({ event })
  assert.equal(status, 400)
  assert.match(answer.errorDescription ?? '', /local user/)
  assertWorded(running)
})

test('AU-22: federated provides an external user with claims and groups', async () => {
  await using running = await startAuthenticator({ mode: 'federated' })
  const claims = [
    { uri: 'http://wso2.org/claims/givenname', value: 'Ines' },
    { uri: 'http://wso2.org/claims/mobileNumbers', value: ['+4670000001'] },
  ]
  await running.administer('PUT', 'gatehouse-7', { pin, username: 'ines', claims, groups: ['ops', 'lab'] })
  const { flowId, browser, page } = await begin(running, { event: stepOne })
  await browser.send(page, { username: 'ines', pin })
  const { answer } = await running.call({ flowId, event: stepOne })
  assert.deepEqual(answer, {
    actionStatus: 'SUCCESS',
    data: { user: { id: 'gatehouse-7', claims, groups: ['ops', 'lab'] } },
  })
})

test('federated without claims still sends a list of claims', async () => {
  await using running = await startAuthenticator({ mode: 'federated' })
  await running.administer('PUT', 'gatehouse-7', { pin, username: 'ines' })
  const { flowId, browser, page } = await begin(running, { event: stepOne })
  await browser.send(page, { username: 'ines', pin })
  const { answer } = await running.call({ flowId, event: stepOne })
  assert.deepEqual(answer.data, { user: { id: 'gatehouse-7', claims: [] } })
})

// Calls of the platform.

test('AU-04: the first call is answered with one redirect to the page', async () => {
  await using running = await withPin()
  const { status, answer } = await running.call()
  assert.equal(status, 200)
  assert.equal(answer.actionStatus, 'INCOMPLETE')
  assert.equal(answer.operations?.length, 1)
  assert.equal(answer.operations[0]?.op, 'redirect')
  assert.match(answer.operations[0]?.url ?? '', new RegExp(`^${running.url}/pin\\?handle=[\\w-]{22}$`))
})

test('AU-04: the page accepts parameters that platforms append to its URL', async () => {
  await using running = await withPin()
  const { answer } = await running.call()
  const page = await createBrowser().open(`${answer.operations?.[0]?.url}&spId=c0ffee00&flowId=x`)
  assert.ok(page.form)
})

test('UC-19, AU-07: a platform that calls again before the PIN is entered gets the same page again', async () => {
  await using running = await withPin()
  const { flowId, url, browser, page } = await begin(running)
  for (let time = 0; time < 3; time++) {
    const { answer } = await running.call({ flowId })
    assert.deepEqual(answer, { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] })
  }
  await browser.send(page, { pin })
  assert.equal((await running.call({ flowId })).answer.actionStatus, 'SUCCESS')
})

test('AU-45: a result is returned once', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  assert.equal((await running.call({ flowId, requestId: 'r2' })).answer.actionStatus, 'SUCCESS')
  assertFailed((await running.call({ flowId, requestId: 'r3' })).answer, 'flow_expired')
  assertFailed((await running.call({ flowId })).answer, 'flow_expired')
})

test('UC-21: the platform may repeat the call that got the result for ten seconds', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  const take = async () => (await running.call({ flowId, requestId: 'r2' })).answer
  assert.equal((await take()).actionStatus, 'SUCCESS')
  running.clock.now += 9_999
  assert.equal((await take()).actionStatus, 'SUCCESS')
  running.clock.now += 1
  assertFailed(await take(), 'flow_expired')
})

test('AU-45: of concurrent calls for a result, one gets it', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  const calls = Array.from({ length: 10 }, (_, at) => running.call({ flowId, requestId: `r${at}` }))
  const statuses = (await Promise.all(calls)).map(({ answer }) => answer.actionStatus)
  assert.deepEqual(statuses.toSorted(), [...Array(9).fill('FAILED'), 'SUCCESS'])
})

test('a PIN that is deleted before the platform requests the result does not sign in', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  await running.administer('DELETE', ines.id)
  assertFailed((await running.call({ flowId })).answer, 'flow_expired')
})

test('there is a time limit: five minutes for the PIN, one for the platform', async () => {
  await using running = await withPin()
  const slow = await begin(running)
  running.clock.now += 300_000
  const page = await slow.browser.send(slow.page, { pin })
  assert.match(page.html, /took too long/)
  assert.equal(page.link, `https://id.example.com/t/heron.example/commonauth?flowId=${slow.flowId}`)
  assertFailed((await running.call({ flowId: slow.flowId })).answer, 'flow_expired')

  const late = await begin(running)
  await late.browser.send(late.page, { pin })
  running.clock.now += 60_000
  assertFailed((await running.call({ flowId: late.flowId })).answer, 'flow_expired')
})

test('entries are deleted, but not before the platform has forgotten the flow as well', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  await running.call({ flowId, requestId: 'r2' })
  running.clock.now += 3_600_000
  await running.call()
  assertFailed((await running.call({ flowId })).answer, 'flow_expired')
  running.clock.now += 60_000
  await running.call()
  assert.equal(
    (await running.call({ flowId })).answer.actionStatus,
    'INCOMPLETE',
    'started again, without the old state',
  )
})

test('the PIN of one user does not vouch for another user who continues the flow', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  assertFailed((await running.call({ flowId, event: { ...stepTwo, user: noor } })).answer, 'flow_expired')
  assert.equal((await running.call({ flowId })).answer.actionStatus, 'SUCCESS', 'and that does not use it up')
})

test('a flow belongs to the tenant and organization that started it', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  const elsewhere = { ...stepTwo, tenant: { id: '9', name: 'merlin.example' } }
  assertFailed((await running.call({ flowId, event: elsewhere })).answer, 'flow_expired')
  assertFailed((await running.call({ flowId, event: { ...stepTwo, organization: reed } })).answer, 'flow_expired')
})

test('UC-23: without an organization, or with the root one, the tenant is used', async () => {
  await using running = await withPin()
  const { organization: _, ...older } = stepTwo
  for (const event of [older, { ...stepTwo, organization: { ...reed, depth: 0 } }]) {
    const { browser, page, flowId } = await begin(running, { event })
    assert.match((await browser.send(page, { pin })).forward ?? '', /\/t\/heron\.example\/commonauth\?/)
    assert.equal((await running.call({ flowId, event })).answer.actionStatus, 'SUCCESS')
  }
})

test('OR-13: a sign-in to an organization returns to the organization', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running, { event: { ...stepTwo, organization: reed } })
  const { forward } = await browser.send(page, { pin })
  assertReturn(forward, `https://id.example.com/o/${reed.id}/commonauth?flowId=${flowId}`)
})

test('UC-24, AU-25: second_factor without a user is rejected with what to do', async () => {
  await using running = await withPin()
  const { status, answer } = await running.call({ event: stepOne })
  assert.equal(status, 400)
  assert.equal(answer.actionStatus, 'ERROR')
  assert.match(answer.errorDescription ?? '', /event\.user\.id: missing; put this authenticator after a step/)
  assertWorded(running)
})

test('UC-22: a flow id with markup is rejected and repeated nowhere', async () => {
  await using running = await withPin()
  const { status, answer } = await running.call({ flowId: '"><script>alert(1)</script>' })
  assert.equal(status, 400)
  assert.equal(answer.actionStatus, 'ERROR')
  assert.ok(!JSON.stringify([answer, running.log]).includes('<script'))
  assertWorded(running)
})

test('a tenant outside the allow list gets no page', async () => {
  await using running = await withPin({ platformUrls: ['merlin.example=https://id.example.com'] })
  const { status, answer } = await running.call()
  assert.equal(status, 400)
  assert.match(answer.errorDescription ?? '', /platformUrls/)
  assertWorded(running)
})

for (const [what, event] of [
  ['tenant', { ...stepTwo, tenant: { id: '1', name: '../../evil' } }],
  ['organization', { ...stepTwo, organization: { ...reed, id: '..' } }],
] as const) {
  test(`a ${what} that would escape the return path is rejected`, async () => {
    await using running = await withPin()
    const { status, answer } = await running.call({ event })
    assert.equal(status, 400)
    assert.equal(answer.actionStatus, 'ERROR')
    assertWorded(running)
  })
}

test('UC-08: only the platform may call, and others learn nothing about a flow', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  for (const key of ['', 'wrong', `${apiKey}x`]) {
    const { status, answer } = await running.call({ flowId, key })
    assert.equal(status, 401)
    assert.equal(answer.actionStatus, 'ERROR')
  }
  assert.equal(
    (await running.call({ flowId })).answer.actionStatus,
    'SUCCESS',
    'the result is still available to the platform',
  )
})

test('UC-10: only requests of the contract are accepted', async () => {
  await using running = await withPin()
  const valid = {
    actionType: 'AUTHENTICATION',
    flowId: 'flow-0001',
    event: stepTwo,
    allowedOperations: [{ op: 'redirect' }],
  }
  const bodies = [
    { ...valid, actionType: 'PRE_UPDATE_PASSWORD' },
    { ...valid, actionType: 'AUTHENTICATE' },
    { ...valid, event: { tenant: stepTwo.tenant } },
    { ...valid, flowId: undefined },
    'text',
  ]
  for (const body of bodies) {
    const { status, answer } = await running.call({ body })
    assert.equal(status, 400, JSON.stringify(body))
    assert.equal(answer.actionStatus, 'ERROR')
  }
})

test('every platform accepts the message of every refusal', () => {
  for (const [reason, description] of Object.entries(refusals)) {
    for (const { text } of Object.values(platforms)) {
      assert.ok(text.alphabet.test(reason) && reason.length <= text.maxReason)
      assert.ok(text.alphabet.test(description) && description.length <= text.maxDescription)
    }
    assert.match(reason, /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/, 'AU-28: it becomes an OAuth error')
    assert.ok(!actionTypes.AUTHENTICATION.serverErrorReasons.includes(reason))
  }
})

// PINs and limits on attempts.

test('UC-18: two users may have the same PIN', async () => {
  await using running = await withPin({ mode: 'internal' })
  await running.administer('PUT', noor.id, { pin, username: 'noor' })
  for (const [username, id] of [
    ['ines', ines.id],
    ['noor', noor.id],
  ] as const) {
    const { flowId, browser, page } = await begin(running, { event: stepOne })
    await browser.send(page, { username, pin })
    assert.equal((await running.call({ flowId, event: stepOne })).answer.data?.user?.id, id)
  }
})

test("another user's PIN is wrong", async () => {
  await using running = await withPin()
  await running.administer('PUT', noor.id, { pin: otherPin })
  const { browser, page } = await begin(running)
  assert.match((await browser.send(page, { pin: otherPin })).alert ?? '', /not right/)
})

test('UC-17: after five wrong PINs the sign-in has failed, and the right one no longer works', async () => {
  await using running = await withPin()
  const { flowId, url, browser, page } = await begin(running)
  let shown = page
  for (const left of [4, 3, 2, 1]) {
    shown = await browser.send(shown, { pin: wrongPin })
    assert.equal(shown.status, 422)
    assert.equal(shown.alert, `That PIN is not right. Attempts left: ${left}.`)
  }
  const last = shown
  shown = await browser.send(last, { pin: wrongPin })
  assert.match(shown.html, /wrong too many times/)
  assert.equal(shown.form, undefined)
  for (const again of [await browser.send(last, { pin }), await browser.send(page, { pin }), await browser.open(url)]) {
    assert.match(again.html, /wrong too many times/)
  }
  assertFailed((await running.call({ flowId })).answer, 'pin_attempts_exceeded')
})

test('a failure is final, for the platform too', async () => {
  await using running = await withPin({ entryAttempts: 1 })
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin: wrongPin })
  await browser.send(page, { pin })
  assertFailed((await running.call({ flowId, requestId: 'r2' })).answer, 'pin_attempts_exceeded')
  assertFailed((await running.call({ flowId, requestId: 'r3' })).answer, 'pin_attempts_exceeded')
})

test('after a second form the browser still returns to its tenant', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  await browser.send(page, { pin })
  const again = await browser.send(page, { pin: wrongPin })
  assertReturn(again.forward, `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`)
  assert.equal((await running.call({ flowId })).answer.actionStatus, 'SUCCESS')
})

test('concurrent guesses with one form count as one', async () => {
  await using running = await withPin()
  const { browser, page, url } = await begin(running)
  const guesses = Array.from({ length: 20 }, (_, at) => browser.send(page, { pin: String(700_000 + at) }))
  const shown = await Promise.all(guesses)
  assert.equal(shown.filter(({ alert }) => alert?.includes('not right')).length, 1)
  assert.match((await browser.open(url)).alert ?? '', /Attempts left: 4/)
})

test('concurrent guesses in many sign-ins are limited per user, and then the right PIN has to wait too', async () => {
  await using running = await withPin({ userAttempts: 4 })
  const entries = await Promise.all(Array.from({ length: 12 }, () => begin(running)))
  const guess = ({ browser, page }: (typeof entries)[number]) => browser.send(page, { pin: wrongPin })
  const shown = await Promise.all(entries.map(guess))
  assert.equal(shown.filter(({ alert }) => alert?.includes('not right')).length, 4, 'so many were checked')
  assert.equal(shown.filter(({ html }) => html.includes('Wait a while')).length, 8)

  const next = await begin(running)
  assert.match((await next.browser.send(next.page, { pin })).html, /Wait a while/)
  assertFailed((await running.call({ flowId: next.flowId })).answer, 'pin_locked')

  running.clock.now += 900_000
  const later = await begin(running)
  await later.browser.send(later.page, { pin })
  assert.equal((await running.call({ flowId: later.flowId })).answer.actionStatus, 'SUCCESS')
})

test('a right PIN resets the wrong ones before it', async () => {
  await using running = await withPin({ userAttempts: 3 })
  for (let round = 0; round < 3; round++) {
    const { browser, page, flowId } = await begin(running)
    let shown = page
    for (const entered of [wrongPin, wrongPin, pin]) shown = await browser.send(shown, { pin: entered })
    assert.equal((await running.call({ flowId })).answer.actionStatus, 'SUCCESS', `round ${round}`)
  }
})

test('locking one user does not lock another', async () => {
  await using running = await withPin({ userAttempts: 3, entryAttempts: 3 })
  await running.administer('PUT', noor.id, { pin: otherPin })
  const { browser, page } = await begin(running)
  let shown = page
  for (let time = 0; time < 3; time++) shown = await browser.send(shown, { pin: wrongPin })
  const other = await begin(running, { event: { ...stepTwo, user: noor } })
  assert.ok((await other.browser.send(other.page, { pin: otherPin })).forward)
})

test('enrolled users and others cannot be distinguished', async () => {
  await using running = await withPin({ mode: 'internal', userAttempts: 6 })
  const observe = async (username: string): Promise<unknown[]> => {
    const seen: unknown[] = []
    for (let time = 0; time < 2; time++) {
      const { flowId, browser, page } = await begin(running, { event: stepOne })
      let shown = page
      for (let attempt = 0; attempt < 5 && shown.form; attempt++) {
        shown = await browser.send(shown, { username, pin: wrongPin })
        seen.push([shown.status, shown.alert, /<h1>([^<]*)/.exec(shown.html)?.[1], /<p>([^<]*)/.exec(shown.html)?.[1]])
      }
      seen.push((await running.call({ flowId, event: stepOne })).answer)
    }
    return seen
  }
  const known = await observe('ines')
  assert.deepEqual(known, await observe('nobody'))
  assert.match(JSON.stringify(known), /pin_locked/, 'the lock is part of the comparison')
})

test('a user without a PIN sees the same page in every mode', async () => {
  await using running = await withPin()
  const { browser, page } = await begin(running, { event: { ...stepTwo, user: noor } })
  assert.match((await browser.send(page, { pin })).alert ?? '', /not right/)
})

for (const [entered, what] of [
  ['', 'nothing'],
  ['12 34', 'blanks'],
  ['48291x', 'letters'],
  ['1234567890123', 'too many digits'],
] as const) {
  test(`a form with ${what} for a PIN is not an attempt`, async () => {
    await using running = await withPin()
    const { browser, page } = await begin(running)
    const shown = await browser.send(page, { pin: entered })
    assert.equal(shown.status, 422)
    assert.match(shown.alert ?? '', /up to 12 digits/)
    assert.ok((await browser.send(shown, { pin })).forward)
  })
}

test('a missing user name is requested, and a typed one stays', async () => {
  await using running = await withPin({ mode: 'internal' })
  const { browser, page } = await begin(running, { event: stepOne })
  const unnamed = await browser.send(page, { username: ' ', pin })
  assert.equal(unnamed.alert, 'Enter your user name.')
  assert.match(unnamed.html, /id="username"[^>]* aria-invalid="true" aria-describedby="error" autofocus/)
  const wrong = await browser.send(unnamed, { username: 'ines"><b>', pin: wrongPin })
  assert.match(wrong.html, /value="ines&quot;&gt;&lt;b&gt;"/)
  assert.ok(!wrong.html.includes(wrongPin), 'a PIN is never sent back')
})

test('PINs hashed with the previous pepper work, and are hashed again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pin-pepper-'))
  after(() => rm(folder, { recursive: true }))
  const database = join(folder, 'pins.sqlite')
  const signIn = async (running: RunningAuthenticator) => {
    const { browser, page, flowId } = await begin(running)
    await browser.send(page, { pin })
    return (await running.call({ flowId })).answer.actionStatus
  }
  {
    await using _ = await withPin({ database })
  }
  const pepper = 'another-pepper-'.repeat(3)
  {
    await using running = await startAuthenticator({ database, pepper, previousPepper: defaults.pepper })
    assert.equal(await signIn(running), 'SUCCESS')
  }
  await using running = await startAuthenticator({ database, pepper })
  assert.equal(await signIn(running), 'SUCCESS', 'the old pepper is no longer needed')
})

// The browser.

test('UC-20, AU-44: a form without the cookie or without its token changes nothing', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  const stranger = createBrowser()
  const forged: [string, ReturnType<typeof browser.send>][] = [
    ['no cookie', stranger.send(page, { pin })],
    ['no token', browser.send(page, { pin, token: '' })],
    ['another token', browser.send(page, { pin, token: `${page.form?.token}x` })],
    ['the token of another attempt', browser.send(page, { pin, attempt: '1' })],
    ['no attempt', browser.send(page, { pin, attempt: 'x' })],
    ['cancelling without a cookie', stranger.send(page, { cancel: 'yes' })],
  ]
  for (const [what, sending] of forged) assert.equal((await sending).status, 403, what)
  assert.equal((await running.call({ flowId })).answer.actionStatus, 'INCOMPLETE')
  assert.ok((await browser.send(page, { pin })).forward, 'and no attempt was used')
})

test('a page that is open in one browser opens in no other', async () => {
  await using running = await withPin()
  const { url, browser, page } = await begin(running)
  const other = createBrowser()
  const shown = await other.open(url)
  assert.equal(shown.status, 403)
  assert.equal(shown.form, undefined)
  assert.equal(other.cookies.size, 0)
  assert.ok((await browser.open(url)).form, 'its own browser may reload it')
  assert.ok((await browser.send(page, { pin })).forward)
})

test('the cookie of one sign-in does not open another', async () => {
  await using running = await withPin()
  const one = await begin(running)
  const two = await begin(running)
  const [cookie = ''] = one.browser.cookies.values()
  const [name = ''] = two.browser.cookies.keys()
  const thief = createBrowser()
  thief.cookies.set(name, cookie)
  assert.equal((await thief.open(two.url)).status, 403)
})

test('a browser may have two concurrent sign-ins', async () => {
  await using running = await withPin()
  const one = await begin(running)
  const { answer } = await running.call()
  const second = await one.browser.open(answer.operations?.[0]?.url ?? '')
  assert.ok((await one.browser.send(second, { pin })).forward)
  assert.ok((await one.browser.send(one.page, { pin })).forward)
})

test('a HEAD request, such as that of a link preview, binds no browser', async () => {
  await using running = await withPin()
  const { answer } = await running.call()
  const url = answer.operations?.[0]?.url ?? ''
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.status, 405)
  assert.deepEqual(head.headers.getSetCookie(), [])
  assert.ok((await createBrowser().open(url)).form)
})

test('a form that is sent twice forwards to the result of the first', async () => {
  await using running = await withPin()
  const { url, browser, page } = await begin(running)
  await browser.send(page, { pin: wrongPin })
  const again = await browser.send(page, { pin: wrongPin })
  assert.equal(again.status, 200)
  assert.equal(again.forward, url)
  assert.match((await browser.open(url)).alert ?? '', /Attempts left: 4/)
})

test('a user who cancels returns to the platform, which gets the result', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  const shown = await browser.send(page, { cancel: 'yes', pin: '' })
  assert.match(shown.forward ?? '', /commonauth/)
  assertFailed((await running.call({ flowId })).answer, 'pin_cancelled')
})

test('a user who cancels while the PIN is being checked has cancelled', async () => {
  await using running = await withPin({ hashCostLog2: 15 })
  const { flowId, url, browser, page } = await begin(running)
  const checking = browser.send(page, { pin })
  // The attempt is stored before the PIN is checked.
  let seen = page
  while (!seen.alert) {
    seen = await browser.open(url)
    assert.ok(seen.form, 'the PIN is still being checked')
  }
  const cancelled = await browser.send(page, { cancel: 'yes' })
  for (const shown of [cancelled, await checking]) assert.match(shown.html, /You cancelled the sign-in/)
  assertFailed((await running.call({ flowId })).answer, 'pin_cancelled')
})

test('after the platform has got the result the page no longer exists', async () => {
  await using running = await withPin()
  const { flowId, url, browser, page } = await begin(running)
  await browser.send(page, { pin })
  await running.call({ flowId })
  for (const shown of [await browser.open(url), await browser.send(page, { pin })]) {
    assert.equal(shown.status, 410)
    assert.equal(shown.forward, undefined)
  }
})

for (const handle of ['', '?handle=', '?handle=unknown', `?handle=${'x'.repeat(22)}`, '?handle=%3Cscript%3E']) {
  test(`/pin${handle} is nobody's page`, async () => {
    await using running = await withPin()
    const shown = await createBrowser().open(`${running.url}/pin${handle}`)
    assert.equal(shown.status, 410)
    assert.ok(!shown.html.includes('script'))
  })
}

test('every page forbids frames, scripts, caches and referrers', async () => {
  await using running = await withPin()
  const { browser, page } = await begin(running)
  const pages = [
    page,
    await browser.send(page, { pin: wrongPin }),
    await createBrowser().open(`${running.url}/pin`),
    await createBrowser().send(page, { pin }),
  ]
  for (const { headers } of pages) {
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    assert.equal(headers.get('x-frame-options'), 'DENY')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.match(headers.get('content-type') ?? '', /^text\/html; charset=UTF-8$/i)
  }
})

test('the name of an application is plain text on the page', async () => {
  await using running = await withPin()
  const event = { ...stepTwo, application: { id: 'a', name: '<img src=x onerror=alert(1)>{left}' } }
  const { page } = await begin(running, { event })
  assert.match(page.html, /to continue to &lt;img src=x onerror=alert\(1\)&gt;\{left\}/)
})

test('with https the cookie is bound to this host and to https, and browsers must stay there', async () => {
  const ports = {
    now: () => 1_790_000_000_000,
    randomBytes: (length: number) => new Uint8Array(length).fill(7),
    log: () => {},
  }
  const authenticator = await createPinAuthenticator({ ...defaults, publicUrl: 'https://pin.example.com/door/' }, ports)
  after(() => authenticator.close())
  const body = {
    actionType: 'AUTHENTICATION',
    flowId: 'flow-0001',
    event: stepTwo,
    allowedOperations: [{ op: 'redirect' }],
  }
  const called = await authenticator.fetch(
    new Request('https://pin.example.com/door', {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  const { operations } = (await called.json()) as Answer
  const url = operations?.[0]?.url ?? ''
  assert.match(url, /^https:\/\/pin\.example\.com\/door\/pin\?handle=/)
  for (const at of [url, url.replace('/door/', '/')]) {
    const page = await authenticator.fetch(new Request(at))
    // The second request comes from another browser: only the first one gets the cookie.
    if (at !== url) {
      assert.equal(page.status, 403, 'a proxy that removes the path finds the same page')
      break
    }
    assert.match(
      page.headers.getSetCookie()[0] ?? '',
      /^__Host-pin-[\w-]{12}=[\w-]{43}; Max-Age=360; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    assert.match(page.headers.get('strict-transport-security') ?? '', /max-age=31536000/)
  }
})

test('messages and language are those of the deployment', async () => {
  await using running = await withPin({
    language: 'sv',
    texts: { enterTitle: 'Ange din PIN-kod', pinLabel: 'PIN-kod' },
  })
  const { page } = await begin(running)
  assert.match(page.html, /<html lang="sv">/)
  assert.match(page.html, /<h1>Ange din PIN-kod<\/h1>/)
  assert.match(page.html, /<label for="pin">PIN-kod<\/label>/)
})

// Running it.

onEachEngine('several instances', newLocation => {
  const settings = { database: '', publicUrl: 'http://127.0.0.1:1' }
  before(async () => {
    settings.database = await newLocation()
  })
  const at = (running: RunningAuthenticator, url: string) => running.url + url.slice(settings.publicUrl.length)

  test('UC-25: a sign-in continues at another instance, and after a restart', async () => {
    await using one = await withPin(settings)
    const flowId = randomUUID()
    const url = (await one.call({ flowId })).answer.operations?.[0]?.url ?? ''
    const browser = createBrowser()
    const page = await browser.open(at(one, url))
    assert.ok(page.form)
    {
      await using two = await startAuthenticator(settings)
      page.form.action = at(two, url)
      assert.match((await browser.send(page, { pin: wrongPin })).alert ?? '', /Attempts left: 4/)
    }
    await using three = await startAuthenticator(settings)
    const reloaded = await browser.open(at(three, url))
    assert.ok(reloaded.form)
    reloaded.form.action = at(three, url)
    assert.ok((await browser.send(reloaded, { pin })).forward)
    assert.equal((await one.call({ flowId })).answer.actionStatus, 'SUCCESS')
  })

  test('concurrent guesses at two instances share one limit', async () => {
    const user = { ...ines, id: 'guessed' }
    const limited = { ...settings, userAttempts: 4 }
    await using one = await startAuthenticator(limited)
    await using two = await startAuthenticator(limited)
    await one.administer('PUT', user.id, { pin })
    const guess = async (_: unknown, index: number) => {
      const running = index % 2 ? one : two
      const url = (await running.call({ event: { ...stepTwo, user } })).answer.operations?.[0]?.url ?? ''
      const browser = createBrowser()
      const page = await browser.open(at(running, url))
      assert.ok(page.form)
      page.form.action = at(running, url)
      return browser.send(page, { pin: wrongPin })
    }
    const shown = await Promise.all(Array.from({ length: 12 }, guess))
    assert.equal(shown.filter(({ alert }) => alert?.includes('not right')).length, 4, 'so many were checked')
    assert.equal(shown.filter(({ html }) => html.includes('Wait a while')).length, 8)
  })

  test('of concurrent requests for a result at two instances, one gets it', async () => {
    await using one = await withPin(settings)
    await using two = await startAuthenticator(settings)
    const flowId = randomUUID()
    const ask = async () => {
      const calls = Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? one : two).call({ flowId, requestId: `r${index}` }),
      )
      return (await Promise.all(calls)).map(({ answer }) => answer)
    }
    // After this, all connections to the database are open, so the following requests really run at once.
    const urls = (await ask()).map(({ operations }) => operations?.[0]?.url ?? '')
    assert.equal(new Set(urls).size, 1, 'concurrent first calls start one sign-in')
    const browser = createBrowser()
    const page = await browser.open(at(one, urls[0] ?? ''))
    assert.ok(page.form)
    page.form.action = at(one, urls[0] ?? '')
    await browser.send(page, { pin })
    const statuses = (await ask()).map(({ actionStatus }) => actionStatus)
    assert.deepEqual(statuses.toSorted(), [...Array(9).fill('FAILED'), 'SUCCESS'])
  })

  test('of browsers that open a page at once, at two instances, one succeeds', async () => {
    await using one = await withPin(settings)
    await using two = await startAuthenticator(settings)
    const flowId = randomUUID()
    const calls = await Promise.all(Array.from({ length: 10 }, (_, index) => (index % 2 ? one : two).call({ flowId })))
    const url = calls[0]?.answer.operations?.[0]?.url ?? ''
    const open = (_: unknown, index: number) => createBrowser().open(at(index % 2 ? one : two, url))
    const pages = await Promise.all(Array.from({ length: 10 }, open))
    assert.equal(pages.filter(({ form }) => form).length, 1)
    assert.equal(pages.filter(({ status }) => status === 403).length, 9)
  })

  test('concurrent guesses with one form, at two instances, count as one', async () => {
    await using one = await withPin(settings)
    await using two = await startAuthenticator(settings)
    const url = (await one.call()).answer.operations?.[0]?.url ?? ''
    const browser = createBrowser()
    const { form } = await browser.open(at(one, url))
    assert.ok(form)
    const cookie = [...browser.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const guesses = Array.from({ length: 10 }, (_, index) => {
      const { attempt, token } = form
      const body = new URLSearchParams({ attempt, token, pin: String(700_000 + index) }).toString()
      const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }
      const guess = request(at(index % 2 ? one : two, url), { method: 'POST', headers, agent: false })
      guess.flushHeaders()
      return { guess, body }
    })
    // The bodies follow after every request has started, so all requests have read the same entry.
    await Promise.all(guesses.map(({ guess }) => once(guess, 'socket').then(([socket]) => once(socket, 'connect'))))
    await Promise.all([one, two].map(running => Promise.all(Array.from({ length: 5 }, () => running.call()))))
    const pages = guesses.map(async ({ guess, body }) => {
      const responding = once(guess, 'response') as Promise<[IncomingMessage]>
      guess.end(body)
      return text((await responding)[0])
    })
    assert.equal((await Promise.all(pages)).filter(html => html.includes('That PIN is not right')).length, 1)
    assert.match((await browser.open(at(one, url))).alert ?? '', /Attempts left: 4/)
  })
})

test('if too many PINs are to be checked at once, some people have to wait and lose no attempt', async () => {
  await using running = await withPin({ hashCostLog2: 14 })
  const users = Array.from({ length: 48 }, (_, index) => ({ ...ines, id: `user-${index}` }))
  const entries = await Promise.all(users.map(user => begin(running, { event: { ...stepTwo, user } })))
  const shown = await Promise.all(entries.map(({ browser, page }) => browser.send(page, { pin: wrongPin })))
  const waiting = shown.filter(({ status }) => status === 503)
  assert.ok(waiting.length > 0 && waiting.length <= 16, `${waiting.length} wait`)
  for (const { headers, alert, form } of waiting) {
    assert.equal(headers.get('retry-after'), '5')
    assert.match(alert ?? '', /Try again in a few seconds/)
    assert.equal(form?.attempt, '0')
  }
})

test('neither PIN nor user nor flow nor secret is in the log', async () => {
  await using running = await withPin({ mode: 'internal', entryAttempts: 2 })
  const { flowId, url, browser, page } = await begin(running, { event: stepOne, requestId: 'request-1' })
  const wrong = await browser.send(page, { username: 'ines', pin: wrongPin })
  await browser.send(wrong, { username: 'ines', pin })
  await running.call({ flowId, event: stepOne })
  await running.call({ flowId, event: stepOne, key: 'wrong-key' })
  await browser.send(page, { username: 'ines', pin, token: 'forged-token' })
  await running.administer('GET', ines.id)
  await running.administer('DELETE', ines.id)
  const log = JSON.stringify(running.log)
  const handle = new URL(url).searchParams.get('handle') ?? ''
  const [cookie = ''] = browser.cookies.values()
  const secrets = [
    pin,
    wrongPin,
    'ines',
    ines.id,
    flowId,
    handle,
    cookie,
    apiKey,
    adminKey,
    defaults.pepper,
    'wrong-key',
    'forged-token',
  ]
  for (const secret of secrets) assert.ok(!log.toLowerCase().includes(secret.toLowerCase()), secret.slice(0, 4))
  const results = running.log.flatMap((line: Log) => (line.event === 'pin' ? [line['result']] : []))
  assert.deepEqual(results, ['wrong', 'right', 'accepted'], 'but the events are')
  const flows = running.log.flatMap(
    (line: Log) => line['flow'] ?? (line['facts'] as { flow?: string } | undefined)?.flow ?? [],
  )
  assert.equal(new Set(flows).size, 1, 'and one name connects the lines of a sign-in')
})

test('probes distinguish alive from ready', async () => {
  await using running = await withPin()
  const probe = async (path: string) => (await fetch(`${running.url}${path}`)).status
  assert.deepEqual([await probe('/livez'), await probe('/readyz')], [200, 200])
  running.authenticator.drain()
  assert.deepEqual([await probe('/livez'), await probe('/readyz')], [200, 503])
})

test('without its database the extension is alive, is not ready, and reveals no more', async () => {
  await using running = await withPin()
  const { url, browser, page } = await begin(running)
  await running.authenticator.close()
  const probe = async (path: string) => (await fetch(`${running.url}${path}`)).status
  assert.deepEqual([await probe('/livez'), await probe('/readyz')], [200, 503])
  const { status, answer } = await running.call()
  assert.equal(status, 500)
  assert.equal(answer.actionStatus, 'ERROR')
  for (const shown of [await browser.open(url), await browser.send(page, { pin })]) {
    assert.equal(shown.status, 500)
    assert.match(shown.html, /Something went wrong/)
  }
  assert.equal((await running.administer('PUT', ines.id, { pin })).status, 500)
})
