import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { after, test } from 'node:test'
import { onEachEngine, sqliteLocations } from '@preflow/database/testing'
import { type ClaimedMessage, type Outbox, type OutboxMessage, type OutboxOptions, openOutbox } from './outbox.ts'

const LEASE_MS = 120_000
const REPEAT_MS = 60_000
const message = (id: string): OutboxMessage => ({ id, recipient: `${id}@heron.example`, content: `{"about":"${id}"}` })

onEachEngine('outbox', newLocation => {
  const opened: Outbox[] = []
  after(() => Promise.all(opened.map(outbox => outbox.close())))
  const clock = { ms: 1_800_000_000_000 }
  async function open(location: string, options: Partial<OutboxOptions> = {}): Promise<Outbox> {
    const outbox = await openOutbox({ location, now: () => clock.ms, ...options })
    opened.push(outbox)
    return outbox
  }
  const openEmpty = async () => open(await newLocation())
  const claim = async (outbox: Outbox): Promise<ClaimedMessage> => {
    const claimed = await outbox.claim()
    assert.ok(claimed, 'a message is due')
    return claimed
  }

  test('a message is claimed once, as it was added', async () => {
    const outbox = await openEmpty()
    assert.equal(await outbox.add([message('a')]), 1)
    assert.deepEqual(await outbox.claim(), { ...message('a'), attempt: 1, createdAt: clock.ms })
    assert.equal(await outbox.claim(), undefined)
  })

  test('the same message is stored once while it waits, and shortly after it was sent', async () => {
    const outbox = await openEmpty()
    assert.equal(await outbox.add([message('a'), message('b')]), 2)
    assert.equal(await outbox.add([message('a'), message('c')]), 1)
    clock.ms += REPEAT_MS * 10
    assert.equal(await outbox.add([message('a')]), 0, 'still waiting')
    const claimed = await claim(outbox)
    assert.equal(claimed.id, 'a')
    await outbox.markSent(claimed)
    clock.ms += REPEAT_MS
    await outbox.add([message('d')])
    await outbox.markSent(await claim(outbox))
    assert.equal(await outbox.add([message('a')]), 1, 'long after it was sent')
  })

  test('a message sent a moment ago is not stored again, and only its id remains', async () => {
    const outbox = await openEmpty()
    await outbox.add([message('a')])
    await outbox.markSent(await claim(outbox))
    clock.ms += REPEAT_MS - 1
    assert.equal(await outbox.add([message('a')]), 0)
    assert.deepEqual(await outbox.status(), { waiting: 0, dead: 0 })
    clock.ms += 1
    assert.equal(await outbox.add([message('a')]), 1)
    assert.equal((await claim(outbox)).attempt, 1)
  })

  test('a message that was given up is stored again when it is added again', async () => {
    const outbox = await openEmpty()
    await outbox.add([message('a')])
    await outbox.bury(await claim(outbox), 'SMTP 550')
    assert.equal(await outbox.add([message('a')]), 0)
    clock.ms += REPEAT_MS
    assert.equal(await outbox.add([message('a')]), 1)
    assert.deepEqual(await outbox.status(), { waiting: 1, dead: 0, oldestWaitingAt: clock.ms })
  })

  test('the messages of one call are stored all or none', async () => {
    const outbox = await openEmpty()
    await assert.rejects(outbox.add([message('a'), { ...message('b'), recipient: null as never }]))
    assert.deepEqual(await outbox.status(), { waiting: 0, dead: 0 })
    assert.equal(await outbox.add([]), 0)
  })

  test('a postponed message waits until its time, and the earliest one is sent first', async () => {
    const outbox = await openEmpty()
    await outbox.add([message('a')])
    clock.ms += 1
    await outbox.add([message('b')])
    const first = await claim(outbox)
    assert.equal(first.id, 'a')
    await outbox.postpone(first, clock.ms + 5000, 'SMTP 451')
    assert.equal((await claim(outbox)).id, 'b')
    assert.equal(await outbox.claim(), undefined)
    assert.equal(await outbox.nextDueAt(), clock.ms + 5000)
    clock.ms += 5000
    const again = await claim(outbox)
    assert.deepEqual([again.id, again.attempt], ['a', 2])
  })

  test('a message that was given up is not claimed, and is counted', async () => {
    const outbox = await openEmpty()
    await outbox.add([message('a')])
    await outbox.bury(await claim(outbox), 'SMTP 550')
    clock.ms += LEASE_MS * 2
    assert.equal(await outbox.claim(), undefined)
    assert.equal(await outbox.nextDueAt(), undefined)
    assert.deepEqual(await outbox.status(), { waiting: 0, dead: 1 })
  })

  test('several instances share the messages without claiming one twice', async () => {
    const location = await newLocation()
    const instances = await Promise.all(Array.from({ length: 4 }, () => open(location)))
    const ids = Array.from({ length: 40 }, (_, index) => `m${index}`)
    await (instances[0] as Outbox).add(ids.map(message))
    const claimed = await Promise.all(
      instances.map(async outbox => {
        const mine: string[] = []
        for (let next = await outbox.claim(); next; next = await outbox.claim()) mine.push(next.id)
        return mine
      }),
    )
    assert.deepEqual(claimed.flat().sort(), ids.sort())
  })

  test('several instances that get the same call at once store its message once', async () => {
    const location = await newLocation()
    const instances = await Promise.all(Array.from({ length: 4 }, () => open(location)))
    const added = await Promise.all(instances.map(outbox => outbox.add([message('a')])))
    assert.deepEqual(added.sort(), [0, 0, 0, 1])
  })

  test('another instance claims a message of a crashed instance after the lease, not before', async () => {
    const location = await newLocation()
    const [dying, living] = [await open(location), await open(location)]
    await dying.add([message('a')])
    const lost = await claim(dying)
    clock.ms += LEASE_MS - 1
    assert.equal(await living.claim(), undefined)
    clock.ms += 1
    const taken = await claim(living)
    assert.equal(taken.attempt, 2)
    // The first instance was only slow. It no longer owns the message, so its result is ignored.
    await dying.markSent(lost)
    await dying.bury(lost, 'SMTP 550')
    assert.equal((await living.status()).waiting, 1)
    await living.markSent(taken)
    assert.deepEqual(await living.status(), { waiting: 0, dead: 0 })
  })

  test('kill -9 after add loses nothing', async () => {
    const location = await newLocation()
    const child = spawn(process.execPath, [...process.execArgv.filter(isCondition), '--input-type=module'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.end(`
      import { openOutbox } from ${JSON.stringify(new URL('./outbox.ts', import.meta.url).href)}
      const outbox = await openOutbox({ location: ${JSON.stringify(location)}, now: () => ${clock.ms} })
      await outbox.add([${JSON.stringify(message('a'))}, ${JSON.stringify(message('b'))}])
      await outbox.claim()
      process.stdout.write('kept')
      setInterval(() => {}, 1000)
    `)
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    clock.ms += LEASE_MS
    const outbox = await open(location)
    assert.equal((await outbox.status()).waiting, 2)
    assert.deepEqual([(await claim(outbox)).id, (await claim(outbox)).id].sort(), ['a', 'b'])
  })
})

const isCondition = (argument: string) => argument.startsWith('--conditions')
const newFile = sqliteLocations()

test('only the owner can read the file', async () => {
  const location = await newFile()
  const outbox = await openOutbox({ location })
  assert.equal((await stat(location)).mode & 0o777, 0o600)
  assert.equal((await stat(`${location}-wal`)).mode & 0o777, 0o600)
  await outbox.close()
})

test('an unusable location is named without its password', async () => {
  await assert.rejects(openOutbox({ location: '/nowhere/outbox.db' }), {
    name: 'OutboxError',
    message:
      /^The outbox file \/nowhere\/outbox\.db cannot be used: .*Choose a file in a folder with write permission\.$/,
  })
  await assert.rejects(openOutbox({ location: 'postgres://guard:s3cret@127.0.0.1:1/x' }), (error: Error) => {
    assert.match(error.message, /^The outbox in PostgreSQL at 127\.0\.0\.1:1 cannot be used: /)
    assert.doesNotMatch(error.message, /s3cret/)
    return true
  })
})
