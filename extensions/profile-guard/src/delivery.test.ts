import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { onEachEngine } from '@preflow/database/testing'
import type { Alert } from './alert.ts'
import { createDelivery, type DeliveryEvent, type DeliveryOptions, type DeliveryPorts } from './delivery.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { createSmtp, type SendMail } from './smtp.ts'
import { reply, startMailServer } from './smtp-server.fixture.ts'

const alert: Alert = {
  audience: 'team',
  outcome: 'allowed',
  at: Date.UTC(2026, 10, 21, 10),
  initiator: 'USER',
  tenant: 'heron.example',
  changes: [{ uri: 'http://wso2.org/claims/department', kind: 'changed' }],
}
const message = (id: string) => ({ id, recipient: `${id}@heron.example`, content: JSON.stringify(alert) })
const smtpTo = (port: number): SendMail =>
  createSmtp({ host: '127.0.0.1', port, security: 'none', from: 'alerts@heron.example', timeoutMs: 5000 })

onEachEngine('delivery', newLocation => {
  const opened: Outbox[] = []
  after(() => Promise.all(opened.map(outbox => outbox.close())))
  const clock = { ms: 1_800_000_000_000 }
  async function open(location?: string): Promise<Outbox> {
    const outbox = await openOutbox({ location: location ?? (await newLocation()), now: () => clock.ms })
    opened.push(outbox)
    return outbox
  }
  /** A delivery with a stopped clock and the longest possible retries, and its events. */
  function deliveryOf(ports: Pick<DeliveryPorts, 'outbox' | 'send'>, options: DeliveryOptions = {}) {
    const told: DeliveryEvent[] = []
    const delivery = createDelivery(
      { ...ports, domain: 'heron.example', log: event => told.push(event), now: () => clock.ms, random: () => 1 },
      options,
    )
    return { delivery, told, names: () => told.map(({ event }) => event) }
  }

  test('due messages are sent, each to its recipient, and forgotten', async () => {
    const server = await startMailServer()
    const outbox = await open()
    await outbox.add([message('a'), message('b')])
    const { delivery, names } = deliveryOf({ outbox, send: smtpTo(server.port) })
    await delivery.sendDue()
    assert.deepEqual(
      server.mails.map(({ to }) => to.join()),
      ['a@heron.example', 'b@heron.example'],
    )
    assert.match(server.mails[0]?.source ?? '', /^Message-ID: <a\.[a-z0-9]+@heron\.example>\r$/m)
    assert.deepEqual(names(), ['sent', 'sent'])
    assert.deepEqual(await outbox.status(), { waiting: 0, dead: 0 })
  })

  test('UC-14: while the server is down the message waits, longer after each attempt, and is sent when the server is back', async () => {
    const outbox = await open()
    await outbox.add([message('a')])
    const down = deliveryOf({ outbox, send: smtpTo(1) }, { firstRetryMs: 1000, maxRetryMs: 5000 })
    for (const waitMs of [1000, 2000, 4000, 5000, 5000]) {
      await down.delivery.sendDue()
      assert.equal(await outbox.nextDueAt(), clock.ms + waitMs)
      clock.ms += waitMs
    }
    assert.deepEqual(await outbox.status(), { waiting: 1, dead: 0, oldestWaitingAt: clock.ms - 17_000 })
    const server = await startMailServer()
    await deliveryOf({ outbox, send: smtpTo(server.port) }).delivery.sendDue()
    assert.equal(server.mails.length, 1)
  })

  test('a greylisting server gets the same mail again', async () => {
    let refusals = 0
    const server = await startMailServer({
      onRcptTo: (_address, _session, callback) => (refusals++ === 0 ? callback(reply(451, 'Come back')) : callback()),
    })
    const outbox = await open()
    await outbox.add([message('a')])
    const { delivery, told } = deliveryOf({ outbox, send: smtpTo(server.port) }, { firstRetryMs: 1000 })
    await delivery.sendDue()
    assert.deepEqual(told, [
      { event: 'postponed', message: 'a', attempt: 1, cause: 'SMTP 451 RCPT TO', retryInMs: 1000 },
    ])
    clock.ms += 1000
    await delivery.sendDue()
    assert.deepEqual(told.at(-1), { event: 'sent', message: 'a', attempt: 2 })
    assert.equal(server.mails.length, 1)
  })

  test('a message is given up if the server rejects it, or after the last attempt, and is counted', async () => {
    const refusing = await startMailServer({
      onRcptTo: (_address, _session, callback) => callback(reply(550, 'No such user')),
    })
    const outbox = await open()
    await outbox.add([message('a')])
    const first = deliveryOf({ outbox, send: smtpTo(refusing.port) })
    await first.delivery.sendDue()
    assert.deepEqual(first.told, [{ event: 'given up', message: 'a', attempt: 1, cause: 'SMTP 550 RCPT TO' }])
    await outbox.add([message('b')])
    const second = deliveryOf({ outbox, send: smtpTo(1) }, { maxAttempts: 2, firstRetryMs: 1 })
    await second.delivery.sendDue()
    clock.ms += 1
    await second.delivery.sendDue()
    assert.deepEqual(second.names(), ['postponed', 'given up'])
    assert.deepEqual(await outbox.status(), { waiting: 0, dead: 2 })
  })

  test('an attempt without a result counts, so that a mail which crashes its sender is not retried for ever', async () => {
    const outbox = await open()
    await outbox.add([message('a')])
    await outbox.claim()
    clock.ms += 120_000
    const { delivery, told } = deliveryOf({ outbox, send: smtpTo(1) }, { maxAttempts: 1 })
    await delivery.sendDue()
    assert.deepEqual(told, [{ event: 'given up', message: 'a', attempt: 2, cause: 'too many attempts' }])
  })

  test('retries are spread between half of the wait and all of it', async () => {
    const outbox = await open()
    await outbox.add([message('a')])
    const told: DeliveryEvent[] = []
    const ports = { outbox, send: smtpTo(1), domain: 'heron.example', log: (event: DeliveryEvent) => told.push(event) }
    await createDelivery({ ...ports, now: () => clock.ms, random: () => 0 }, { firstRetryMs: 1000 }).sendDue()
    assert.equal(told[0]?.event === 'postponed' && told[0].retryInMs, 500)
  })

  test('several instances send each message once', async () => {
    const server = await startMailServer()
    const location = await newLocation()
    const instances = await Promise.all([open(location), open(location), open(location)])
    const ids = Array.from({ length: 9 }, (_, index) => `m${index}`)
    await instances[0]?.add(ids.map(message))
    const deliveries = instances.map(outbox => deliveryOf({ outbox, send: smtpTo(server.port) }).delivery)
    await Promise.all(deliveries.map(delivery => delivery.sendDue()))
    assert.deepEqual(server.mails.map(({ to }) => to.join()).sort(), ids.map(id => `${id}@heron.example`).sort())
  })

  test('in the background a new message is sent at once, and one of another instance at the next poll', async () => {
    const server = await startMailServer()
    const location = await newLocation()
    const [mine, others] = [await open(location), await open(location)]
    await others.add([message('left')])
    const { delivery } = deliveryOf({ outbox: mine, send: smtpTo(server.port) }, { pollMs: 60_000 })
    delivery.start()
    await server.received(1)
    await mine.add([message('new')])
    delivery.wake()
    await server.received(2)
    await delivery.stop()
    assert.equal((await mine.status()).waiting, 0)
  })

  test('a failing outbox is reported, and delivery continues when it works again', async () => {
    const server = await startMailServer()
    const outbox = await open()
    await outbox.add([message('a')])
    let isBroken = true
    const failing: Outbox = {
      ...outbox,
      claim: async () => {
        if (!isBroken) return outbox.claim()
        isBroken = false
        throw Object.assign(new Error('connection lost to ines@heron.example'), { code: 'ECONNRESET' })
      },
    }
    const { delivery, told } = deliveryOf({ outbox: failing, send: smtpTo(server.port) }, { pollMs: 1 })
    delivery.start()
    await server.received(1)
    await delivery.stop()
    assert.deepEqual(told[0], { event: 'outbox unavailable', cause: 'ECONNRESET' })
  })

  test('stopping aborts a mail that takes too long; it is retried later', async () => {
    const started = Promise.withResolvers<void>()
    const outbox = await open()
    await outbox.add([message('a')])
    const hanging: SendMail = (_mail, signal) => {
      started.resolve()
      return new Promise(resolve =>
        signal.addEventListener('abort', () => resolve({ result: 'later', cause: 'EABORT' })),
      )
    }
    const { delivery, names } = deliveryOf({ outbox, send: hanging })
    delivery.start()
    await started.promise
    await delivery.stop(0)
    assert.deepEqual(names(), ['postponed'])
    assert.equal((await outbox.status()).waiting, 1)
  })

  test('the events contain no address and no content', async () => {
    const outbox = await open()
    await outbox.add([message('a')])
    const { delivery, told } = deliveryOf({ outbox, send: smtpTo(1) })
    await delivery.sendDue()
    assert.doesNotMatch(JSON.stringify(told), /@|department|heron/)
  })
})
