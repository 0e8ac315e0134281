import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { BUCKETS, bucketsWith, isOverride } from './buckets.ts'
import { createLimits, type Use } from './limits.ts'
import { networksOf } from './networks.ts'

onEachDatabase('limits', open => {
  async function start(overrides: string[]) {
    let time = 1_790_000_000_000
    const db = await open({ now: () => time })
    return {
      limits: createLimits(db, overrides),
      other: createLimits(db, overrides),
      pass: (ms: number) => {
        time += ms
      },
    }
  }
  const requests: Use = { bucket: 'token-client', of: ['tenant', 'client'] }

  test('as many requests as points are allowed, on all instances together, until the points expire', async () => {
    const { limits, other, pass } = await start(['token-client=3/60'])
    assert.equal(await limits.count(requests), undefined)
    await limits.flush()
    pass(20_000)
    assert.equal(await other.count(requests), undefined)
    await other.flush()
    assert.equal(await other.count(requests), undefined)
    assert.equal(await other.count(requests), 40)
    await other.flush()
    // Instances learn of one another’s requests once a second.
    assert.equal(await limits.count(requests), undefined)
    await limits.flush()
    assert.equal(await limits.count(requests), 40)
    assert.equal(await limits.count({ ...requests, of: ['tenant', 'another'] }), undefined)
    pass(40_000)
    assert.equal(await limits.count(requests), undefined)
    await limits.flush()
  })

  test('guesses are counted together at once', async () => {
    const { limits, other } = await start(['client-address=2/60'])
    const guess: Use = { bucket: 'client-address', of: ['tenant', 'client'], address: '192.0.2.1' }
    await limits.count(guess)
    await other.count(guess)
    assert.equal(await limits.waitFor(guess), 60)
  })

  test('a heavy request uses several points', async () => {
    const { limits } = await start(['api=12/60'])
    const use: Use = { bucket: 'api', of: ['caller'] }
    assert.equal(await limits.count(use, 10), undefined)
    assert.ok(await limits.count(use, 10))
    await limits.flush()
  })

  test('one limit or all can be disabled', async () => {
    for (const overrides of [['token-client=off'], ['off']]) {
      const { limits } = await start(overrides)
      for (let i = 0; i < 1000; i++) assert.equal(await limits.count(requests), undefined)
    }
  })

  test('a network is known for thirty days after its secret was right', async () => {
    const { limits, other, pass } = await start([])
    assert.equal(await limits.isKnown(['client', 'a'], '2001:db8::1'), false)
    await limits.know(['client', 'a'], '2001:db8::1')
    assert.equal(await other.isKnown(['client', 'a'], '2001:db8::2'), true)
    assert.equal(await other.isKnown(['client', 'b'], '2001:db8::2'), false)
    pass(30 * 86_400_000)
    assert.equal(await other.isKnown(['client', 'a'], '2001:db8::2'), false)
  })

  test('while the database does not answer, each instance counts alone', async () => {
    const { limits } = await start(['token-client=3/60', 'address=2/300'])
    const guess: Use = { bucket: 'address', of: [], address: '192.0.2.1' }
    const db = await open()
    const broken = createLimits({ ...db, queries: db.queries.withSchema('nowhere') }, [
      'token-client=3/60',
      'address=2/300',
    ])
    for (let i = 0; i < 3; i++) assert.equal(await broken.count(requests), undefined)
    assert.ok(await broken.count(requests))
    await broken.flush()
    assert.ok(await broken.count(requests))
    await broken.count(guess)
    await broken.count(guess)
    assert.ok(await broken.waitFor(guess))
    assert.equal(await limits.waitFor(guess), undefined)
  })
})

test('an IPv4 address is one network, and an IPv6 address is two', () => {
  assert.deepEqual(networksOf('192.0.2.1'), [{ name: '192.0.2.1', times: 1 }])
  assert.deepEqual(networksOf('::ffff:192.0.2.1'), networksOf('192.0.2.1'))
  assert.deepEqual(networksOf('2001:db8:5:6:7::8'), [
    { name: '2001:db8:5:6::/64', times: 1 },
    { name: '2001:db8:5::/48', times: 10 },
  ])
  assert.deepEqual(networksOf('unknown'), [{ name: 'unknown', times: 1 }])
})

test('overrides have the name of a limit, and a number in seconds or off', () => {
  for (const text of ['off', 'api=off', 'token-client=6000/60']) assert.equal(isOverride(text), true, text)
  for (const text of ['', 'on', 'nothing=1/1', 'api', 'api=0/1', 'api=1', 'api=1/0', 'toString=1/1', 'api=-1/1']) {
    assert.equal(isOverride(text), false, text)
  }
  const changed = bucketsWith(['api=5/7', 'client=off'])
  assert.deepEqual([changed.get('api')?.points, changed.get('api')?.seconds], [5, 7])
  assert.equal(changed.has('client'), false)
  assert.equal(changed.size, Object.keys(BUCKETS).length - 1)
})
