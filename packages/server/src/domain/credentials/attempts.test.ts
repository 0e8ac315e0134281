import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { purgeExpired } from '../../ground/store/purge.ts'
import { createLimits } from '../limits/limits.ts'
import { type Attempt, createAttempts } from './attempts.ts'

const mira = { tenantId: '1', userName: 'mira', address: '198.51.100.7' }
const HOUR = 3_600_000

onEachDatabase('wrong passwords', open => {
  async function startCounting() {
    let time = 1_790_000_000_000
    const db = await open({ now: () => time })
    const attempts = createAttempts(createLimits(db))
    return {
      db,
      attempts,
      pass: (ms: number) => {
        time += ms
      },
      fail: async (times: number, attempt: Attempt = mira) => {
        for (let round = 0; round < times; round++) await attempts.failed(attempt)
      },
      mayTry: async (attempt: Attempt) => (await attempts.waitFor(attempt)) === undefined,
    }
  }

  test('after ten, passwords are rejected until a minute after the last', async () => {
    const { attempts, fail, mayTry, pass } = await startCounting()
    await fail(9)
    assert.equal(await mayTry(mira), true)
    pass(59_999)
    await fail(1)
    assert.equal(await attempts.waitFor(mira), 60)
    pass(59_999)
    assert.equal(await attempts.waitFor(mira), 1)
    pass(1)
    assert.equal(await mayTry(mira), true)
    await fail(9)
    assert.equal(await mayTry(mira), true)
  })

  test('the right password resets the count of its account, but not that of its network', async () => {
    const { attempts, fail, mayTry } = await startCounting()
    await fail(9)
    assert.equal(await attempts.succeeded(mira), undefined)
    await fail(9)
    assert.equal(await mayTry(mira), true)
    await fail(9, { ...mira, userName: 'ann' })
    assert.equal(await attempts.succeeded({ ...mira, userName: 'ann' }), undefined)
    await fail(3, { ...mira, userName: 'bob' })
    assert.equal(await mayTry({ ...mira, userName: 'eve' }), false)
  })

  test('the right password is rejected among too many concurrent wrong ones', async () => {
    const { attempts, fail, mayTry } = await startCounting()
    assert.equal(await mayTry(mira), true)
    await fail(10)
    assert.ok(await attempts.succeeded(mira))
    assert.equal(await mayTry(mira), false)
  })

  test('the pause affects no other user, network or tenant', async () => {
    const { fail, mayTry } = await startCounting()
    await fail(10)
    assert.equal(await mayTry({ ...mira, userName: 'MIRA' }), false)
    assert.equal(await mayTry({ ...mira, userName: 'ann' }), true)
    assert.equal(await mayTry({ ...mira, address: '203.0.113.9' }), true)
    assert.equal(await mayTry({ ...mira, tenantId: '2' }), true)
  })

  test('AZ-32: a network that tries many names is paused, twice as long each time, and other networks are not', async () => {
    const { attempts, mayTry, pass } = await startCounting()
    const tryNames = async (round: number) => {
      for (let i = 0; i < 30; i++) await attempts.failed({ ...mira, userName: `name-${round}-${i}` })
      return attempts.waitFor({ ...mira, userName: 'another' })
    }
    const pauses: (number | undefined)[] = []
    for (let round = 0; round < 6; round++) {
      const seconds = await tryNames(round)
      pauses.push(seconds)
      pass((seconds ?? 0) * 1000)
    }
    assert.deepEqual(pauses, [300, 600, 1200, 2400, 3600, 3600])
    assert.equal(await mayTry({ ...mira, address: '203.0.113.9' }), true)
  })

  test('AZ-33: a thousand addresses of a /64 are one network, and ten /64 of a /48 meet its limit', async () => {
    const { attempts, fail, mayTry } = await startCounting()
    const at = (network: number, host: number) => `2001:db8:5:${network.toString(16)}::${host.toString(16)}`
    for (let host = 1; host <= 30; host++) await fail(1, { ...mira, userName: `a-${host}`, address: at(1, host) })
    assert.equal(await mayTry({ ...mira, address: at(1, 1000) }), false)
    assert.equal(await mayTry({ ...mira, address: at(2, 1) }), true)
    for (let network = 2; network <= 10; network++) {
      for (let host = 1; host <= 30; host++) {
        await attempts.failed({ ...mira, userName: `b-${network}-${host}`, address: at(network, host) })
      }
    }
    assert.equal(await mayTry({ ...mira, address: at(99, 1) }), false)
    assert.equal(await mayTry({ ...mira, address: '2001:db8:6::1' }), true)
  })

  test('AZ-34: strangers who use up the attempts of an account stop neither a known browser nor a known network', async () => {
    const { attempts, fail, mayTry, pass } = await startCounting()
    const home = { ...mira, address: '203.0.113.9' }
    const phone = { ...mira, address: '192.0.2.44', browser: 'phone' }
    assert.equal(await attempts.succeeded(home), undefined)
    for (let i = 0; i < 100; i++) await fail(1, { ...mira, address: `198.51.100.${i}` })
    assert.equal(await mayTry({ ...mira, address: '192.0.2.1' }), false)
    assert.equal(await mayTry(home), true)
    assert.equal(await mayTry(phone), true)
    pass(HOUR)
    assert.equal(await mayTry({ ...mira, address: '192.0.2.1' }), true)
  })

  test('a known browser has its own limit', async () => {
    const { fail, mayTry, pass } = await startCounting()
    const phone = { ...mira, browser: 'phone' }
    await fail(100, phone)
    pass(60_000)
    assert.equal(await mayTry(phone), false)
    assert.equal(await mayTry({ ...mira, browser: 'laptop' }), true)
    assert.equal(await mayTry(mira), true)
  })

  test('all processes on one database share the count, also under concurrency', async () => {
    const { db, attempts } = await startCounting()
    const processes = [attempts, createAttempts(createLimits(db))]
    const failAtOnce = (times: number) =>
      Promise.all(processes.flatMap(({ failed }) => Array.from({ length: times }, () => failed(mira))))
    await failAtOnce(4)
    await processes[1]?.failed(mira)
    for (const { waitFor } of processes) assert.equal(await waitFor(mira), undefined)
    await processes[0]?.failed(mira)
    for (const { waitFor } of processes) assert.ok(await waitFor(mira))
  })

  test('what was typed cannot be read at rest, and an expired count is deleted', async () => {
    const { db, attempts, pass } = await startCounting()
    await attempts.failed({ ...mira, userName: 'my-password\0' })
    const rows = await db.queries.selectFrom('limits').selectAll().execute()
    assert.equal(rows.length, 3)
    assert.doesNotMatch(JSON.stringify(rows), /password|198\.51/)
    assert.equal(await purgeExpired(db, 'limits'), 0)
    pass(24 * HOUR)
    assert.equal(await purgeExpired(db, 'limits'), 3)
  })
})
