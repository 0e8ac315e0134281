import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { platforms } from '@preflow/contract'
import { createBreakers } from './breaker.ts'
import { callTo, errorOf, executeAction, hurried, successOf, testPorts } from './calls.fixture.ts'
import { type Reply, startExtension, startSocketServer } from './extension-under-test.fixture.ts'

const endpoint = 'action-1'
const fails = async () => ({ value: 'failed', isFailure: true })
const works = async () => ({ value: 'worked', isFailure: false })

async function times(n: number, task: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < n; i++) await task()
}

test('a circuit opens if more than half of at least fifteen calls failed', async () => {
  const breakers = createBreakers()
  await times(14, () => breakers.guard(endpoint, fails))
  assert.equal(breakers.state(endpoint), 'closed')
  await breakers.guard(endpoint, fails)
  assert.equal(breakers.state(endpoint), 'open')
  assert.deepEqual(await breakers.guard(endpoint, works), { isOpen: true })
})

test('half of the calls may fail', async () => {
  const breakers = createBreakers()
  await times(20, async () => {
    await breakers.guard(endpoint, works)
    await breakers.guard(endpoint, fails)
  })
  assert.equal(breakers.state(endpoint), 'closed')
})

test('each action has its own circuit', async () => {
  const breakers = createBreakers({ minCalls: 1 })
  await breakers.guard('action-1', fails)
  assert.deepEqual(await breakers.guard('action-1', works), { isOpen: true })
  assert.deepEqual(await breakers.guard('action-2', works), { isOpen: false, value: 'worked' })
})

test('after a while one call probes, the others are answered at once, and success closes the circuit', async t => {
  mock.timers.enable({ apis: ['Date'], now: 0 })
  t.after(() => mock.timers.reset())
  const breakers = createBreakers({ minCalls: 1, openMs: 1000 })
  await breakers.guard(endpoint, fails)
  mock.timers.tick(999)
  assert.deepEqual(await breakers.guard(endpoint, works), { isOpen: true })

  mock.timers.tick(1)
  const probe = Promise.withResolvers<{ value: string; isFailure: boolean }>()
  const probing = breakers.guard(endpoint, () => probe.promise)
  assert.equal(breakers.state(endpoint), 'half-open')
  assert.deepEqual(await breakers.guard(endpoint, works), { isOpen: true })
  probe.resolve({ value: 'recovered', isFailure: false })
  assert.deepEqual(await probing, { isOpen: false, value: 'recovered' })
  assert.deepEqual(await breakers.guard(endpoint, works), { isOpen: false, value: 'worked' })
})

test('a probe that fails, or that its caller aborts, opens the circuit again', async t => {
  mock.timers.enable({ apis: ['Date'], now: 0 })
  t.after(() => mock.timers.reset())
  const breakers = createBreakers({ minCalls: 1, openMs: 1000 })
  await breakers.guard(endpoint, fails)
  mock.timers.tick(1000)
  assert.deepEqual(await breakers.guard(endpoint, fails), { isOpen: false, value: 'failed' })
  assert.equal(breakers.state(endpoint), 'open')

  mock.timers.tick(1000)
  const gone = new Error('the client disconnected')
  await assert.rejects(
    breakers.guard(endpoint, () => Promise.reject(gone)),
    gone,
  )
  assert.equal(breakers.state(endpoint), 'open')
})

test('an aborted call proves nothing about a working endpoint', async () => {
  const breakers = createBreakers({ minCalls: 1 })
  await assert.rejects(breakers.guard(endpoint, () => Promise.reject(new Error('gone'))))
  assert.equal(breakers.state(endpoint), 'closed')
})

const platform = hurried(platforms.preflow, { attempts: 1 })
const failing: [what: string, reply: Reply][] = [
  ['a 503', { status: 503 }],
  ['a 500 without a payload', { status: 500 }],
]
const healthy: [what: string, reply: Reply][] = [
  ['FAILED', { json: { actionStatus: 'FAILED', failureReason: 'no' } }],
  ['ERROR with 400', { status: 400, json: { actionStatus: 'ERROR', errorMessage: 'bad' } }],
  ['ERROR with 500', { status: 500, json: { actionStatus: 'ERROR', errorMessage: 'down' } }],
  ['a 401', { status: 401 }],
  ['an invalid answer', { text: 'not JSON' }],
]

for (const [what, reply] of failing) {
  test(`${what} is a failure of the endpoint`, async t => {
    const { uri, calls } = await startExtension(t, reply)
    const breakers = createBreakers({ minCalls: 1 })
    const ports = testPorts(t, { breakers })
    await executeAction(callTo(uri, { platform }), ports)
    assert.equal(errorOf(await executeAction(callTo(uri, { platform }), ports)).code, 'breaker_open')
    assert.equal(calls.length, 1)
  })
}

for (const [what, reply] of healthy) {
  test(`${what} is a working endpoint`, async t => {
    const { uri, calls } = await startExtension(t, reply)
    const ports = testPorts(t, { breakers: createBreakers({ minCalls: 1 }) })
    await times(3, () => executeAction(callTo(uri, { platform }), ports))
    assert.equal(calls.length, 3)
  })
}

test('AZ-26: two actions at one endpoint fail on their own, and one with new credentials is called at once', async t => {
  const { uri, calls } = await startExtension(
    t,
    { status: 503 },
    { status: 503 },
    { json: { actionStatus: 'SUCCESS' } },
  )
  const ports = testPorts(t, { breakers: createBreakers({ minCalls: 1 }) })
  const execute = (id: string, circuit?: string) =>
    executeAction({ ...callTo(uri, { platform, action: { id } }), ...(circuit ? { circuit } : {}) }, ports)
  await execute('one')
  assert.equal(errorOf(await execute('one')).code, 'breaker_open')
  await execute('two', 'two with the old key')
  assert.equal(errorOf(await execute('two', 'two with the old key')).code, 'breaker_open')
  successOf(await execute('two', 'two with a new key'))
  assert.equal(calls.length, 3)
})

test('a timeout is a failure of the endpoint, and while the circuit is open the configured answer is returned at once', async t => {
  const { uri, connections } = await startSocketServer(t, () => {})
  const ports = testPorts(t, { breakers: createBreakers({ minCalls: 1 }) })
  await executeAction(callTo(uri, { platform }), ports)
  const denied = await executeAction(callTo(uri, { platform, action: { onFailure: 'deny' } }), ports)
  assert.equal(denied.status, 'failed')
  assert.equal(denied.error?.code, 'breaker_open')
  const continued = await executeAction(callTo(uri, { platform, action: { onFailure: 'continue' } }), ports)
  assert.equal(continued.status, 'continued')
  assert.deepEqual(continued.trace.attempts, [])
  assert.ok(!continued.trace.steps.some(({ actionId }) => actionId === 'process-action-request'))
  assert.equal(connections(), 1)
})

test('an endpoint that recovered is called again after the probe', async t => {
  const { uri, calls } = await startExtension(t, { status: 503 }, { json: { actionStatus: 'SUCCESS' } })
  const ports = testPorts(t, { breakers: createBreakers({ minCalls: 1, openMs: 0 }) })
  await executeAction(callTo(uri, { platform }), ports)
  successOf(await executeAction(callTo(uri, { platform }), ports))
  successOf(await executeAction(callTo(uri, { platform }), ports))
  assert.equal(calls.length, 3)
})
