import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { purgeExpired } from '../../ground/store/purge.ts'
import { createAttempts } from './attempts.ts'

const mira = { tenantId: '1', userName: 'mira', address: '198.51.100.7' }

onEachDatabase('wrong passwords', open => {
  async function startCounting() {
    let time = 1_790_000_000_000
    const db = await open({ now: () => time })
    const attempts = createAttempts(db)
    return {
      db,
      attempts,
      pass: (ms: number) => {
        time += ms
      },
      fail: async (times: number) => {
        for (let round = 0; round < times; round++) await attempts.failed(mira)
      },
    }
  }

  test('after ten, passwords are rejected until a minute after the last', async () => {
    const { attempts, fail, pass } = await startCounting()
    await fail(9)
    assert.equal(await attempts.mayTry(mira), true)
    pass(59_999)
    await fail(1)
    assert.equal(await attempts.mayTry(mira), false)
    pass(59_999)
    assert.equal(await attempts.mayTry(mira), false)
    pass(1)
    assert.equal(await attempts.mayTry(mira), true)
    await fail(9)
    assert.equal(await attempts.mayTry(mira), true)
  })

  test('the right password resets the count', async () => {
    const { attempts, fail } = await startCounting()
    await fail(9)
    assert.equal(await attempts.succeeded(mira), true)
    await fail(9)
    assert.equal(await attempts.mayTry(mira), true)
  })

  test('the right password is rejected among too many concurrent wrong ones', async () => {
    const { attempts, fail } = await startCounting()
    assert.equal(await attempts.mayTry(mira), true)
    await fail(10)
    assert.equal(await attempts.succeeded(mira), false)
    assert.equal(await attempts.mayTry(mira), false)
  })

  test('the pause affects no other user, address or tenant', async () => {
    const { attempts, fail } = await startCounting()
    await fail(10)
    assert.equal(await attempts.mayTry({ ...mira, userName: 'MIRA' }), false)
    assert.equal(await attempts.mayTry({ ...mira, userName: 'ann' }), true)
    assert.equal(await attempts.mayTry({ ...mira, address: '203.0.113.9' }), true)
    assert.equal(await attempts.mayTry({ ...mira, tenantId: '2' }), true)
  })

  test('all processes on one database share the count, also under concurrency', async () => {
    const { db, attempts } = await startCounting()
    const processes = [attempts, createAttempts(db)]
    const failAtOnce = (times: number) =>
      Promise.all(processes.flatMap(({ failed }) => Array.from({ length: times }, () => failed(mira))))
    await failAtOnce(4)
    await processes[1]?.failed(mira)
    for (const { mayTry } of processes) assert.equal(await mayTry(mira), true)
    await processes[0]?.failed(mira)
    for (const { mayTry } of processes) assert.equal(await mayTry(mira), false)
  })

  test('what was typed cannot be read at rest, and an expired count is deleted', async () => {
    const { db, attempts, pass } = await startCounting()
    await attempts.failed({ ...mira, userName: 'my-password\0' })
    const rows = await db.queries.selectFrom('wrong_passwords').selectAll().execute()
    assert.equal(rows.length, 1)
    assert.doesNotMatch(JSON.stringify(rows), /password|198\.51/)
    assert.equal(await purgeExpired(db, 'wrong_passwords'), 0)
    pass(60_000)
    assert.equal(await purgeExpired(db, 'wrong_passwords'), 1)
  })
})
