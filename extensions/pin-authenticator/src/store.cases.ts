import assert from 'node:assert/strict'
import { once } from 'node:events'
import { before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { NewLocation } from '@preflow/database/testing'
import { reserveAttempt } from './attempts.ts'
import { openStore } from './database.ts'
import { accept, askConfirmation, type Entry, openEntry, resume, spendAttempt } from './entry.ts'
import { normalizeUsername, type Store } from './store.ts'

const limits = { entryMs: 300_000, resultMs: 60_000, attempts: 5 }
const policy = { attempts: 4, lockMs: 60_000, maxLockMs: 240_000 }
const now = 1_790_000_000_000
let flows = 0

function newEntry(facts: Partial<Entry> = {}): Entry {
  const flowId = `flow-${++flows}-of-the-suite`
  const given = {
    flowId,
    step: 1,
    handle: `handle-${flows}`,
    tenant: 'heron.example',
    application: 'Gauge Board',
    ...facts,
  }
  return openEntry(given, now, limits)
}

/** What every database must do. */
export function storeCases(newLocation: NewLocation): void {
  let database: string
  before(async () => {
    database = await newLocation()
  })
  const open = () => openStore(database, assert.ifError)

  async function instances(): Promise<[Store, Store, AsyncDisposable]> {
    const one = await open()
    const two = await open()
    return [one, two, { [Symbol.asyncDispose]: async () => void (await Promise.all([one.close(), two.close()])) }]
  }

  test('instances that start at the same time find the tables created', async () => {
    // Threads, because SQLite waits for a lock and blocks its thread.
    const program = `
      import { workerData } from 'node:worker_threads'
      const { openStore } = await import(workerData.module)
      const store = await openStore(workerData.database, error => { throw error })
      await store.ping()
      await store.close()`
    const workerData = { module: import.meta.resolve('./database.ts'), database }
    const starts = Array.from({ length: 4 }, () => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { workerData })
      return once(worker, 'exit')
    })
    assert.deepEqual(await Promise.all(starts), [[0], [0], [0], [0]])
  })

  test('an entry of one instance is found by another, by handle and by flow', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const bare = newEntry()
    const start = { startedAt: now, startedFrom: '203.0.113.7', startedWith: 'Firefox', organizationName: 'Heron' }
    const full = newEntry({ organization: 'o1', userId: 'u1', userStore: 'PRIMARY', ...start })
    for (const entry of [bare, full]) {
      assert.deepEqual(await one.addEntry(entry), entry)
      assert.deepEqual(await two.findEntry({ handle: entry.handle }), entry)
      assert.deepEqual(await two.findEntry({ flowId: entry.flowId, step: 1 }), entry)
      assert.equal(await two.findEntry({ flowId: entry.flowId, step: 2 }), undefined)
    }
    assert.equal(await two.findEntry({ handle: 'unknown' }), undefined)
  })

  test('a right PIN and the confirmation are stored, and the confirmation page finds the entry by its own handle', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const entry = await one.addEntry(newEntry())
    const accepted = accept(entry, { userId: 'u1', codeHash: 'hash of the code' }, now, limits)
    const asking = askConfirmation(accepted, `confirm-${entry.handle}`)
    assert.ok((await one.swapEntry(entry, accepted)) && (await one.swapEntry(accepted, asking)))
    assert.deepEqual(await two.findEntry({ confirmHandle: `confirm-${entry.handle}` }), asking)
    assert.equal(await two.findEntry({ confirmHandle: entry.handle }), undefined)
  })

  test('a repeated first call, even a concurrent one, creates one entry', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const entry = newEntry()
    const added = await Promise.all(
      [one, two, one, two].map((store, at) => store.addEntry({ ...entry, handle: `${entry.handle}-${at}` })),
    )
    assert.equal(new Set(added.map(({ handle }) => handle)).size, 1)
  })

  test('of changes that race over two instances one wins', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const entry = await one.addEntry(newEntry())
    const swaps = await Promise.all(
      Array.from({ length: 10 }, (_, at) => [one, two][at % 2]?.swapEntry(entry, spendAttempt(entry))),
    )
    assert.equal(swaps.filter(Boolean).length, 1)
    assert.equal((await two.findEntry(entry))?.attempts, 1)
  })

  test('a result requested by two concurrent calls, at two instances, is returned to one', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const entry = await one.addEntry(newEntry())
    const accepted = accept(entry, { userId: 'u1' }, now, limits)
    assert.ok(await one.swapEntry(entry, accepted))
    const taken = await Promise.all(
      Array.from({ length: 10 }, async (_, at) => {
        const resumption = resume(accepted, { id: `call-${at}`, check: 'off', code: 'missing' }, now, limits)
        assert.ok(resumption.tell === 'success' && resumption.swap)
        return [one, two][at % 2]?.swapEntry(accepted, resumption.swap)
      }),
    )
    assert.equal(taken.filter(Boolean).length, 1)
  })

  test('parallel guesses at two instances get no more attempts than the limit', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const guesses = await Promise.all(
      Array.from({ length: 40 }, (_, at) => reserveAttempt(at % 2 ? one : two, 'parallel', now, policy)),
    )
    assert.equal(guesses.filter(guess => guess === 'reserved').length, policy.attempts)
  })

  test('each further lock is twice as long, up to the longest, and a right PIN resets it', async () => {
    const [store, , closing] = await instances()
    await using _ = closing
    let time = now
    for (const lockMs of [60_000, 120_000, 240_000, 240_000]) {
      for (let guess = 0; guess < policy.attempts; guess++) {
        assert.equal(await reserveAttempt(store, 'guessed', time, policy), 'reserved')
      }
      assert.equal(await reserveAttempt(store, 'guessed', time + lockMs - 1, policy), 'locked')
      time += lockMs
    }
    assert.equal(await reserveAttempt(store, 'guessed', time, policy), 'reserved')
    await store.forgetAttempts('guessed')
    assert.equal((await store.findAttempts('guessed'))?.count, undefined)
    assert.equal(await reserveAttempt(store, 'guessed', time, policy), 'reserved')
    assert.equal((await store.findAttempts('guessed'))?.count, 1)
  })

  test('after twice the longest lock without an attempt the count restarts', async () => {
    const [store, , closing] = await instances()
    await using _ = closing
    await reserveAttempt(store, 'rested', now, policy)
    await reserveAttempt(store, 'rested', now + 480_000, policy)
    assert.equal((await store.findAttempts('rested'))?.count, 1)
  })

  test('enrolments are added, replaced, found by id and by name, and deleted', async () => {
    const [one, two, closing] = await instances()
    await using _ = closing
    const claims = [{ uri: 'http://wso2.org/claims/emailaddress', value: ['a@example.com', 'b@example.com'] }]
    const ines = { userId: 'e1', username: 'ines', pinHash: 'h1', claims, groups: ['ops'], updatedAt: now }
    assert.equal(await one.putEnrolment(ines), true)
    assert.deepEqual(await two.findEnrolment({ userId: 'e1' }), ines)
    assert.deepEqual(await two.findEnrolment({ username: 'ines' }), ines)
    const unnamed = { userId: 'e1', pinHash: 'h2', userStore: 'PRIMARY', claims: [], groups: [], updatedAt: now + 1 }
    assert.equal(await one.putEnrolment(unnamed), true)
    assert.deepEqual(await two.findEnrolment({ userId: 'e1' }), unnamed, 'omitted fields are deleted')
    assert.equal(await two.findEnrolment({ username: 'ines' }), undefined)
    assert.equal(await one.deleteEnrolment('e1'), true)
    assert.equal(await two.deleteEnrolment('e1'), false)
  })

  test('two users cannot have the same user name', async () => {
    const [store, , closing] = await instances()
    await using _ = closing
    const user = { username: 'taken', pinHash: 'h', claims: [], groups: [], updatedAt: now }
    assert.equal(await store.putEnrolment({ ...user, userId: 'n1' }), true)
    assert.equal(await store.putEnrolment({ ...user, userId: 'n2' }), false)
    assert.equal((await store.findEnrolment({ username: 'taken' }))?.userId, 'n1')
  })

  test('a hash is replaced only if it is still the checked one', async () => {
    const [store, , closing] = await instances()
    await using _ = closing
    await store.putEnrolment({ userId: 's1', pinHash: 'h1', claims: [], groups: [], updatedAt: now })
    await store.swapPinHash('s1', 'other', 'h2')
    assert.equal((await store.findEnrolment({ userId: 's1' }))?.pinHash, 'h1')
    await store.swapPinHash('s1', 'h1', 'h2')
    assert.equal((await store.findEnrolment({ userId: 's1' }))?.pinHash, 'h2')
  })

  test('finished entries are deleted', async () => {
    const [store, , closing] = await instances()
    await using _ = closing
    const [old, young] = [
      await store.addEntry(newEntry()),
      await store.addEntry({ ...newEntry(), expiresAt: now + 1e9 }),
    ]
    await reserveAttempt(store, 'pruned', now, policy)
    await store.prune({ entriesEnded: now + 1e6, attemptsMade: now + 1 })
    assert.equal(await store.findEntry(old), undefined)
    assert.ok(await store.findEntry(young))
    assert.equal(await store.findAttempts('pruned'), undefined)
  })
}

test('a user name is the same in every spelling', () => {
  for (const typed of [' Ines ', 'INES', 'ｉｎｅｓ']) assert.equal(normalizeUsername(typed), 'ines')
})
